"""Alarms: broken chains and unusual reading; seen, and explained by somebody else (S4 #156)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection, and_, select
from starlette.responses import Response

from shared.declare import text
from shared.unusual import KINDS
from sync_server.admin.forms import Form, submit
from sync_server.admin.listing import Column, Filter, Listing, Row
from sync_server.admin.page import WITH_MANAGERS, Page, Visiting
from sync_server.admin.visit import Visit
from sync_server.db.log import ALARM
from sync_server.db.records import RECORDS
from sync_server.services import accounts, alarm_review
from sync_server.services.alarms import BROKEN

PAGE = Page("alarms", group="now", roles=WITH_MANAGERS)
router = PAGE.router()
_ALARM, _STAFF = ALARM.c, RECORDS["staff"].c


@dataclass(frozen=True, slots=True, kw_only=True)
class Explain:
    """What was behind it."""

    explanation: str = text(alarm_review.LONGEST_EXPLANATION, required=True)


def _dressed(_connection: Connection, _visit: Visit, rows: list[Row]) -> list[Row]:
    return [{**row, "state": _state(row)} for row in rows]


def _state(row: Row) -> str:
    return "explained" if row["explained_at"] else "seen" if row["seen_at"] else "open"


ALARMS = Listing(
    name="alarms",
    source=select(
        _ALARM.id,
        _ALARM.kind,
        _ALARM.raised_at,
        _ALARM.staff_id,
        _ALARM.seen_at,
        _ALARM.explained_at,
        _STAFF.name.label("staff"),
    ).outerjoin(
        RECORDS["staff"], and_(_STAFF.org_id == _ALARM.org_id, _STAFF.id == _ALARM.staff_id)
    ),
    org=_ALARM.org_id,
    key=_ALARM.id,
    columns=(
        Column("raised_at", sort=_ALARM.raised_at),
        Column("kind"),
        Column("staff"),
        Column("state"),
    ),
    filters=(
        Filter(
            "alarm_state",
            lambda _visit, word: alarm_review.of_state(word),
            choices=alarm_review.STATES,
        ),
        Filter("alarm_kind", lambda _visit, word: _ALARM.kind == word, choices=(*BROKEN, *KINDS)),
    ),
    scope=lambda visit: alarm_review.in_reach(visit.caller),
    dress=_dressed,
    order="-raised_at",
)


@router.get("")
def alarms(visit: Visiting) -> Response:
    """Every alarm within reach, the newest first."""
    with visit.server.database.read() as connection:
        found = ALARMS.read(connection, visit)
    return visit.show("alarms.html", found=found)


@router.get("/{alarm_id}")
def alarm(alarm_id: str, visit: Visiting) -> Response:
    """One alarm: what was found, and what was said of it."""
    return _alarm(visit, alarm_id, Form(Explain))


@router.post("/{alarm_id}/seen")
def see(alarm_id: str, visit: Visiting) -> Response:
    """I have seen it."""
    alarm_review.see(visit.server.database, visit.caller, [alarm_id], visit.now)
    return visit.done(PAGE.path, "alarms.said.seen")


@router.post("/{alarm_id}/explain")
def explain(alarm_id: str, visit: Visiting) -> Response:
    """What was behind it; then it is done."""
    return submit(
        visit, Explain, partial(_explained, visit, alarm_id), partial(_alarm, visit, alarm_id)
    )


def _explained(visit: Visit, alarm_id: str, said: Explain) -> Response:
    alarm_review.explain(visit.server.database, visit.caller, alarm_id, said.explanation, visit.now)
    return visit.done(PAGE.path, "alarms.said.explained")


def _alarm(visit: Visit, alarm_id: str, form: Form[Explain], status: int = 200) -> Response:
    with visit.server.database.read() as connection:
        found = alarm_review.alarm(connection, visit.caller, alarm_id)
        people = {found.staff_id, found.seen_by, found.explained_by}
        names = accounts.staff_names(connection, visit.org_id, people)
    return visit.show("alarm.html", status=status, alarm=found, people=names, form=form)

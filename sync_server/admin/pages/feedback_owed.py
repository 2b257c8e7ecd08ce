"""What each department owes its customers: feedback by deadline and effect (S0 #29).

Below the page of feedback. A store manager reads what was said where they hold the customer; an
administrator sees topics, deadlines and effects. Whoever belongs to a department (their team has
its name) begins with its list.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import urlencode

from sqlalchemy import Connection, select
from starlette.responses import RedirectResponse, Response

from shared.clock import to_wire
from shared.entities.desk import EFFECTS
from sync_server.admin.listing import Column, Filter, Listing, Offer, Row
from sync_server.admin.page import WITH_MANAGERS, Page, Visiting
from sync_server.admin.pages.feedback import titled, worded
from sync_server.admin.visit import Visit
from sync_server.db.records import RECORDS
from sync_server.services import feedback_owed, look_listing
from sync_server.services.feedback_figures import Topic, topics

PAGE = Page("owed", path="/console/feedback/owed", roles=WITH_MANAGERS)
router = PAGE.router()
_FEEDBACK, _STAFF = RECORDS["feedback"].c, RECORDS["staff"].c


def _dressed(connection: Connection, visit: Visit, rows: list[Row]) -> list[Row]:
    ids = {row["customer_id"] for row in rows}
    names = look_listing.names_held(connection, visit.caller, ids, visit.now)
    known = {one.key: one for one in topics(connection, visit.org_id)}
    called, now = _called(visit, known.values()), to_wire(visit.now)
    return [
        {
            **row,
            "name": names.get(row["customer_id"], ""),
            "said": row["said"] if row["customer_id"] in names else "",
            "department": called.get(row["department"], row["department"]),
            "title": titled(visit.words, known.get(row["topic"]), row["topic"]),
            "late": row["finished_at"] is None and row["due_at"] < now,
        }
        for row in rows
    ]


def _called(visit: Visit, known: Iterable[Topic]) -> dict[str, str]:
    """What a department is called here, by each of its names."""
    return {
        name: worded(visit.words, topic.department)
        for topic in known
        for name in topic.department.values()
    }


def _departments(connection: Connection, visit: Visit) -> Mapping[str, Offer]:
    """Departments of the taxonomy, each by all of its names; and one that is asked for and that it
    has no more."""
    known = topics(connection, visit.org_id)
    called = _called(visit, known)
    words = {"|".join(sorted(names)) for names in feedback_owed.names_of(known).values()}
    words |= {visit.asked.get("department", "")} - {""}

    def offer(word: str) -> Offer:
        names = word.split("|")
        return Offer(called.get(names[0], names[0]), lambda: _FEEDBACK.department.in_(names))

    found = {word: offer(word) for word in words}
    return dict(sorted(found.items(), key=lambda one: one[1].label))


OWED = Listing(
    name="owed",
    source=select(
        _FEEDBACK.id, _FEEDBACK.customer_id, _FEEDBACK.topic, _FEEDBACK.said,
        _FEEDBACK.department, _FEEDBACK.due_at, _FEEDBACK.finished_at, _FEEDBACK.effect,
    ).select_from(feedback_owed.JOINED),
    org=_FEEDBACK.org_id,
    key=_FEEDBACK.id,
    columns=(
        Column("topic"),
        Column("customer"),
        Column("department"),
        Column("due_at", sort=_FEEDBACK.due_at),
        Column("effect"),
    ),
    filters=(
        Filter("department", offers=_departments),
        Filter(
            "standing",
            lambda visit, word: feedback_owed.standing(word, visit.now),
            choices=feedback_owed.STATES,
        ),
        Filter("effect", lambda _visit, word: _FEEDBACK.effect == word, choices=EFFECTS),
    ),
    order="due_at",
    scope=lambda visit: feedback_owed.scope(visit.caller),
    dress=_dressed,
)  # fmt: skip


@router.get("")
def owed(visit: Visiting) -> Response:
    """Accounts of all departments above the list; first what is owed, of one's own department."""
    if "standing" not in visit.asked:
        mine = {"standing": "owed", "department": _own_department(visit)}
        return RedirectResponse(f"{PAGE.path}?{urlencode(mine)}", 303)
    with visit.server.database.read() as connection:
        known = topics(connection, visit.org_id)
        return visit.show(
            "feedback_owed.html",
            found=OWED.read(connection, visit),
            called=_called(visit, known),
            accounts=feedback_owed.accounts(connection, visit.caller, known, visit.now),
        )


def _own_department(visit: Visit) -> str:
    with visit.server.database.read() as connection:
        team = connection.scalar(
            select(_STAFF.team).where(
                _STAFF.org_id == visit.org_id, _STAFF.id == visit.caller.staff_id
            )
        )
        known = feedback_owed.names_of(topics(connection, visit.org_id))
    return "|".join(next((sorted(names) for names in known.values() if team in names), ()))


__all__ = ["OWED", "PAGE", "router"]

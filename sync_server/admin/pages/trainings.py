"""Trainings: what stores hold, and what fails called for (S0 #9, S1 #69)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.responses import Response

from shared.declare import Role, choice, day, reference, text
from shared.errors import Code, Refusal
from sync_server.admin.forms import Form, filled, submit
from sync_server.admin.page import WITH_MANAGERS, Page, Visiting
from sync_server.admin.visit import Visit
from sync_server.services import rankings, trainings
from sync_server.services.accounts import policy_of

PAGE = Page("trainings", group="people", roles=WITH_MANAGERS)
router = PAGE.router()
_BESIDE = ("attended",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A training as it was held; who was there is chosen beside it."""

    training_kind: str = choice(*trainings.EVERY, required=True)
    held_on: Any = day(required=True)
    subject_line: str = text(200, required=True)
    note: str | None = text(1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """What was done about a fail."""

    done_note: str = text(1000, required=True)
    review_outcome: str | None = choice(*trainings.OUTCOMES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """Who sees to it, and by when."""

    owner: str = reference("staff", required=True)
    due_on: Any = day(required=True)


@router.get("")
def listed(visit: Visiting) -> Response:
    """Of one's own store; of all for administrators, who note nothing."""
    return _page(visit, filled(Held), 200)


@router.post("")
def hold(visit: Visiting) -> Response:
    """One more that was held."""
    _check_manages(visit)
    return submit(visit, Held, partial(_held, visit), partial(_page, visit), _BESIDE)


@router.post("/{training_id}/close")
def close(training_id: str, visit: Visiting) -> Response:
    """What a fail called for is done."""
    _check_manages(visit)

    def done(asked: Closed) -> Response:
        trainings.close(
            visit.server.database, visit.caller, training_id, note=asked.done_note,
            outcome=asked.review_outcome, now=visit.now, today=visit.today,
        )  # fmt: skip
        return visit.done(PAGE.path, "trainings.closed")

    return submit(visit, Closed, done, partial(_page, visit, of=training_id))


@router.post("/{training_id}/hand")
def hand(training_id: str, visit: Visiting) -> Response:
    """Somebody else sees to it, or by another day."""
    _check_manages(visit)

    def done(asked: Handed) -> Response:
        trainings.hand_to(
            visit.server.database, visit.caller, training_id, asked.owner, asked.due_on, visit.now
        )
        return visit.done(PAGE.path, "trainings.handed")

    return submit(visit, Handed, done, partial(_page, visit, of=training_id))


def _check_manages(visit: Visit) -> None:
    if visit.caller.role is not Role.STORE_MANAGER:
        raise Refusal(Code.ROLE_NOT_ALLOWED)


def _held(visit: Visit, asked: Held) -> Response:
    there = [str(one) for one in visit.form.getlist("attended")]
    trainings.hold(
        visit.server.database, visit.caller, kind=asked.training_kind, held_on=asked.held_on,
        title=asked.subject_line, attended=there, note=asked.note, now=visit.now,
        today=visit.today,
    )  # fmt: skip
    return visit.done(PAGE.path, "trainings.held")


def _page(visit: Visit, form: Form[Any], status: int, of: str = "") -> Response:
    """`of`: the training whose form is shown again, where it is none of a new one."""
    manages = visit.caller.role is Role.STORE_MANAGER
    store = (visit.caller.store_id or "") if manages else None
    with visit.server.database.read() as connection:
        policy = policy_of(connection, visit.org_id, visit.now)
        due = trainings.due(connection, visit.org_id, policy, store)
        opened = trainings.opened(connection, visit.org_id, store)
        done = trainings.done(connection, visit.org_id, store)
        names = rankings.names(connection, visit.org_id)
        stores = rankings.store_names(connection, visit.org_id)
        people = rankings.people_of(connection, visit.org_id, store) if store else []
    return visit.show(
        "trainings.html",
        status=status,
        form=filled(Held) if of else form,
        again={of: form} if of else {},
        there=visit.form.getlist("attended"),
        due=due,
        opened=opened,
        done=done,
        names=names,
        stores=stores,
        people=people,
        manages=manages,
        today=visit.today,
        outcomes=trainings.OUTCOMES,
    )


__all__ = ["PAGE", "router"]

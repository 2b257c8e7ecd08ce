"""Access: who asks for more, who holds a customer, until when and on which devices; an hour more,
and the end of it (S3 #149, #151)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from starlette.responses import Response

from shared.declare import Role, choice, text
from shared.errors import Code, Refusal
from sync_server.admin.forms import Form, submit
from sync_server.admin.page import WITH_MANAGERS, Page, Visiting
from sync_server.admin.visit import Visit
from sync_server.services import approvals, audit, holders, receipts, steering
from sync_server.services.accounts import staff_names
from sync_server.services.audit import Action
from sync_server.services.look_listing import names_held

PAGE = Page("grants", group="access", roles=WITH_MANAGERS)
router = PAGE.router()
LATELY = timedelta(days=7)
_SHOWN = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Yes or no, and a word to whoever asked."""

    decision: str = choice("approved", "refused", required=True)
    answer: str | None = text(200)


@router.get("")
def grants(visit: Visiting) -> Response:
    """Who asks, and what devices have not signed for; or the customer that was looked for."""
    wanted = visit.asked.get("customer", "").strip()
    if wanted:
        return _customer(visit, wanted)
    waiting = approvals.waiting_for(visit.server.database, visit.caller, visit.now)
    late: list[receipts.Outstanding] = []
    if visit.caller.role is Role.ADMINISTRATOR:
        late = receipts.outstanding(visit.server.database, visit.org_id, visit.now)
    shown = late[:_SHOWN]
    asking = {one.customer_id for one in waiting}
    with visit.server.database.read() as connection:
        ids = {one.staff_id for one in waiting} | {one.staff_id for one in shown}
        people = staff_names(connection, visit.org_id, ids)
        called = names_held(connection, visit.caller, asking, visit.now)
    return visit.show(
        "grants.html", waiting=waiting, late=shown, more=len(late) > _SHOWN,
        people=people, called=called,
    )  # fmt: skip


@router.post("/requests/{request_id}")
def decide(request_id: str, visit: Visiting) -> Response:
    return submit(visit, Decision, partial(_decided, visit, request_id), _again)


@router.post("/{grant_id}/more")
def more(grant_id: str, visit: Visiting) -> Response:
    """One hour more, from its end or from now."""
    given = steering.give_more(visit.server.database, visit.caller, grant_id, 1, visit.now)
    return visit.done(_back(visit), "grants.given", until=visit.words.when(given.expires_at))


@router.post("/{grant_id}/end")
def end(grant_id: str, visit: Visiting) -> Response:
    """Now, and not at its own time."""
    steering.end_now(visit.server.database, visit.caller, grant_id, "ended", visit.now)
    return visit.done(_back(visit), "grants.ended")


def _decided(visit: Visit, request_id: str, said: Decision) -> Response:
    approvals.decide_request(
        visit.server.database,
        visit.caller,
        request_id,
        approve=said.decision == "approved",
        answer=said.answer,
        now=visit.now,
    )
    return visit.done(PAGE.path, f"grants.now_{said.decision}")


def _again(_form: Form[Decision], _status: int) -> Response:
    """Two buttons: whatever else comes was no form of ours."""
    raise Refusal(Code.MALFORMED)


def _customer(visit: Visit, customer_id: str) -> Response:
    """Who holds one customer. A store manager may look at those that they hold."""
    with visit.server.database.read() as connection:
        held = holders.who_holds(connection, visit.org_id, customer_id, visit.now)
        mine = any(
            one.staff_id == visit.caller.staff_id and one.bucket == f"customer:{customer_id}"
            for one in held.people
        )
        if visit.caller.role is not Role.ADMINISTRATOR and not mine:
            raise Refusal(Code.OUT_OF_SCOPE)
        lately = holders.ended_since(
            connection, visit.org_id, customer_id, visit.now - LATELY, visit.now
        )
        people = staff_names(connection, visit.org_id, {one.staff_id for one in held.devices})
        called = names_held(connection, visit.caller, [customer_id], visit.now).get(customer_id)
    with visit.server.database.write() as connection:
        audit.note(
            connection, visit.caller, Action.HOLDERS_ASKED, now=visit.now,
            subject=("customer", customer_id), customer=customer_id,
        )  # fmt: skip
    running = {(one.staff_id, one.bucket) for one in held.people}
    return visit.show(
        "grants_customer.html", held=held, called=called, people=people,
        lately=[one for one in lately if (one.staff_id, one.bucket) not in running],
    )  # fmt: skip


def _back(visit: Visit) -> str:
    customer_id = str(visit.form.get("customer", ""))
    known = customer_id.replace("-", "").isalnum()
    return f"{PAGE.path}?customer={customer_id}" if known else PAGE.path

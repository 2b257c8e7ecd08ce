"""What people write on their phones, through the same units as the app's own screens."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from mobile.store.unit import Unit
from mobile.store.withdrawing import withdraw
from shared.entities import (
    Callback,
    Case,
    CaseEvent,
    Conflict,
    Contact,
    Customer,
    File,
    Report,
    Visit,
)
from shared.entities.callback import Attempt
from shared.errors import Refusal
from shared.ids import new_id
from shared.states import next_states
from tests.sim import cast
from tests.sim.phone import Phone
from tests.sim.world import World

Work = Callable[["Desk"], None]
WORKS: dict[str, Work] = {}


def work(written: Work) -> Work:
    """Names a kind of work after its function."""
    WORKS[written.__name__] = written
    return written


@dataclass
class Desk:
    """One person about to write something. `a` and `b` (0 to 999) choose what and where."""

    world: World
    phone: Phone
    a: int
    b: int

    def unit(self, fill: Callable[[Unit], Any]) -> None:
        """One tap on "save"."""
        if self.a % 97 == 0:  # a hand that slips: a unit that is left without commit is nothing
            with self.phone.store.unit() as unit:
                fill(unit)
            return
        with self.phone.store.unit() as unit:
            fill(unit)
            unit.commit()
        self.world.say(f"  {self.phone.name} saved")

    def said(self, kind: str, customer: str) -> str:
        """Words that stand nowhere else, with the customer's mark in them."""
        self.world.counter += 1
        return f"{cast.mark(kind, customer)} {self.phone.name} {self.world.counter}"

    def any(self, cls: type[Any], number: int, **where: Any) -> Any:
        """A record that is on the screen now, or None."""
        try:
            found = self.phone.store.find(cls, **where)
        except Refusal:  # reading is suspended, writing goes on
            return None
        return found[number % len(found)] if found else None

    def customer(self) -> str:
        """Whose customer they write about: one that they see, else one that they remember."""
        seen = self.any(Customer, self.b)
        return seen.id if seen else self.world.customers[self.b % len(self.world.customers)]

    def write(self, fill: Callable[[], None]) -> None:
        self.world.authors(self.phone, fill)


def _visit(desk: Desk, customer: str, **facts: Any) -> Visit:
    return Visit(
        id=new_id(),
        customer_id=customer,
        owner_id=desk.phone.id,
        purpose="care",
        state="planned",
        planned_at=desk.phone.store.now(),
        notes=desk.said("W", customer),
        **facts,
    )


@work
def a_visit(desk: Desk) -> None:
    customer = desk.customer()
    desk.unit(lambda unit: unit.create(_visit(desk, customer)))


@work
def several_visits(desk: Desk) -> None:
    customer = desk.customer()
    for _ in range(2 + desk.a % 4):
        desk.unit(lambda unit: unit.create(_visit(desk, customer)))


@work
def a_visit_goes_on(desk: Desk) -> None:
    visit = desk.any(Visit, desk.a)
    if visit is None:
        return
    states = sorted(next_states("visit", visit.state))
    values: dict[str, Any] = {"notes": desk.said("W", visit.customer_id)}
    if states and desk.b % 2:
        values = {"state": states[desk.b % len(states)]}
    elif desk.b % 5 == 0:
        values["minutes"] = 30 + desk.b % 60
    desk.unit(lambda unit: unit.update(visit, **values))


@work
def a_customer_edited(desk: Desk) -> None:
    customer = desk.any(Customer, desk.a)
    if customer is None:
        return
    field, kind = (
        ("needs", "W"),
        ("profile", "W"),
        ("industry", "W"),
        ("service_preferences", "A"),
        ("city", "A"),
        ("contact_verified_at", ""),
    )[desk.b % 6]
    value: Any = desk.said(kind, customer.id) if kind else desk.phone.store.now()
    desk.unit(lambda unit: unit.update(customer, **{field: value}))


@work
def two_records_at_once(desk: Desk) -> None:
    customer = desk.any(Customer, desk.a)
    if customer is None:
        return

    def fill(unit: Unit) -> None:
        unit.update(customer, churn_signals=desk.said("W", customer.id))
        unit.create(_visit(desk, customer.id))

    desk.unit(fill)


@work
def a_new_customer(desk: Desk) -> None:
    made = new_id()

    def fill(unit: Unit) -> None:
        unit.create(
            Customer(id=made, name=desk.said("A", made), needs=desk.said("W", made), kind="person")
        )
        unit.create(_visit(desk, made))

    desk.unit(fill)
    desk.world.customers.append(made)


@work
def a_contact(desk: Desk) -> None:
    customer = desk.customer()
    made = Contact(
        id=new_id(),
        customer_id=customer,
        name=desk.said("A", customer),
        note=desk.said("W", customer),
    )
    desk.unit(lambda unit: unit.create(made))


@work
def a_case(desk: Desk) -> None:
    customer = desk.customer()

    def fill(unit: Unit) -> None:
        unit.create(
            Case(
                id=new_id(),
                number=unit.case_number(),
                customer_id=customer,
                kind="complaint",
                title=desk.said("A", customer),
                state="new",
                opened_at=desk.phone.store.now(),
            )
        )

    desk.unit(fill)


@work
def a_case_goes_on(desk: Desk) -> None:
    case = desk.any(Case, desk.a)
    if case is None:
        return
    states = sorted(next_states("case", case.state))
    state = states[desk.b % len(states)] if states and desk.b % 3 else case.state
    facts = {"closed_at": desk.phone.store.now()} if state == "closed" else {}

    def fill(unit: Unit) -> None:
        unit.update(case, state=state, description=desk.said("A", case.customer_id), **facts)
        unit.create(
            CaseEvent(
                id=new_id(),
                case_id=case.id,
                customer_id=case.customer_id,
                kind="moved",
                happened_at=desk.phone.store.now(),
                from_state=case.state,
                to_state=state,
                staff_id=desk.phone.id,
                note=desk.said("A", case.customer_id),
            )
        )

    desk.unit(fill)


@work
def a_report(desk: Desk) -> None:
    case = desk.any(Case, desk.a)
    if case is None:
        return
    made = Report(
        id=new_id(),
        case_id=case.id,
        customer_id=case.customer_id,
        author_id=desk.phone.id,
        cause=desk.said("A", case.customer_id),
    )
    desk.unit(lambda unit: unit.create(made))


@work
def a_callback(desk: Desk) -> None:
    customer = desk.customer()
    case = desk.any(Case, desk.a) if desk.a % 2 else None
    made = Callback(
        id=new_id(),
        customer_id=case.customer_id if case else customer,
        case_id=case.id if case else None,
        kind="after_complaint",
        state="scheduled",
        due_at=desk.phone.store.now() + timedelta(hours=desk.b % 40),
    )
    desk.unit(lambda unit: unit.create(made))


@work
def a_call_made(desk: Desk) -> None:
    callback = desk.any(Callback, desk.a)
    if callback is None:
        return
    attempt = Attempt(
        at=desk.phone.store.now(), result="no_answer", note=desk.said("A", callback.customer_id)
    )
    states = sorted(next_states("callback", callback.state))
    moved = {"state": states[desk.b % len(states)]} if states and desk.b % 2 else {}
    desk.unit(lambda unit: unit.update(callback, attempts=(*callback.attempts, attempt), **moved))


@work
def a_look(desk: Desk) -> None:
    customer = desk.customer()
    desk.unit(lambda unit: unit.look(customer, "customer", customer))


@work
def a_photo(desk: Desk) -> None:
    visit = desk.any(Visit, desk.a)
    if visit is None:
        return
    data = _picture(desk, visit.customer_id)

    def fill(unit: Unit) -> None:
        file = unit.attach(
            File(
                id=new_id(),
                customer_id=visit.customer_id,
                visit_id=visit.id,
                media_type="application/pdf",
                purpose="document",
            ),
            data,
        )
        unit.update(visit, photo_ids=(*visit.photo_ids, file.id))

    desk.unit(fill)


def _picture(desk: Desk, customer: str) -> bytes:
    """A document of a few upload parts that nobody else has, with the customer's mark in it."""
    return b"%PDF-1.4\n% " + f"{desk.said('W', customer)} ".encode() * 6 + b"\n%%EOF\n"


@work
def a_conflict_resolved(desk: Desk) -> None:
    conflict = desk.any(Conflict, desk.a, resolution=None)
    if conflict is None:
        return
    resolution = ("kept", "other")[desk.b % 2]
    desk.unit(lambda unit: unit.update(conflict, resolution=resolution))


@work
def a_change_taken_back(desk: Desk) -> None:
    """A decision on a conflict is undone, as long as it was not sent."""
    unsent = [w for w in desk.phone.store.waiting() if w.verdict is None]
    waiting = [w for w in unsent if w.entity == "conflict"]
    if waiting:
        chosen = waiting[desk.a % len(waiting)]
        if withdraw(desk.phone.store.parts, chosen.number):
            desk.world.note("change taken back")
            desk.world.authored[chosen.change_id].excused = "taken back by its author"


@work
def a_draft(desk: Desk) -> None:
    key = f"draft/{desk.a % 3}"
    body = {"notes": f"half a word {desk.world.counter}"}
    desk.phone.store.save_draft(key, body)
    desk.world.drafts[desk.phone.name][key] = body


@work
def written_by_another_version(desk: Desk) -> None:
    """An outbox that an older app filled, or one that a newer app filled before it was taken back
    (docs/protocol.md, Two versions at once)."""
    a_visit(desk)
    newest = desk.phone.peek(
        "SELECT number, change FROM outbox WHERE number > ?",
        desk.world.seen_number[desk.phone.name],
    )
    for number, text in newest:
        change: dict[str, Any] = json.loads(text)
        if desk.b % 2:
            change["fields"]["from_the_future"] = desk.said("W", change["fields"]["customer_id"])
        else:
            del change["protocol"]
        desk.phone.peek(
            "UPDATE outbox SET change = ? WHERE number = ?",
            json.dumps(change, ensure_ascii=False, separators=(",", ":")),
            number,
        )

"""The agenda: what is overdue, what goes on now and what comes next, for whoever is working (S0
#20-#23, S2 #90, #93, #96).

Pure reading: rows of the store in, cards out. Nothing here looks at a clock or writes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from mobile.usecases.case_clocks import Clocks
from shared.declare import Record, Role
from shared.entities import Callback, Case, Contact, Customer, RetentionPlan, Visit
from shared.policy import PolicySettings
from shared.queueing import place_in_queue

if TYPE_CHECKING:
    from mobile.store.store import Store

R = TypeVar("R", bound=Record)

BEGUN = frozenset({"started", "en_route", "on_site", "in_progress"})
NOW_WITHIN = timedelta(minutes=30)
AHEAD = timedelta(days=7)

_DONE: dict[type, tuple[str, str]] = {
    Visit: ("finished", "finished_at"),
    Case: ("resolved", "resolved_at"),
    Callback: ("done", "finished_at"),
    RetentionPlan: ("done", "finished_at"),
}
Planned = Visit | Case | Callback | RetentionPlan
_KINDS: dict[str, tuple[type[Planned], ...]] = {
    Role.ACCOUNT_MANAGER: (Visit, Callback, Case, RetentionPlan),
    Role.TECHNICIAN: (Case,),
    Role.CALLBACK_AGENT: (Callback,),
    Role.STORE_MANAGER: (Visit, Case, Callback, RetentionPlan),
}
_TELLING = frozenset({Role.CALLBACK_AGENT})
"""Who tells customers how their cases stand (S2 #90)."""


_FOLDER = {"visit": "visits", "repair": "cases", "update": "cases", "callback": "callbacks"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One card. `kind`: visit, repair, callback, retention_plan, or update for a case whose
    customer is to be told how it stands; `what`: purpose, kind or cause, a choice word or a title.
    """

    kind: str
    id: str
    customer_id: str
    who: str
    what: str
    titled: bool  # `what` is a text of its own, not a choice word
    at: datetime
    place: str
    phone: str
    state: str
    pending: bool
    vip: bool = False
    priority: str | None = None

    @property
    def begun(self) -> bool:
        """Someone is at it. Telling a customer is not begun by working on their case."""
        return self.kind != "update" and self.state in BEGUN

    @property
    def route(self) -> str:
        """The screen that the card opens."""
        if self.kind == "retention_plan":
            return f"/customers/{self.customer_id}/plan/{self.id}"
        return f"/{_FOLDER[self.kind]}/{self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Agenda:
    """All that is open within the coming week, each item in one of the three lists, by time."""

    overdue: tuple[Item, ...]
    now: tuple[Item, ...]
    next: tuple[Item, ...]
    today: int
    done_today: int

    @property
    def empty(self) -> bool:
        return not (self.overdue or self.now or self.next)


def agenda(store: Store, now: datetime, midnight: datetime) -> Agenda:
    """The agenda at `now`. `midnight` begins the user's tomorrow: there "today" ends."""
    staff = store.staff()
    kinds = _KINDS.get(staff.role, ())
    reading = _Reading(store)
    found = [
        reading.item(record)
        for kind in kinds
        for record in store.agenda(
            kind, until=now + AHEAD if kind in (Visit, RetentionPlan) else None
        )
        if _mine(record, staff.id, staff.role) and reading.due_time(record) <= now + AHEAD
    ]
    if staff.role in _TELLING:
        found += _updates(store, reading, midnight)
    return arrange(
        found, store.policy(), now, midnight, sum(_done(store, kind, midnight) for kind in kinds)
    )


def arrange(
    items: Iterable[Item], policy: PolicySettings, now: datetime, midnight: datetime, done: int
) -> Agenda:
    """Sorts items into the three lists: begun or about to begin, overdue, and the rest. Of what is
    overdue VIPs come first, as the policy has it (S2 #86); what has its time keeps it."""
    lists: dict[str, list[Item]] = {"overdue": [], "now": [], "next": []}
    today = 0
    for item in sorted(items, key=lambda i: (i.at, i.id)):
        today += midnight - timedelta(days=1) <= item.at < midnight
        if item.begun or abs(item.at - now) <= NOW_WITHIN:
            lists["now"].append(item)
        else:
            lists["overdue" if item.at < now else "next"].append(item)
    lists["overdue"].sort(
        key=lambda i: (place_in_queue(policy, i.at, vip=i.vip, priority=i.priority), i.id)
    )
    return Agenda(
        overdue=tuple(lists["overdue"]),
        now=tuple(lists["now"]),
        next=tuple(lists["next"]),
        today=today,
        done_today=done,
    )


def _mine(record: Any, staff_id: str, role: str) -> bool:
    """A store manager sees the store's whole day, but plans that are their own alone; everyone
    else what is theirs."""
    if isinstance(record, RetentionPlan):
        return record.owner_id == staff_id
    if role == Role.STORE_MANAGER:
        return True
    holder = record.owner_id if isinstance(record, Visit) else record.assignee_id
    return holder is None or holder == staff_id


def _updates(store: Store, reading: _Reading, midnight: datetime) -> Iterator[Item]:
    """Cases whose customers are to be told today, or should have been (S2 #90)."""
    for case in store.agenda(Case):
        clock = reading.clocks.update(case)
        if clock is not None and clock.due_at is not None and clock.due_at < midnight:
            yield replace(reading.item(case), kind="update", at=clock.due_at, place="")


class _Reading:
    """What cards take from other records, each read once: a week may hold five hundred visits to
    the same few customers."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._read: dict[tuple[type, str], Any] = {}
        self._pending: dict[type[Record], frozenset[str]] = {}

    @cached_property
    def clocks(self) -> Clocks:
        """Read for whoever has cases."""
        return Clocks(self._store)

    def get(self, cls: type[R], record_id: str | None) -> R | None:
        if record_id is None:
            return None
        key = (cls, record_id)
        if key not in self._read:
            self._read[key] = self._store.get(cls, record_id)
        found: R | None = self._read[key]
        return found

    def item(self, record: Planned) -> Item:
        kind_of = type(record)
        if kind_of not in self._pending:
            self._pending[kind_of] = self._store.pending(kind_of)
        customer = self.get(Customer, record.customer_id)
        contact_id = record.contact_id if isinstance(record, (Visit, Case)) else None
        contact = self.get(Contact, contact_id)
        case_id = record.case_id if isinstance(record, Callback) else None
        case = record if isinstance(record, Case) else self.get(Case, case_id)
        place = record.place if isinstance(record, Case) else None
        kind, what = _KIND_AND_WHAT[kind_of](record)
        return Item(
            kind=kind,
            id=record.id,
            customer_id=record.customer_id,
            who=customer.name if customer else "",
            what=what,
            titled=kind == "repair",
            at=self.due_time(record),
            place=place or (customer.address if customer else None) or "",
            phone=(contact.phone if contact else None)
            or (customer.phone if customer else None)
            or "",
            state=record.state,
            pending=record.id in self._pending[kind_of],
            vip=bool(customer and customer.vip),
            priority=case.priority if case else None,
        )

    def due_time(self, record: Planned) -> datetime:
        """By when someone should be at it; a case that nothing limits counts from its opening."""
        if isinstance(record, Visit):
            at = record.planned_at
        elif isinstance(record, Case):
            at = self.clocks.due_at(record) or record.opened_at
        elif isinstance(record, RetentionPlan):
            at = record.due_at
        else:
            at = record.next_attempt_at or record.due_at
        assert isinstance(at, datetime)
        return at


_KIND_AND_WHAT: dict[type, Callable[[Any], tuple[str, str]]] = {
    Visit: lambda visit: ("visit", visit.purpose),
    Case: lambda case: ("repair", case.title),
    Callback: lambda callback: ("callback", callback.kind),
    RetentionPlan: lambda plan: ("retention_plan", plan.cause or "unknown"),
}


def _done(store: Store, kind: type, midnight: datetime) -> int:
    """How many of a kind were finished today."""
    state, stamp = _DONE[kind]
    recent: list[Any] = store.find(kind, state=state, newest_first=True, limit=200)
    since = midnight - timedelta(days=1)
    return len([r for r in recent if getattr(r, stamp) and getattr(r, stamp) >= since])

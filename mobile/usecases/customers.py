"""Looking customers up: one's own by the next visit that falls due, and whoever the search box
finds (S0 #20-#22, S2 #98, S3 #147).

Pure reading: nothing here looks at a clock of its own or writes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from shared.clock import from_wire
from shared.declare import Role
from shared.entities import Asset, Case, Contact, Customer, Order, Visit
from shared.followups import visit_due_at
from shared.policy import PolicySettings

if TYPE_CHECKING:
    from mobile.store.search import SearchHit
    from mobile.store.store import Store

VISITING = frozenset({Role.ACCOUNT_MANAGER, Role.STORE_MANAGER})
"""Roles whose customers fall due for visits; for others the list goes by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerCard:
    """One customer in a list. `due_at` is when the next visit falls due by tier; None for those
    who don't visit. `planned_at` is the next visit that is planned or under way.
    """

    id: str
    name: str
    company: str
    city: str
    tier: str | None
    vip: bool
    due_at: datetime | None
    planned_at: datetime | None
    visited_at: datetime | None

    def overdue(self, now: datetime) -> bool:
        """The tier's visit is late, and no coming one is planned."""
        late = self.due_at is not None and self.due_at < now
        return late and (self.planned_at is None or self.planned_at < now)


class Known(NamedTuple):
    """What a list reads of a customer, in wire form."""

    id: str
    name: str
    company: str | None
    city: str | None
    tier: str | None
    vip: bool | None
    created_at: str | None


KNOWN = Known._fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One hit of the search box, worded by its own record. `route` opens it."""

    kind: str
    id: str
    title: str
    text: str
    customer: str
    tier: str | None
    vip: bool
    state: str | None
    route: str


def own_customers(store: Store) -> list[CustomerCard]:
    """All customers that this device holds, whoever is due first on top; by name for roles that
    don't visit. Reads single fields: a thousand customers have tens of thousands of visits.
    """
    known = [Known(*row) for row in store.columns(Customer, KNOWN)]
    if store.staff().role not in VISITING:
        return sorted((_card(one, None, None, None) for one in known), key=lambda c: c.name)
    finished = store.columns(Visit, ("customer_id", "finished_at"), state="finished")
    coming = [(visit.customer_id, visit.planned_at) for visit in store.agenda(Visit)]
    return by_due(known, finished, coming, store.policy(), store.now())


def by_due(
    customers: Iterable[Known],
    finished: Iterable[tuple[str, str | None]],
    coming: Iterable[tuple[str, datetime]],
    policy: PolicySettings,
    now: datetime,
) -> list[CustomerCard]:
    """Cards by due time: the last finished visit, or the customer's first day, plus the tier's
    interval (S0 #20-#22). `finished` and `coming` are (customer, time): in wire form, and with the
    earliest first.
    """
    last: dict[str, str] = {}
    for customer_id, at in finished:
        if at is not None and at > last.get(customer_id, ""):  # wire times sort as text
            last[customer_id] = at
    planned: dict[str, datetime] = {}
    for customer_id, planned_at in coming:
        planned.setdefault(customer_id, planned_at)
    cards = []
    for one in customers:
        visited = from_wire(last[one.id]) if one.id in last else None
        since = from_wire(one.created_at) if one.created_at else now
        due = visit_due_at(one.tier, visited, since, policy)
        cards.append(_card(one, due, planned.get(one.id), visited))
    return sorted(cards, key=lambda card: (card.due_at or now, card.name, card.id))


def _card(
    one: Known, due_at: datetime | None, planned_at: datetime | None, visited_at: datetime | None
) -> CustomerCard:
    return CustomerCard(
        id=one.id,
        name=one.name,
        company=one.company or "",
        city=one.city or "",
        tier=one.tier,
        vip=bool(one.vip),
        due_at=due_at,
        planned_at=planned_at,
        visited_at=visited_at,
    )


def search(store: Store, text: str, limit: int = 12) -> dict[str, list[Found]]:
    """What the box finds, grouped by kind (customer, contact, case, asset, order), at most `limit`
    of each, the best first. An empty text finds nothing.
    """
    groups: dict[str, list[Found]] = {}
    for hit in store.search(text, limit):
        groups.setdefault(hit.kind, []).append(_found(store, hit))
    return groups


def _found(store: Store, hit: SearchHit) -> Found:
    record = hit.record
    customer = record if isinstance(record, Customer) else None
    if customer is None and hit.customer_id:
        customer = store.get(Customer, hit.customer_id)
    title, text = _worded(record)
    return Found(
        kind=hit.kind,
        id=hit.id,
        title=title,
        text=text,
        customer="" if customer is None or customer is record else customer.name,
        tier=customer.tier if customer else None,
        vip=bool(customer and customer.vip),
        state=record.state if isinstance(record, Case) else None,
        route=_route(hit),
    )


def _worded(record: object) -> tuple[str, str]:
    """What a hit is called, and what tells it from others of that name. No phone number: it stays
    masked until someone asks for it.
    """
    match record:
        case Customer(name=name, company=company, city=city):
            return name, " · ".join(part for part in (company, city) if part)
        case Contact(name=name, position=position):
            return name, position or ""
        case Case(number=number, title=title):
            return title, number
        case Asset(product=product, model=model, serial=serial):
            return product, " · ".join(part for part in (model, serial) if part)
        case Order(number=number):
            return number, ""
    return "", ""


_SECTION = {"contact": "contacts", "asset": "assets", "order": "orders"}


def _route(hit: SearchHit) -> str:
    if hit.kind == "case":
        return f"/cases/{hit.id}"
    section = _SECTION.get(hit.kind)
    where = f"/customers/{hit.customer_id or hit.id}"
    return f"{where}?show={section}" if section else where

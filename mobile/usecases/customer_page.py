"""All that a customer's page shows at once: who it is, who works there, what stands there, what is
open and what is due (S0 #1-#8, S2 #98, #99, #101).

Pure reading. The timeline, which has no end, is apart (`timeline`).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from mobile.usecases.consents import use_refused_at
from mobile.usecases.customers import VISITING
from shared.clock import from_wire
from shared.entities import (
    Asset,
    Case,
    Contact,
    Customer,
    Order,
    OrderLine,
    Staff,
    TierProposal,
    Visit,
)
from shared.errors import Code, Refusal
from shared.followups import visit_due_at
from shared.policy import PolicySettings
from shared.preferences import Line, Preferences, Sale, preferences
from shared.states import OPEN_CASE_STATES, OPEN_VISIT_STATES

if TYPE_CHECKING:
    from mobile.store.store import Store

ENDS_SOON = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checks:
    """What a customer's record asks for: contact details verified (S0 #5), needs reviewed (S0 #6).
    The times are when each falls due; past ones are late.
    """

    contacts_due_at: datetime
    needs_due_at: datetime

    def until(self, moment: datetime) -> tuple[str, ...]:
        """What falls due until then: ``contacts``, ``needs``."""
        due = {"contacts": self.contacts_due_at, "needs": self.needs_due_at}
        return tuple(name for name, at in due.items() if at <= moment)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnedAsset:
    """An asset and how its warranty stands: running, ending (within 30 days), over, unknown."""

    asset: Asset
    warranty: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerPage:
    """One customer as their page shows them. `pending`: changes wait on this phone. `due_at` is
    None for roles that don't visit.
    """

    customer: Customer
    pending: bool
    owner: str
    contacts: tuple[Contact, ...]
    assets: tuple[OwnedAsset, ...]
    visits: tuple[Visit, ...]  # open ones, the earliest first
    cases: tuple[Case, ...]  # open ones, the newest first
    due_at: datetime | None
    checks: Checks
    refused_at: datetime | None  # since when they want no contact that they did not ask for
    tiered: TierProposal | None  # what the panel confirmed of their tier


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchases:
    """Orders, the newest first, with their sum by currency (cancelled ones don't count)."""

    orders: tuple[Order, ...]
    totals: tuple[tuple[str | None, int], ...]
    count: int


def customer_page(store: Store, customer_id: str, today: date) -> CustomerPage:
    """Refuses `record_missing` where no such customer may be read. `today` is the user's day."""
    shown = store.row("customer", customer_id)
    customer = store.get(Customer, customer_id)
    if shown is None or customer is None:
        raise Refusal(Code.RECORD_MISSING, entity="customer")
    visits = store.find(Visit, customer_id=customer_id)
    last = max((v.finished_at for v in visits if v.finished_at), default=None)
    policy, now = store.policy(), store.now()
    since = customer.created_at or now
    owner = store.get(Staff, customer.owner_id) if customer.owner_id else None
    visiting = store.staff().role in VISITING
    cases = store.find(Case, customer_id=customer_id)
    return CustomerPage(
        customer=customer,
        pending=shown.pending,
        owner=owner.name if owner else "",
        contacts=tuple(sorted(store.find(Contact, customer_id=customer_id), key=_contact_order)),
        assets=tuple(
            OwnedAsset(asset=asset, warranty=warranty(asset, today))
            for asset in store.find(Asset, customer_id=customer_id)
        ),
        visits=tuple(v for v in visits if v.state in OPEN_VISIT_STATES),
        cases=tuple(
            sorted(
                (c for c in cases if c.state in OPEN_CASE_STATES),
                key=lambda c: c.opened_at,
                reverse=True,
            )
        ),
        due_at=visit_due_at(customer.tier, last, since, policy) if visiting else None,
        checks=checks(customer, since, policy),
        refused_at=use_refused_at(store, customer_id),
        tiered=_tiered(store, customer),
    )


def _tiered(store: Store, customer: Customer) -> TierProposal | None:
    """What the panel last confirmed of the customer's value, where that is the present tier."""
    found = store.find(TierProposal, customer_id=customer.id, axis="value", state="confirmed")
    last = max(found, key=lambda one: one.decided_at or one.proposed_at, default=None)
    return last if last is not None and last.after == customer.tier else None


def things_of(store: Store, customer_id: str) -> list[tuple[str, str]]:
    """(id, what it is called) of the customer's assets, to choose from: by product, and of several
    alike with the serial number."""
    found = store.find(Asset, customer_id=customer_id)
    alike = Counter(one.product for one in found)
    return [
        (one.id, f"{one.product} · {one.serial}")
        if one.serial and alike[one.product] > 1
        else (one.id, one.product)
        for one in found
    ]


def whole_address(customer: Customer) -> str:
    """City and address as one line; addresses that begin with their city are left as they are."""
    city, address = customer.city or "", customer.address or ""
    return address if address.startswith(city) and address else f"{city} {address}".strip()


def _contact_order(contact: Contact) -> tuple[bool, bool, str]:
    """The main contact, then whoever decides, then by name."""
    return not contact.primary, not contact.decides, contact.name


def checks(customer: Customer, since: datetime, policy: PolicySettings) -> Checks:
    """When contact details (monthly, S0 #5) and needs (quarterly, S0 #6) are to be looked at next,
    counted from the last look or from `since`.
    """
    return Checks(
        contacts_due_at=(customer.contact_verified_at or since)
        + timedelta(days=policy.verify_contacts_days),
        needs_due_at=(customer.needs_reviewed_at or since)
        + timedelta(days=policy.review_needs_days),
    )


def warranty(asset: Asset, today: date) -> str:
    """running, ending, over, or unknown where no day is on record. The last day still counts."""
    until: date | None = asset.warranty_until
    if until is None:
        return "unknown"
    if until < today:
        return "over"
    return "ending" if until - today <= ENDS_SOON else "running"


def purchases(store: Store, customer_id: str) -> Purchases:
    """What the customer bought (S0 #3)."""
    orders = store.find(Order, customer_id=customer_id, newest_first=True)
    totals: dict[str | None, int] = {}
    for order in orders:
        if order.state != "cancelled" and order.total_cents is not None:
            totals[order.currency] = totals.get(order.currency, 0) + order.total_cents
    return Purchases(orders=tuple(orders), totals=tuple(totals.items()), count=len(orders))


def habits(store: Store, customer_id: str) -> Preferences | None:
    """What the customer likes to buy and when, by the orders on this device (S2 #101)."""
    sales = [
        Sale(id=key, at=from_wire(at), cents=cents, currency=currency)
        for key, at, state, cents, currency in store.columns(
            Order,
            ("id", "ordered_at", "state", "total_cents", "currency"),
            customer_id=customer_id,
        )
        if state != "cancelled" and (cents is None or cents > 0)
    ]
    lines = [
        Line(order_id=order, code=code, description=text or "", quantity=count or 0)
        for order, code, text, count in store.columns(
            OrderLine, ("order_id", "code", "description", "quantity"), customer_id=customer_id
        )
    ]
    return preferences(sales, lines, ZoneInfo(store.staff().timezone))


def order_lines(store: Store, order: Order) -> list[OrderLine]:
    """The lines of one order, by their code."""
    found = store.find(OrderLine, customer_id=order.customer_id, order_id=order.id)
    return sorted(found, key=lambda line: line.code)

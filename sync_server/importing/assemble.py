"""From the two sources to rows of Huifang's entities: pure, so that a demonstration and a full
import agree.

Ids are derived from the organisation and the source's own ids: importing the same source twice
gives the same records.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shared.clock import to_wire
from shared.declare import Role
from shared.ids import derived_id
from shared.policy import DEFAULTS, PolicySettings
from sync_server.importing import stores
from sync_server.importing.incidents import Incident
from sync_server.importing.people import company, person, stable_number
from sync_server.importing.retail import CURRENCY, Invoice, Retail, cents
from sync_server.importing.stores import Member

Row = dict[str, Any]
Rows = Iterator[tuple[str, Row]]

_YEAR = timedelta(days=365)
_WARRANTY = timedelta(days=730)


@dataclass(frozen=True, slots=True)
class Assembly:
    """Turns sources into rows for one organisation. `asset_words`: which products a repair is
    about, if any match."""

    organisation: str
    policy: PolicySettings = DEFAULTS
    asset_words: tuple[str, ...] = ()

    def customer_id(self, source: str) -> str:
        return derived_id(self.organisation, "customer", source)

    def asset_id(self, customer: str, code: str) -> str:
        return derived_id(self.organisation, "asset", customer, code)

    def case_id(self, number: str) -> str:
        return derived_id(self.organisation, "case", number)

    def stores(self, retail: Retail) -> Rows:
        for country in dict.fromkeys(retail.countries.values()):
            yield (
                "store",
                {
                    "id": stores.store_id(self.organisation, country),
                    "name": stores.store_name(country),
                    "region": country,
                },
            )

    def staff(self, members: list[Member]) -> Rows:
        for member in members:
            yield (
                "staff",
                {
                    "id": member.id,
                    "name": member.name,
                    "role": member.role.value,
                    "store_id": member.store_id,
                    "active": True,
                    "team": member.team,
                },
            )

    def customers(self, retail: Retail, owners: dict[str, str]) -> Rows:
        """Customers with their first contact. `owners` maps source ids to staff ids."""
        invoices: dict[str, list[Invoice]] = {}
        for invoice in retail.invoices.values():
            invoices.setdefault(invoice.customer, []).append(invoice)
        end = max((i.at for i in retail.invoices.values()), default=None)
        for source, country in retail.countries.items():
            invented = company("retail", source)
            bought = [i for i in invoices[source] if not i.cancelled]
            spent, orders = _last_year(invoices[source], end)
            row_id = self.customer_id(source)
            made = {"created_at": to_wire(min(i.at for i in bought))}
            yield (
                "customer",
                made
                | {
                    "id": row_id,
                    "name": invented.name,
                    "kind": "company",
                    "stage": "actual",
                    "phone": invented.person.phone,
                    "address": invented.address,
                    "city": invented.city,
                    "tier": self.policy.tier_of(spent, orders),
                    "store_id": stores.store_id(self.organisation, country),
                    "owner_id": owners.get(source),
                    "spend_12m_cents": spent,
                    "orders_12m": orders,
                    "currency": CURRENCY,
                    "origin_ref": f"R{source}",
                },
            )
            yield (
                "contact",
                made
                | {
                    "id": derived_id(self.organisation, "contact", source),
                    "customer_id": row_id,
                    "name": invented.person.name,
                    "phone": invented.person.phone,
                    "primary": True,
                    "decides": True,
                },
            )

    def orders(self, retail: Retail) -> Rows:
        for invoice in retail.invoices.values():
            order = derived_id(self.organisation, "order", invoice.number)
            customer, at = self.customer_id(invoice.customer), to_wire(invoice.at)
            yield (
                "order",
                {
                    "id": order,
                    "created_at": at,
                    "customer_id": customer,
                    "number": invoice.number,
                    "ordered_at": at,
                    "state": "cancelled" if invoice.cancelled else "placed",
                    "total_cents": invoice.total_cents,
                    "currency": CURRENCY,
                    "lines": len(invoice.lines),
                },
            )
            for place, line in enumerate(invoice.lines):
                yield (
                    "order_line",
                    {
                        "id": derived_id(order, str(place)),
                        "created_at": at,
                        "customer_id": customer,
                        "order_id": order,
                        "code": line.code,
                        "description": line.description or None,
                        "quantity": line.quantity,
                        "unit_price_cents": cents(line.price),
                        "currency": CURRENCY,
                    },
                )

    def assets(self, retail: Retail) -> Rows:
        for bought in retail.purchases.values():
            serial = stable_number("serial", bought.customer, bought.code) % 10**8
            yield (
                "asset",
                {
                    "id": self.asset_id(bought.customer, bought.code),
                    "created_at": to_wire(bought.on),
                    "customer_id": self.customer_id(bought.customer),
                    "product": bought.description or bought.code,
                    "model": bought.code,
                    "serial": f"{bought.code[:5]}-{serial:08d}",
                    "bought_at": bought.on.date().isoformat(),
                    "price_cents": cents(bought.price),
                    "currency": CURRENCY,
                    "warranty_until": (bought.on + _WARRANTY).date().isoformat(),
                },
            )

    def callers(self, cases: dict[str, Incident], retail: Retail) -> dict[str, str]:
        """Which buyer each caller of the incident source stands with: fixed by their ids alone."""
        buyers = sorted(retail.countries)
        return {
            case.caller: buyers[stable_number("caller", case.caller) % len(buyers)]
            for case in cases.values()
        }

    def cases(self, cases: dict[str, Incident], retail: Retail) -> Rows:
        """Cases, one contact for each caller, and every event that moved or handed on a case."""
        callers = self.callers(cases, retail)
        owned: dict[str, list[str]] = {}
        for (customer, code), bought in retail.purchases.items():
            if not self.asset_words or any(w in bought.description for w in self.asset_words):
                owned.setdefault(customer, []).append(code)
        for caller, buyer in callers.items():
            who = person("caller", caller)
            yield (
                "contact",
                {
                    "id": derived_id(self.organisation, "caller", caller),
                    "customer_id": self.customer_id(buyer),
                    "name": who.name,
                    "phone": who.phone,
                },
            )
        for case in cases.values():
            buyer = callers[case.caller]
            codes = owned.get(buyer)
            named = codes[stable_number("case", case.number) % len(codes)] if codes else None
            yield from self._case(case, buyer, named, retail.countries[buyer])

    def _case(self, case: Incident, buyer: str, code: str | None, country: str) -> Rows:
        row_id, customer = self.case_id(case.number), self.customer_id(buyer)
        last = case.events[-1]
        tie = {"case_id": row_id, "customer_id": customer}
        first = {
            state: next((e.at for e in reversed(case.events) if e.state == state), None)
            for state in ("resolved", "closed")
        }
        answered = next((e.at for e in case.events if e.state != "new" or e.assignee), None)
        yield (
            "case",
            {
                "id": row_id,
                "created_at": to_wire(case.opened_at),
                "number": case.number,
                "customer_id": customer,
                "contact_id": derived_id(self.organisation, "caller", case.caller),
                "asset_id": self.asset_id(buyer, code) if code else None,
                "store_id": stores.store_id(self.organisation, country),
                "kind": "repair",
                "title": " · ".join(t for t in (case.category, case.subcategory) if t)
                or case.number,
                "description": case.symptom or None,
                "place": case.location or None,
                "priority": case.priority,
                "category": case.category or None,
                "subcategory": case.subcategory or None,
                "channel": case.channel,
                "state": last.state,
                "waiting_for": last.waiting_for,
                "assignee_id": self._technician(last.assignee),
                "opened_at": to_wire(case.opened_at),
                "responded_at": _wire(answered),
                "resolved_at": _wire(first["resolved"] if last.state in _SOLVED else None),
                "closed_at": _wire(first["closed"] if last.state == "closed" else None),
                "reopened": case.reopened or None,
                "reassigned": case.reassigned,
                "origin_ref": case.number,
            },
        )
        state: str | None = None
        assignee = ""
        for place, event in enumerate(case.events):
            # The source has minutes: what lies in one keeps its order by a millisecond each.
            same = sum(other.at == event.at for other in case.events[:place])
            at = to_wire(event.at + timedelta(milliseconds=same))
            common = {"created_at": at, "happened_at": at, **tie}
            if event.state != state:
                yield (
                    "case_event",
                    common
                    | {
                        "id": derived_id(row_id, "moved", str(place)),
                        "kind": "moved",
                        "from_state": state,
                        "to_state": event.state,
                        "waiting_for": event.waiting_for,
                        "staff_id": self._technician(event.assignee),
                    },
                )
            if event.assignee != assignee and event.assignee:
                yield (
                    "case_event",
                    common
                    | {
                        "id": derived_id(row_id, "assigned", str(place)),
                        "kind": "assigned",
                        "staff_id": self._technician(event.assignee),
                        "note": event.group or None,
                    },
                )
            state, assignee = event.state, event.assignee

    def _technician(self, resolver: str) -> str | None:
        return derived_id(self.organisation, "technician", resolver) if resolver else None


_SOLVED = ("resolved", "closed")


def _wire(moment: datetime | None) -> str | None:
    return to_wire(moment) if moment else None


def _last_year(invoices: list[Invoice], end: datetime | None) -> tuple[int, int]:
    """(cents, orders) of the year before `end`, credits taken off."""
    recent = [i for i in invoices if end and i.at > end - _YEAR]
    return sum(i.total_cents for i in recent), sum(not i.cancelled for i in recent)


def staffing(
    organisation: str,
    retail: Retail,
    cases: dict[str, Incident],
    per_manager: int = stores.CUSTOMERS_PER_MANAGER,
) -> tuple[list[Member], dict[str, str]]:
    """Everyone who works in an imported organisation, and who looks after which customer (source id
    → staff id).

    Technicians have their home in the store with the most customers.
    """
    members = stores.staff_of_stores(organisation, retail.countries, per_manager)
    by_store: dict[str, list[Member]] = {}
    for member in members:
        if member.role is Role.ACCOUNT_MANAGER:
            by_store.setdefault(member.store_id, []).append(member)
    owners = {
        source: stores.owner_of(by_store[stores.store_id(organisation, country)], source).id
        for source, country in retail.countries.items()
    }
    groups: dict[str, str] = {}
    for case in cases.values():
        for event in case.events:
            if event.assignee:
                groups[event.assignee] = event.group or groups.get(event.assignee, "")
    countries = list(retail.countries.values())
    largest = max(dict.fromkeys(countries), key=countries.count) if countries else ""
    return members + stores.technicians(organisation, groups, largest), owners

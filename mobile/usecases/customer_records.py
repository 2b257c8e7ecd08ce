"""Writing about customers: who they are, who works there, what stands there; verified and reviewed
(S0 #1-#6, S1 #44-#48).

Each function is one unit of work: record, outbox entry and the end of its draft together. Values
are in wire form, as forms and drafts hold them. Refusals are the store's own (`Unit.create`,
`Unit.update`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from shared.codec import read
from shared.declare import ENTITIES, Role
from shared.entities import Asset, Contact, Customer, Staff
from shared.ids import new_id

if TYPE_CHECKING:
    from mobile.store.store import Store
    from mobile.store.unit import Unit

NEW_CUSTOMER_DRAFT = "customer/new"

CUSTOMER_FIELDS: Mapping[str, tuple[str, ...]] = {
    "identity": ("name", "kind", "company", "stage", "tier", "vip"),
    "reach": ("phone", "email", "address", "city", "area", "contact_preference"),
    "business": ("industry", "size", "source", "referred", "decision_chain"),
    "person": ("gender", "birthday"),
    "needs": ("needs", "need_kind", "service_preferences", "profile", "churn_signals"),
    "behaviour": ("buys_through", "usage_habits", "price_sense"),
    "psychology": ("decides_by", "openness", "concerns"),
    "potential": ("forecast_12m_cents", "new_product_interest", "gave_advice"),
}
"""What people write about a customer, in the order of its form (profile: S0 #8)."""

CONTACT_FIELDS = (
    "name", "position", "phone", "email", "preferred_channel", "decides", "primary", "note",
)  # fmt: skip
ASSET_FIELDS = (
    "product", "model", "serial", "bought_at", "price_cents", "warranty_until", "location",
    "package", "package_terms", "package_until",
)  # fmt: skip
CASE_ASSET_FIELDS = tuple(name for name in ASSET_FIELDS if ENTITIES["asset"].fields[name].case)
"""What whoever holds a case alone writes of its asset: what it cost is the customer's."""


def customer_draft(customer_id: str) -> str:
    """Key of the draft of a customer's edit."""
    return f"customer/{customer_id}"


def contact_draft(customer_id: str, contact_id: str | None) -> str:
    """Key of the draft of a contact's edit, or of a new contact."""
    return f"contact/{customer_id}/{contact_id or 'new'}"


def asset_draft(customer_id: str, asset_id: str | None) -> str:
    """Key of the draft of an asset's edit, or of a new asset."""
    return f"asset/{customer_id}/{asset_id or 'new'}"


def may_add_customers(role: str) -> bool:
    """Whether this role meets new customers, and writes about those it has. A technician sees of
    a customer what a case shows, and writes about the case.
    """
    return role in {Role.ACCOUNT_MANAGER, Role.STORE_MANAGER, Role.CALLBACK_AGENT}


def asset_fields(role: str) -> tuple[str, ...]:
    """What this role writes of an asset (S2 #99)."""
    return CASE_ASSET_FIELDS if role == Role.TECHNICIAN else ASSET_FIELDS


def agents(store: Store) -> list[Staff]:
    """Callback agents of one's own store, of whom one may be a customer's own (S2 #85)."""
    mine = store.staff().store_id
    found = [
        s for s in store.find(Staff) if s.role == Role.CALLBACK_AGENT and s.active is not False
    ]
    return sorted((s for s in found if s.store_id == mine), key=lambda s: s.name)


def add_customer(store: Store, values: Mapping[str, Any]) -> Customer:
    """A new customer, potential unless said otherwise (S1 #44). It is its author's until the
    server has assigned it.
    """
    with store.unit() as unit:
        row = {"stage": "potential", "kind": "company", **_filled(values), "id": new_id()}
        made = unit.create(read(Customer, row))
        unit.discard_draft(NEW_CUSTOMER_DRAFT)
        unit.commit()
    return made


def edit_customer(store: Store, customer: Customer, values: Mapping[str, Any]) -> Customer:
    """The customer with `values` changed. `customer` is what the author saw."""
    with store.unit() as unit:
        changed = unit.update(customer, **values)
        unit.discard_draft(customer_draft(customer.id))
        unit.commit()
    return changed


def verify_contact_details(store: Store, customer: Customer) -> Customer:
    """The user has checked that the customer's contact details hold (S0 #5)."""
    return edit_mark(store, customer, "contact_verified_at")


def review_needs(store: Store, customer: Customer) -> Customer:
    """The user has gone through the customer's needs (S0 #6)."""
    return edit_mark(store, customer, "needs_reviewed_at")


def edit_mark(store: Store, customer: Customer, mark: str) -> Customer:
    """Sets one of the times of last look to now; the later look of two stands (`Merge.MAX`)."""
    with store.unit() as unit:
        changed = unit.update(customer, **{mark: store.now()})
        unit.commit()
    return changed


def save_contact(
    store: Store, customer_id: str, contact: Contact | None, values: Mapping[str, Any]
) -> Contact:
    """A new contact (`contact` is None), or one with `values` changed. Of a customer's contacts
    one is the main one: the mark moves.
    """
    with store.unit() as unit:
        saved: Contact
        if contact is None:
            row = {**_filled(values), "id": new_id(), "customer_id": customer_id}
            saved = unit.create(read(Contact, row))
        else:
            saved = unit.update(contact, **values)
        if values.get("primary"):
            _unmark_others(store, unit, saved)
        unit.discard_draft(contact_draft(customer_id, contact.id if contact else None))
        unit.commit()
    return saved


def _unmark_others(store: Store, unit: Unit, main: Contact) -> None:
    for other in store.find(Contact, customer_id=main.customer_id, primary=True):
        if other.id != main.id:
            unit.update(other, primary=False)


def verify_contact(store: Store, contact: Contact) -> Contact:
    """The user has checked one contact's details (S0 #5). The customer counts as verified when its
    main contact is.
    """
    with store.unit() as unit:
        verified = unit.update(contact, verified_at=store.now())
        customer = store.get(Customer, contact.customer_id)
        if contact.primary and customer is not None:
            unit.update(customer, contact_verified_at=store.now())
        unit.commit()
    return verified


def save_asset(
    store: Store, customer_id: str, asset: Asset | None, values: Mapping[str, Any]
) -> Asset:
    """A new asset (`asset` is None), or one with `values` changed (S2 #99). An amount is in the
    asset's currency, or in the organisation's where it has none yet."""
    if values.get("price_cents") is not None and not (asset and asset.currency):
        values = {"currency": store.currency(), **values}
    with store.unit() as unit:
        saved: Asset
        if asset is None:
            row = {**_filled(values), "id": new_id(), "customer_id": customer_id}
            saved = unit.create(read(Asset, row))
        else:
            saved = unit.update(asset, **values)
        unit.discard_draft(asset_draft(customer_id, asset.id if asset else None))
        unit.commit()
    return saved


def _filled(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}

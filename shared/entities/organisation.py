"""The organisation, its stores and its staff: what everyone in it may know of each other."""

from __future__ import annotations

from dataclasses import dataclass

from shared.declare import SERVER_ONLY, Record, Role, boolean, choice, entity, reference, text


@entity("organisation", catalogue="organisation")
@dataclass(frozen=True, slots=True, kw_only=True)
class Organisation(Record):
    """The company itself: name, zone and currency by which its screens are read."""

    name: str = text(120, required=True, writers=SERVER_ONLY)
    timezone: str = text(40, required=True, writers=SERVER_ONLY)
    currency: str = text(3, required=True, writers=SERVER_ONLY)
    origin: str | None = text(400, writers=SERVER_ONLY)


@entity("store", catalogue="organisation")
@dataclass(frozen=True, slots=True, kw_only=True)
class Store(Record):
    """A store or branch: the unit to which a store manager is held (S3 #148)."""

    name: str = text(80, required=True, writers=SERVER_ONLY)
    region: str | None = text(80, writers=SERVER_ONLY)
    address: str | None = text(200, writers=SERVER_ONLY)


@entity("staff", catalogue="organisation")
@dataclass(frozen=True, slots=True, kw_only=True)
class Staff(Record):
    """A member of staff, as colleagues see them. Accounts and passwords live elsewhere."""

    name: str = text(80, required=True, writers=SERVER_ONLY)
    role: str = choice(*Role, required=True, writers=SERVER_ONLY)
    store_id: str | None = reference("store", writers=SERVER_ONLY)
    active: bool | None = boolean(writers=SERVER_ONLY)
    team: str | None = text(80, writers=SERVER_ONLY)


__all__ = ["Organisation", "Staff", "Store"]

"""Where a record lies, what a narrower scope shows of it, and who may write it (design §4).

Buckets: ``customer:<id>`` whole customers, ``case:<id>`` one case and what the work on it needs,
``user:<id>`` what concerns one member of staff, ``ref:<catalogue>`` what everyone in the
organisation may know.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from shared.declare import Entity, Role

ROW_MARKS = ("id", "created_at", "created_by", "updated_at", "updated_by")

CASE_COMPANIONS = ("customer", "contact", "asset")
"""Entities that lie in a case's bucket because the case points to them."""

WRITABLE_UNDER_A_CASE = frozenset(
    {
        "case", "case_event", "report", "callback", "file", "asset", "look", "conflict",
        "transfer", "milestone", "inspection", "feedback", "customer_training",
    }
)  # fmt: skip
REF_BUCKETS = ("ref:organisation", "ref:policy", "ref:reference")
"""What every active user holds."""


class Bucket(NamedTuple):
    kind: str
    key: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.key}"


@lru_cache(maxsize=4096)  # a batch asks a thousand times for a few dozen
def parse_bucket(text: str) -> Bucket:
    """The bucket of its text; ValueError for one that has no key."""
    kind, _, key = text.partition(":")
    if kind not in {"customer", "case", "store", "user", "ref", "agg"} or not key:
        raise ValueError("no such bucket")
    return Bucket(kind, key)


def customer_of(entity: Entity, row: Mapping[str, Any]) -> str | None:
    """Id of the customer that a row belongs to."""
    return row.get(entity.customer) if entity.customer else None


def case_of(entity: Entity, row: Mapping[str, Any]) -> str | None:
    """Id of the case that a row belongs to, if any."""
    return row.get(entity.case) if entity.case else None


def buckets_of(entity: Entity, row: Mapping[str, Any]) -> tuple[Bucket, ...]:
    """Every bucket that a row lies in by its own fields.

    Companions of a case (its customer, contact and asset) lie in its bucket as well; that follows
    from the case, not from them, and is added by whoever knows the case (`companions_of`).
    """
    if entity.one_way:
        return ()
    if entity.catalogue:
        return (Bucket("ref", entity.catalogue),)
    if entity.user:
        user, asked = row.get(entity.user), entity.for_holders and customer_of(entity, row)
        own = (Bucket("user", user),) if user else ()
        return (*own, Bucket("customer", asked)) if asked else own
    found = []
    if customer := customer_of(entity, row):
        found.append(Bucket("customer", customer))
    if case := case_of(entity, row):
        found.append(Bucket("case", case))
    return tuple(found)


def companions_of(case_row: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """(entity, id) of what a case takes into its bucket: its customer, the contact and the asset
    it names."""
    return tuple(
        (name, case_row[f"{name}_id"]) for name in CASE_COMPANIONS if case_row.get(f"{name}_id")
    )


def project(entity: Entity, row: Mapping[str, Any], bucket: Bucket) -> dict[str, Any]:
    """What `bucket` shows of a row: all of it, or in a case's bucket only the fields declared
    for cases."""
    if bucket.kind != "case":
        return dict(row)
    fields = entity.fields
    return {k: v for k, v in row.items() if k in ROW_MARKS or (k in fields and fields[k].case)}


def covers(bucket: Bucket, entity: Entity, row: Mapping[str, Any]) -> bool:
    """Whether a record lies in `bucket` by its own fields: what a push under that bucket's grant
    may touch."""
    if entity.one_way and bucket.kind == "customer":
        return customer_of(entity, row) == bucket.key
    if entity.one_way and bucket.kind == "case":
        # A look names its customer alone; the server checks that the case is that customer's.
        return True
    return bucket in buckets_of(entity, row)


def covers_as_author(bucket: Bucket, customer: Mapping[str, Any] | None) -> bool:
    """Whether a `user:` bucket covers a customer's records because its holder created that
    customer.

    A customer made in the field goes up under its author's own grant, and so does what is written
    to it until the next pull brings the `customer:` grant. The server judges such a change by that
    grant, once there is one: a customer handed on to someone else is handed on.
    """
    return (
        bucket.kind == "user" and customer is not None and customer.get("created_by") == bucket.key
    )


def opens_beside(held: Mapping[str, Any], opened: Mapping[str, Any]) -> bool:
    """Whether a new case may be written under the grant for another one, `held`.

    A technician on site finds a second thing to repair: the new case is the same customer's, and
    shows nothing that the held one does not, neither another contact nor another asset.
    """
    return opened.get("customer_id") == held.get("customer_id") and all(
        opened.get(name) in (None, held.get(name)) for name in ("contact_id", "asset_id")
    )


def covers_as_opener(
    bucket: Bucket, held: Mapping[str, Any], opened: Mapping[str, Any], author: str
) -> bool:
    """Whether the grant for the case `held` also covers what belongs to `opened`: a case that the
    grant's holder opened for the same customer. As with `covers_as_author`, the server judges by
    the opened case's own grant once there is one."""
    return (
        bucket.kind == "case"
        and opened.get("created_by") == author
        and opened.get("customer_id") == held.get("customer_id")
    )


def may_create(role: Role, entity: Entity, bucket: Bucket) -> bool:
    """Whether `role`, under a grant for `bucket`, may create records of `entity`."""
    return role in entity.creators and _within(entity, bucket)


def may_edit(role: Role, entity: Entity, bucket: Bucket) -> bool:
    """Whether `role` may edit some field of `entity` under a grant for `bucket`; each field is
    checked on its own."""
    return _within(entity, bucket) and any(role in f.writers for f in entity.fields.values())


def _within(entity: Entity, bucket: Bucket) -> bool:
    if bucket.kind in {"customer", "user"}:  # of a `user:` bucket, see `covers_as_author`
        return True
    return bucket.kind == "case" and entity.name in WRITABLE_UNDER_A_CASE

"""The repair report and the customer's signature in it (S2 #93–#95).

The signature is a part of the report, not a record beside it, so that no lost message can part them
(design §5, Files). Once it is set the report is sealed (L6): a correction is a new report that
`amends` it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shared.declare import (
    SERVER_ONLY,
    Merge,
    Personal,
    Record,
    Role,
    boolean,
    choice,
    entity,
    instant,
    integer,
    many,
    money,
    number,
    reference,
    struct,
    text,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckItem:
    """One line of the checklist; `done` stays None until someone says yes or no."""

    key: str = text(60, required=True)
    label: str = text(200, required=True)
    done: bool | None = boolean()
    note: str | None = text(500, personal=Personal.TEXT)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartUsed:
    """A part that was fitted."""

    name: str = text(120, required=True)
    code: str | None = text(40)
    quantity: int = integer(1, 10_000, required=True)
    unit_price_cents: int | None = money()
    currency: str | None = text(3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stroke:
    """One stroke of a pen: x and y of its points by turns, in thousandths of the pad's width."""

    points: tuple[int, ...] = many(integer(-10_000, 100_000), 8000, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What the customer set under the report: strokes, or a refusal with its reason.

    `content_hash` is the SHA-256 (hex) of the report's sealed content (`shared.seal`);
    `device_signature` is the device's Ed25519 signature (base64url) over the whole seal, which
    `device_key` (base64url) verifies.
    """

    signer_name: str | None = text(80, personal=Personal.NAME)
    signer_role: str | None = choice("owner", "staff", "family", "other")
    signed_at: Any = instant(required=True)
    strokes: tuple[Stroke, ...] = many(Stroke, 400)
    aspect: float | None = number(0.1, 20)  # width of the pad over its height
    refused_because: str | None = text(500, personal=Personal.TEXT)
    content_hash: str = text(64, required=True)
    device_id: str = text(64, required=True)
    device_key: str = text(64, required=True)
    device_signature: str = text(128, required=True)


@entity(
    "report",
    customer="customer_id",
    case="case_id",
    at="finished_at",
    creators={Role.TECHNICIAN},
    sealed_by="signature",
)
@dataclass(frozen=True, slots=True, kw_only=True)
class Report(Record):
    """What was found and done on site, shown to the customer and signed by them."""

    case_id: str = reference("case", required=True, merge=Merge.IMMUTABLE, case=True)
    customer_id: str = reference("customer", required=True, merge=Merge.IMMUTABLE, case=True)
    asset_id: str | None = reference("asset", case=True)
    author_id: str = reference("staff", required=True, merge=Merge.IMMUTABLE, case=True)
    amends_id: str | None = reference("report", merge=Merge.IMMUTABLE, case=True)
    language: str | None = choice("zh-CN", "en", case=True)
    arrived_at: Any = instant(case=True)
    finished_at: Any = instant(case=True)
    cause: str | None = text(4000, personal=Personal.TEXT, case=True)
    cause_code: str | None = text(60, case=True)
    method: str | None = text(4000, personal=Personal.TEXT, case=True)
    checklist: tuple[CheckItem, ...] = many(CheckItem, 60, case=True)
    parts: tuple[PartUsed, ...] = many(PartUsed, 100, case=True)
    photos_before: tuple[str, ...] = many(reference("file"), 40, merge=Merge.APPEND, case=True)
    photos_after: tuple[str, ...] = many(reference("file"), 40, merge=Merge.APPEND, case=True)
    training_given: bool | None = boolean(case=True)
    training_note: str | None = text(1000, personal=Personal.TEXT, case=True)
    operation_confirmed: bool | None = boolean(case=True)
    remarks: str | None = text(4000, personal=Personal.TEXT, case=True)
    signature: Signature | None = struct(
        Signature, merge=Merge.IMMUTABLE, personal=Personal.TEXT, case=True
    )
    complete: bool | None = boolean(writers=SERVER_ONLY, case=True)


__all__ = ["CheckItem", "PartUsed", "Report", "Signature", "Stroke"]

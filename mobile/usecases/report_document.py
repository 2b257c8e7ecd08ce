"""A signed report as a document to print and to hand over (S2 #94): entities in, plain values out.

The document carries the sealed bytes and what the device signed, so that whoever holds the PDF can
verify it without us (L6). One case's report goes to that case's customer, and each time that is on
record (requirements, decision on #150 and #94).
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from mobile.reports import document as printed
from mobile.reports.labels import Labels, labels_for
from mobile.store.store import Store
from mobile.usecases.repairs import Job
from shared import codec
from shared.entities import File, PartUsed, Report, Signature, Staff
from shared.seal import seal_bytes, sealed_bytes

FONT = Path(__file__).parents[1] / "ui" / "assets" / "fonts" / "NotoSansSC-Regular.otf"
"""The app's regular face; in the browser it lies unpacked beside the code as well."""

PHOTO_BYTES = 700_000
"""A larger photo is named with its fingerprint and not embedded: the PDF goes by mail."""

ALL_PHOTOS_BYTES = 6_000_000


@dataclass(frozen=True, slots=True)
class Words:
    """Words of the report's own language that are no label: from the app's catalogues."""

    statement: str  # what stood beside the pad
    roles: Mapping[str, str]  # signer's role → word
    purposes: Mapping[str, str]  # "before", "after" → caption of a photo


def report_document(store: Store, job: Job, report: Report, words: Words) -> printed.ReportDocument:
    """`report` as it is printed: in its own language, times in the organisation's zone.

    The same report gives the same document, whenever it is asked for. Reads the store; refuses as
    all reading does.
    """
    labels = labels_for(report.language or "zh-CN")
    staff = store.staff()
    zone = ZoneInfo(staff.timezone)
    author = store.get(Staff, report.author_id)
    signature = report.signature
    row = codec.write(report)
    issued_at = signature.signed_at if signature else store.now()
    amended = next((r for r in job.signed if r.id == report.amends_id), None)
    prices = {part.currency for part in report.parts if part.currency}
    return printed.ReportDocument(
        language=report.language or "zh-CN",
        labels=labels,
        title=labels.title,
        case_number=job.case.number,
        issued_at=issued_at,
        organisation=staff.organisation,
        customer=printed.Customer(
            name=job.customer.name if job.customer else "",
            address=job.place,
            contact=job.contact.name if job.contact else "",
        ),
        asset=_asset(job),
        technician=author.name if author else staff.name,
        amends=_fingerprint(amended, zone),
        times=_times(report, labels, issued_at, zone),
        fault=labels.between.join(t for t in (job.case.title, job.case.description) if t),
        cause=report.cause or "",
        method=report.method or "",
        checklist=tuple(
            printed.ChecklistItem(item.label, item.done, item.note or "")
            for item in report.checklist
        ),
        parts=tuple(_part(part) for part in report.parts),
        currency=next(iter(prices), "CNY"),
        training_given=report.training_given,
        training_note=report.training_note or "",
        confirmed_working=report.operation_confirmed,
        remarks=report.remarks or "",
        photos=_photos(store, report, words),
        signing=_signing(signature, words, zone) if signature else None,
        seal=_seal(signature, zone) if signature else None,
        attachments=_attachments(report.id, row) if signature else (),
    )


def file_name(job: Job, report: Report) -> str:
    """A name under which the report is saved: case number and fingerprint, nobody's name in it."""
    seal = f"-{report.signature.content_hash[:8]}" if report.signature else ""
    number = "".join(c if c.isalnum() or c in "-_" else "-" for c in job.case.number)
    return f"{number}{seal}.pdf"


def _asset(job: Job) -> printed.Asset:
    asset = job.asset
    if asset is None:
        return printed.Asset("")
    bought = asset.bought_at.isoformat() if asset.bought_at else ""
    return printed.Asset(asset.product, asset.model or "", asset.serial or "", bought)


def _part(part: PartUsed) -> printed.Part:
    price = part.unit_price_cents
    amount = None if price is None else price * part.quantity
    return printed.Part(part.name, part.code or "", str(part.quantity), amount)


def _times(
    report: Report, labels: Labels, issued_at: datetime, zone: ZoneInfo
) -> tuple[printed.Fact, ...]:
    facts = [printed.Fact(labels.issued, _when(issued_at, zone))]
    if report.arrived_at:
        facts.append(printed.Fact(labels.arrived_at, _when(report.arrived_at, zone)))
    if report.finished_at:
        facts.append(printed.Fact(labels.finished_at, _when(report.finished_at, zone)))
    return tuple(facts)


def _photos(store: Store, report: Report, words: Words) -> tuple[printed.Photo, ...]:
    known = {file.id: file for file in store.find(File, case_id=report.case_id)}
    room = ALL_PHOTOS_BYTES
    photos = []
    for purpose in ("before", "after"):
        ids: tuple[str, ...] = getattr(report, f"photos_{purpose}")
        for number, file_id in enumerate(ids, 1):
            file = known.get(file_id)
            if file is None:  # its record has not come to this device yet
                continue
            content = None
            if file.bytes <= min(PHOTO_BYTES, room):
                content = store.blob(file.sha256)
            room -= len(content or b"")
            caption = f"{words.purposes[purpose]} {number}"
            name = f"{purpose}-{number}.jpg"
            photos.append(printed.Photo(name, file.sha256, file.bytes, caption, content))
    return tuple(photos)


def _signing(
    signature: Signature, words: Words, zone: ZoneInfo
) -> printed.Signature | printed.Refusal:
    at = _when(signature.signed_at, zone)
    if signature.refused_because:
        return printed.Refusal(signature.refused_because, at, words.statement)
    aspect = signature.aspect or 1.0
    return printed.Signature(
        signer=signature.signer_name or "",
        role=words.roles.get(signature.signer_role or "", ""),
        signed_at=at,
        strokes=tuple(_unit_stroke(stroke.points, aspect) for stroke in signature.strokes),
        aspect=aspect,
        statement=words.statement,
    )


def _unit_stroke(points: tuple[int, ...], aspect: float) -> printed.Stroke:
    """Thousandths of the pad's width both ways → parts of its width and of its height."""
    pairs = zip(points[::2], points[1::2], strict=True)
    return tuple((x / 1000, y / 1000 * aspect) for x, y in pairs)


def _seal(signature: Signature, zone: ZoneInfo) -> printed.Seal:
    return printed.Seal(
        sha256=signature.content_hash,
        device_id=signature.device_id,
        device_key=signature.device_key,
        key_thumbprint=key_thumbprint(signature.device_key),
        sealed_at=_when(signature.signed_at, zone),
        signature=signature.device_signature,
    )


def key_thumbprint(device_key: str) -> str:
    """The RFC 7638 thumbprint (base64url) of an Ed25519 public key (base64url): short enough to be
    read out on the telephone."""
    jwk = json.dumps({"crv": "Ed25519", "kty": "OKP", "x": device_key}, separators=(",", ":"))
    digest = hashlib.sha256(jwk.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _attachments(report_id: str, row: Mapping[str, Any]) -> tuple[printed.Attachment, ...]:
    """The sealed content, then what the device signed: the order that the printed words name."""
    return (
        printed.Attachment("report.json", sealed_bytes(row), "application/json"),
        printed.Attachment("seal.bin", seal_bytes(report_id, row["signature"])),
    )


def _fingerprint(amended: Report | None, zone: ZoneInfo) -> str:
    """By what the amended report is known: when it was signed and how its fingerprint begins."""
    if amended is None or amended.signature is None:
        return ""
    seal = amended.signature
    return f"{_when(seal.signed_at, zone)} {seal.content_hash[:12]}"


def _when(moment: datetime, zone: ZoneInfo) -> str:
    """Day, time and zone offset, the same in every language: a document outlives today's words."""
    local = moment.astimezone(zone)
    offset = local.strftime("%z")
    return f"{local:%Y-%m-%d %H:%M} (UTC{offset[:3]}:{offset[3:]})"

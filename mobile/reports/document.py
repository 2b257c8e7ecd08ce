"""What a printed repair report says (S2 #93–#95): plain values, already worded for their reader.

Whoever fills a `ReportDocument` has chosen the language, put the times into the reader's zone and
masked what the reader may not see. Nothing here knows the store, the entities or the network, so
that the same document makes the same pages on every device, years later as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from mobile.reports.labels import Labels

Point = tuple[float, float] | tuple[float, float, float]
"""Where the pen was: x to the right and y down, both 0..1 of the pad; a third value, when it was
there, is not printed."""

Stroke = tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Fact:
    """One labelled value, for example an arrival time with its wording."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Customer:
    name: str
    address: str = ""
    contact: str = ""


@dataclass(frozen=True, slots=True)
class Asset:
    """The appliance; `bought` is the date of purchase as the reader writes dates."""

    product: str
    model: str = ""
    serial: str = ""
    bought: str = ""


@dataclass(frozen=True, slots=True)
class ChecklistItem:
    """`done` is None as long as nobody said yes or no."""

    text: str
    done: bool | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """A part that was used. `quantity` is text because it carries its unit ("2", "1.5 m").

    `amount_cents` is the price of the whole line in hundredths of the document's currency; the
    money columns appear only when at least one line has a price.
    """

    name: str
    code: str = ""
    quantity: str = "1"
    amount_cents: int | None = None


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo that belongs to the report.

    `sha256` is the hex digest of the original file. `jpeg` is what is to be shown, or None to list
    the photo by name and digest only. If `jpeg` is the original, it is embedded byte for byte, and
    can be taken out of the PDF and checked against the digest; a reduced copy is marked as one.
    """

    file_name: str
    sha256: str
    size_bytes: int | None = None
    caption: str = ""
    jpeg: bytes | None = None


@dataclass(frozen=True, slots=True)
class Signature:
    """The customer's signature; `statement` is the sentence that stood beside the pad.

    `aspect` is the pad's width divided by its height, by which the strokes get their true shape.
    """

    signer: str
    role: str
    signed_at: str
    strokes: tuple[Stroke, ...]
    aspect: float = 2.5
    statement: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The customer did not sign, and why (in their words or the technician's)."""

    reason: str
    recorded_at: str
    statement: str = ""


@dataclass(frozen=True, slots=True)
class Seal:
    """What makes the report verifiable without us (law L6); all as text.

    `sha256` is the hex digest of the report's canonical bytes, `device_key` the device's Ed25519
    public key (base64url), `key_thumbprint` that key's RFC 7638 thumbprint, and `signature` what
    the device signed over the seal (base64url). See `shared/seal.py`.
    """

    sha256: str
    device_id: str
    device_key: str = ""
    key_thumbprint: str = ""
    sealed_at: str = ""
    signature: str = ""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file carried inside the PDF: with the sealed report's canonical bytes it verifies itself.

    `name` is unique in the document and holds no path.
    """

    name: str
    content: bytes
    mime_type: str = "application/octet-stream"
    description: str = ""


@dataclass(frozen=True, slots=True)
class ReportDocument:
    """One printed repair report. Empty texts and None leave their place on the page out.

    The labels' words on verifying expect as first attachment the bytes that `seal.sha256` is the
    digest of, and as second those that the device signed.

    `issued_at` (aware) is the only clock of the PDF: the same document gives the same bytes.
    `language` is a BCP 47 tag ("zh-CN"). `confirmed_working` is what the customer said after the
    repair (S2 #94), None when it was not asked; likewise `training_given` (S2 #93). `amends` names
    the earlier report that this one corrects.
    """

    language: str
    labels: Labels
    title: str
    case_number: str
    issued_at: datetime
    organisation: str
    customer: Customer
    asset: Asset
    technician: str
    amends: str = ""
    times: tuple[Fact, ...] = ()
    fault: str = ""
    cause: str = ""
    method: str = ""
    checklist: tuple[ChecklistItem, ...] = ()
    parts: tuple[Part, ...] = ()
    currency: str = "CNY"
    training_given: bool | None = None
    training_note: str = ""
    confirmed_working: bool | None = None
    remarks: str = ""
    photos: tuple[Photo, ...] = ()
    signing: Signature | Refusal | None = None
    seal: Seal | None = None
    attachments: tuple[Attachment, ...] = ()

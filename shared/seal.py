"""What exactly is signed when a customer signs a report (L6), and how anyone can verify it offline.

The sealed content is the canonical JSON of every field of the report that its author wrote, without
the signature itself and without what the server adds. Its SHA-256 is shown to the customer, printed
on the PDF, and signed by the device together with who signed, when and on which device.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from shared.declare import SERVER_ONLY, fields_of
from shared.entities.report import Report

SEALED_FIELDS = tuple(
    sorted(n for n, f in fields_of(Report).items() if n != "signature" and f.writers != SERVER_ONLY)
)
SIGNED_PARTS = ("signer_name", "signer_role", "signed_at", "strokes", "aspect", "refused_because")
_CONTEXT = b"huifang report seal 1\n"


def canonical(value: Any) -> bytes:
    """The one JSON text of a value: sorted keys, no spaces, UTF-8, whole floats as integers,
    absent for null."""
    return json.dumps(
        _plain(value), ensure_ascii=False, separators=(",", ":"), sort_keys=True
    ).encode()


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items() if v is not None and v not in ([], ())}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def sealed_bytes(report: Mapping[str, Any]) -> bytes:
    """The sealed content of a report row as the bytes whose SHA-256 is the content hash; `report`
    is the row as it stands on either side. They travel in the PDF, so that it verifies itself."""
    return canonical(
        {name: report[name] for name in ("id", *SEALED_FIELDS) if report.get(name) is not None}
    )


def content_hash(report: Mapping[str, Any]) -> str:
    """SHA-256 (hex) of a report row's sealed content."""
    return hashlib.sha256(sealed_bytes(report)).hexdigest()


def seal_bytes(report_id: str, signature: Mapping[str, Any]) -> bytes:
    """What the device signs: the report's id, its content hash, the signer's part, and the
    device itself."""
    parts = {name: signature.get(name) for name in SIGNED_PARTS}
    parts |= {
        "report_id": report_id,
        "content_hash": signature["content_hash"],
        "device_id": signature["device_id"],
        "device_key": signature["device_key"],
    }
    return _CONTEXT + canonical(parts)


def content_stands(report: Mapping[str, Any]) -> bool:
    """Whether a signed report still says what was signed. The device's signature is checked
    beside it, by whoever has Ed25519: ``verify(device_key, device_signature, seal_bytes(id,
    signature))``."""
    signature = report.get("signature")
    return signature is not None and signature["content_hash"] == content_hash(report)

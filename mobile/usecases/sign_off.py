"""The customer's sign-off (S2 #95, L6): strokes or a refusal, sealed to the report's content on
this device.

Signing, resolving the case and scheduling the callback (S2 #96) are one transaction: either the
customer's signature is safe with all that follows from it, or nothing happened and the pad is still
there.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from mobile.keys.port import DeviceKeys
from mobile.reports.strokes import simplify
from mobile.store.store import Store
from mobile.store.unit import Unit
from mobile.usecases import report_writing
from mobile.usecases.repairs import Repairs
from shared import codec
from shared.entities import Callback, Case, Report, Signature, Stroke
from shared.errors import Code, Refusal
from shared.followups import callback_after_repair
from shared.seal import content_hash, content_stands, seal_bytes
from shared.states import OPEN_CALLBACK_STATES

Points = Sequence[Sequence[float]]
"""One stroke: where the pen was, x and y as parts of the pad's width."""

_PLACES = 1000  # thousandths of the pad's width: finer than a finger
_TOLERANCE = 0.5  # of such a thousandth: points closer to the line than this say nothing


class SignOff:
    """Seals reports with this device's key."""

    def __init__(self, store: Store, keys: DeviceKeys, device_id: str) -> None:
        self._store = store
        self._keys = keys
        self._device_id = device_id

    async def sign(
        self, report: Report, strokes: Sequence[Points], aspect: float, name: str, role: str | None
    ) -> Report:
        """The report with the customer's signature, its case resolved and its callback scheduled.

        `aspect` is the pad's width over its height. Refuses `field_required` without name or
        strokes, `report_sealed` if it was signed already, and `seal_broken` if the stored report
        is no longer the one that was shown.
        """
        if not any(len(stroke) > 1 for stroke in strokes):
            raise Refusal(Code.FIELD_REQUIRED, field="signature")
        if not name.strip():
            raise Refusal(Code.FIELD_REQUIRED, field="signer_name")
        return await self._seal(
            report,
            signer_name=name.strip(),
            signer_role=role,
            strokes=tuple(_stroke(stroke) for stroke in strokes if stroke),
            aspect=aspect,
        )

    async def refuse(self, report: Report, reason: str, name: str | None = None) -> Report:
        """The report closed without a signature, with the customer's reason in its place."""
        if not reason.strip():
            raise Refusal(Code.FIELD_REQUIRED, field="refused_because")
        signer = name.strip() if name else None
        return await self._seal(report, refused_because=reason.strip(), signer_name=signer or None)

    async def verify(self, report: Report) -> bool:
        """Whether a signed report still says what was signed, on the device that it names; needs
        no network."""
        row = codec.write(report)
        signature = row.get("signature")
        if signature is None or not content_stands(row):
            return False
        try:
            key = _decode(signature["device_key"])
            device_signature = _decode(signature["device_signature"])
        except ValueError:  # no base64url: nobody's key
            return False
        return await self._keys.verify(key, device_signature, seal_bytes(report.id, signature))

    async def _seal(self, report: Report, **signer: Any) -> Report:
        if report.signature is not None:
            raise Refusal(Code.REPORT_SEALED)
        now = self._store.now()
        content = content_hash(codec.write(replace(report, finished_at=now)))
        jwk = await self._keys.public_jwk()
        unsigned = Signature(
            signed_at=now,
            content_hash=content,
            device_id=self._device_id,
            device_key=jwk["x"],
            device_signature="",
            **signer,
        )
        device_signature = await self._keys.sign(seal_bytes(report.id, codec.write(unsigned)))
        signature = replace(unsigned, device_signature=_encode(device_signature))
        with self._store.unit() as unit:
            # The unit checks the seal against what is stored: an edit that came in between showing
            # and signing is refused, never signed unseen.
            signed = unit.update(report, finished_at=now, signature=signature)
            if report.operation_confirmed:
                self._conclude(unit, signed)
            unit.discard_draft(report_writing.draft_key(report))
            unit.discard_draft(draft_key(report.id))
            unit.commit()
        return signed

    def _conclude(self, unit: Unit, signed: Report) -> None:
        """What follows from a repair that works: the case is resolved, and someone asks how it
        was. A call that is open already asks about the amendment too."""
        case = self._store.get(Case, signed.case_id)
        if case is None:
            return
        if case.state not in {"resolved", "closed", "cancelled"}:
            case = Repairs(self._store).resolve(unit, case)
        calls = self._store.find(Callback, case_id=case.id)
        if not any(call.state in OPEN_CALLBACK_STATES for call in calls):
            policy = self._store.policy()
            unit.create(callback_after_repair(case, signed, signed.finished_at, policy))


def callback_of(store: Store, report: Report) -> Callback | None:
    """The call that is to come after this report's signature, or was made."""
    calls = store.find(Callback, case_id=report.case_id, newest_first=True)
    about_it = [call for call in calls if call.report_id == report.id]
    return next(iter([*about_it, *calls]), None)


def draft_key(report_id: str) -> str:
    """Under which the strokes of an unfinished signature are kept."""
    return f"signature:{report_id}"


def _stroke(points: Points) -> Stroke:
    """The stroke with no more points than its shape needs: a slow hand makes thousands."""
    scaled = [(point[0] * _PLACES, point[1] * _PLACES) for point in points]
    return Stroke(points=tuple(round(v) for point in simplify(scaled, _TOLERANCE) for v in point))


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))

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
from mobile.store.store import Store
from mobile.usecases.repairs import Repairs
from shared import codec
from shared.entities import Callback, Case, Report, Signature, Stroke
from shared.errors import Code, Refusal
from shared.followups import callback_after_repair
from shared.seal import content_hash, content_stands, seal_bytes

Points = Sequence[tuple[float, float]]
"""One stroke: where the pen was, x and y as parts of the pad's width."""

_PLACES = 1000  # thousandths of the pad's width: finer than a finger


class SignOff:
    """Seals reports with this device's key."""

    def __init__(self, store: Store, keys: DeviceKeys, device_id: str) -> None:
        self._store = store
        self._keys = keys
        self._device_id = device_id

    async def sign(
        self, report: Report, strokes: Sequence[Points], aspect: float, name: str, role: str
    ) -> Report:
        """The report with the customer's signature, its case resolved and its callback scheduled.

        `aspect` is the pad's width over its height. Refuses `field_required` without name or
        strokes, and `report_sealed` if it was signed already.
        """
        drawn = tuple(_stroke(s) for s in strokes if len(s) > 1)
        if not drawn:
            raise Refusal(Code.FIELD_REQUIRED, field="signature")
        if not name.strip():
            raise Refusal(Code.FIELD_REQUIRED, field="signer_name")
        return await self._seal(
            report, signer_name=name.strip(), signer_role=role, strokes=drawn, aspect=aspect
        )

    async def refuse(self, report: Report, reason: str, name: str | None = None) -> Report:
        """The report closed without a signature, with the customer's reason in its place."""
        if not reason.strip():
            raise Refusal(Code.FIELD_REQUIRED, field="refused_because")
        return await self._seal(report, refused_because=reason.strip(), signer_name=name or None)

    async def verify(self, report: Report) -> bool:
        """Whether a signed report still says what was signed, on the device that it names; needs
        no network."""
        row = codec.write(report)
        signature = row.get("signature")
        if signature is None or not content_stands(row):
            return False
        return await self._keys.verify(
            _decode(signature["device_key"]),
            _decode(signature["device_signature"]),
            seal_bytes(report.id, signature),
        )

    async def _seal(self, report: Report, **signer: Any) -> Report:
        if report.signature is not None:
            raise Refusal(Code.REPORT_SEALED)
        now = self._store.now()
        finished = replace(report, finished_at=now)
        content = content_hash(codec.write(finished))
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
        repairs = Repairs(self._store)
        with self._store.unit() as unit:
            signed = unit.update(report, finished_at=now, signature=signature)
            if not content_stands(codec.write(signed)):
                # Someone else's edit came in between showing and signing: what was read is not what
                # is stored.
                raise Refusal(Code.SEAL_BROKEN)
            case = self._store.get(Case, report.case_id)
            if case is not None and case.state not in {"resolved", "closed", "cancelled"}:
                case = repairs.resolve(unit, case)
            if case is not None:
                callback = callback_after_repair(case, signed, now, self._store.policy())
                if self._store.row("callback", callback.id) is None:
                    unit.create(callback)
            unit.discard_draft(f"report:{report.id}")
            unit.discard_draft(f"signature:{report.id}")
            unit.commit()
        return signed

    def callback_of(self, report: Report) -> Callback | None:
        """The call that was scheduled with this report's signature."""
        return next(iter(self._store.find(Callback, report_id=report.id)), None)


def _stroke(points: Points) -> Stroke:
    flat = [round(value * _PLACES) for point in points for value in point]
    return Stroke(points=tuple(flat))


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))

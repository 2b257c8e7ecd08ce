"""Whether a thing is covered: by its warranty, by a service package, or by nothing (S2 #87, #107;
S4 #161)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from shared.entities import Asset


@dataclass(frozen=True, slots=True)
class Cover:
    """`by`: ``package`` (which says what it covers), ``warranty``, ``ended``, or ``unknown`` where
    neither was ever noted. `until` is its last day, None for a package without an end."""

    by: str
    until: date | None = None


def cover_of(asset: Asset, on: date) -> Cover:
    """What covers `asset` on a day. A package stands before the warranty: it promises more."""
    if asset.package and (asset.package_until is None or asset.package_until >= on):
        return Cover("package", asset.package_until)
    ends = [day for day in (asset.warranty_until, asset.package_until) if day]
    if asset.warranty_until and asset.warranty_until >= on:
        return Cover("warranty", asset.warranty_until)
    return Cover("ended", max(ends)) if ends else Cover("unknown")

"""The server's support bundle: how every organisation fares, for someone who must not see any
customer.

Only counts, times, sizes, versions and words of this program's own; ids are hashed with a salt made
for this one bundle and kept nowhere, so that equal ones are equal within it and none can be looked
up. Answers in words are left out, since they may name paths of the machine.
"""

from __future__ import annotations

import platform
import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from hashlib import blake2b
from typing import Any

from shared.clock import to_wire
from shared.declare import ENTITIES
from shared.errors import Code
from shared.wire import PROTOCOL, SETTLED
from sync_server.services.doctor import Finding
from sync_server.services.vitals import DeviceVitals, OrgVitals

FORMAT = 1
_SALT_BYTES = 32
_ID_BYTES = 8
_STRANGE = "?"
_VERSION = re.compile(r"[0-9]{1,6}(\.[0-9a-z]{1,12}){0,5}|dev")
_PLATFORMS = frozenset({"browser", "native"})
_DEVICE_STATES = frozenset({"pending", "approved", "blocked"})
_BUCKETS = frozenset({"customer", "case", "store", "user", "ref", "agg"})
_ALARMS = frozenset({"change_id_reused", "look_repeated", "look_missing", "look_altered"})
_CODES = frozenset(code.key for code in Code)

Hashed = Callable[[str], str]


def support_bundle(
    orgs: Iterable[OrgVitals], findings: Iterable[Finding], now: datetime
) -> dict[str, Any]:
    """What JSON can hold of it."""
    salt = secrets.token_bytes(_SALT_BYTES)

    def hashed(identifier: str) -> str:
        return blake2b(identifier.encode(), key=salt, digest_size=_ID_BYTES).hexdigest()

    return {
        "bundle": FORMAT,
        "made_at": to_wire(now),
        "protocol": PROTOCOL,
        "python": platform.python_version(),
        "findings": [
            {"question": f.question, "state": f.state.name.lower(), "values": dict(f.values)}
            for f in findings
        ],
        "organisations": [_organisation(org, now, hashed) for org in orgs],
    }


def _organisation(org: OrgVitals, _now: datetime, hashed: Hashed) -> dict[str, Any]:
    told = asdict(org)
    for name in ("org_id", "epoch", "devices"):
        del told[name]
    return {
        "organisation": hashed(org.org_id),
        "epoch": hashed(org.epoch),
        **told,
        "records": _words(org.records, ENTITIES),
        "buckets": _words(org.buckets, _BUCKETS),
        "verdicts": _words(org.verdicts, SETTLED),
        "codes": _words(org.codes, _CODES),
        "alarms": _words(org.alarms, _ALARMS),
        "devices": [_device(device, hashed) for device in org.devices],
    }


def _device(device: DeviceVitals, hashed: Hashed) -> dict[str, Any]:
    version = device.app_version
    return {
        **asdict(device),
        "id": hashed(device.id),
        "staff_id": hashed(device.staff_id),
        "state": _word(device.state, _DEVICE_STATES),
        "platform": _word(device.platform, _PLATFORMS),
        "app_version": version if _VERSION.fullmatch(version) else _STRANGE,
    }


def _words(counts: Mapping[str, int], known: Iterable[str]) -> dict[str, int]:
    """Counts by words that this version knows, all others together."""
    found: dict[str, int] = {}
    for word, count in counts.items():
        name = _word(word, known)
        found[name] = found.get(name, 0) + count
    return found


def _word(word: str, known: Iterable[str]) -> str:
    return word if word in known else _STRANGE

"""The support bundle: how the sync fares, for someone who must not see any customer.

Only counts, codes, times, sizes, versions, names of entities and fields, and ids hashed with a salt
that is made for this one bundle and kept nowhere: equal ids are equal within it and can't be looked
up anywhere. Words that came from elsewhere (a server's code, a grant's purpose) are let through
only if this version knows them.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from enum import Enum
from hashlib import blake2b
from typing import Any

from mobile.store.vitals import GrantHeld, WaitingEntry, WaitingFile
from mobile.usecases.doctor import Examined, Finding
from shared.access import parse_bucket
from shared.clock import from_wire, to_wire
from shared.declare import ENTITIES, Role
from shared.errors import Code
from shared.wire import PROTOCOL, SETTLED

FORMAT = 1
_SALT_BYTES = 32
_ID_BYTES = 8
_STRANGE = "?"
_PURPOSES = frozenset(ENTITIES["grant"].fields["purpose"].choices)
_CODES = frozenset(code.key for code in Code)
_ROLES = frozenset(role.value for role in Role)


def support_bundle(seen: Examined, findings: Iterable[Finding], app_version: str) -> bytes:
    """The bundle as UTF-8 JSON, indented: whoever sends it can read it first."""
    salt = secrets.token_bytes(_SALT_BYTES)

    def hashed(identifier: str) -> str:
        return blake2b(identifier.encode(), key=salt, digest_size=_ID_BYTES).hexdigest()

    found = {
        "bundle": FORMAT,
        "made_at": _plain(seen.at),
        "app": {
            "version": _version(app_version),
            "installed": _version(seen.app.version),
            "platform": seen.platform if seen.platform in {"browser", "native"} else _STRANGE,
            "offline_ready": seen.app.ready,
            "update_waits": seen.app.update,
            "update_wanted": seen.vitals.update_wanted,
            "protocol": PROTOCOL,
            "schema": seen.vitals.schema,
        },
        "position": {
            "epoch": hashed(seen.vitals.epoch) if seen.vitals.epoch else None,
            "cursor": seen.vitals.cursor,
            "backed_up_to": seen.vitals.backed_up_to,
            "last_sync_at": _plain(seen.vitals.last_sync_at),
        },
        "findings": [_finding(finding) for finding in findings],
        "exchanges": [
            {
                "at": _plain(one.at),
                "sent": one.sent,
                "received": one.received,
                "code": one.code.key if one.code else None,
            }
            for one in seen.exchanges
        ],
        "waiting": [_entry(entry, hashed) for entry in seen.vitals.waiting],
        "outcomes": [_entry(entry, hashed) for entry in seen.vitals.concerning],
        "files": [_file(file, hashed) for file in seen.vitals.files],
        "outbox": {"settled": seen.vitals.kept, "unsealed": seen.vitals.unsealed},
        "sealed_log": {"entries": seen.sealed_entries, "damaged": seen.sealed_damage},
        "buckets": {
            kind.kind: {"held": kind.held, "whole": kind.whole, "rows": kind.rows}
            for kind in seen.vitals.buckets
        },
        "checksums": {
            kind: {"agree": agree, "differ": differ}
            for kind, (agree, differ) in (seen.agreement or {}).items()
        },
        "repaired": _repaired(seen.vitals.repaired),
        "grants": [_grant(grant, hashed) for grant in seen.vitals.grants],
        "lease": {
            "ends_at": _plain(seen.vitals.lease_ends_at),
            "suspended": seen.vitals.suspended,
        },
        "clock": {
            "wall": _plain(seen.vitals.wall),
            "effective": _plain(seen.vitals.effective),
            "ahead_of_server": _plain(seen.vitals.server_lag),
        },
        "storage": {
            "durable": seen.durable,
            "persisted": seen.storage.persisted,
            "used_bytes": seen.storage.usage_bytes,
            "quota_bytes": seen.storage.quota_bytes,
            "vault_bytes": seen.vitals.vault_bytes,
            "free_bytes": seen.vitals.free_bytes,
            "drafts": seen.vitals.drafts,
            "rekey_due": seen.vitals.rekey_due,
        },
    }
    return json.dumps(found, indent=1).encode()


def _finding(finding: Finding) -> dict[str, Any]:
    values = {name: _plain(value) for name, value in finding.values.items() if name != "version"}
    return {
        "topic": finding.topic,
        "state": finding.state.value,
        "word": finding.word,
        "values": values,
    }


def _entry(entry: WaitingEntry, hashed: Callable[[str], str]) -> dict[str, Any]:
    declared: Mapping[str, Any] = ENTITIES[entry.entity].fields if entry.entity in ENTITIES else {}
    return {
        "number": entry.number,
        "change": hashed(entry.change_id),
        "record": hashed(entry.record_id),
        "entity": _known(entry.entity, ENTITIES),
        "kind": _known(entry.kind, ("create", "update")),
        "fields": [_known(name, declared) for name in entry.fields],
        "bytes": entry.bytes,
        "made_at": _moment(entry.made_at),
        "sealed": entry.sealed,
        "held_by": _known(entry.held_by, _CODES),
        "verdict": _known(entry.verdict, SETTLED),
        "code": _known(entry.code, _CODES),
    }


def _file(file: WaitingFile, hashed: Callable[[str], str]) -> dict[str, Any]:
    return {
        "file": hashed(file.file_id),
        "bytes": file.bytes,
        "sent": file.sent,
        "held_by": _known(file.held_by, _CODES),
    }


def _grant(grant: GrantHeld, hashed: Callable[[str], str]) -> dict[str, Any]:
    return {
        "grant": hashed(grant.id),
        "bucket": f"{parse_bucket(grant.bucket).kind}:{hashed(grant.bucket)}",
        "purpose": _known(grant.purpose, _PURPOSES),
        "role": _known(grant.role, _ROLES),
        "not_before": _moment(grant.not_before),
        "expires_at": _moment(grant.expires_at),
        "listed": grant.listed,
    }


def _repaired(repaired: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if repaired is None:
        return None
    return {"at": _moment(repaired["at"]), "buckets": int(repaired["buckets"])}


def _moment(text: str | None) -> str | None:
    """A time as it is written on the wire: read and written anew, so that it is nothing else."""
    return to_wire(from_wire(text)) if text else None


def _known(word: str | None, words: Iterable[str]) -> str | None:
    return word if word is None or word in words else _STRANGE


def _version(text: str) -> str:
    """Versions are made of letters, digits and dots; anything else is not one."""
    return text if text.replace(".", "").replace("-", "").isalnum() else _STRANGE


def _plain(value: Any) -> Any:
    """What JSON has, or nothing: no text gets through here."""
    match value:
        case datetime():
            return to_wire(value)
        case timedelta():
            return round(value.total_seconds(), 3)
        case Enum():
            return value.value
        case bool() | int() | float() | None:
            return value
        case _:
            return _STRANGE

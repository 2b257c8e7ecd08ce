"""The sync doctor: looks at everything a sync rests on and judges it. Looking awaits the device;
judging is pure.

A finding names its words by topic and verdict (texts `doctor.<topic>.<word>`), what it found as
plain values, and which of the few remedies at hand mends it. None of it holds a customer's data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from mobile.store.store import Store
from mobile.store.vitals import Vitals, WaitingEntry, vitals
from mobile.usecases.services import Installation, Place, Storage
from mobile.usecases.syncing import Exchange, Syncing
from shared.clock import from_wire
from shared.declare import ENTITIES
from shared.errors import Code

LONG_WAIT = timedelta(hours=8)
LONG_SILENCE = timedelta(hours=24)
LEASE_SHORT = timedelta(hours=12)
CLOCK_OFF = timedelta(minutes=2)
NEARLY_FULL = 0.9
_AWAY = frozenset({Code.OFFLINE, Code.CUT_SHORT})


class State(StrEnum):
    """How a finding stands. ATTENTION: works, and someone should look; BAD: does not work."""

    GOOD = "good"
    ATTENTION = "attention"
    BAD = "bad"


class Mend(StrEnum):
    """What can be done on the spot."""

    SYNC = "sync"
    PERSIST = "persist"
    COMPARE = "compare"
    UPDATE = "update"


@dataclass(frozen=True, slots=True)
class Finding:
    """One answer. `values` are counts, moments, spans, and sizes (named `…bytes`)."""

    topic: str
    state: State
    word: str
    values: Mapping[str, Any] = field(default_factory=dict)
    mend: Mend | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """All that was looked at, at one moment."""

    at: datetime
    vitals: Vitals
    exchanges: Sequence[Exchange]
    agreement: Mapping[str, tuple[int, int]] | None
    """By kind of bucket: how many agreed with the server and how many differed, when they were
    compared one by one; None while nobody asked for it."""
    storage: Storage
    durable: bool
    app: Installation
    platform: str
    sealed_entries: int
    sealed_damage: int
    online: bool


async def examine(store: Store, syncing: Syncing, place: Place, *, durable: bool) -> Examined:
    """Looks; changes nothing. `durable` is whether the vault outlives the app at all."""
    log = syncing.log
    return Examined(
        at=store.now(),
        vitals=vitals(store.parts),
        exchanges=tuple(syncing.exchanges),
        agreement=syncing.agreement,
        storage=await place.storage(False),
        durable=durable,
        app=await place.installation(),
        platform=place.platform,
        sealed_entries=len(log) if log is not None else 0,
        sealed_damage=log.damaged if log is not None else 0,
        online=place.online(),
    )


def judge(seen: Examined) -> list[Finding]:
    """Every finding, the one that matters most first within the order of a sync."""
    return [finding for part in _PARTS for finding in part(seen)]


def worst(findings: Sequence[Finding]) -> State:
    """The state of the whole."""
    states = {finding.state for finding in findings}
    return next(s for s in (State.BAD, State.ATTENTION, State.GOOD) if s in states or not states)


def _waiting(seen: Examined) -> Iterator[Finding]:
    waiting = _work(seen.vitals.waiting)
    if not waiting:
        yield Finding("waiting", State.GOOD, "none")
        return
    oldest = from_wire(waiting[0].made_at)
    values = {"count": len(waiting), "since": oldest}
    held = [entry for entry in waiting if entry.held_by]
    if held:
        yield Finding("waiting", State.BAD, "held", values | {"held": len(held)}, Mend.SYNC)
    elif seen.at - oldest > LONG_WAIT:
        yield Finding("waiting", State.ATTENTION, "long", values, Mend.SYNC)
    else:
        yield Finding("waiting", State.GOOD, "some", values, Mend.SYNC)


def _work(entries: Sequence[WaitingEntry]) -> list[WaitingEntry]:
    """Without looks (L7), which go up unseen: they are nobody's work, and no list shows them."""
    return [e for e in entries if e.entity not in ENTITIES or not ENTITIES[e.entity].one_way]


def _concerning(seen: Examined) -> Iterator[Finding]:
    if count := len(_work(seen.vitals.concerning)):
        yield Finding("outcomes", State.ATTENTION, "some", {"count": count})


def _files(seen: Examined) -> Iterator[Finding]:
    files = seen.vitals.files
    if not files:
        yield Finding("files", State.GOOD, "none")
        return
    values = {
        "count": len(files),
        "left_bytes": sum(file.bytes - file.sent for file in files),
    }
    held = any(file.held_by for file in files)
    state, word = (State.BAD, "held") if held else (State.GOOD, "some")
    yield Finding("files", state, word, values, Mend.SYNC)


def _exchanges(seen: Examined) -> Iterator[Finding]:
    last = seen.vitals.last_sync_at
    newest = seen.exchanges[-1] if seen.exchanges else None
    if last is None:
        yield Finding("exchange", State.ATTENTION, "never", mend=Mend.SYNC)
    elif newest is not None and newest.code is not None and newest.code not in _AWAY:
        values = {"at": newest.at, "since": last}
        yield Finding("exchange", State.BAD, "failed", values, Mend.SYNC)
    elif seen.at - last > LONG_SILENCE:
        yield Finding("exchange", State.ATTENTION, "long_ago", {"since": last}, Mend.SYNC)
    elif not seen.online or (newest is not None and newest.code in _AWAY):
        yield Finding("exchange", State.GOOD, "offline", {"since": last})
    else:
        yield Finding("exchange", State.GOOD, "fine", {"since": last})


def _checksums(seen: Examined) -> Iterator[Finding]:
    repaired = seen.vitals.repaired
    fetching = sum(kind.held - kind.whole for kind in seen.vitals.buckets)
    held = sum(kind.held for kind in seen.vitals.buckets)
    if seen.agreement is not None:
        differ = sum(count for _, count in seen.agreement.values())
        word, state = ("differ", State.BAD) if differ else ("agree", State.GOOD)
        agreed = sum(count for count, _ in seen.agreement.values())
        values = {"count": agreed + differ, "differ": differ}
        yield Finding("checksums", state, word, values, Mend.COMPARE)
    elif fetching:
        values = {"count": held, "left": fetching}
        yield Finding("checksums", State.ATTENTION, "fetching", values, Mend.SYNC)
    else:
        yield Finding("checksums", State.GOOD, "assumed", {"count": held}, Mend.COMPARE)
    if repaired is not None:
        at = from_wire(repaired["at"])
        yield Finding("repaired", State.ATTENTION, "once", {"at": at, "count": repaired["buckets"]})


def _storage(seen: Examined) -> Iterator[Finding]:
    storage = seen.storage
    values = {"used_bytes": storage.usage_bytes, "quota_bytes": storage.quota_bytes}
    full = storage.quota_bytes and storage.usage_bytes > NEARLY_FULL * storage.quota_bytes
    if not seen.durable:
        yield Finding("storage", State.BAD, "not_durable")
    elif full:
        yield Finding("storage", State.BAD, "full", values)
    elif not storage.persisted:
        yield Finding("storage", State.ATTENTION, "loose", values, Mend.PERSIST)
    elif storage.quota_bytes:
        yield Finding("storage", State.GOOD, "kept", values)
    else:
        yield Finding("storage", State.GOOD, "native", {"used_bytes": seen.vitals.vault_bytes})


def _clock(seen: Examined) -> Iterator[Finding]:
    lag = seen.vitals.server_lag
    if seen.vitals.suspended == Code.CLOCK_BEHIND.key:
        behind = seen.vitals.effective - seen.vitals.wall
        yield Finding("clock", State.BAD, "suspended", {"span": behind}, Mend.SYNC)
    elif lag is None:
        yield Finding("clock", State.GOOD, "unheard", {"wall": seen.vitals.wall})
    elif abs(lag) > CLOCK_OFF:
        word = "fast" if lag > timedelta(0) else "slow"
        yield Finding("clock", State.ATTENTION, word, {"span": abs(lag)})
    else:
        yield Finding("clock", State.GOOD, "right", {"wall": seen.vitals.wall})


def _lease(seen: Examined) -> Iterator[Finding]:
    ends = seen.vitals.lease_ends_at
    if ends is None:
        yield Finding("lease", State.ATTENTION, "none", mend=Mend.SYNC)
    elif seen.vitals.suspended == Code.LEASE_ENDED.key:
        yield Finding("lease", State.BAD, "ended", {"at": ends}, Mend.SYNC)
    elif ends - seen.at < LEASE_SHORT:
        yield Finding("lease", State.ATTENTION, "short", {"at": ends}, Mend.SYNC)
    else:
        yield Finding("lease", State.GOOD, "runs", {"at": ends})


def _grants(seen: Examined) -> Iterator[Finding]:
    running, ends = seen.vitals.grants_running, seen.vitals.next_end
    if not running:
        yield Finding("grants", State.ATTENTION, "none", mend=Mend.SYNC)
    elif ends is None:
        yield Finding("grants", State.GOOD, "endless", {"count": running})
    else:
        yield Finding("grants", State.GOOD, "some", {"count": running, "at": ends})


def _sealed(seen: Examined) -> Iterator[Finding]:
    values = {"count": seen.sealed_entries, "unsealed": seen.vitals.unsealed}
    if seen.sealed_damage:
        values |= {"damage": seen.sealed_damage}
        yield Finding("sealed", State.ATTENTION, "damaged", values, Mend.SYNC)
    elif seen.vitals.unsealed:
        yield Finding("sealed", State.ATTENTION, "behind", values, Mend.SYNC)
    else:
        yield Finding("sealed", State.GOOD, "whole", values)


def _app(seen: Examined) -> Iterator[Finding]:
    app = seen.app
    if seen.vitals.update_wanted:
        mend = Mend.UPDATE if app.update else None
        yield Finding("app", State.BAD, "outdated", {"version": app.version}, mend)
    elif app.update:
        yield Finding("app", State.ATTENTION, "update", {"version": app.version}, Mend.UPDATE)
    elif not app.ready:
        yield Finding("app", State.ATTENTION, "not_ready", {"version": app.version})
    else:
        yield Finding("app", State.GOOD, "ready", {"version": app.version})


_PARTS: tuple[Callable[[Examined], Iterator[Finding]], ...] = (
    _exchanges, _waiting, _concerning, _files, _checksums, _lease, _grants, _clock, _storage,
    _sealed, _app,
)  # fmt: skip

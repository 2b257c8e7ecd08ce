"""The chain of looks as it arrives (L7): a gap, an alteration, a fork or a beginning that the
device did not sign is recorded and raises an alarm; no look is refused.

Entries are linked by what they say, not by when they come: what waited in quarantine or was sent
again fills its gap, and the alarm that was raised meanwhile says so by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import case, func, select

from shared.errors import Refusal
from shared.looks import FIRST, entry_hash, start_bytes
from sync_server.db.looks import LOOK_LINK
from sync_server.services.alarms import arrived, raise_alarm
from sync_server.services.caller import Caller
from sync_server.services.proof import decoded, verify_device_signature
from sync_server.services.writing import Unit

_LINK = LOOK_LINK.c


class Link(NamedTuple):
    """An entry as far as its neighbours need it."""

    look_id: str
    hash: str
    previous: str


@dataclass(slots=True)
class _Known:
    """What is known of one chain: `last` of its numbers in the database, the number before which
    entries are known by it alone, and the links read or added so far."""

    last: int
    floor: int
    links: dict[int, list[Link]] = field(default_factory=dict)


class Chain:
    """The chains of one device while a push is worked on."""

    def __init__(self) -> None:
        self._chains: dict[str, _Known] = {}

    def add(self, unit: Unit, caller: Caller, look: Mapping[str, Any]) -> None:
        """Takes an entry, whatever becomes of the look. `look` is as its device wrote it."""
        chain_id, number = look.get("chain_id") or "", look["number"]
        link = Link(look["id"], entry_hash(look), look["previous"])
        here = self._at(unit, caller, chain_id, number)
        if any(known.look_id == link.look_id for known in here):
            return
        if here or number <= self._chain(unit, caller, chain_id).floor:
            kind = "look_forked" if chain_id else "look_repeated"
            raise_alarm(unit, caller, kind, link.look_id)
        elif number == 1:
            self._check_beginning(unit, caller, look)
        elif not (before := self._at(unit, caller, chain_id, number - 1)):
            raise_alarm(unit, caller, "look_missing", link.look_id)
        elif all(known.hash != link.previous for known in before):
            raise_alarm(unit, caller, "look_altered", link.look_id)
        for after in self._at(unit, caller, chain_id, number + 1):
            if after.previous == link.hash:
                arrived(unit, "look_missing", after.look_id)
            elif not here and after.look_id:
                raise_alarm(unit, caller, "look_altered", after.look_id)
        self._keep(unit, caller, chain_id, number, link)

    def _check_beginning(self, unit: Unit, caller: Caller, look: Mapping[str, Any]) -> None:
        if not look.get("chain_id"):
            if look["previous"] != FIRST:
                raise_alarm(unit, caller, "look_altered", look["id"])
        elif not _signed(caller, look):
            raise_alarm(unit, caller, "look_chain_unsigned", look["id"])
        elif look["previous"] != FIRST and not self._goes_on(unit, caller, look["previous"]):
            raise_alarm(unit, caller, "look_missing", look["id"])

    def _goes_on(self, unit: Unit, caller: Caller, previous: str) -> bool:
        """Whether `previous` ends the chain that the device had before chains had ids."""
        known = self._chain(unit, caller, "")
        last = max([known.last, *(number for number, links in known.links.items() if links)])
        return any(link.hash == previous for link in self._at(unit, caller, "", last))

    def _chain(self, unit: Unit, caller: Caller, chain_id: str) -> _Known:
        known = self._chains.get(chain_id)
        if known is None:
            kept_alone = case((_LINK.look_id == "", _LINK.number), else_=0)
            row = unit.connection.execute(
                select(func.max(_LINK.number), func.max(kept_alone)).where(
                    _LINK.org_id == unit.org_id,
                    _LINK.device_id == caller.device_id,
                    _LINK.chain_id == chain_id,
                )
            ).one()
            known = self._chains[chain_id] = _Known(row[0] or 0, row[1] or 0)
        return known

    def _at(self, unit: Unit, caller: Caller, chain_id: str, number: int) -> list[Link]:
        known = self._chain(unit, caller, chain_id)
        if number not in known.links:
            known.links[number] = []
            if 0 < number <= known.last:
                rows = unit.connection.execute(
                    select(_LINK.look_id, _LINK.hash, _LINK.previous).where(
                        _LINK.org_id == unit.org_id,
                        _LINK.device_id == caller.device_id,
                        _LINK.chain_id == chain_id,
                        _LINK.number == number,
                    )
                )
                known.links[number] = [Link(*row) for row in rows]
        return known.links[number]

    def _keep(self, unit: Unit, caller: Caller, chain_id: str, number: int, link: Link) -> None:
        self._at(unit, caller, chain_id, number).append(link)
        unit.append(
            LOOK_LINK,
            {
                "org_id": unit.org_id,
                "device_id": caller.device_id,
                "chain_id": chain_id,
                "number": number,
                "look_id": link.look_id,
                "staff_id": caller.staff_id,
                "hash": link.hash,
                "previous": link.previous,
                "received_at": unit.now_text,
            },
        )


def _signed(caller: Caller, look: Mapping[str, Any]) -> bool:
    """Whether the device itself says that this chain begins, and begins so."""
    said = start_bytes(
        look["chain_id"],
        caller.device_id,
        caller.staff_id,
        look.get("began_at") or "",
        look["previous"],
    )
    try:
        verify_device_signature(caller.device_key, decoded(look.get("signature") or ""), said)
    except (Refusal, ValueError):
        return False
    return True

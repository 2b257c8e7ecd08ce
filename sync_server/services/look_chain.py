"""The chain of looks as it arrives (L7): a gap or an alteration is recorded and raises an alarm;
no look is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from shared.looks import FIRST, entry_hash
from sync_server.db.log import LOOK_HEAD
from sync_server.services.alarms import raise_alarm
from sync_server.services.caller import Caller
from sync_server.services.writing import Unit


class Chain:
    """The end of one device's chain while a push is worked on."""

    def __init__(self) -> None:
        self._head: tuple[int, str] | None = None

    def add(self, unit: Unit, caller: Caller, look: Mapping[str, Any]) -> None:
        """Takes the next entry. Chains are checked per device in the order of arrival, which is
        the order of making: a device sends its changes in order."""
        number, last = self._head or self._stored(unit, caller)
        if look["number"] <= number:
            raise_alarm(unit, caller, "look_repeated", look["id"])
            return
        if look["number"] > number + 1:
            raise_alarm(unit, caller, "look_missing", look["id"])
        elif look["previous"] != last:
            raise_alarm(unit, caller, "look_altered", look["id"])
        self._head = (look["number"], entry_hash(look))
        unit.append(
            LOOK_HEAD,
            {
                "org_id": unit.org_id,
                "device_id": caller.device_id,
                "number": self._head[0],
                "hash": self._head[1],
            },
        )

    def _stored(self, unit: Unit, caller: Caller) -> tuple[int, str]:
        row = unit.connection.execute(
            select(LOOK_HEAD.c.number, LOOK_HEAD.c.hash).where(
                LOOK_HEAD.c.org_id == unit.org_id, LOOK_HEAD.c.device_id == caller.device_id
            )
        ).first()
        return (row.number, row.hash) if row else (0, FIRST)

"""Reading records: everything a screen shows comes through `Records`, and `Records` goes through
the gate.

Every query is over `shown_row` by one of its index columns (`tests/mobile/test_store_plans.py`
holds them to it).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import apsw

from mobile.store.gate import Gate
from mobile.store.sql import rows
from shared.clock import to_wire
from shared.codec import read, to_row_value
from shared.declare import ENTITIES, MARKS, Entity, Record, entity_of
from shared.states import OPEN_CALLBACK_STATES, OPEN_CASE_STATES, OPEN_VISIT_STATES

R = TypeVar("R", bound=Record)

OPEN_STATES: Mapping[str, frozenset[str]] = {
    "case": OPEN_CASE_STATES,
    "visit": OPEN_VISIT_STATES,
    "callback": OPEN_CALLBACK_STATES,
    "retention_plan": frozenset({"open"}),  # what is only proposed waits in the inbox
}
_COLUMNS = ("customer_id", "case_id", "state", "id")


@dataclass(frozen=True, slots=True)
class Shown:
    """A record as the screen shows it. `seq` is the number of the server's row beneath, 0 before
    there is one."""

    entity: str
    id: str
    row: dict[str, Any]
    seq: int
    pending: bool


class Records:
    """The readable records of one open vault."""

    def __init__(self, db: apsw.Connection, gate: Gate) -> None:
        self._db = db
        self._gate = gate

    def get(self, cls: type[R], record_id: str) -> R | None:
        """The record, or None where there is none that may be read. Refuses as `Gate.open` does,
        like all here."""
        shown = self.row(entity_of(cls).name, record_id)
        return read(cls, shown.row) if shown else None

    def row(self, entity: str, record_id: str) -> Shown | None:
        """The record's row with what stands beneath it."""
        self._pass(ENTITIES[entity])
        return self.unguarded(entity, record_id)

    def pending(self, cls: type[Record]) -> frozenset[str]:
        """Ids of the records of this kind on which changes wait."""
        entity = entity_of(cls)
        self._pass(entity)
        query = "SELECT id FROM pending_row WHERE entity = ?"
        return frozenset(row[0] for row in self._db.execute(query, (entity.name,)))

    def unguarded(self, entity: str, record_id: str) -> Shown | None:
        """As `row`, but also while reading is suspended: for writing, which goes on. Never for a
        screen."""
        found = self._db.execute(
            "SELECT body, seq, pending FROM shown_row WHERE entity = ? AND id = ?",
            (entity, record_id),
        ).fetchone()
        if found is None:
            return None
        body, seq, pending = found
        return Shown(entity, record_id, json.loads(body), seq, bool(pending))

    def find(
        self,
        cls: type[R],
        *,
        newest_first: bool = False,
        limit: int = -1,
        offset: int = 0,
        **where: Any,
    ) -> list[R]:
        """Records whose fields equal `where` (None: not set; a list: any of them), by the time that
        their entity declares.

        `customer_id`, `case_id` and `state` are found by index; other fields narrow what those
        leave.
        """
        entity = entity_of(cls)
        self._pass(entity)
        return list(self._find(cls, entity, newest_first, limit, offset, where))

    def _find(
        self,
        cls: type[R],
        entity: Entity,
        newest_first: bool,
        limit: int,
        offset: int,
        where: Mapping[str, Any],
    ) -> Iterator[R]:
        conditions, values = _conditions(entity, where)
        order = "DESC" if newest_first else "ASC"
        bodies = self._db.execute(
            f"SELECT body FROM shown_row WHERE {conditions} ORDER BY at {order}, id {order}"
            " LIMIT ? OFFSET ?",
            (*values, limit, offset),
        )
        return (read(cls, json.loads(body)) for (body,) in bodies)

    def columns(
        self, cls: type[Record], names: Sequence[str], **where: Any
    ) -> list[tuple[Any, ...]]:
        """The named fields alone, in wire form, of what `find` would give; in no order.

        For lists of thousands: whole records of 10,000 customers and their visits take a second to
        read, these columns of them a tenth of it.
        """
        entity = entity_of(cls)
        self._pass(entity)
        conditions, values = _conditions(entity, where)
        wanted = ", ".join(_column(entity, name) for name in names)
        rows = self._db.execute(f"SELECT {wanted} FROM shown_row WHERE {conditions}", values)
        return list(rows)

    def count(self, cls: type[Record], **where: Any) -> int:
        """How many `find` would give."""
        entity = entity_of(cls)
        self._pass(entity)
        conditions, values = _conditions(entity, where)
        return int(
            self._db.execute(f"SELECT count(*) FROM shown_row WHERE {conditions}", values).get
        )

    def agenda(self, cls: type[R], *, until: datetime | None = None, limit: int = -1) -> list[R]:
        """Open visits, cases, callbacks or plans, the earliest first; one without a time of its own
        counts from its making."""
        entity = entity_of(cls)
        self._pass(entity)
        within, values = ("AND at <= ?", (to_wire(until),)) if until else ("", ())
        # State by state, so that each comes from its index in order and a limit ends the reading.
        by_state = [
            rows(
                self._db,
                "SELECT at, id, body FROM shown_row"
                f" WHERE entity = ? AND state = ? {within} ORDER BY at LIMIT ?",
                (entity.name, state, *values, limit),
            )
            for state in OPEN_STATES[entity.name]
        ]
        found = sorted((row for part in by_state for row in part), key=lambda r: (r[0] or "", r[1]))
        wanted = found if limit < 0 else found[:limit]
        return [read(cls, json.loads(body)) for _, _, body in wanted]

    def _pass(self, entity: Entity) -> None:
        """Catalogues name no customer: policy and texts stay readable so that writing can go on."""
        if entity.catalogue:
            self._gate.settle()
        else:
            self._gate.open()


def _conditions(entity: Entity, where: Mapping[str, Any]) -> tuple[str, tuple[Any, ...]]:
    parts, values = ["entity = ?"], [entity.name]
    for name, value in where.items():
        column = _column(entity, name)
        if value is None:
            parts.append(f"{column} IS NULL")
        elif isinstance(value, list):
            parts.append(f"{column} IN (SELECT value FROM json_each(?))")
            values.append(json.dumps(value))
        else:
            parts.append(f"{column} = ?")
            field = entity.fields.get(name)
            values.append(to_row_value(field, value) if field else value)
    return " AND ".join(parts), tuple(values)


def _column(entity: Entity, name: str) -> str:
    """What a field is read from in SQL. TypeError for one that the entity does not have."""
    if name not in entity.fields and name not in _COLUMNS and name not in MARKS:
        raise TypeError(f"{entity.name} has no field {name}")
    # An entity may call the column's field by another name ("id" of a customer is its customer_id).
    return name if name in _COLUMNS else f"json_extract(body, '$.{name}')"

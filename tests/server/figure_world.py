"""A small company with a year's orders, cases and answers, drawn by a seed, and its figures by a
few plain lines of Python: no table, no SQL, no clock of the product."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from shared.clock import from_wire, to_wire
from shared.ids import derived_id
from sync_server.db.base import Database
from sync_server.db.records import RECORDS
from sync_server.services.writing import Unit, write
from tests.server import phones

ORG = derived_id("figures")
NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Shanghai")
STORES = tuple(derived_id("figures", "store", str(n)) for n in range(3))
STAFF = tuple(derived_id("figures", "staff", str(n)) for n in range(5))

Rows = list[tuple[str, dict[str, Any]]]


def company() -> Rows:
    rows: Rows = [
        ("organisation", {"id": ORG, "name": "回访", "timezone": ZONE.key, "currency": "CNY"})
    ]
    rows += [("store", {"id": one, "name": f"{n} 号店"}) for n, one in enumerate(STORES)]
    rows += [
        ("staff", {"id": one, "name": f"员工{n}", "role": "technician", "store_id": STORES[n % 3]})
        for n, one in enumerate(STAFF)
    ]
    return rows


def drawn(
    seed: int, customers: int = 40, cases: int = 120, orders: int = 300, days: int = 760
) -> Rows:
    """Customers of three stores with what happened to them between late 2024 and November 2026;
    their cases in the last so many days of that."""
    draw = random.Random(seed)
    ids = [derived_id("figures", "customer", str(seed), str(n)) for n in range(customers)]

    def moment(since: datetime, days: float) -> datetime:
        found = since + timedelta(seconds=round(draw.random() * days * 86_400))
        return found.replace(microsecond=0)

    begun = datetime(2024, 10, 1, tzinfo=UTC)
    opened = begun + timedelta(days=760 - days)
    rows: Rows = []
    for n, one in enumerate(ids):
        rows.append(("customer", {
            "id": one, "name": f"客户{n}", "store_id": draw.choice((*STORES, None)),
            "stage": "potential" if draw.random() < 0.1 else "actual",
            "referred": draw.random() < 0.3, "created_at": to_wire(moment(begun, 700)),
        }))  # fmt: skip
    for n in range(orders):
        cancelled = draw.random() < 0.1
        rows.append(("order", {
            "id": derived_id("figures", "order", str(seed), str(n)), "number": f"{seed}-{n}",
            "customer_id": draw.choice(ids), "ordered_at": to_wire(moment(begun, 780)),
            "state": "cancelled" if cancelled else "placed",
            "total_cents": (-1 if cancelled else 1) * draw.randrange(1000, 90_000),
        }))  # fmt: skip
    for n in range(cases):
        rows += _case(draw, draw.choice(ids), f"{seed}-{n}", moment(opened, days))
    return rows


def _case(draw: random.Random, customer: str, number: str, opened: datetime) -> Rows:
    case_id = derived_id("figures", "case", number)
    tie = {"case_id": case_id, "customer_id": customer}
    steps = ["in_progress", "waiting", "in_progress", "resolved", "in_progress", "resolved"]
    steps = steps[: draw.choice((0, 1, 2, 3, 4, 4, 6))]
    rows: Rows = []
    at, state, staff = opened, "new", None
    for place, step in enumerate(steps):
        at += timedelta(minutes=draw.randrange(1, 4000))
        if place in (0, 2):
            staff = draw.choice(STAFF)
            rows.append(("case_event", {
                "id": derived_id(case_id, "given", str(place)), "kind": "assigned",
                "happened_at": to_wire(at), "staff_id": staff, **tie,
            }))  # fmt: skip
        rows.append(("case_event", {
            "id": derived_id(case_id, "moved", str(place)), "kind": "moved", "from_state": state,
            "to_state": step, "happened_at": to_wire(at),
            "waiting_for": draw.choice(("customer", "parts")) if step == "waiting" else None, **tie,
        }))  # fmt: skip
        state = step
    kind = draw.choice(("repair", "repair", "complaint", "enquiry"))
    if not steps and draw.random() < 0.5:
        state = "cancelled"
    rows.insert(0, ("case", {
        "id": case_id, "number": number, "customer_id": customer, "kind": kind, "title": "走时不准",
        "state": state, "opened_at": to_wire(opened), "assignee_id": staff,
    }))  # fmt: skip
    if state == "resolved":
        points = draw.randrange(40, 101)
        rows.append(("callback", {
            "id": derived_id(case_id, "callback"), "kind": "after_repair", "state": "done",
            "due_at": to_wire(at), "finished_at": to_wire(at + timedelta(days=2)),
            "satisfaction": points, **tie,
        }))  # fmt: skip
    return rows


def write_rows(db: Database, rows: Iterable[tuple[str, dict[str, Any]]], org_id: str = ORG) -> None:
    """All of them, in one transaction."""

    def work(unit: Unit) -> None:
        for entity, row in rows:
            unit.create(entity, row)

    write(db, org_id, NOW, work)


class ByHand:
    """The same figures, counted by hand from the rows."""

    def __init__(self, rows: Rows) -> None:
        self.rows = {
            name: [row for entity, row in rows if entity == name]
            for name in ("customer", "order", "case", "case_event", "callback")
        }
        self.store = {row["id"]: row["store_id"] or "" for row in self.rows["customer"]}

    def steps(self, case_id: str) -> Sequence[dict[str, Any]]:
        mine = [row for row in self.rows["case_event"] if row["case_id"] == case_id]
        return sorted(mine, key=lambda row: str(row["happened_at"]))

    @staticmethod
    def within(at: str, first: date, last: date) -> bool:
        """Whether a moment lies on one of these local days."""
        return first <= from_wire(at).astimezone(ZONE).date() <= last

    def counts(self, first: date, last: date, store: str | None = None) -> dict[str, int]:
        """What happened from `first` to `last`, local days, to one store's customers or all."""

        def within(at: str | None, begin: date = first) -> bool:
            return bool(at) and begin <= from_wire(str(at)).astimezone(ZONE).date() <= last

        def ours(row: dict[str, Any]) -> bool:
            return store is None or self.store[row["customer_id"]] == store

        cases = [row for row in self.rows["case"] if ours(row) and row["state"] != "cancelled"]
        opened = [row for row in cases if within(row["opened_at"])]
        seconds, answered, resolved, hand_overs = 0, 0, 0, 0
        for row in cases:
            moves = [s for s in self.steps(row["id"]) if s["kind"] == "moved"]
            if moves and within(moves[0]["happened_at"]) and row["kind"] != "complaint":
                answered += 1
                seconds += _seconds(row["opened_at"], moves[0]["happened_at"])
            resolved += row["state"] == "resolved" and within(moves[-1]["happened_at"])
            given = [s["staff_id"] for s in self.steps(row["id"]) if s["kind"] == "assigned"]
            hand_overs += len(set(given)) > 1 and within(row["opened_at"])
        said = [row for row in self.rows["callback"] if ours(row) and within(row["finished_at"])]
        found = {
            "opened": len(opened),
            "opened_resolved": sum(row["state"] == "resolved" for row in opened),
            "complainants": len({r["customer_id"] for r in opened if r["kind"] == "complaint"}),
            "answered": answered,
            "response_seconds": seconds,
            "resolved": resolved,
            "reassigned": hand_overs,
            "answers": len(said),
            "points": sum(row["satisfaction"] for row in said),
            "satisfied_answers": sum(row["satisfaction"] >= 80 for row in said),
        }
        return found | self._customers(first, last, store)

    def _customers(self, first: date, last: date, store: str | None) -> dict[str, int]:
        del first  # these look at twelve months, whatever the period
        begin = (last + timedelta(days=1)).replace(year=(last + timedelta(days=1)).year - 1)
        before = begin.replace(year=begin.year - 1)
        served = {row["customer_id"] for row in self.rows["case"]}
        mine = [
            row
            for row in self.rows["customer"]
            if row["stage"] == "actual" or row["id"] in served
            if store in (None, row["store_id"] or "")
        ]
        told = [(r["id"], r["created_at"]) for r in mine]
        told += [(r["customer_id"], r["opened_at"]) for r in self.rows["case"]]
        since = {
            row["id"]: min(
                from_wire(at).astimezone(ZONE).date() for i, at in told if i == row["id"]
            )
            for row in mine
        }
        new = [row for row in mine if begin <= since[row["id"]] <= last]
        now: dict[str, list[int]] = {}
        old: dict[str, list[int]] = {}
        for row in self.rows["order"]:
            on = from_wire(row["ordered_at"]).astimezone(ZONE).date()
            if store in (None, self.store[row["customer_id"]]) and before <= on <= last:
                sums = (now if on >= begin else old).setdefault(row["customer_id"], [0, 0])
                sums[0] += row["state"] == "placed"
                sums[1] += row["total_cents"]
        bought, had = ({c for c, (n, _) in sums.items() if n} for sums in (now, old))
        return {
            "customers": sum(on <= last for on in since.values()),
            "new_customers": len(new),
            "referred_customers": sum(row["referred"] for row in new),
            "buyers": len(bought),
            "repeat_buyers": sum(n > 1 for n, _ in now.values()),
            "buyers_before": len(had),
            "kept_buyers": len(had & bought),
            "lost_buyers": len(had - bought),
            "spend_before": sum(old[c][1] for c in had & bought),
            "spend_more": sum(now[c][1] - old[c][1] for c in had & bought),
        }


def _seconds(since: str, until: str) -> int:
    return round((from_wire(until) - from_wire(since)).total_seconds())


def busy_year(field: phones.Field) -> Rows:
    """The store of `chen`, with `wu` as one of its people, and two others."""
    ours = {STORES[0]: phones.STORE, STAFF[0]: phones.staff_id("wu")}
    rows = [
        (entity, {name: ours.get(value, value) for name, value in row.items()})
        for entity, row in drawn(5, customers=40, cases=250, orders=300, days=60)
    ]

    def work(unit: Unit) -> None:
        for place, store in enumerate(STORES[1:]):
            unit.create("store", {"id": store, "name": f"{place + 2} 号店"})
        for entity, row in rows:
            unit.create(entity, row)

    write(field.server.database, phones.ORG, field.clock.now(), work)
    field.server.keep_figures()
    return rows


def sheets(field: phones.Field) -> dict[tuple[str, str], Any]:
    names = {phones.staff_id(name): name for name in ("lin", "wu", "chen", "gao")}
    table = RECORDS["figure_sheet"].c
    with field.server.database.read() as connection:
        rows = connection.execute(select(table.staff_id, table.about, table.body)).all()
    return {(names[row.staff_id], row.about): row.body for row in rows if row.staff_id in names}

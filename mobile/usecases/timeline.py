"""Everything that happened with one customer, in one list, the newest first (S2 #98, #100).

Pure reading. Pages are cut by number: the list of one customer is read anew when it changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from shared.entities import (
    Callback,
    Case,
    CaseEvent,
    CustomerTraining,
    Feedback,
    File,
    Order,
    Report,
    Staff,
    Visit,
)

if TYPE_CHECKING:
    from mobile.store.store import Store

KINDS = ("visit", "case", "report", "callback", "order", "file", "feedback", "customer_training")
"""What the list can be narrowed to. A case's steps stand with their case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One thing that happened. `word` is a choice of the field `field`, or empty; `text` is in the
    words of whoever wrote it. `route` opens it; empty where there is no more to see.
    """

    kind: str
    id: str
    at: datetime
    who: str
    field: str = ""
    word: str = ""
    text: str = ""
    state: str | None = None
    amount: tuple[int, str | None] | None = None
    satisfaction: int | None = None
    route: str = ""


@dataclass(frozen=True, slots=True)
class Month:
    """The happenings of one calendar month in the user's zone."""

    year: int
    month: int
    happenings: tuple[Happening, ...] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class Timeline:
    """The first part of the list, by month, and how long the whole is."""

    months: tuple[Month, ...]
    shown: int
    total: int


def timeline(
    store: Store, customer_id: str, zone: ZoneInfo, kinds: frozenset[str], most: int
) -> Timeline:
    """The newest `most` happenings of `kinds` (empty: all). What is only planned has not happened
    and is left out.
    """
    names = _Names(store)
    found = [
        happening
        for kind in KINDS
        if not kinds or kind in kinds
        for happening in _READERS[kind](store, customer_id, names)
    ]
    found.sort(key=lambda h: (h.at, h.id), reverse=True)
    return Timeline(by_month(found[:most], zone), min(most, len(found)), len(found))


def by_month(happenings: list[Happening], zone: ZoneInfo) -> tuple[Month, ...]:
    """Groups a list that is already in order by calendar month in `zone`."""

    def month(happening: Happening) -> tuple[int, int]:
        local = happening.at.astimezone(zone)
        return local.year, local.month

    return tuple(Month(*key, tuple(group)) for key, group in groupby(happenings, month))


class _Names:
    """Names of staff, each looked up once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[str, str] = {}

    def of(self, staff_id: str | None) -> str:
        if not staff_id:
            return ""
        if staff_id not in self._known:
            staff = self._store.get(Staff, staff_id)
            self._known[staff_id] = staff.name if staff else ""
        return self._known[staff_id]


def _visits(store: Store, customer_id: str, names: _Names) -> Iterator[Happening]:
    for visit in store.find(Visit, customer_id=customer_id):
        if visit.state == "planned":
            continue
        yield Happening(
            kind="visit", id=visit.id, who=names.of(visit.owner_id),
            at=visit.finished_at or visit.started_at or visit.planned_at,
            field="purpose", word=visit.purpose, state=visit.state,
            text=visit.notes or visit.cancelled_because or "",
            satisfaction=visit.satisfaction, route=f"/visits/{visit.id}",
        )  # fmt: skip


def _cases(store: Store, customer_id: str, names: _Names) -> Iterator[Happening]:
    for case in store.find(Case, customer_id=customer_id):
        yield Happening(
            kind="case", id=case.id, at=case.opened_at, who=names.of(case.created_by),
            field="kind", word=case.kind, state=case.state,
            text=f"{case.title} · {case.number}", route=f"/cases/{case.id}",
        )  # fmt: skip
    for event in store.find(CaseEvent, customer_id=customer_id):
        moved = event.kind == "moved" and event.to_state
        yield Happening(
            kind="case", id=event.id, at=event.happened_at,
            who=names.of(event.staff_id or event.created_by),
            field="to_state" if moved else "kind", word=(moved or event.kind) or "",
            text=event.note or "", route=f"/cases/{event.case_id}",
        )  # fmt: skip


def _reports(store: Store, customer_id: str, names: _Names) -> Iterator[Happening]:
    for report in store.find(Report, customer_id=customer_id):
        at = report.finished_at or report.arrived_at or report.created_at
        if at is not None:
            yield Happening(
                kind="report", id=report.id, at=at, who=names.of(report.author_id),
                text=report.cause or report.method or "", route=f"/reports/{report.id}",
            )  # fmt: skip


def _callbacks(store: Store, customer_id: str, names: _Names) -> Iterator[Happening]:
    for callback in store.find(Callback, customer_id=customer_id):
        at = callback.finished_at or (callback.attempts[-1].at if callback.attempts else None)
        if at is not None:
            yield Happening(
                kind="callback", id=callback.id, at=at,
                who=names.of(callback.assignee_id or callback.updated_by),
                field="kind", word=callback.kind, state=callback.state,
                text=callback.notes or "", satisfaction=callback.satisfaction,
                route=f"/callbacks/{callback.id}",
            )  # fmt: skip


def _orders(store: Store, customer_id: str, _names: _Names) -> Iterator[Happening]:
    for order in store.find(Order, customer_id=customer_id):
        yield Happening(
            kind="order", id=order.id, at=order.ordered_at, who="", field="state",
            word=order.state or "placed", text=order.number,
            amount=None if order.total_cents is None else (order.total_cents, order.currency),
        )  # fmt: skip


def _files(store: Store, customer_id: str, names: _Names) -> Iterator[Happening]:
    for file in store.find(File, customer_id=customer_id):
        at: Any = file.taken_at or file.created_at
        if at is not None:
            yield Happening(
                kind="file", id=file.id, at=at, who=names.of(file.created_by), field="purpose",
                word=file.purpose or "document", route=_file_route(file),
            )  # fmt: skip


def _feedback(store: Store, customer_id: str, names: _Names) -> Iterator[Happening]:
    for one in store.find(Feedback, customer_id=customer_id):
        yield Happening(
            kind="feedback", id=one.id, at=one.happened_at, who=names.of(one.created_by),
            field="effect" if one.effect else "", word=one.effect or "", text=one.said,
            route=f"/feedback/{one.id}",
        )  # fmt: skip


def _trainings(store: Store, customer_id: str, names: _Names) -> Iterator[Happening]:
    for one in store.find(CustomerTraining, customer_id=customer_id):
        yield Happening(
            kind="customer_training", id=one.id, at=one.held_at, who=names.of(one.trainer_id),
            field="learned" if one.learned else "", word=one.learned or "", text=one.covered,
            route=f"/trainings/{one.id}",
        )  # fmt: skip


def _file_route(file: File) -> str:
    if file.visit_id:
        return f"/visits/{file.visit_id}"
    if file.report_id:
        return f"/reports/{file.report_id}"
    return f"/cases/{file.case_id}" if file.case_id else ""


_Reader = Callable[["Store", str, _Names], Iterator[Happening]]
_READERS: Mapping[str, _Reader] = {
    "visit": _visits,
    "case": _cases,
    "report": _reports,
    "callback": _callbacks,
    "order": _orders,
    "file": _files,
    "feedback": _feedback,
    "customer_training": _trainings,
}

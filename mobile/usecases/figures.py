"""Figures that the server told this phone: one's own work (S4 #174) and, for a store manager, the
store's (S3 #145). Read offline, as they were last received; nothing is worked out here but what a
numerator and a denominator make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mobile.store.store import Store
from shared.entities import FigureSheet
from shared.figures import FIGURES, GRADES, Figure, Part


@dataclass(frozen=True, slots=True)
class Told:
    """One figure of a period: `trend` are (month, value), the oldest first."""

    figure: Figure
    part: Part
    value: float
    goal: int
    trend: Sequence[tuple[str, float]]

    @property
    def met(self) -> bool:
        """Whether the target is met."""
        return self.value >= self.goal if self.figure.higher else self.value <= self.goal


@dataclass(frozen=True, slots=True)
class PeriodTold:
    """What was told of a period; score, rank and grade only of one's own work, where there is
    any. `terms` are what the score was made of: (figure's name, attainment, weight in percent)."""

    period: str
    policy: int
    figures: Sequence[Told]
    score: float | None = None
    rank: int | None = None
    of: int | None = None
    grade: str | None = None
    after: str | None = None
    terms: Sequence[tuple[str, float, int]] = ()


@dataclass(frozen=True, slots=True)
class Sheet:
    """`about`: ``own`` or ``store``."""

    about: str
    counted_at: datetime
    periods: Sequence[PeriodTold]


def sheets(store: Store) -> list[Sheet]:
    """The store's first, then one's own. What this app does not know, as a figure or a number more
    of one, is left out."""
    found = []
    for one in store.find(FigureSheet):
        body = one.body if isinstance(one.body, Mapping) else {}
        trends = body.get("trends", {})
        periods = [_period(told, trends) for told in body.get("periods", ())]
        known = [told for told in periods if told.figures]
        if known:
            found.append(Sheet(one.about, one.counted_at, known))
    return sorted(found, key=lambda sheet: sheet.about, reverse=True)


def _period(told: Mapping[str, Any], trends: Mapping[str, Any]) -> PeriodTold:
    figures = []
    for name, (above, below, goal, *_) in told.get("figures", {}).items():
        figure = FIGURES.get(name)
        value = figure.value(Part(above, below)) if figure is not None else None
        if figure is not None and value is not None:
            trend = [(str(month), float(at)) for month, at, *_ in trends.get(name, ())]
            figures.append(Told(figure, Part(above, below), value, goal, trend))
    order = list(FIGURES)
    grade = told.get("grade")
    return PeriodTold(
        period=str(told.get("period", "")),
        policy=int(told.get("policy", 0)),
        figures=sorted(figures, key=lambda one: order.index(one.figure.name)),
        score=told.get("score"),
        rank=told.get("rank"),
        of=told.get("of"),
        grade=grade if grade in GRADES else None,
        after=told.get("after"),
        terms=[
            (name, attained, weight)
            for name, (attained, weight, *_) in told.get("terms", {}).items()
            if name in FIGURES
        ],
    )


__all__ = ["PeriodTold", "Sheet", "Told", "sheets"]

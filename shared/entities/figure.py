"""Figures on a phone: one's own, and for a store manager their store's. The server writes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shared.declare import SERVER_ONLY, Record, choice, entity, instant, json_value, reference


@entity("figure_sheet", user="staff_id", at="counted_at")
@dataclass(frozen=True, slots=True, kw_only=True)
class FigureSheet(Record):
    """Feedback on one's own work (S4 #174), or the figures of the store that one manages (S3 #145).

    `body` is ``{"periods": [{"period": "2026-11", "policy": 3, "figures": {name: [numerator,
    denominator, goal]}, "score": 91.2, "rank": 2, "of": 7, "terms": {name: [attainment, weight]},
    "grade": "good", "after": "training"}, …], "trends": {name: [["2026-10", 93.1], …]}}``; what is
    not known is left out, and a grade is there once the panel gave it (S1 #68). Empty once its
    reader holds it no more. No customer stands in it.
    """

    staff_id: str = reference("staff", required=True, writers=SERVER_ONLY)
    about: str = choice("own", "store", required=True, writers=SERVER_ONLY)
    store_id: str | None = reference("store", writers=SERVER_ONLY)
    counted_at: Any = instant(required=True, writers=SERVER_ONLY)
    body: Any = json_value(required=True)


__all__ = ["FigureSheet"]

"""A customer's levels, and the numbers behind them, in words."""

from __future__ import annotations

from mobile.ui import formats
from mobile.ui.texts import choice, t
from shared.entities import Reason, TierProposal
from shared.tiers import FIELD_OF, REASONS

_YES_OR_NO = frozenset({"new_products", "advice", "signals"})


def level(axis: str, word: str | None) -> str:
    """One level of an axis; a word for none as well."""
    return choice(FIELD_OF[axis], word) or t("panel.none")


def move(one: TierProposal) -> str:
    """From which level to which a proposal leads."""
    return f"{level(one.axis, one.before)} → {level(one.axis, one.after)}"


def change(one: TierProposal) -> str:
    """The same, with its axis."""
    return t("panel.change", axis=choice("axis", one.axis), move=move(one))


def reason(one: Reason, currency: str | None) -> str:
    """One number behind a level, and what is wanted of it."""
    if one.key in _YES_OR_NO:
        answer = t("value.yes" if one.value else "value.no")
        return t("reason.is", what=t(f"reason.{one.key}"), value=answer)
    unit = REASONS.get(one.key, "")

    def said(value: int) -> str:
        if unit == "cents":
            return formats.money(value, currency)
        return f"{value}%" if unit == "percent" else str(value)

    key = "reason.is" if one.wanted is None else "reason.wanted"
    wanted = said(one.wanted or 0)
    return t(key, what=t(f"reason.{one.key}"), value=said(one.value), wanted=wanted)

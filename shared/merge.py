"""What becomes of one edited field: decided by a pure function, on the server and on the device
alike.

No value vanishes: whatever does not stand is kept as a conflict or in the history (L1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from shared.declare import Field, Merge
from shared.states import may_move


class Verdict(Enum):
    APPLY = auto()  # the incoming value stands as it came
    SAME = auto()  # both say the same: nothing to do
    COMBINE = auto()  # a third value, made of both, stands
    KEEP = auto()  # the stored value stands by rule, and nobody would argue
    CONFLICT = auto()  # a person decides; the stored value stands until then


@dataclass(frozen=True, slots=True)
class Decision:
    verdict: Verdict
    value: Any = None


@dataclass(frozen=True, slots=True)
class Stored:
    """The server's side of a field: its value, and whether the author of the incoming edit had seen
    it.

    `seen` is True when the field's version is not newer than the edit's base, or when its last
    writer was the same device earlier in its own order: one's own earlier work is no conflict.
    """

    value: Any
    seen: bool


def decide(entity: str, field: Field, stored: Stored, incoming: Any) -> Decision:
    """What to do with `incoming` for `field` of `entity`. Deciding twice gives the same as once."""
    if stored.value == incoming:
        return Decision(Verdict.SAME, stored.value)
    if field.merge is Merge.IMMUTABLE and _is_set(stored.value):
        return Decision(Verdict.CONFLICT, stored.value)
    if field.merge is Merge.APPEND:
        return _appended(stored, incoming)
    if field.merge is Merge.MAX and _is_set(stored.value):
        if incoming is None or incoming < stored.value:
            return Decision(Verdict.KEEP, stored.value)
        return Decision(Verdict.APPLY, incoming)
    if field.merge is Merge.STATE:
        allowed = incoming is not None and may_move(entity, stored.value, incoming)
        return Decision(
            Verdict.APPLY if allowed else Verdict.CONFLICT, incoming if allowed else stored.value
        )
    if stored.seen:
        return Decision(Verdict.APPLY, incoming)
    return Decision(Verdict.CONFLICT, stored.value)


def _appended(stored: Stored, incoming: Sequence[Any] | None) -> Decision:
    """What either side added is there. An author who had seen the list may also take things out
    of it."""
    have = list(stored.value or ())
    come = list(incoming or ())
    if stored.seen:
        return Decision(Verdict.APPLY, come)
    union = have + [item for item in come if item not in have]
    return Decision(Verdict.SAME if union == have else Verdict.COMBINE, union)


def _is_set(value: Any) -> bool:
    return value is not None and value != [] and value != ()

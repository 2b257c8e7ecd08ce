"""Numbers for cases that are opened offline, from blocks that the server handed out ahead of time
(design §3)."""

from __future__ import annotations

from dataclasses import replace

from mobile.store.meta import CASE_NUMBERS, DEVICE_ID, Meta
from shared.messages import dump
from shared.wire import CaseNumbers

_OWN = "own_case_numbers"
_HANDED_OUT = "handed_out_case_numbers"


def take_case_number(meta: Meta, *, skip: int, keep: bool = True) -> str:
    """The number after `skip` others; `keep` leaves it in its block, for a unit that has not
    committed yet.

    When the blocks are used up, a number of the device's own series, marked by the end of its id,
    so that no customer is turned away for want of a signal.
    """
    blocks = [CaseNumbers(**block) for block in meta.get(CASE_NUMBERS, [])]
    left = skip
    for place, block in enumerate(blocks):
        size = block.last - block.first + 1
        if left < size:
            number = block.first + left
            if not keep:
                rest = [replace(block, first=number + 1)] if number < block.last else []
                meta.put(CASE_NUMBERS, [dump(b) for b in (*rest, *blocks[place + 1 :])])
            return f"{block.prefix}{number}"
        left -= size
    own = meta.get(_OWN, 0) + left + 1
    if not keep:
        meta.put(_OWN, own)
    return f"D{meta.get(DEVICE_ID, 'local')[-4:].upper()}-{own}"


def numbers_left(meta: Meta) -> int:
    """How many the device has; the server hands out more when they run low."""
    return sum(b["last"] - b["first"] + 1 for b in meta.get(CASE_NUMBERS, []))


def add_block(meta: Meta, block: CaseNumbers) -> None:
    """Keep a new block behind the others. One that was handed out before (a reply that came
    twice) is not kept: its numbers may be on cases already."""
    handed_out = meta.get(_HANDED_OUT, {})
    if block.last <= handed_out.get(block.prefix, 0):
        return
    meta.put(_HANDED_OUT, {**handed_out, block.prefix: block.last})
    meta.put(CASE_NUMBERS, [*meta.get(CASE_NUMBERS, []), dump(block)])

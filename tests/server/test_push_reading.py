"""Reading a push at speed decides nothing: whatever is read in one go is what the reading by hand
makes of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Refusal
from shared.ids import new_id
from sync_server.services.changes import (
    _READ_CHANGE,
    Incoming,
    Readable,
    _change_by_hand,
    read_change,
    same_change,
)

GOOD: dict[str, Any] = {
    "change_id": new_id(),
    "number": 1,
    "grant_id": new_id(),
    "entity": "visit",
    "record_id": new_id(),
    "kind": "create",
    "fields": {"notes": "好", "planned_at": "2026-11-21T08:00:00.000Z"},
    "claimed_at": "2026-11-21T08:00:00.000Z",
    "boot_id": "boot",
    "monotonic_ms": 5,
    "base": {"notes": 4},
    "protocol": 1,
}
ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=40),
    st.sampled_from(
        [new_id(), new_id().upper(), f"{{{new_id()}}}", "create", "delete", "visit", "ghost"]
    ),
    st.sampled_from(["2026-11-21T24:00:00.000Z", "2026-11-21T08:00:00", "2026-11-21 08:00Z"]),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=5), st.one_of(st.integers(), st.floats(), st.text())),
)
SPOILED = st.dictionaries(st.sampled_from([*GOOD, "colour", "text"]), ANYTHING, max_size=3)
LEFT_OUT = st.sets(st.sampled_from(sorted(GOOD)), max_size=2)


def said(change: Incoming) -> Any:
    """What was made of a change, apart from its words."""
    content = change.content
    fields = content and {n: getattr(content, n) for n in content.__struct_fields__}
    refusal = change.refusal and (change.refusal.code, change.refusal.details)
    return json.dumps([change.change_id, fields, str(change.claimed_at), str(refusal)])


@given(SPOILED, LEFT_OUT, st.booleans())
def test_reading_in_one_go_and_by_hand_make_the_same_of_any_change(
    spoiled: dict[str, Any], left_out: set[str], ascii_only: bool
) -> None:
    change = {k: v for k, v in (GOOD | spoiled).items() if k not in left_out}
    text = json.dumps(change, ensure_ascii=ascii_only)
    try:
        raw = text.encode()
    except UnicodeEncodeError:
        raw = json.dumps(change).encode()
    try:
        by_hand = _change_by_hand(json.loads(raw))
    except Refusal as refused:
        with pytest.raises(Refusal) as caught:
            read_change(raw)
        assert caught.value.code is refused.code
        return
    read = read_change(raw)
    assert said(read) == said(by_hand)
    assert same_change(read.text, by_hand.text)


def test_a_whole_change_is_read_in_one_go_and_kept_letter_by_letter() -> None:
    raw = json.dumps(GOOD, ensure_ascii=False, indent=1).encode()
    assert isinstance(_READ_CHANGE(raw), Readable)
    assert read_change(raw).text.encode() == raw


@pytest.mark.parametrize(
    "other", [{"fields": {}}, {"number": 2}, {"base": {}}, {"monotonic_ms": True}]
)
def test_other_content_is_never_the_same_change(other: dict[str, Any]) -> None:
    assert not same_change(json.dumps(GOOD), json.dumps(GOOD | other))
    shuffled = dict(reversed(GOOD.items()))
    assert same_change(json.dumps(GOOD), json.dumps(shuffled, indent=2))
    bare = {k: v for k, v in GOOD.items() if k not in ("base", "protocol")}
    assert same_change(json.dumps(bare), json.dumps(GOOD | {"base": {}}))

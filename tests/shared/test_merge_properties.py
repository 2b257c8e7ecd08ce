"""The merge as an algebra: edits of several authors in any order, doubled, cut into parts.

A record is a few fields, an edit a change to some of them from a version that its author saw.
`Ledger` applies edits as the server does, with what did not stand kept beside.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import permutations
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shared.declare import Field, Kind, Merge
from shared.merge import Stored, Verdict, decide

FIELDS = {
    "notes": Field("notes", Kind.TEXT, limit=100),
    "city": Field("city", Kind.TEXT, limit=100),
    "verified_at": Field("verified_at", Kind.INSTANT, merge=Merge.MAX),
    "photos": Field("photos", Kind.MANY, merge=Merge.APPEND),
}
WORDS = st.sampled_from(["甲", "乙", "丙"])
TIMES = st.sampled_from([f"2026-11-0{n}T08:00:00.000Z" for n in range(1, 6)])
LISTS = st.lists(st.sampled_from("abcdef"), unique=True, max_size=4)
VALUES = {"notes": WORDS, "city": WORDS, "verified_at": TIMES, "photos": LISTS}
EDITS = st.lists(st.fixed_dictionaries({}, optional=VALUES).filter(bool), min_size=1, max_size=4)


@dataclass
class Ledger:
    """The stored row, the number of each field's last write, and every value that did not
    stand."""

    row: dict[str, Any] = field(default_factory=dict)
    written: dict[str, int] = field(default_factory=dict)
    past: list[tuple[str, Any]] = field(default_factory=list)
    kept_beside: list[tuple[str, Any]] = field(default_factory=list)
    seq: int = 0

    def apply(self, values: Mapping[str, Any], base: int = 0) -> list[Verdict]:
        """One edit by an author who had seen everything up to `base`."""
        verdicts = []
        self.seq += 1
        for name, value in values.items():
            stored = Stored(self.row.get(name), self.written.get(name, 0) <= base)
            decision = decide("visit", FIELDS[name], stored, value)
            verdicts.append(decision.verdict)
            if decision.verdict in (Verdict.APPLY, Verdict.COMBINE):
                if name in self.row:
                    self.past.append((name, self.row[name]))
                self.row[name], self.written[name] = decision.value, self.seq
            if decision.verdict in (Verdict.CONFLICT, Verdict.KEEP):
                self.kept_beside.append((name, value))
        return verdicts

    def everything(self) -> list[tuple[str, Any]]:
        """Every value that can still be found: stored, in the history, or kept beside."""
        return [*self.row.items(), *self.past, *self.kept_beside]


@given(first=st.fixed_dictionaries({}, optional=VALUES), second=EDITS)
def test_edits_of_disjoint_fields_commute(
    first: dict[str, Any], second: list[dict[str, Any]]
) -> None:
    other = {name: value for name, value in second[0].items() if name not in first}
    one, two = Ledger(), Ledger()
    one.apply(first), one.apply(other)
    two.apply(other), two.apply(first)
    assert one.row == two.row
    assert one.kept_beside == two.kept_beside == []


@given(start=st.fixed_dictionaries({}, optional=VALUES), edit=EDITS, base=st.integers(0, 2))
def test_an_edit_that_comes_twice_is_as_one_that_came_once(
    start: dict[str, Any], edit: list[dict[str, Any]], base: int
) -> None:
    ledger = Ledger()
    ledger.apply(start)
    ledger.apply(edit[0], base)
    before = dict(ledger.row)
    again = ledger.apply(edit[0], base)
    assert ledger.row == before
    assert Verdict.APPLY not in again and Verdict.COMBINE not in again


@given(edits=EDITS)
def test_no_value_vanishes_whatever_order_edits_come_in(edits: list[dict[str, Any]]) -> None:
    for order in permutations(edits):
        ledger = Ledger()
        for edit in order:
            ledger.apply(edit)
        found = ledger.everything()
        for edit in edits:
            for name, value in edit.items():
                if name == "photos":
                    listed = {item for n, v in found if n == name for item in v}
                    assert set(value) <= listed
                else:
                    assert (name, value) in found


@given(times=st.lists(TIMES, min_size=1, max_size=4), lists=st.lists(LISTS, max_size=3))
def test_what_merges_by_rule_ends_the_same_in_every_order(
    times: list[str], lists: list[list[str]]
) -> None:
    edits = [{"verified_at": t} for t in times] + [{"photos": photos} for photos in lists]
    ends = set()
    for order in permutations(edits):
        ledger = Ledger()
        for edit in order:
            ledger.apply(edit)
        ends.add((ledger.row["verified_at"], tuple(sorted(ledger.row.get("photos", ())))))
        conflicts = [n for n, _ in ledger.kept_beside if n == "photos"]
        assert not conflicts
    assert len(ends) == 1
    assert ends.pop()[0] == max(times)


@given(parts=st.lists(LISTS, min_size=3, max_size=3), times=st.lists(TIMES, min_size=3, max_size=3))
def test_rules_that_combine_are_associative(parts: list[list[str]], times: list[str]) -> None:
    def joined(name: str, stored: Any, come: Any) -> Any:
        decision = decide("visit", FIELDS[name], Stored(stored, seen=False), come)
        return decision.value

    for name, (a, b, c) in (("photos", parts), ("verified_at", times)):
        left = joined(name, joined(name, a, b), c)
        right = joined(name, a, joined(name, b, c))
        assert sorted(left) == sorted(right)


@given(name=st.sampled_from(sorted(FIELDS)), data=st.data(), seen=st.booleans())
def test_equal_values_are_no_conflict_in_any_kind_of_field(
    name: str, data: st.DataObject, seen: bool
) -> None:
    value = data.draw(VALUES[name])
    decision = decide("visit", FIELDS[name], Stored(value, seen), value)
    assert (decision.verdict, decision.value) == (Verdict.SAME, value)

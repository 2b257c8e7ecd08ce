"""Figures are shown so that nobody can work a small group out of them, by whatever arithmetic."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.suppression import ALL, Key, published, totals

STORES = ("north", "south", "west", "east")
TIERS = ("high", "mid", "low")


def table(*rows: str) -> dict[Key, int]:
    """Rows of counts by store, columns by tier."""
    return {
        (store, tier): int(count)
        for store, row in zip(STORES, rows, strict=False)
        for tier, count in zip(TIERS, row.split(), strict=False)
    }


def test_a_table_without_small_cells_is_shown_whole() -> None:
    cells = table("5 9 0", "12 7 30")
    assert published(cells) == totals(cells)


def test_a_small_cell_takes_another_of_its_row_and_column_along() -> None:
    shown = published(table("3 9 20", "12 7 30", "40 50 60"))
    assert ("north", "high") not in shown
    assert (ALL, ALL) in shown and ("north", ALL) in shown and (ALL, "high") in shown
    hidden = {key for key in totals(table("3 9 20", "12 7 30", "40 50 60")) if key not in shown}
    assert hidden == {("north", "high"), ("north", "mid"), ("south", "high"), ("south", "mid")}


def test_the_rest_of_a_total_is_never_a_small_group() -> None:
    shown = published({("a",): 2, ("b",): 2, ("c",): 40, ("d",): 9})
    assert shown == {("c",): 40, (ALL,): 53}


def test_a_small_total_is_hidden_too() -> None:
    assert published({("a",): 1, ("b",): 0, ("c",): 2}) == {("b",): 0}


def test_an_empty_table_shows_nothing() -> None:
    assert published({}) == {}


def test_totals_are_counted_and_not_handed_in() -> None:
    for wrong in ({("a", ALL): 3}, {("a",): 1, ("a", "b"): 2}, {("a",): -1}):
        with pytest.raises(ValueError):
            totals(wrong)


class Attacker:
    """Knows every shown figure, that counts are whole and not negative, and linear algebra, in
    fractions and in a way of its own."""

    def __init__(self, whole: dict[Key, int], shown: dict[Key, int]) -> None:
        self.whole, self.shown = whole, shown
        self.atoms = [key for key in whole if ALL not in key]
        self.equations = [self.members(key) for key in shown]

    def members(self, key: Key) -> list[Fraction]:
        return [
            Fraction(all(w in (ALL, a) for w, a in zip(key, atom, strict=True)))
            for atom in self.atoms
        ]

    @staticmethod
    def rank(rows: list[list[Fraction]]) -> int:
        rows, rank = [list(row) for row in rows], 0
        for column in range(len(rows[0]) if rows else 0):
            pivot = next((r for r in range(rank, len(rows)) if rows[r][column]), None)
            if pivot is None:
                continue
            rows[rank], rows[pivot] = rows[pivot], rows[rank]
            for below in range(rank + 1, len(rows)):
                factor = rows[below][column] / rows[rank][column]
                if factor:
                    rows[below] = [
                        a - factor * b for a, b in zip(rows[below], rows[rank], strict=True)
                    ]
            rank += 1
        return rank

    def works_out(self, group: list[Fraction]) -> bool:
        return self.rank([*self.equations, group]) == self.rank(self.equations)

    def small_groups(self) -> list[Key]:
        return [key for key, count in self.whole.items() if 0 < count < 5]

    def differences(self) -> list[tuple[Key, Key]]:
        """Pairs of shown figures of which one counts everyone that the other does, and a few
        more."""
        return [
            (one, other)
            for one, other in product(self.shown, repeat=2)
            if 0 < self.shown[one] - self.shown[other] < 5
            and all(a >= b for a, b in zip(self.members(one), self.members(other), strict=True))
        ]


COUNTS = st.one_of(st.integers(0, 9), st.integers(0, 60))


@st.composite
def tables(draw: st.DrawFn) -> dict[Key, int]:
    shape = draw(st.sampled_from([(4,), (7,), (2, 2), (3, 3), (4, 3), (2, 2, 2), (3, 2, 2)]))
    keys = list(product(*([str(i) for i in range(size)] for size in shape)))
    return {key: draw(COUNTS) for key in keys}


@given(tables())
def test_nobody_works_a_hidden_figure_out_of_the_shown_ones(cells: dict[Key, int]) -> None:
    whole = totals(cells)
    attacker = Attacker(whole, published(cells))
    for hidden in set(whole) - set(attacker.shown):
        assert not attacker.works_out(attacker.members(hidden)), hidden
    assert not set(attacker.small_groups()) & set(attacker.shown)


@given(tables())
def test_two_shown_figures_never_differ_by_a_few_people(cells: dict[Key, int]) -> None:
    attacker = Attacker(totals(cells), published(cells))
    assert attacker.differences() == []


@given(tables())
def test_what_is_shown_is_true_and_what_is_hidden_has_people_in_it(cells: dict[Key, int]) -> None:
    whole, shown = totals(cells), published(cells)
    assert all(whole[key] == count for key, count in shown.items())
    assert all(whole[key] for key in set(whole) - set(shown))


@given(tables())
def test_counts_without_a_few_lose_nothing(cells: dict[Key, int]) -> None:
    enough = {key: count if count == 0 else count + 5 for key, count in cells.items()}
    assert published(enough) == totals(enough)

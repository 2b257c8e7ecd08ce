"""Which figures of a table may be shown: none from which a group of fewer than five people can be
worked out (design §4, S4 #162).

A table counts people by one or more dimensions, with every total: ``("north", "high")``,
``("north", ALL)``, ``(ALL, ALL)``. Hiding the small cells is not enough: what is left of a total
when the shown cells are taken off says as much, and so do totals and differences taken together.
`published` hides further cells until nothing that was hidden follows from what is shown:

* a cell or total of 1 to 4 people is hidden;
* what is missing between a total and its shown parts is nobody, or five people at least;
* no hidden cell or total is a sum or difference of shown ones, however many are combined.

Zeros stay: they tell of nobody, and since only cells with people in them are hidden, knowing that
no count is negative gives nothing away either. An average or a sum of money is shown where its
count is. Two tables of the same people, by other dimensions or a day apart, are two publications:
make one table of all dimensions that are shown together, and let figures move no more often than
its dates do.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import product

ALL = "*"
"""Stands in a key for the total over a dimension."""
LEAST = 5

Key = tuple[str, ...]

_PRIME = (1 << 61) - 1
"""Whether rows of 0 and 1 depend on each other is worked out modulo a prime: what depends over the
fractions depends here as well, so that nothing slips through, and numbers stay short."""


def totals(cells: Mapping[Key, int]) -> dict[Key, int]:
    """The cells and every total over them; combinations that are missing count as zero.

    ValueError for keys of different lengths, a key that holds `ALL`, or a negative count.
    """
    if len({len(key) for key in cells}) > 1:
        raise ValueError("every key has one word for each dimension")
    if any(ALL in key or count < 0 for key, count in cells.items()):
        raise ValueError("cells are counted, totals are not")
    if not cells:
        return {}
    words = [sorted(set(column)) for column in zip(*cells, strict=True)]
    whole = {key: cells.get(key, 0) for key in product(*words)}
    for key, count in list(whole.items()):
        for total in _above(key):
            whole[total] = whole.get(total, 0) + count
    return whole


def published(
    cells: Mapping[Key, int], least: int = LEAST, *, besides: Collection[Key] = ()
) -> dict[Key, int]:
    """What may be shown of these cells and their totals; whatever is missing is hidden. `besides`
    are cells or totals that must be hidden for reasons of their own; zeros stay."""
    whole = totals(cells)
    hidden = {key for key, count in whole.items() if 0 < count < least}
    hidden |= {key for key in besides if whole.get(key)}
    lines = list(_lines(whole))
    while True:
        more = _left_over(whole, lines, hidden, least) or _worked_out(whole, hidden)
        if more is None:
            return {key: count for key, count in whole.items() if key not in hidden}
        hidden.add(more)


def _above(key: Key) -> Iterator[Key]:
    """Every total that a cell counts in."""
    for choice in product(*((word, ALL) for word in key)):
        if choice != key:
            yield choice


def _lines(whole: Mapping[Key, int]) -> Iterator[tuple[Key, list[Key]]]:
    """Each total with its parts, once for each dimension over which it is a total."""
    words = [
        sorted({key[place] for key in whole} - {ALL}) for place in range(len(next(iter(whole), ())))
    ]
    for key in whole:
        for place, word in enumerate(key):
            if word == ALL:
                yield key, [(*key[:place], part, *key[place + 1 :]) for part in words[place]]


def _left_over(
    whole: Mapping[Key, int],
    lines: Iterable[tuple[Key, Sequence[Key]]],
    hidden: set[Key],
    least: int,
) -> Key | None:
    """What to hide where the hidden parts of a shown total are too few together: the smallest part
    that is still shown, or the total itself."""
    for total, parts in lines:
        if total in hidden:
            continue
        kept_back = [part for part in parts if part in hidden]
        if kept_back and (len(kept_back) == 1 or sum(whole[part] for part in kept_back) < least):
            return _smallest(whole, (p for p in parts if p not in hidden)) or total
    return None


def _worked_out(whole: Mapping[Key, int], hidden: set[Key]) -> Key | None:
    """What to hide next where something hidden follows from what is shown; None where nothing
    does."""
    if not hidden:
        return None
    atoms = {key: place for place, key in enumerate(k for k in whole if ALL not in k)}
    shown = _Span(_row(key, atoms) for key in whole if key not in hidden)
    given_away = [key for key in hidden if shown.holds(_row(key, atoms))]
    if not given_away:
        return None
    worst = min(given_away, key=lambda key: (whole[key], key))
    # What shares a line with it is likeliest to be what gives it away.
    near = (k for k in whole if k not in hidden and _apart(k, worst) <= 1)
    found = _smallest(whole, near) or _smallest(whole, (k for k in whole if k not in hidden))
    assert found is not None, "with nothing shown nothing is given away"
    return found


def _smallest(whole: Mapping[Key, int], keys: Iterable[Key]) -> Key | None:
    """Of those with people in them the one with the fewest."""
    return min((k for k in keys if whole[k]), key=lambda k: (whole[k], k), default=None)


def _apart(one: Key, other: Key) -> int:
    return sum(a != b for a, b in zip(one, other, strict=True))


def _row(key: Key, atoms: Mapping[Key, int]) -> list[int]:
    """The cells that a cell or total counts, as ones among zeros."""
    counted = [0] * len(atoms)
    for atom, place in atoms.items():
        if all(word in (ALL, part) for word, part in zip(key, atom, strict=True)):
            counted[place] = 1
    return counted


class _Span:
    """All sums and differences of some rows (Gaussian elimination)."""

    def __init__(self, rows: Iterable[list[int]]) -> None:
        self._by_lead: dict[int, list[int]] = {}
        for row in rows:
            left = self._reduced(row)
            lead = _lead(left)
            if lead is not None:
                inverse = pow(left[lead], -1, _PRIME)
                self._by_lead[lead] = [value * inverse % _PRIME for value in left]

    def holds(self, row: list[int]) -> bool:
        return _lead(self._reduced(row)) is None

    def _reduced(self, row: list[int]) -> list[int]:
        left = list(row)
        for place in range(len(left)):
            factor = left[place]
            base = self._by_lead.get(place) if factor else None
            if base is not None:
                left = [(a - factor * b) % _PRIME for a, b in zip(left, base, strict=True)]
        return left


def _lead(row: Sequence[int]) -> int | None:
    return next((place for place, value in enumerate(row) if value), None)

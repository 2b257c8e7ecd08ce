"""Checking at a glance: what passes at a glance would have passed the long way, unchanged."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import shared.entities  # noqa: F401 (declares every entity)
from shared.clock import from_wire, to_wire
from shared.codec import _PLAIN, _checked, check
from shared.declare import ENTITIES, Field, Kind
from shared.errors import Refusal
from shared.ids import is_id, new_id

FIELDS = [
    (f"{name}.{field_name}", field)
    for name, entity in ENTITIES.items()
    for field_name, field in entity.fields.items()
    if field.kind in _PLAIN
]
IDS = st.builds(new_id)
TRICKY_TEXTS = ["", " ", "\n", "\x00", "a\tb", "\u3000", "\ud800", "x" * 9000, "\x7f\x85", "\x1f"]
TEXTS = st.one_of(st.text(max_size=30), st.sampled_from(TRICKY_TEXTS))
TRICKY_TIMES = [
    "2026-11-21T08:00:00.000Z",
    "2026-11-21T08:00:00Z",
    "2026-11-21T08:00:00.000+08:00",
    "2026-02-30T08:00:00.000Z",
    "2026-11-21T24:00:00.000Z",
    "2026-11-21T08:60:00.000Z",
    "２026-11-21T08:00:00.000Z",
    "2026-11-21T08:00:00.000Z\n",
]
TIMES = st.one_of(st.datetimes(timezones=st.just(UTC)).map(to_wire), st.sampled_from(TRICKY_TIMES))


def anything(field: Field) -> st.SearchStrategy[Any]:
    words = st.sampled_from(field.choices) if field.choices else st.nothing()
    near_ids = IDS.flatmap(lambda i: st.sampled_from([i, i.upper(), i[:-1], i + "\n", f"{{{i}}}"]))
    return st.one_of(words, IDS, near_ids, TEXTS, TIMES, st.integers(), st.booleans(), st.none())


@given(st.sampled_from(FIELDS).flatmap(lambda f: st.tuples(st.just(f), anything(f[1]))))
def test_what_passes_at_a_glance_passes_the_long_way_unchanged(
    drawn: tuple[tuple[str, Field], Any],
) -> None:
    (path, field), value = drawn
    if value is not None and _PLAIN[field.kind](field, value):
        assert _checked(field, value, path) == value


@pytest.mark.parametrize("value", [*TRICKY_TEXTS, *TRICKY_TIMES, 0, True, 1.0, [], {}])
def test_no_field_takes_a_tricky_value_at_a_glance_that_it_would_refuse(value: Any) -> None:
    for path, field in FIELDS:
        if _PLAIN[field.kind](field, value):
            assert _checked(field, value, path) == value


def test_a_days_values_pass_at_a_glance() -> None:
    visit = ENTITIES["visit"].fields
    for name, value in {
        "customer_id": new_id(),
        "purpose": "care",
        "planned_at": "2026-11-21T08:00:00.000Z",
        "notes": "一切正常\n下周再来",
    }.items():
        assert _PLAIN[visit[name].kind](visit[name], value)


@given(st.text(max_size=40), IDS)
def test_an_id_is_the_canonical_text_of_a_uuid_and_nothing_else(text: str, made: str) -> None:
    assert is_id(made)
    assert not is_id(text) or len(text) == 36
    for other in (made.upper(), made + "\n", f"{{{made}}}", made.replace("-", ""), 5, None):
        assert not is_id(other) or other == made


@given(st.datetimes(), st.integers(-14 * 60, 14 * 60))
def test_a_time_on_the_wire_is_utc_to_the_millisecond_whatever_its_zone(
    moment: datetime, minutes: int
) -> None:
    with pytest.raises(ValueError):
        to_wire(moment)
    aware = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    try:
        utc = aware.astimezone(UTC)
    except OverflowError:
        return
    text = to_wire(aware)
    assert text == to_wire(utc) and len(text) == 24 and text.endswith("Z")
    assert from_wire(text) == utc.replace(microsecond=utc.microsecond // 1000 * 1000)


def test_a_required_field_is_missed_and_an_unknown_one_refused() -> None:
    visit = ENTITIES["visit"]
    with pytest.raises(Refusal, match="field_required"):
        check(visit, {"purpose": "care"}, whole=True)
    with pytest.raises(Refusal, match="unknown_field"):
        check(visit, {"colour": "red"})
    assert Kind.TEXT in _PLAIN and check(visit, {"notes": None}) == {"notes": None}

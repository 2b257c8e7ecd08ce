"""What the author of a draft had seen."""

from __future__ import annotations

from mobile.usecases.drafting import SEEN, as_seen
from shared.entities import Customer
from tests.mobile.store_world import an_id

ID = an_id("customer")


def seen(start: dict, values: dict) -> Customer:
    return as_seen(Customer, ID, ("needs", "city"), {"name": "甲", **start}, values)


def test_the_first_look_is_what_the_author_saw():
    values: dict = {}

    first = seen({"needs": "保养"}, values)

    assert (first.id, first.name, first.needs, first.city) == (ID, "甲", "保养", None)


def test_what_arrives_later_changes_nothing_of_it():
    values: dict = {}
    seen({"needs": "保养"}, values)

    later = seen({"needs": "同事写的", "city": "上海"}, values)

    assert (later.needs, later.city) == ("保养", None)


def test_the_note_travels_with_the_draft():
    values: dict = {}
    seen({"needs": "保养"}, values)
    draft = {SEEN: values[SEEN], "needs": "我写的"}

    reopened = seen({"needs": "同事写的"}, dict(draft))

    assert reopened.needs == "保养"

"""One box: names in Chinese or by initials, phones, serial and case numbers, best first."""

from __future__ import annotations

from typing import Any

import pytest

from mobile.store.search_text import SEPARATOR, of, words_of
from shared.declare import ENTITIES
from tests.mobile.store_world import ME, World, an_id, case, customer


@pytest.fixture
def world() -> World:
    world = World()
    zhang = customer("张伟", phone="138-0013-8000", company="长安汽车（重庆）")
    min_ = customer("张伟民", phone="15912345678")
    liu = customer("刘张", city="天津")
    rows = [
        *(("customer", row) for row in (zhang, min_, liu)),
        ("contact", part("contact", zhang, name="李娜", phone="+86 139 0000 7777")),
        ("asset", part("asset", zhang, product="冰箱", model="BCD-210", serial="SN-77 12X")),
        ("case", case(zhang, number="C-100234")),
        ("order", part("order", zhang, number="536365", ordered_at="2026-01-01T00:00:00.000Z")),
    ]
    buckets = {f"customer:{row['id']}" for row in (zhang, min_, liu)} | {f"user:{ME}"}
    world.hold(*sorted(buckets), rows=tuple(world.line(entity, row) for entity, row in rows))
    return world


def part(word: str, of_customer: dict[str, Any], **facts: Any) -> dict[str, Any]:
    return {"id": an_id(word), "customer_id": of_customer["id"], **facts}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("张伟", ["张伟", "张伟民"]),
        ("张", ["张伟", "张伟民", "刘张"]),
        ("zw", ["张伟", "张伟民"]),
        ("ZWM", ["张伟民"]),
        ("zaqc", ["张伟"]),
        ("长安 重庆", ["张伟"]),
        ("1380013", ["张伟"]),
        ("138 0013", ["张伟"]),
        ("8000", ["张伟"]),
        ("tj", ["刘张"]),
        ("张伟 天津", []),
        ("   ", []),
        ("%", []),
        ("_", []),
    ],
)
def test_a_customer_is_found(world: World, text: str, found: list[str]) -> None:
    hits = [hit for hit in world.store.search(text) if hit.kind == "customer"]
    assert [hit.record.name for hit in hits] == found


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("sn-77", "asset"),
        ("sn7712x", "asset"),
        ("bcd210", "asset"),
        ("冰箱", "asset"),
        ("bx", "asset"),
        ("c-1002", "case"),
        ("100234", "case"),
        ("536365", "order"),
        ("13900007777", "contact"),
        ("0000 7777", "contact"),
        ("ln", "contact"),
        ("１３９００００", "contact"),  # as a Chinese keyboard types digits
    ],
)
def test_other_kinds_are_found_and_name_their_customer(world: World, text: str, kind: str) -> None:
    (hit,) = [hit for hit in world.store.search(text) if hit.kind == kind]
    assert hit.customer_id == customer("张伟")["id"]


def test_hits_come_grouped_by_kind_and_no_more_of_each_than_asked(world: World) -> None:
    kinds = [hit.kind for hit in world.store.search("1", limit=1)]
    assert kinds == sorted(kinds, key=["customer", "contact", "case", "asset", "order"].index)
    assert len(kinds) == len(set(kinds)) > 2


def test_a_renamed_customer_is_found_by_the_new_name_at_once(world: World) -> None:
    zhang = world.store.search("张伟")[0].record
    with world.store.unit() as unit:
        unit.update(zhang, name="周杰")
        unit.commit()
    assert [hit.id for hit in world.store.search("周杰")] == [zhang.id]
    assert world.store.search("zj")[0].record.name == "周杰"


def test_a_record_that_left_is_not_found(world: World) -> None:
    gone = world.line("customer", customer("刘张"))
    world.pull(gone._replace(body="", seq=999))
    assert [h for h in world.store.search("刘张") if h.kind == "customer"] == []


def test_what_is_found_by_is_narrow_and_plain() -> None:
    entity = ENTITIES["customer"]
    text = of(entity, {"id": "x", "name": "Ｂob", "phone": "1 2", "needs": "不该在里面"})
    assert text.split(SEPARATOR) == ["", "bob", "1 2", "12"]
    assert of(ENTITIES["visit"], {"id": "x", "notes": "不该在里面"}) == ""
    assert words_of("+86 (139) 00") == ["8613900"] and words_of("- ") == ["-"]

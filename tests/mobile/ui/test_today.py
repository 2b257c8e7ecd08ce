"""The first screen of the day."""

from __future__ import annotations

from datetime import timedelta

from tests.mobile.ui.field import NOW, customer, visit


async def test_a_cold_start_without_a_network_shows_what_is_overdue_and_what_comes(field, open_app):
    one, two = customer("甲公司"), customer("乙公司")
    late = visit(one, field.staff, NOW - timedelta(days=2))
    soon = visit(two, field.staff, NOW + timedelta(hours=3))
    field.plant(one, two, late, soon)
    field.place.up = False

    app, _ = await open_app(field)

    assert {"甲公司", "乙公司", "已逾期", "接下来"} <= app.texts()
    assert app.find("offline-strip").visible
    assert app.says("已超 2 天")

"""The first screen of the day."""

from __future__ import annotations

from datetime import timedelta

import flet as ft
import pytest

from shared.declare import Role
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


async def test_a_card_opens_its_visit_by_itself_and_by_its_button(field, open_app):
    one = customer("甲公司")
    soon = visit(one, field.staff, NOW + timedelta(hours=3))
    field.plant(one, soon)
    app, shell = await open_app(field)
    for key in (f"open-{soon.id}", f"start-{soon.id}"):
        await app.tap(key)
        await app.until(lambda: shell.page.route == f"/visits/{soon.id}")
        shell.back()
        await app.until(lambda: shell.page.route == "/")
    assert app.has(f"open-{soon.id}")


async def test_a_change_shows_at_once_with_the_mark_of_what_waits(field, open_app):
    one = customer("甲公司")
    soon = visit(one, field.staff, NOW + timedelta(hours=3))
    field.plant(one, soon)
    app, shell = await open_app(field)
    with shell.store.unit() as unit:
        unit.update(soon, state="started", started_at=NOW)
        unit.commit()
    await app.until(lambda: app.says("现在"))
    marks = [c for c in app.controls() if isinstance(c, ft.Icon) and c.semantics_label]
    assert any("待上传" in mark.semantics_label for mark in marks)
    assert not app.says("接下来")


async def test_a_long_list_is_cut_until_asked_for(field, open_app):
    one = customer("甲公司")
    many = [visit(one, field.staff, NOW + timedelta(hours=n)) for n in range(1, 13)]
    field.plant(one, *many)
    app, _ = await open_app(field)
    assert not app.has(f"open-{many[-1].id}")
    await app.tap("all-next")
    await app.until(lambda: app.has(f"open-{many[-1].id}"))
    assert app.has(f"open-{many[0].id}")


async def test_when_the_lease_has_ended_the_screen_says_what_to_do(field, open_app):
    one = customer("甲公司")
    field.plant(one, visit(one, field.staff, NOW + timedelta(hours=3)))
    app, shell = await open_app(field)
    field.clock.move(timedelta(hours=80))
    await app.go("/sync")
    await app.go("/")
    assert app.says("这台手机太久没有联网")
    assert "甲公司" not in app.texts()
    syncs = field.engine.syncs
    await app.tap("connect")
    await app.until(lambda: field.engine.syncs > syncs)
    assert shell.session.phase == "open"


@pytest.mark.parametrize("width", [412, 1280])
async def test_everyone_gets_around_on_a_phone_and_at_a_desk(field_of, open_app, width):
    field = field_of(Role.STORE_MANAGER)
    app, shell = await open_app(field, width=width)
    bar = app.find("nav")
    assert isinstance(bar, ft.NavigationRail if width > 840 else ft.NavigationBar)
    await app.choose("nav", 1, "change")
    await app.until(lambda: shell.page.route == "/customers")
    await app.resize(1692 - width, 800)  # the other one
    await app.until(lambda: type(app.find("nav")) is not type(bar))
    assert shell.page.route == "/customers"


async def test_an_address_that_leads_nowhere_leads_home(field, open_app):
    app, shell = await open_app(field)
    await app.go("/no/such/place")
    assert app.says("没有这个页面")
    await app.tap("home")
    await app.until(lambda: shell.page.route == "/")

"""Masked numbers, looks on record, and access that ends before one's eyes."""

from __future__ import annotations

from datetime import timedelta

import flet as ft
import flet.canvas as cv

from mobile.ui.components import privacy, words
from mobile.ui.components.frame import places, screen
from mobile.ui.routes import ROUTES
from mobile.ui.state import use_shell
from shared.declare import Role
from tests.mobile.ui.field import NOW, customer
from tests.mobile.ui.written import looks

ONE = customer("甲公司")
ENDS = NOW + timedelta(minutes=20)


@ft.component
def DetailScreen() -> ft.View:
    shell = use_shell()
    body = [
        privacy.Phone(shell, ONE.phone, "customer", ONE.id, ONE.id),
        privacy.AccessCountdown(
            shell, ENDS, lambda: words.body("secret detail"), ("customer", ONE.id)
        ),
    ]
    return screen(shell, body, title="", back="/", overlay=privacy.watermark(shell))


async def on(open_app, field, monkeypatch):
    monkeypatch.setattr(
        "mobile.ui.app.ROUTES", [ft.Route(path="try", component=DetailScreen), *ROUTES]
    )
    field.plant(ONE)
    app, shell = await open_app(field)
    await app.go("/try")
    return app, shell


async def test_a_number_stays_masked_until_asked_for_and_that_is_on_record(
    field, open_app, monkeypatch
):
    app, shell = await on(open_app, field, monkeypatch)
    assert ONE.phone not in app.texts()
    assert looks(shell) == []
    await app.tap("phone-show")
    await app.until(lambda: ONE.phone in app.texts())
    assert looks(shell) == [("customer", "unmasked")]
    await app.tap("phone-call")
    await app.settle()
    assert looks(shell) == [("customer", "unmasked"), ("customer", "dialled")]


async def test_a_look_that_cannot_be_recorded_shows_nothing(field, open_app, monkeypatch):
    app, shell = await on(open_app, field, monkeypatch)
    shell.store.parts.db.execute("DELETE FROM held_grant")
    shell.store.parts.gate.changed()
    await app.tap("phone-show")
    await app.settle()
    assert ONE.phone not in app.texts()
    assert app.says("你没有查看它的权限")


async def test_when_access_ends_its_content_is_gone_from_the_tree(field, open_app, monkeypatch):
    app, _ = await on(open_app, field, monkeypatch)
    assert app.says("secret detail") and app.says("还有 20 分钟")
    await app.tap("access-more")
    assert app.says("申请查看这位客户")
    field.clock.move(timedelta(minutes=21))
    await app.go("/")
    await app.go("/try")
    assert app.says("查看时间已结束")
    assert not app.says("secret detail")


async def test_the_reader_is_written_over_what_they_read(field, open_app, monkeypatch):
    app, shell = await on(open_app, field, monkeypatch)
    drawn = {shape.value for c in app.controls() if isinstance(c, cv.Canvas) for shape in c.shapes}
    assert drawn == {f"{shell.staff.name} · 今天 10:00"}


async def test_calling_from_the_agenda_is_on_record_before_it_dials(field, open_app):
    from tests.mobile.ui.field import visit

    soon = visit(ONE, field.staff, NOW + timedelta(hours=1))
    field.plant(ONE, soon)
    app, shell = await open_app(field)
    await app.tap(f"call-{soon.id}")
    await app.settle()
    assert looks(shell) == [("customer", "dialled")]


def test_every_role_reaches_sync_and_settings():
    for role in Role:
        assert {"sync", "settings"} <= {p.name for p in places(role, True)}
        assert "more" in {p.name for p in places(role, False)}
        assert len(places(role, False)) <= 5

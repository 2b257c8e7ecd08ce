"""Text fields of all kinds: no rendering costs a keystroke, and what the program writes stands."""

from __future__ import annotations

from datetime import timedelta

import flet as ft
import pytest

from mobile.ui.components.entry import entry
from mobile.ui.hooks import Held
from mobile.ui.routes import ROUTES
from mobile.ui.state import Shell, use_shell, watch
from tests.mobile.ui import test_surveys, test_visit
from tests.mobile.ui.field import NOW, Field, customer, visit
from tests.mobile.ui.headless import Headless

ACME = customer("甲公司")
TYPED = Held("")


async def search(field, open_app):
    app, shell = await open_app(field)
    await app.go("/customers")
    return app, shell, "search"


async def secret(field, open_app):
    app, shell = await open_app(field)
    await shell.session.lock()
    await app.settle()
    return app, shell, "secret"


async def reason(field, open_app):
    plan = visit(ACME, field.staff, NOW + timedelta(days=1))
    field.plant(ACME, plan)
    app, shell = await open_app(field)
    await app.go(f"/visits/{plan.id}")
    await app.tap("cancel")
    return app, shell, "cancelled_because"


async def answer(field, open_app):
    begun = visit(ACME, field.staff, NOW, purpose="experience", state="started", started_at=NOW)
    field.plant(ACME, begun, test_visit.TEMPLATE)
    app, shell = await open_app(field)
    await app.go(f"/visits/{begun.id}")
    return app, shell, "answer-usage"


async def survey(field, open_app):
    return *await test_surveys.handed(field, open_app), "words-why"


async def draw(app: Headless, shell: Shell) -> None:
    """Renders every screen anew."""
    shell.gate.wrong_ahead += 1  # which the root watches
    await app.settle()


@pytest.mark.parametrize("opened", [search, secret, reason, answer, survey])
async def test_a_keystroke_whose_event_is_on_its_way_outlives_every_rendering(
    opened, field: Field, open_app
):
    """The field tells its text first and the event after it: what is drawn in between must not be
    the text of before."""
    app, shell, key = await opened(field, open_app)
    await app.type(key, "年度")
    app.report(key, "年度保")
    for _ in range(2):
        await draw(app, shell)
        assert app.find(key).value == "年度保"
    await app.type(key, "年度保养")
    await draw(app, shell)
    assert app.find(key).value == "年度保养"


@ft.component
def WritingScreen() -> ft.View:
    watch(use_shell().gate)
    return ft.View(route="/try", controls=[entry("text", "", TYPED)])


async def test_what_the_program_writes_stands_in_the_field_whatever_was_typed(
    field, open_app, monkeypatch
):
    tried = ft.Route(path="try", component=WritingScreen)
    monkeypatch.setattr("mobile.ui.app.ROUTES", [tried, *ROUTES])
    app, shell = await open_app(field)
    await app.go("/try")
    await app.type("text", "年度")
    assert TYPED.current == "年度"
    for written in ("草稿", "二稿", ""):
        TYPED.current = written
        await draw(app, shell)
        assert app.find("text").value == written
    app.report("text", "年")
    TYPED.current = "草稿"
    await draw(app, shell)
    await app.tell("text", "年")
    assert (TYPED.current, app.find("text").value) == ("年", "年"), "owner and screen say the same"

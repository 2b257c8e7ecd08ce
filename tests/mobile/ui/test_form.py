"""Forms that follow from a declaration: drafts, limits, required fields, and what a kill leaves."""

from __future__ import annotations

import flet as ft

from mobile.store.unlocking import unlock_vault
from mobile.ui.components.form import Form, use_form
from mobile.ui.components.frame import screen
from mobile.ui.hooks import Held
from mobile.ui.routes import ROUTES
from mobile.ui.screens.customer.choosing import ChooseRecord
from mobile.ui.state import use_shell
from shared.codec import write
from shared.entities import Asset, Customer
from shared.ids import derived_id
from tests.mobile.ui.field import PIN, VAULT, customer

ONE = customer("甲公司")
DRAFT = f"customer/{ONE.id}"
PEOPLE = [(derived_id("staff", str(one)), f"坐席 {one}") for one in range(9)]
HELD: Held[Form | None] = Held(None)
SHOWN = ("name", "needs", "stage", "birthday", "contact_verified_at", "vip", "phone")


@ft.component
def EditScreen() -> ft.View:
    shell = use_shell()
    form = use_form(shell, Customer, draft=DRAFT, start=write(ONE), about=("customer", ONE.id))
    HELD.current = form
    body = [*(form.field(name) for name in SHOWN), ChooseRecord(form, "agent_id", PEOPLE)]
    return screen(shell, [*body, form.saved_line()], title="", back="/")


@ft.component
def PriceScreen() -> ft.View:
    shell = use_shell()
    form = use_form(shell, Asset, draft="asset/new", start={})
    HELD.current = form
    return screen(shell, [form.field("price_cents"), form.field("product")], title="", back="/")


TRIED = [
    ft.Route(path="try", component=EditScreen),
    ft.Route(path="price", component=PriceScreen),
]


def form() -> Form:
    assert HELD.current is not None
    return HELD.current


async def on(open_app, field, monkeypatch, route="/try"):
    monkeypatch.setattr("mobile.ui.app.ROUTES", [*TRIED, *ROUTES])
    monkeypatch.setattr("mobile.ui.components.form.SAVE_AFTER_SECONDS", 0)
    field.plant(ONE)
    app, shell = await open_app(field)
    await app.go(route)
    return app, shell


async def test_what_is_typed_is_there_again_after_a_kill(field, open_app, monkeypatch):
    app, shell = await on(open_app, field, monkeypatch)
    await app.type("needs", "年度保养")
    await app.until(lambda: shell.store.draft(DRAFT) == {"needs": "年度保养"})
    assert app.says("草稿已存在本机")
    shell.store.parts.db.close()  # killed: nothing else is said
    await field.files.release(VAULT)

    db = await unlock_vault(field.files, field.keys, VAULT, PIN)
    assert field.store(db).draft(DRAFT) == {"needs": "年度保养"}
    db.close()
    await field.files.release(VAULT)
    shell.session._opened = None


async def test_a_draft_is_laid_over_the_record_when_the_form_opens_again(
    field, open_app, monkeypatch
):
    app, shell = await on(open_app, field, monkeypatch)
    await app.type("needs", "年度保养")
    await app.until(lambda: shell.store.draft(DRAFT) is not None)
    await app.go("/")
    await app.go("/try")
    assert app.find("needs").value == "年度保养"
    assert app.find("name").value == "甲公司"


async def test_leaving_at_once_loses_nothing(field, open_app, monkeypatch):
    app, shell = await on(open_app, field, monkeypatch)
    monkeypatch.setattr("mobile.ui.components.form.SAVE_AFTER_SECONDS", 3600)
    await app.type("needs", "年度保养")
    assert shell.store.draft(DRAFT) is None
    await app.go("/")
    assert shell.store.draft(DRAFT) == {"needs": "年度保养"}


async def test_locking_or_putting_the_phone_away_at_once_loses_nothing(
    field, open_app, monkeypatch
):
    app, shell = await on(open_app, field, monkeypatch)
    monkeypatch.setattr("mobile.ui.components.form.SAVE_AFTER_SECONDS", 3600)
    await app.type("needs", "年度")
    field.place.show(False)
    assert shell.store.draft(DRAFT) == {"needs": "年度"}
    await app.type("needs", "年度保养")
    await shell.session.lock()
    await app.settle()
    await shell.session.unlock(PIN)
    assert shell.store.draft(DRAFT) == {"needs": "年度保养"}


async def test_a_required_field_stops_finishing_and_not_saving(field, open_app, monkeypatch):
    app, shell = await on(open_app, field, monkeypatch)
    await app.type("name", "")
    await app.until(lambda: shell.store.draft(DRAFT) == {"name": ""})
    assert not form().complete(required=("name",))
    await app.settle()
    assert app.find("name").error == "必填"
    await app.type("name", "甲公司")
    await app.settle()
    assert app.find("name").error is None
    assert form().complete(required=("name",))
    await app.type("needs", "  ")
    assert not form().complete(required=("needs",)), "blanks say nothing"


async def test_a_text_beyond_its_limit_is_refused_at_its_field(field, open_app, monkeypatch):
    app, _ = await on(open_app, field, monkeypatch)
    await app.type("phone", "1" * 41)
    assert not form().complete()
    await app.settle()
    assert "超过了长度限制" in app.find("phone").error


async def test_changes_hold_only_what_differs_in_wire_form(field, open_app, monkeypatch):
    app, _ = await on(open_app, field, monkeypatch)
    await app.choose("stage-potential", True, "select")
    await app.choose("vip", True)
    await app.type("name", "甲公司")
    assert form().changes() == {"stage": "potential", "vip": True}
    await app.choose("stage-potential", False, "select")
    assert form().changes() == {"vip": True}


async def test_a_price_is_typed_in_yuan_and_kept_in_cents(field, open_app, monkeypatch):
    app, _ = await on(open_app, field, monkeypatch, "/price")
    for typed, cents in (
        ("12", 1200),
        ("¥1,234.50", 123450),
        ("￥１２", 1200),
        ("0.1", 10),
        ("", None),
    ):
        await app.type("price_cents", typed)
        assert form().get("price_cents") == cents
    for wrong in ("abc", "1.234"):
        await app.type("price_cents", wrong)
        assert app.find("price_cents").error == "请输入数字"
        assert not form().complete()
    form().set("price_cents", 500)
    await app.settle()
    assert app.find("price_cents").value == "5.00", (
        "what the program sets stands for what was typed"
    )


async def test_a_keystroke_whose_event_is_on_its_way_outlives_a_rendering(
    field, open_app, monkeypatch
):
    """The field tells its text first and the event after it: what is drawn in between must not be
    the text of before."""
    app, shell = await on(open_app, field, monkeypatch)
    await app.type("needs", "年度")
    app.report("needs", "年度保")
    form().state.version += 1
    await app.settle()
    assert app.find("needs").value == "年度保"
    await app.type("needs", "年度保养")
    assert (app.find("needs").value, form().get("needs")) == ("年度保养", "年度保养")


async def test_a_choice_whose_event_is_on_its_way_outlives_a_rendering(
    field, open_app, monkeypatch
):
    app, shell = await on(open_app, field, monkeypatch)
    for key, value, event in (("vip", True, "change"), ("agent_id", PEOPLE[2][0], "select")):
        app.report(key, value)
        form().state.version += 1
        await app.settle()
        await app.tell(key, value, event)
        assert (form().get(key), app.find(key).value) == (value, value)


async def test_what_the_screen_writes_into_a_field_stands_in_it(field, open_app, monkeypatch):
    app, shell = await on(open_app, field, monkeypatch)
    await app.type("needs", "年度")
    form().set("needs", "季度")
    await app.settle()
    assert app.find("needs").value == "季度"

"""Settings take effect at once; leaving warns of what is unsent."""

from __future__ import annotations

import flet as ft

from tests.mobile.ui.field import PIN, customer


async def test_language_theme_and_text_size_take_effect_at_once_and_are_kept(field, open_app):
    app, shell = await open_app(field)
    await app.go("/settings")
    await app.choose("language-en", True, "select")
    await app.until(lambda: app.says("Text size"))
    await app.choose("theme-dark", True, "select")
    await app.choose("text-size-2.0", True, "select")
    await app.settle()
    assert shell.page.theme_mode is ft.ThemeMode.DARK
    assert shell.page.dark_theme.text_theme.body_medium.size == 30
    assert field.preferences.values == {"language": "en", "mode": "dark", "text_scale": 2.0}
    await app.choose("language-zh-CN", True, "select")
    await app.until(lambda: app.says("文字大小"))


async def test_locking_asks_for_the_pin_again(field, open_app):
    app, shell = await open_app(field)
    await app.go("/settings")
    await app.tap("lock")
    await app.until(lambda: app.has("unlock"))
    await app.type("secret", PIN)
    await app.tap("unlock")
    await app.until(lambda: app.has("lock"))  # back where one was
    assert shell.session.phase == "open"


async def test_signing_out_says_how_much_is_unsent_and_can_be_called_off(field, open_app):
    one = customer("甲公司")
    field.plant(one)
    app, shell = await open_app(field)
    with shell.store.unit() as unit:
        unit.update(one, needs="年度保养")
        unit.commit()
    await app.go("/settings")
    await app.tap("sign-out")
    assert app.says("还有 1 项没有上传")
    await app.tap("sign-out-no")
    assert shell.session.phase == "open"
    await app.tap("sign-out")
    await app.tap("sign-out-yes")
    await app.until(lambda: app.has("sign-in"))
    assert await field.keys.profiles() == []


async def test_the_pin_is_changed_with_the_old_one(field, open_app):
    app, shell = await open_app(field)
    await app.go("/settings")
    await app.tap("change-secret")
    await app.type("old-secret", "000111")
    await app.type("secret", "a phrase of mine")
    await app.type("secret-again", "a phrase of mine")
    await app.tap("save-secret")
    await app.until(lambda: app.says("PIN 或口令不对"))
    await app.type("old-secret", PIN)
    await app.tap("save-secret")
    await app.until(lambda: app.says("解锁密码已修改"))
    await shell.session.lock()
    await shell.session.unlock("a phrase of mine")
    assert shell.session.phase == "open"


async def test_an_update_that_waits_is_offered(field, open_app):
    field.place.update = True
    app, _ = await open_app(field)
    await app.go("/settings")
    await app.until(lambda: app.has("update"))
    await app.tap("update")
    assert field.place.updated == 1


async def test_storage_that_may_be_cleared_is_said_and_can_be_asked_for(field, open_app):
    field.place.persisted = False
    app, _ = await open_app(field)
    await app.go("/settings")
    await app.until(lambda: app.says("浏览器可能清除数据"))
    await app.tap("persist")
    await app.until(lambda: app.says("不会自动清除"))
    assert not app.has("persist")

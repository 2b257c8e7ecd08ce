"""The secret that was typed on the splash while the app loaded."""

from __future__ import annotations

from tests.mobile.ui.field import PIN

WRONG = "864209"


async def test_today_is_the_first_screen_when_the_pin_was_typed_meanwhile(field, start):
    await field.prepare()
    field.place.typed_early = PIN
    app, shell = await start(field)
    await app.until(lambda: app.says("今天没有安排"))
    assert shell.session.phase == "open"
    assert field.place.lock_language == "zh-CN"


async def test_a_pin_typed_to_its_end_after_the_lock_was_drawn_opens_the_vault_too(field, start):
    await field.prepare()
    field.place.typed_late = PIN
    app, _ = await start(field)
    await app.until(lambda: app.says("今天没有安排"))
    await app.until(lambda: field.place.revealed == 1)


async def test_a_wrong_pin_typed_ahead_costs_a_try_and_leads_to_the_lock(field, start):
    await field.prepare()
    field.place.typed_early = WRONG
    app, shell = await start(field)
    await app.until(lambda: app.says("还可以试 9 次"))
    assert shell.session.phase == "locked"
    assert app.has("secret")


async def test_a_wrong_pin_that_came_after_the_lock_was_drawn_is_told_there_too(field, start):
    await field.prepare()
    field.place.typed_late = WRONG
    app, _ = await start(field)
    await app.until(lambda: app.says("还可以试 9 次"))
    await app.until(lambda: field.place.revealed == 1)


async def test_what_was_typed_is_not_used_where_there_is_nothing_to_unlock(field, start):
    field.place.typed_early = PIN
    app, shell = await start(field)
    assert shell.session.phase == "welcome"
    assert app.has("sign-in")


async def test_who_left_the_device_is_not_asked_at_the_next_start(field, start):
    await field.prepare()
    field.place.typed_early = PIN
    app, shell = await start(field)
    await app.until(lambda: field.place.lock_language == "zh-CN")
    await shell.session.sign_out()
    await app.until(lambda: field.place.lock_language == "")

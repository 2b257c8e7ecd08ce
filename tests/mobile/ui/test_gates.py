"""What stands before the open app: sign-in, approval, PIN, first sync, unlocking."""

from __future__ import annotations

import asyncio

import pytest

from mobile.usecases.arrival import Arrival
from shared.errors import Code, Refusal
from tests.mobile.ui.field import PIN, Engine, Report, customer

WRONG = "864209"


async def sign_in(app) -> None:
    await app.type("username", "lin")
    await app.type("password", "secret")
    await app.tap("sign-in")


async def test_a_fresh_phone_goes_from_sign_in_to_today(field, start):
    field.engine.answers = [Report(received=3)]
    app, shell = await start(field)
    assert app.says("首次登录需要联网")
    await sign_in(app)
    await app.until(lambda: app.has("secret-again"))
    await app.type("secret", PIN)
    await app.type("secret-again", PIN)
    await app.tap("set-secret")
    await app.until(lambda: app.says("今天没有安排"))
    assert shell.session.phase == "open"
    assert field.server.asked[0].username == "lin"


async def test_in_a_browser_the_server_is_the_one_the_app_came_from(field, start):
    app, _ = await start(field)
    assert not app.has("server")
    field.place.origin = ""
    other, _ = await start(field)
    assert other.has("server")


async def test_an_incomplete_sign_in_asks_nothing_of_the_server(field, start):
    app, _ = await start(field)
    await app.type("username", "lin")
    await app.tap("sign-in")
    assert app.says("请填写服务器地址、用户名和密码")
    assert field.server.asked == []


async def test_a_refused_sign_in_says_why_and_keeps_the_name(field, start):
    field.server.refuses = Refusal(Code.SIGN_IN_FAILED)
    app, _ = await start(field)
    await sign_in(app)
    await app.until(lambda: app.says("用户名或密码不对"))
    assert app.find("username").value == "lin"


async def test_a_pin_must_be_long_hard_to_guess_and_typed_twice(field, start):
    app, _ = await start(field)
    await sign_in(app)
    await app.until(lambda: app.has("secret-again"))
    for first, second, said in (
        ("1357", "1357", "至少 6 位数字"),
        ("111111", "111111", "太容易猜到"),
        ("654321", "654321", "太容易猜到"),
        (PIN, "135791", "两次输入不一样"),
    ):
        await app.type("secret", first)
        await app.type("secret-again", second)
        await app.tap("set-secret")
        assert said in app.find("secret-again").error


async def test_a_pending_device_waits_and_goes_on_when_approved(field, start):
    field.server.device_state = "pending"
    app, _ = await start(field)
    await sign_in(app)
    await app.until(lambda: app.says("等待批准"))
    await app.tap("check")
    assert app.has("check")
    field.server.device_state = "approved"
    await app.tap("check")
    await app.until(lambda: app.has("set-secret"))


async def test_a_first_sync_that_is_cut_offers_retry_and_the_app(field, start):
    field.engine.answers = [Report(Code.CUT_SHORT)]
    app, _ = await start(field)
    await sign_in(app)
    await app.until(lambda: app.has("secret-again"))
    await app.type("secret", PIN)
    await app.type("secret-again", PIN)
    await app.tap("set-secret")
    await app.until(lambda: app.says("连接中途断开了"))
    assert app.has("retry")
    await app.tap("enter")
    await app.until(lambda: app.says("今天没有安排"))


async def test_the_first_sync_shows_how_much_has_come(field, start):
    from mobile.sync.report import Progress

    going = asyncio.Event()

    class Slow(Engine):
        async def sync(self, tell):
            tell(Progress("fetching", 250, 1000))
            await going.wait()
            return Report()

    field.engine = Slow()
    app, _ = await start(field)
    await sign_in(app)
    await app.until(lambda: app.has("secret-again"))
    await app.type("secret", PIN)
    await app.type("secret-again", PIN)
    await app.tap("set-secret")
    await app.until(lambda: app.says("250 / 1000"))
    assert app.find("progress").value == 0.25
    going.set()
    await app.until(lambda: app.says("今天没有安排"))


async def test_unlocking_needs_no_network(field, start):
    field.plant(customer("甲公司"))
    field.place.up = False
    await field.prepare()
    app, _ = await start(field)
    assert app.says("欢迎回来，林晓")
    await app.type("secret", PIN)
    await app.submit("secret")
    await app.until(lambda: app.says("今天没有安排"))


async def test_a_wrong_pin_empties_the_field_and_says_how_many_tries_are_left(field, start):
    await field.prepare()
    app, _ = await start(field)
    await app.type("secret", WRONG)
    await app.tap("unlock")
    await app.until(lambda: app.says("还可以试 9 次"))
    assert app.find("secret").value == ""


async def test_after_the_tenth_wrong_pin_the_way_to_begin_anew_is_shown(field, start):
    await field.prepare()
    app, _ = await start(field)
    for left in range(9, -1, -1):
        await app.until(lambda: app.has("unlock") and not app.find("unlock").disabled)
        await app.type("secret", WRONG)
        await app.tap("unlock")
        if left:
            await app.until(lambda left=left: app.says(f"还可以试 {left} 次"))
    await app.until(lambda: app.has("begin-anew"))
    await app.tap("begin-anew")
    await app.until(lambda: app.has("sign-in"))


async def test_a_vault_open_in_another_tab_is_said_so(field, start, tmp_path):
    from mobile.store.files import DirectoryFiles

    await field.prepare()
    other = DirectoryFiles(tmp_path / "vaults")
    await other.claim("field-lin")
    app, _ = await start(field)
    await app.type("secret", PIN)
    await app.tap("unlock")
    await app.until(lambda: app.says("应用已在另一个标签页打开"))
    await other.release("field-lin")
    await app.tap("retry")
    await app.until(lambda: app.has("unlock"))


async def test_the_language_can_be_changed_before_anyone_has_signed_in(field, start):
    app, _ = await start(field)
    await app.choose("language-en", True, "select")
    await app.until(lambda: app.says("The first time needs a network"))
    await app.settle()
    assert field.preferences.values["language"] == "en"
    again, _ = await start(field)
    assert again.says("The first time needs a network")
    await again.choose("language-zh-CN", True, "select")
    await again.until(lambda: again.says("首次登录需要联网"))


async def test_a_browser_that_keeps_nothing_says_so_and_lets_nobody_write(field, open_app):
    from mobile.store.files import Storage
    from mobile.usecases.transient import TransientStore

    one = customer("甲公司")
    field.plant(one)
    field.files.storage = Storage(durable=False, reason="no_private_files")
    keep = field.store
    field.store = lambda db, profile=None: (
        keep(db) if profile is None else TransientStore(db, keep(db).parts.time)
    )
    app, shell = await open_app(field)
    assert app.has("keeps-nothing")
    with pytest.raises(Refusal) as refused:
        shell.store.unit()
    assert refused.value.code is Code.STORAGE_NOT_DURABLE
    with pytest.raises(Refusal):
        shell.store.save_draft("key", {"a": 1})


async def test_a_second_factor_is_asked_for_after_the_password(field, start):
    field.server.factor = "123456"
    app, _ = await start(field)
    assert not app.has("second-factor")
    await sign_in(app)
    await app.until(lambda: app.has("second-factor"))
    assert app.says("6 位验证码")
    await app.type("second-factor", "654321")
    await app.tap("sign-in")
    await app.until(lambda: app.says("验证码不对"))
    assert app.find("second-factor").value == ""
    assert app.find("password").value == "secret"
    await app.type("second-factor", "123456")
    await app.submit("second-factor")
    await app.until(lambda: app.has("set-secret"))


async def test_a_device_that_waits_keeps_no_password_and_is_let_in_by_a_code(field, start):
    field.server.device_state, field.server.code = "pending", "7K3M-0000"
    app, _ = await start(field)
    await sign_in(app)
    await app.until(lambda: app.says("等待批准"))
    await app.tap("check")
    assert field.server.asked[-1].ticket == "a ticket"
    assert field.server.asked[-1].password == ""
    await app.type("enrolment-code", "1111")
    await app.tap("use-code")
    await app.until(lambda: app.says("登记码不对"))
    await app.type("enrolment-code", "7K3M-0000")
    await app.submit("enrolment-code")
    await app.until(lambda: app.has("set-secret"))


async def test_a_link_brings_the_code_that_lets_the_device_in(field, start):
    field.server.device_state, field.server.code = "pending", "7K3M-0000"
    field.place.brought = Arrival(enrolment_code="7K3M-0000")
    app, _ = await start(field)
    assert app.says("已带上登记码")
    await sign_in(app)
    await app.until(lambda: app.has("set-secret"))


async def test_a_code_from_a_link_that_is_no_good_gives_way_to_waiting(field, start):
    field.server.device_state = "pending"
    field.place.brought = Arrival(enrolment_code="7K3M-0000")
    app, _ = await start(field)
    await sign_in(app)
    await app.until(lambda: app.says("登记码不对"))
    await app.tap("sign-in")
    await app.until(lambda: app.says("等待批准"))


async def test_the_companys_sign_in_is_left_for_and_come_back_from(field, start):
    field.server.company = "示例公司账号"
    app, _ = await start(field)
    await app.until(lambda: app.has("company"))
    assert "用示例公司账号登录" in str(app.find("company").content)
    await app.tap("company")
    assert field.place.left_for == ["https://login.example/auth?state=signed"]
    field.place.brought = Arrival(ticket="of the company")
    back, _ = await start(field)
    await back.until(lambda: back.has("set-secret"))
    assert field.server.asked[-1].ticket == "of the company"
    assert field.server.asked[-1].username == ""


async def test_after_the_companys_sign_in_only_the_code_is_asked_for(field, start):
    field.server.factor = "123456"
    field.place.brought = Arrival(ticket="of the company")
    app, _ = await start(field)
    await app.until(lambda: app.has("second-factor"))
    assert not app.has("password")
    await app.type("second-factor", "123456")
    await app.tap("sign-in")
    await app.until(lambda: app.has("set-secret"))


async def test_a_companys_sign_in_that_failed_says_why_and_leaves_the_password(field, start):
    await field.prepare()
    field.place.brought = Arrival(failed=Code.IDENTITY_UNKNOWN)
    app, _ = await start(field)
    await app.until(lambda: app.says("没有账号与这个身份关联"))
    assert app.has("password")
    await app.tap("back-to-lock")
    await app.until(lambda: app.has("unlock"))


async def test_without_a_company_sign_in_none_is_offered(field, start):
    app, _ = await start(field)
    assert not app.has("company")

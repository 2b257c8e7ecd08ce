"""The page of one's own second factor: set up, its codes shown once, taken off; never without a
network."""

from __future__ import annotations

from shared.errors import Code, Refusal
from shared.wire_second_factor import BegunReply, SecondFactorState


class Provider:
    """The server's part, as far as this page asks."""

    def __init__(self) -> None:
        self.state = SecondFactorState()
        self.refuses: Refusal | None = None
        self.said: list[tuple[str, ...]] = []

    def _asked(self, *said: str) -> None:
        self.said.append(said)
        if self.refuses is not None:
            raise self.refuses

    async def second_factor(self) -> SecondFactorState:
        self._asked("state")
        return self.state

    async def begin_second_factor(self, password: str) -> BegunReply:
        self._asked("begin", password)
        return BegunReply(secret="SECRETOFTHREE", uri="otpauth://totp/x", qr="<svg/>")

    async def confirm_second_factor(self, code: str) -> list[str]:
        self._asked("confirm", code)
        self.state = SecondFactorState(
            enrolled_at="2026-11-23T01:00:00.000Z", recovery_codes_left=10
        )
        return ["AAAA-1111", "BBBB-2222"]

    async def renew_recovery_codes(self, code: str) -> list[str]:
        self._asked("renew", code)
        return ["CCCC-3333"]

    async def end_second_factor(self, password: str, code: str) -> None:
        self._asked("end", password, code)
        self.state = SecondFactorState()


async def at_page(field, open_app):
    provider = Provider()

    async def ask(call):
        return await call(provider)

    field.engine.ask = ask
    app, _ = await open_app(field)
    await app.go("/settings")
    await app.tap("second-factor")
    return app, provider


async def test_it_is_set_up_with_password_and_first_code_and_shows_its_codes_once(field, open_app):
    app, provider = await at_page(field, open_app)
    await app.until(lambda: app.has("factor-begin"))
    await app.type("factor-password", "my password")
    await app.tap("factor-begin")
    await app.until(lambda: app.says("SECRETOFTHREE"))
    await app.type("factor-code", "123456")
    await app.tap("factor-confirm")
    await app.until(lambda: app.says("AAAA-1111"))
    assert not app.says("SECRETOFTHREE")
    await app.tap("factor-kept")
    await app.until(lambda: app.has("factor-end"))
    assert not app.says("AAAA-1111")
    assert ("begin", "my password") in provider.said and ("confirm", "123456") in provider.said


async def test_a_wrong_code_says_so_and_the_secret_stays_on_the_screen(field, open_app):
    app, provider = await at_page(field, open_app)
    await app.until(lambda: app.has("factor-begin"))
    await app.type("factor-password", "my password")
    await app.tap("factor-begin")
    await app.until(lambda: app.has("factor-confirm"))
    provider.refuses = Refusal(Code.SECOND_FACTOR_WRONG)
    await app.type("factor-code", "000000")
    await app.tap("factor-confirm")
    await app.until(lambda: app.says("验证码不对"))
    assert app.says("SECRETOFTHREE")
    assert app.find("factor-code").value == ""


async def test_it_is_taken_off_with_password_and_code(field, open_app):
    app, provider = await at_page(field, open_app)
    provider.state = SecondFactorState(
        enrolled_at="2026-11-23T01:00:00.000Z", recovery_codes_left=2
    )
    await app.go("/settings")
    await app.tap("second-factor")
    await app.until(lambda: app.says("还剩 2 个恢复码"))
    await app.type("factor-password", "my password")
    await app.type("factor-code", "123456")
    await app.tap("factor-end")
    await app.until(lambda: app.has("factor-begin"))
    assert ("end", "my password", "123456") in provider.said


async def test_without_a_network_the_page_says_what_it_needs(field, open_app):
    app, provider = await at_page(field, open_app)
    provider.refuses = Refusal(Code.OFFLINE)
    await app.go("/settings")
    await app.tap("second-factor")
    await app.until(lambda: app.has("factor-retry"))
    assert not app.has("factor-begin")
    provider.refuses = None
    await app.tap("factor-retry")
    await app.until(lambda: app.has("factor-begin"))

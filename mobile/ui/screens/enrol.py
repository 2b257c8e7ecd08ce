"""After the first sign-in: waiting for an administrator's approval, then choosing the PIN."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import flet as ft

from mobile.keys.port import TRIES
from mobile.ui.components import buttons, frame, surfaces, words
from mobile.ui.components.entry import entry, secret_entry
from mobile.ui.components.messages import guarded, refusal_card
from mobile.ui.hooks import Held, use_held, use_maybe, use_state, use_task
from mobile.ui.state import use_shell
from mobile.ui.texts import language, t
from shared.errors import Code, Refusal
from shared.policy import DEFAULTS

POLL_SECONDS = 10


@ft.component
def PendingScreen() -> ft.View:
    """Asks the server every few seconds whether the device was approved; goes on by itself. A code
    that an administrator gave lets the device in at once.
    """
    shell = use_shell()
    refusal, set_refusal = use_maybe(Refusal)
    code = use_held("")

    async def check() -> None:
        await ask("")

    async def use_code() -> None:
        if code.current.strip():
            set_refusal(None)
            await ask(code.current)

    async def ask(enrolment_code: str) -> None:
        try:
            await shell.session.check_approval(enrolment_code)
        except Refusal as refused:
            if refused.code is not Code.OFFLINE:
                set_refusal(refused)

    async def poll() -> None:
        while True:
            await asyncio.sleep(POLL_SECONDS)
            await check()

    use_task(poll, [])
    name = shell.session.profile.display_name if shell.session.profile else ""
    controls: list[ft.Control] = [
        surfaces.empty(ft.Icons.PHONELINK_LOCK, t("enrol.title"), t("enrol.text", name=name)),
        ft.ProgressBar(semantics_label=t("enrol.title")),
        words.faint(t("enrol.polling", seconds=POLL_SECONDS), text_align=ft.TextAlign.CENTER),
    ]
    if refusal is not None:
        controls.append(refusal_card(refusal))
    controls += [
        buttons.primary(shell, "check", t("enrol.check"), check),
        words.body(t("enrol.code.text"), text_align=ft.TextAlign.CENTER),
        entry(
            "enrolment-code",
            t("enrol.code"),
            code,
            autocorrect=False,
            capitalization=ft.TextCapitalization.CHARACTERS,
            on_submit=guarded(shell, use_code),
        ),
        buttons.secondary(shell, "use-code", t("enrol.code.use"), use_code),
        buttons.quiet(shell, "other", t("enrol.other"), shell.session.go_to_sign_in),
    ]
    return frame.plain(controls)


@ft.component
def ChooseSecretScreen() -> ft.View:
    """The PIN or passphrase that opens the vault on this device."""
    shell = use_shell()
    first, second = use_held(""), use_held("")
    problem, set_problem = use_state("")
    refusal, set_refusal = use_maybe(Refusal)
    busy, set_busy = use_state(False)

    async def submit() -> None:
        set_refusal(None)
        found = secret_problem(first.current, second.current)
        set_problem(found)
        if found:
            return
        set_busy(True)
        try:
            await shell.session.choose_secret(first.current, language())
        except Refusal as refused:
            set_refusal(refused)
        finally:
            set_busy(False)

    controls: list[ft.Control] = [
        words.headline(t("secret.title")),
        words.body(t("secret.text"), color=ft.Colors.ON_SURFACE_VARIANT),
        *secret_pair(first, second, problem),
        words.faint(t("secret.numbers_only", tries=TRIES)),
    ]
    if refusal is not None:
        controls.append(refusal_card(refusal))
    controls.append(buttons.primary(shell, "set-secret", t("secret.submit"), submit, disabled=busy))
    if busy:
        controls.append(ft.ProgressBar(semantics_label=t("unlock.opening")))
    return frame.plain(controls)


def secret_pair(first: Held[str], second: Held[str], problem: str) -> list[ft.Control]:
    """The two fields in which a new secret is entered and repeated."""
    hint = t("secret.new", digits=DEFAULTS.min_pin_digits)
    return [
        secret_entry("secret", hint, first, autofocus=True),
        secret_entry("secret-again", t("secret.repeat"), second, error=problem or None),
    ]


def secret_problem(first: str, second: str, least: int = DEFAULTS.min_pin_digits) -> str:
    """Why a new secret won't do, in the user's words; empty when it will."""
    rules: list[tuple[Callable[[], bool], str]] = [
        (lambda: len(first) < least, t("secret.new", digits=least)),
        (lambda: _easy(first), t("secret.easy")),
        (lambda: first != second, t("secret.differ")),
    ]
    return next((text for broken, text in rules if broken()), "")


def _easy(secret: str) -> bool:
    """One digit over and over, or digits in a row: what a thief tries first."""
    steps = {ord(b) - ord(a) for a, b in zip(secret, secret[1:], strict=False)}
    return steps <= {0} or (secret.isdigit() and steps in ({1}, {-1}))

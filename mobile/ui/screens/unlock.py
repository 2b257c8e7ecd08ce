"""Unlocking, with or without a network; what to do when the secret is forgotten or another tab has
the vault.
"""

from __future__ import annotations

import flet as ft

from mobile.keys.port import TRIES
from mobile.ui.components import buttons, frame, surfaces, words
from mobile.ui.components.entry import secret_entry
from mobile.ui.components.messages import guarded, refusal_card
from mobile.ui.hooks import use_effect, use_held, use_maybe, use_state
from mobile.ui.state import use_shell, watch
from mobile.ui.texts import t
from shared.errors import Code, Refusal


@ft.component
def UnlockScreen() -> ft.View:
    """One field. After a wrong secret the tries left are shown; after the last, the way to begin
    anew.
    """
    shell = use_shell()
    typed = use_held("")
    left, set_left = use_state(TRIES)
    refusal, set_refusal = use_maybe(Refusal)
    busy, set_busy = use_state(False)

    async def look() -> None:
        set_left(await shell.session.tries_left())

    use_effect(look, [watch(shell.gate).wrong_ahead])

    async def submit() -> None:
        if not typed.current:
            return
        set_busy(True)
        set_refusal(None)
        try:
            await shell.session.unlock(typed.current)
        except Refusal as refused:
            typed.current = ""
            set_refusal(refused)
            set_left(await shell.session.tries_left())
        finally:
            set_busy(False)

    profile = shell.session.profile
    name = profile.display_name if profile else ""
    if refusal is not None and refusal.code is Code.VAULT_DESTROYED:
        again = buttons.primary(
            shell, "begin-anew", t("sign_in.submit"), shell.session.go_to_sign_in
        )
        title, text = t("unlock.destroyed.title"), t("unlock.destroyed.text")
        return frame.plain([surfaces.empty(ft.Icons.KEY_OFF_OUTLINED, title, text, again)])
    controls: list[ft.Control] = [
        ft.Icon(ft.Icons.LOCK_OUTLINE, size=48, color=ft.Colors.PRIMARY),
        words.headline(t("unlock.title", name=name), text_align=ft.TextAlign.CENTER),
        words.faint(t("unlock.offline"), text_align=ft.TextAlign.CENTER),
        secret_entry(
            "secret", t("unlock.field"), typed, autofocus=True, on_submit=guarded(shell, submit)
        ),
    ]
    if refusal is not None:
        controls.append(refusal_card(refusal))
    elif left < TRIES:
        controls.append(words.body(t("unlock.tries", count=left), color=ft.Colors.ERROR))
    controls.append(
        buttons.primary(
            shell, "unlock", t("unlock.opening" if busy else "unlock.submit"), submit, disabled=busy
        )
    )
    controls += [
        buttons.quiet(shell, "forgot", t("unlock.forgot"), shell.session.go_to_sign_in),
        buttons.quiet(shell, "other", t("unlock.other"), shell.session.go_to_sign_in),
    ]
    return frame.plain(controls)


@ft.component
def ElsewhereScreen() -> ft.View:
    """Another tab has the vault's files: close it there, then come back to the lock."""
    shell = use_shell()
    retry = buttons.primary(shell, "retry", t("elsewhere.retry"), shell.session.back_to_lock)
    box = surfaces.empty(ft.Icons.TAB_OUTLINED, t("elsewhere.title"), t("elsewhere.text"), retry)
    return frame.plain([box])

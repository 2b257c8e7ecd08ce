"""Welcome and sign-in: the one time that the app needs a network."""

from __future__ import annotations

import flet as ft

from mobile.ui.components import buttons, frame, words
from mobile.ui.components.chips import pick_one
from mobile.ui.components.entry import entry, secret_entry
from mobile.ui.components.messages import guarded, notice, refusal_card
from mobile.ui.hooks import use_held, use_maybe, use_state
from mobile.ui.state import Shell, use_shell
from mobile.ui.texts import LANGUAGES, choice, language, t
from shared.errors import Code, Refusal


@ft.component
def SignInScreen() -> ft.View:
    """Server, user name, password. In the browser the server is the one that the app came from."""
    shell = use_shell()
    profile = shell.session.profile
    server = use_held(shell.services.place.origin or (profile.server_url if profile else ""))
    username, password = use_held(""), use_held("")
    refusal, set_refusal = use_maybe(Refusal)
    busy, set_busy = use_state(False)
    missing, set_missing = use_state(False)

    async def submit() -> None:
        complete = all(ref.current.strip() for ref in (server, username, password))
        set_missing(not complete)
        set_refusal(None)
        if not complete:
            return
        set_busy(True)
        platform = t(f"platform.{shell.services.place.platform}")
        device = t("sign_in.device", user=username.current.strip(), platform=platform)
        try:
            await shell.session.sign_in(
                server.current.strip(), username.current, password.current, device
            )
        except Refusal as refused:
            set_refusal(refused)
        finally:
            set_busy(False)

    send = guarded(shell, submit)
    controls: list[ft.Control] = [
        _brand(shell),
        words.headline(t("sign_in.title")),
        words.body(t("sign_in.text"), color=ft.Colors.ON_SURFACE_VARIANT),
    ]
    if not shell.services.files.storage.durable:
        controls.append(refusal_card(Code.STORAGE_NOT_DURABLE))
    if not shell.services.place.origin:
        controls.append(
            entry(
                "server",
                t("sign_in.server"),
                server,
                hint_text=t("sign_in.server.hint"),
                keyboard_type=ft.KeyboardType.URL,
            )
        )
    controls += [
        entry(
            "username",
            t("sign_in.username"),
            username,
            autofocus=True,
            autofill_hints=[ft.AutofillHint.USERNAME],
            autocorrect=False,
        ),
        secret_entry("password", t("sign_in.password"), password, on_submit=send),
    ]
    if missing:
        controls.append(words.body(t("sign_in.missing"), color=ft.Colors.ERROR))
    if refusal is not None:
        controls.append(_refused(refusal))
    controls.append(
        buttons.primary(
            shell, "sign-in", t("sign_in.submit"), submit, icon=ft.Icons.LOGIN, disabled=busy
        )
    )
    if busy:
        controls.append(ft.ProgressBar(semantics_label=t("sign_in.submit")))
    if profile is not None and profile.vault:
        back = shell.session.back_to_lock
        controls.append(buttons.quiet(shell, "back-to-lock", t("sign_in.back"), back))
    return frame.plain(controls)


def _refused(refusal: Refusal) -> ft.Control:
    """Elsewhere work goes on without a network; here it can't begin."""
    if refusal.code is Code.OFFLINE:
        return notice(ft.Icons.CLOUD_OFF_OUTLINED, t("sign_in.offline"), t("sign_in.offline.text"))
    return refusal_card(refusal)


def _brand(shell: Shell) -> ft.Control:
    """Name and what it is for, and the language: someone who can't read this page must be able to
    change it.
    """

    mark = ft.Container(
        ft.Icon(ft.Icons.PUBLISHED_WITH_CHANGES, color=ft.Colors.ON_PRIMARY, size=28),
        bgcolor=ft.Colors.PRIMARY,
        border_radius=14,
        padding=12,
    )
    name = ft.Column(
        [words.headline(t("app.name"), color=ft.Colors.PRIMARY), words.faint(t("app.tagline"))],
        spacing=0,
        tight=True,
        expand=True,
    )
    names = ft.Row([mark, name], spacing=16)
    known = [(tag, choice("language", tag)) for tag in LANGUAGES]
    languages = pick_one("language", known, language(), shell.speak)
    return ft.Column([names, languages], spacing=16, tight=True)

"""Settings: how the app looks, the lock, signing out, what the device promises, and the version."""

from __future__ import annotations

from collections.abc import Callable

import flet as ft

from mobile.keys.port import SHORTEST_SECRET
from mobile.ui import formats, theme
from mobile.ui.components import buttons, frame, surfaces, words
from mobile.ui.components.chips import pick_one
from mobile.ui.components.entry import secret_entry
from mobile.ui.components.messages import confirm, notice, say
from mobile.ui.hooks import use_effect, use_held, use_maybe, use_state
from mobile.ui.screens.enrol import secret_pair, secret_problem
from mobile.ui.state import Shell, use_now, use_shell, watch
from mobile.ui.texts import LANGUAGES, choice, t
from mobile.usecases.services import Installation, Storage

_LOOK_SECONDS = 5


@ft.component
def SettingsScreen() -> ft.View:
    """Everything takes effect at once."""
    shell = use_shell()
    watch(shell.display)
    wide = shell.window.wide
    return frame.screen(
        shell,
        [Look(shell), Security(shell), Device(shell)],
        title=t("settings.title"),
        place="settings" if wide else "",
        back=None if wide else "/more",
    )


@ft.component
def Look(shell: Shell) -> ft.Control:
    """Language, appearance, text size."""
    display = watch(shell.display)

    def mode(value: str) -> None:
        display.mode = value
        shell.keep_display()

    def size(value: str) -> None:
        display.text_scale = float(value)
        shell.keep_display()

    languages = [(tag, choice("language", tag)) for tag in LANGUAGES]
    modes = [(word, t(f"settings.theme.{word}")) for word in theme.MODES]
    sizes = [(str(scale), f"{scale:.0%}") for scale in theme.TEXT_SCALES]
    rows = [
        pick_one(
            "language", languages, display.language, shell.speak, title=t("settings.language")
        ),
        pick_one("theme", modes, display.mode, mode, title=t("settings.theme")),
        pick_one("text-size", sizes, str(display.text_scale), size, title=t("settings.text_size")),
    ]
    return surfaces.section(t("settings.display"), [surfaces.card(rows)])


@ft.component
def Security(shell: Shell) -> ft.Control:
    """Lock, change the PIN, sign out."""
    changing, set_changing = use_state(False)

    async def sign_out() -> None:
        status = shell.store.status()
        unsent = status.unsent + status.unsent_files
        text = t("settings.sign_out.text")
        if unsent:
            text = f"{t('settings.sign_out.unsent', count=unsent)}\n\n{text}"
        title, do = t("settings.sign_out.title"), t("settings.sign_out.do")
        if await confirm(shell, title, text, do, dangerous=True, key="sign-out"):
            await shell.session.sign_out()

    rows: list[ft.Control] = [
        buttons.secondary(
            shell, "lock", t("settings.lock"), shell.session.lock, icon=ft.Icons.LOCK_OUTLINE
        ),
        buttons.quiet(shell, "own-looks", t("settings.looks"), lambda: shell.go("/looks")),
        buttons.quiet(
            shell,
            "second-factor",
            t("factor.title"),
            lambda: shell.go("/settings/second-factor"),
            icon=ft.Icons.VERIFIED_USER_OUTLINED,
        ),
        buttons.quiet(
            shell, "change-secret", t("settings.change_secret"), lambda: set_changing(not changing)
        ),
    ]
    if changing:
        rows.append(ChangeSecret(shell, lambda: set_changing(False)))
    rows.append(
        buttons.quiet(shell, "sign-out", t("settings.sign_out"), sign_out, icon=ft.Icons.LOGOUT)
    )
    return surfaces.section(t("settings.security"), [surfaces.card(rows)])


@ft.component
def ChangeSecret(shell: Shell, done: Callable[[], None]) -> ft.Control:
    """The present secret, and the new one twice. A wrong present one counts as a try."""
    old, first, second = use_held(""), use_held(""), use_held("")
    problem, set_problem = use_state("")

    async def submit() -> None:
        least = max(shell.store.policy().min_pin_digits, SHORTEST_SECRET)
        found = secret_problem(first.current, second.current, least)
        set_problem(found)
        if not found:
            await shell.session.change_secret(old.current, first.current)
            say(shell, t("settings.secret_changed"))
            done()

    return ft.Column(
        [
            secret_entry("old-secret", t("settings.old_secret"), old, autofocus=True),
            *secret_pair(first, second, problem),
            buttons.tonal(shell, "save-secret", t("action.save"), submit),
        ],
        spacing=12,
        tight=True,
    )


@ft.component
def Device(shell: Shell) -> ft.Control:
    """What the device promises about storage, and the app's version: looked at again and again,
    since a new version may arrive while one reads this.
    """
    storage, set_storage = use_maybe(Storage)
    app, set_app = use_maybe(Installation)
    place = shell.services.place
    now = use_now(_LOOK_SECONDS)

    async def look() -> None:
        set_storage(await place.storage(False))
        set_app(await place.installation())

    async def ask() -> None:
        set_storage(await place.storage(True))

    use_effect(look, [now])
    rows: list[ft.Control] = [
        words.body(t(f"settings.protection.{shell.services.keys.protection.value}"))
    ]
    if not shell.services.files.storage.durable:
        rows.append(notice(ft.Icons.WARNING_AMBER, t("settings.storage.not_durable"), tone="error"))
    elif storage is not None:
        kept = t("settings.storage.kept" if storage.persisted else "settings.storage.loose")
        rows.append(words.body(kept))
        if storage.quota_bytes:
            used, quota = formats.size(storage.usage_bytes), formats.size(storage.quota_bytes)
            rows.append(words.faint(t("settings.storage.used", used=used, quota=quota)))
        if not storage.persisted:
            rows.append(buttons.tonal(shell, "persist", t("settings.storage.ask"), ask))
    about: list[ft.Control] = []
    if app is not None:
        about.append(words.body(t("settings.version", version=formats.version(app.version))))
        about.append(words.faint(t("settings.ready" if app.ready else "settings.not_ready")))
        if app.update:
            update = buttons.tonal(shell, "update", t("settings.update.do"), place.activate_update)
            text = t("settings.update.text")
            about.append(notice(ft.Icons.SYSTEM_UPDATE, t("settings.update"), text, update))
    return ft.Column(
        [
            surfaces.section(t("settings.storage"), [surfaces.card(rows)]),
            surfaces.section(t("settings.about"), [surfaces.card(about)]),
        ],
        spacing=16,
        tight=True,
    )

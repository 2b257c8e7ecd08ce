"""The first sync: what comes, how much of it, how long it takes; may be left at any time."""

from __future__ import annotations

from datetime import timedelta

import flet as ft

from mobile.sync.report import Progress
from mobile.ui import formats
from mobile.ui.components import buttons, frame, words
from mobile.ui.components.messages import refusal_card
from mobile.ui.hooks import use_effect, use_held, use_maybe
from mobile.ui.state import use_shell
from mobile.ui.texts import t
from shared.errors import Code


@ft.component
def FirstSyncScreen() -> ft.View:
    """Runs the sync as soon as it is shown. When the way breaks, what arrived can be used and the
    rest follows.
    """
    shell = use_shell()
    progress, set_progress = use_maybe(Progress)
    code, set_code = use_maybe(Code)
    began = use_held(shell.services.clock.monotonic_ms())

    async def fetch() -> None:
        set_code(None)
        set_code(await shell.session.first_sync(set_progress))

    use_effect(fetch, [])
    done, total = (progress.done, progress.total) if progress else (0, 0)
    share = min(1.0, done / total) if total else None
    controls: list[ft.Control] = [
        ft.Icon(ft.Icons.CLOUD_DOWNLOAD_OUTLINED, size=48, color=ft.Colors.PRIMARY),
        words.headline(t("first_sync.title"), text_align=ft.TextAlign.CENTER),
        words.body(
            t("first_sync.text"),
            text_align=ft.TextAlign.CENTER,
            color=ft.Colors.ON_SURFACE_VARIANT,
        ),
    ]
    if code is not None:
        retry = buttons.secondary(shell, "retry", t("action.retry"), fetch)
        controls += [words.title(t("first_sync.failed")), refusal_card(code, retry)]
    else:
        said = (
            t("first_sync.counting", done=done, total=total)
            if total
            else t("first_sync.connecting")
        )
        passed = shell.services.clock.monotonic_ms() - began.current
        controls += [
            ft.ProgressBar(
                key="progress", value=share, bar_height=8, border_radius=4, semantics_label=said
            ),
            words.body(said, text_align=ft.TextAlign.CENTER),
            words.faint(_left(share, passed), text_align=ft.TextAlign.CENTER),
        ]
    word = "first_sync.enter" if code is not None else "first_sync.later"
    controls.append(buttons.quiet(shell, "enter", t(word), shell.session.enter))
    return frame.plain(controls)


def _left(share: float | None, passed_ms: int) -> str:
    """How long it will still take, once enough has come to tell."""
    if not share or passed_ms < 2000 or share >= 1:
        return ""
    left = timedelta(milliseconds=passed_ms * (1 - share) / share)
    if left < timedelta(minutes=1):
        return t("first_sync.left.little")
    return t("first_sync.left", span=formats.span(left))

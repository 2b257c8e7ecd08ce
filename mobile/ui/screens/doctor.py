"""The sync doctor: what the sync rests on, how each of it stands, what to do, and a file for
support that holds no customer's data.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import flet as ft

from mobile.ui import formats
from mobile.ui.components import buttons, frame, surfaces, words
from mobile.ui.components.messages import say, say_refusal
from mobile.ui.hooks import use_maybe, use_state, use_task
from mobile.ui.state import Shell, use_shell, watch
from mobile.ui.texts import t
from mobile.usecases.doctor import Examined, Finding, Mend, State, examine, judge, worst
from mobile.usecases.support_bundle import support_bundle
from shared.errors import Refusal

_ICONS = {
    State.GOOD: (ft.Icons.CHECK_CIRCLE_OUTLINE, ft.Colors.PRIMARY),
    State.ATTENTION: (ft.Icons.ERROR_OUTLINE, ft.Colors.TERTIARY),
    State.BAD: (ft.Icons.REPORT_GMAILERRORRED, ft.Colors.ERROR),
}
_ORDER = (State.BAD, State.ATTENTION, State.GOOD)


@ft.component
def DoctorScreen() -> ft.View:
    """Looks when it is opened and after each remedy. Readable without a network, and while reading
    records is suspended.
    """
    shell = use_shell()
    watch(shell.sync)
    seen, set_seen = use_maybe(Examined)
    busy, set_busy = use_state("")

    async def look() -> None:
        durable = shell.services.files.storage.durable
        set_seen(await examine(shell.store, shell.syncing, shell.services.place, durable=durable))

    use_task(look, [shell.sync.state, shell.sync.waiting])

    def mending(mend: Mend) -> buttons.Action:
        async def act() -> None:
            set_busy(mend.value)
            try:
                await _apply(shell, mend)
            finally:
                set_busy("")
            await look()

        return act

    async def hand_over() -> None:
        if seen is None:
            return
        data = support_bundle(seen, judge(seen), shell.services.app_version)
        if await shell.services.device.save(_file_name(seen.at), data):
            say(shell, t("doctor.bundle.saved"))

    body: list[ft.Control] = [surfaces.skeleton(3)]
    if seen is not None:
        found = judge(seen)
        body = [_whole(found, seen.at, shell)]
        for state in _ORDER:
            some = [one for one in found if one.state is state]
            if some:
                cards = [_card(shell, one, mending, busy) for one in some]
                title = t(f"doctor.state.{state.value}")
                body.append(surfaces.section(title, cards, words.faint(str(len(some)))))
        body.append(words.faint(t("doctor.bundle.text")))
    return frame.screen(
        shell,
        body,
        title=t("doctor.title"),
        back="/sync",
        bottom=[
            buttons.primary(
                shell, "bundle", t("doctor.bundle.save"), hand_over, icon=ft.Icons.SAVE_ALT,
                disabled=seen is None,
            )
        ],
    )  # fmt: skip


async def _apply(shell: Shell, mend: Mend) -> None:
    """Does what mends; what stands in its way is said."""
    place = shell.services.place
    if mend is Mend.PERSIST:
        storage = await place.storage(True)
        say(shell, t("doctor.persisted" if storage.persisted else "doctor.not_persisted"))
    elif mend is Mend.UPDATE:
        await place.activate_update()
    else:
        compare = mend is Mend.COMPARE
        report = await (shell.syncing.compare() if compare else shell.syncing.now())
        if report.code is not None:
            say_refusal(shell, Refusal(report.code))


def _whole(found: list[Finding], at: datetime, shell: Shell) -> ft.Control:
    state = worst(found)
    icon, colour = _ICONS[state]
    lines = ft.Column(
        [
            words.title(t(f"doctor.whole.{state.value}")),
            words.faint(t("doctor.looked", when=formats.when(at, shell.now()))),
        ],
        spacing=2,
        tight=True,
        expand=True,
    )
    return surfaces.card([ft.Row([ft.Icon(icon, color=colour, size=36), lines], spacing=16)])


def _card(shell: Shell, finding: Finding, mending: Any, busy: str) -> ft.Control:
    icon, colour = _ICONS[finding.state]
    values = worded(finding.values, shell.now())
    word = f"doctor.{finding.topic}.{finding.word}"
    lines: list[ft.Control] = [
        words.title(t(f"doctor.{finding.topic}")),
        words.body(t(f"{word}", **values), key=f"found-{finding.topic}", selectable=True),
    ]
    if finding.state is not State.GOOD:
        lines.append(words.faint(t(f"doctor.{finding.topic}.{finding.word}.do", **values)))
    if finding.mend is not None and (finding.state is not State.GOOD or _offered(finding.mend)):
        running = busy == finding.mend.value
        name = "doctor.mend.running" if running else f"doctor.mend.{finding.mend.value}"
        lines.append(
            buttons.tonal(
                shell, f"mend-{finding.topic}", t(name), mending(finding.mend), disabled=bool(busy)
            )
        )
    inside = ft.Column(lines, spacing=4, tight=True, expand=True)
    return surfaces.card(
        [
            ft.Row(
                [ft.Icon(icon, color=colour, semantics_label=t(f"doctor.is.{finding.state.value}")),
                 inside],
                spacing=12,
                vertical_alignment=ft.CrossAxisAlignment.START,
            )
        ],
        key=f"finding-{finding.topic}",
        accent=ft.Colors.ERROR if finding.state is State.BAD else None,
    )  # fmt: skip


def _offered(mend: Mend) -> bool:
    """Comparing may be asked for at any time: that all agrees is worth knowing."""
    return mend is Mend.COMPARE


def worded(values: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Moments, spans and sizes as people read them; counts as they are."""

    def shown(name: str, value: Any) -> Any:
        if isinstance(value, datetime):
            return formats.when(value, now)
        if isinstance(value, timedelta):
            return formats.span(value)
        if name == "version":
            return formats.version(value)
        return formats.size(value) if name.endswith("bytes") else value

    return {name: shown(name, value) for name, value in values.items()}


def _file_name(at: datetime) -> str:
    return f"huifang-support-{formats.local(at):%Y%m%d-%H%M}.json"

"""Photos before and after: several in a row, reduced on the phone, with their size (ux, Camera)."""

from __future__ import annotations

from typing import Any

import flet as ft

from mobile.ui import formats
from mobile.ui.components import buttons, surfaces, words
from mobile.ui.components.form import Form
from mobile.ui.components.messages import notice, say
from mobile.ui.hooks import keyed, use_state
from mobile.ui.state import Shell
from mobile.ui.texts import choice, error, label, t
from mobile.ui.theme import GAP
from mobile.usecases import photos
from mobile.usecases.repairs import Job
from shared.entities import File, Report
from shared.errors import Refusal

THUMB = 104  # dp


@ft.component
def Photos(shell: Shell, _job: Job, report: Report, _form: Form, _go: Any) -> ft.Control:
    """Two lists; each photo is in the report as soon as it is reduced."""
    return ft.Column(
        [keyed(f"photos-{p}", Album, shell, report, p) for p in ("before", "after")],
        spacing=24,
        tight=True,
        horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
    )


@ft.component
def Album(shell: Shell, report: Report, purpose: str) -> ft.Control:
    """One list. What could not be taken stands there with its reason until the next try."""
    busy, set_busy = use_state(0)
    refused, set_refused = use_state(tuple[tuple[str, Refusal], ...]())
    album = photos.REPORT[purpose]
    files = photos.of(shell.store, album, report)

    async def add() -> None:
        device = shell.services.device
        picked = await device.pick_photos()
        if not picked:
            return
        set_busy(len(picked))
        set_refused(())
        try:
            added = await photos.add(shell.store, album, report.id, picked, device.reduce)
            set_refused(added.refused)
        finally:
            set_busy(0)

    rows: list[ft.Control] = []
    if files:
        rows.append(
            ft.Row(
                [thumbnail(shell, report, purpose, file) for file in files],
                wrap=True, spacing=GAP, run_spacing=GAP,
            )
        )  # fmt: skip
    if busy:
        rows.append(ft.ProgressBar(semantics_label=t("report.photos.busy", count=busy)))
        rows.append(words.faint(t("report.photos.busy", count=busy)))
    for name, refusal in refused:
        meaning, remedy = error(refusal)
        title = t("report.photos.refused", name=name)
        rows.append(
            notice(ft.Icons.BROKEN_IMAGE_OUTLINED, title, f"{meaning} {remedy}", tone="error")
        )
    rows.append(
        buttons.tonal(
            shell, f"add-{purpose}", t("report.photos.add"), add,
            icon=ft.Icons.ADD_A_PHOTO_OUTLINED, disabled=bool(busy),
        )
    )  # fmt: skip
    count = words.faint(str(len(files)) if files else "")
    return surfaces.section(label(f"photos_{purpose}"), rows, count)


def thumbnail(
    shell: Shell, report: Report, purpose: str, file: File, *, removable: bool = True
) -> ft.Control:
    """A small picture with its size; a tap shows it whole."""
    data = shell.store.blob(file.sha256)
    says = t("report.photo", what=choice("purpose", purpose), size=formats.size(file.bytes))
    below: list[ft.Control] = [words.label(formats.size(file.bytes), expand=True)]
    if removable:
        below.append(
            buttons.icon(
                shell, f"remove-{file.id}", ft.Icons.DELETE_OUTLINE, t("report.photo.remove"),
                lambda: _remove(shell, report, purpose, file),
            )
        )  # fmt: skip
    opened = surfaces.tappable(
        _picture(data), key=f"photo-{file.id}", says=says,
        on_click=lambda _: _enlarge(shell, data, says),
    )  # fmt: skip
    return ft.Column(
        [opened, ft.Row(below, width=THUMB, spacing=0)], spacing=2, tight=True, width=THUMB
    )


def _picture(data: bytes | None) -> ft.Control:
    if data is None:
        return ft.Container(
            ft.Icon(ft.Icons.CLOUD_OUTLINED), width=THUMB, height=THUMB, border_radius=8,
            alignment=ft.Alignment.CENTER, bgcolor=ft.Colors.SURFACE_CONTAINER_HIGHEST,
        )  # fmt: skip
    return ft.Image(
        src=data, width=THUMB, height=THUMB, fit=ft.BoxFit.COVER, cache_width=THUMB * 3,
        border_radius=8, exclude_from_semantics=True,
    )  # fmt: skip


def _enlarge(shell: Shell, data: bytes | None, says: str) -> None:
    if data is None:
        say(shell, t("report.photo.away"))
        return
    picture = ft.Image(src=data, fit=ft.BoxFit.CONTAIN, semantics_label=says)
    shell.page.show_dialog(
        ft.AlertDialog(
            content=ft.InteractiveViewer(picture),
            content_padding=GAP,
            actions=[
                ft.TextButton(
                    t("action.done"), key="photo-close", height=48,
                    on_click=lambda _: shell.page.pop_dialog(),
                )
            ],
        )
    )  # fmt: skip


def _remove(shell: Shell, report: Report, purpose: str, file: File) -> None:
    store, album = shell.store, photos.REPORT[purpose]
    current = store.get(Report, report.id)
    if current is not None:
        photos.remove(store, album, current, file.id)
        say(
            shell,
            t("report.photo.removed"),
            undo=lambda: photos.restore(store, album, report.id, file.id),
        )

"""Photos before and after: several in a row, reduced on the phone, with their size (ux, Camera)."""

from __future__ import annotations

from typing import Any

import flet as ft

from mobile.ui import formats
from mobile.ui.components import buttons, surfaces, words
from mobile.ui.components.form import Form
from mobile.ui.components.messages import notice, say
from mobile.ui.components.thumbnails import thumbnail
from mobile.ui.hooks import keyed, use_state
from mobile.ui.state import Shell, use_query
from mobile.ui.texts import choice, error, label, t
from mobile.ui.theme import GAP
from mobile.usecases import photos
from mobile.usecases.repairs import Job
from shared.entities import File, Report
from shared.errors import Refusal


@ft.component
def Photos(shell: Shell, _job: Job, report: Report, _form: Form, _go: Any) -> ft.Control:
    """Two lists; each photo is in the report as soon as it is reduced."""
    return ft.Column(
        [keyed(f"photos-{p}", Album, shell, report, p) for p in ("before", "after")],
        spacing=24,
        tight=True,
        horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
    )


def use_photos(report: Report, purpose: str) -> list[File]:
    """The photos of a report, ``before`` or ``after`` (a hook)."""
    album = photos.REPORT[purpose]
    found = use_query(lambda store: photos.of(store, album, report), [report], watch=("file",))
    return found.value or []


@ft.component
def Album(shell: Shell, report: Report, purpose: str) -> ft.Control:
    """One list. What could not be taken stands there with its reason until the next try."""
    busy, set_busy = use_state(0)
    refused, set_refused = use_state(tuple[tuple[str, Refusal], ...]())
    album = photos.REPORT[purpose]
    files = use_photos(report, purpose)

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
                [picture(shell, report, purpose, file) for file in files],
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


def picture(
    shell: Shell, report: Report, purpose: str, file: File, *, removable: bool = True
) -> ft.Control:
    """A tap shows it whole."""
    says = t("report.photo", what=choice("purpose", purpose), size=formats.size(file.bytes))
    return thumbnail(
        shell,
        file,
        says,
        lambda data: _enlarge(shell, data, says),
        (lambda: _remove(shell, report, purpose, file)) if removable else None,
    )


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

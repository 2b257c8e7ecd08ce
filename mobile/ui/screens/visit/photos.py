"""Photos of the visit: several in a row, reduced on the phone, each with its size; stored at once
(ux.md, Camera).
"""

from __future__ import annotations

import flet as ft

from mobile.ui import formats
from mobile.ui.components import buttons, surfaces, words
from mobile.ui.components.messages import notice, say
from mobile.ui.hooks import keyed, use_state
from mobile.ui.screens.visit.seen import Seen
from mobile.ui.state import Shell, use_query
from mobile.ui.texts import error, t
from mobile.ui.theme import GAP
from mobile.usecases import photos
from shared.entities import File
from shared.errors import Code, Refusal

THUMB = 104  # dp


@ft.component
def Photos(shell: Shell, seen: Seen) -> ft.Control:
    """What could not be taken stands there with its reason until the next try."""
    busy, set_busy = use_state(0)
    refused, set_refused = use_state(tuple[tuple[str, Refusal], ...]())

    async def add() -> None:
        device = shell.services.device
        picked = await device.pick_photos()
        if not picked:
            return
        set_busy(len(picked))
        set_refused(())
        try:
            added = await photos.add(
                shell.store, photos.VISIT, seen.visit.id, picked, device.reduce
            )
        finally:
            set_busy(0)
        set_refused(added.refused)
        if added.files:
            octets = formats.size(sum(file.bytes for file in added.files))
            say(shell, t("visit.photos.added", count=len(added.files), size=octets))

    rows: list[ft.Control] = []
    if seen.photos:
        shown = [thumbnail(shell, seen, file, removable=True) for file in seen.photos]
        rows.append(ft.Row(shown, wrap=True, spacing=GAP, run_spacing=GAP))
    if busy:
        rows.append(ft.ProgressBar(semantics_label=t("visit.photos.busy", count=busy)))
        rows.append(words.faint(t("visit.photos.busy", count=busy)))
    for name, refusal in refused:
        rows.append(
            notice(
                ft.Icons.BROKEN_IMAGE_OUTLINED,
                t("visit.photos.refused", name=name),
                _why(refusal),
                tone="error",
            )
        )
    rows.append(
        buttons.tonal(
            shell, "add-photos", t("visit.photos.add"), add, icon=ft.Icons.ADD_A_PHOTO_OUTLINED,
            disabled=bool(busy),
        )
    )  # fmt: skip
    return surfaces.section(
        t("visit.section.photos"), rows, words.faint(str(len(seen.photos)) if seen.photos else "")
    )


def _why(refusal: Refusal) -> str:
    meaning, remedy = error(refusal)
    if refusal.code is Code.FILE_TOO_LARGE and "length" in refusal.details:
        size, limit = (formats.size(int(refusal.details[name])) for name in ("length", "limit"))
        meaning = t("visit.photos.too_large", size=size, limit=limit)
    return f"{meaning} {remedy}"


def thumbnail(shell: Shell, seen: Seen, file: File, *, removable: bool) -> ft.Control:
    """A small picture with its size; a tap shows it whole."""
    return keyed(f"photo {file.id}", Thumbnail, shell, seen, file, removable)


@ft.component
def Thumbnail(shell: Shell, seen: Seen, file: File, removable: bool) -> ft.Control:
    """A cloud stands for a photo that is not on this phone."""
    data = use_query(lambda store: store.blob(file.sha256), [file.sha256], ("file",)).value
    says = t("visit.photo", size=formats.size(file.bytes))
    picture: ft.Control = (
        ft.Image(
            src=data,
            width=THUMB,
            height=THUMB,
            fit=ft.BoxFit.COVER,
            cache_width=THUMB * 3,
            border_radius=8,
            exclude_from_semantics=True,
        )
        if data is not None
        else ft.Container(
            ft.Icon(ft.Icons.CLOUD_OUTLINED),
            width=THUMB,
            height=THUMB,
            border_radius=8,
            alignment=ft.Alignment.CENTER,
            bgcolor=ft.Colors.SURFACE_CONTAINER_HIGHEST,
        )
    )
    below: list[ft.Control] = [words.label(formats.size(file.bytes), expand=True)]
    if removable:
        below.append(
            buttons.icon(
                shell, f"remove-{file.id}", ft.Icons.DELETE_OUTLINE, t("visit.photo.remove"),
                lambda: _remove(shell, seen, file),
            )
        )  # fmt: skip
    opened = surfaces.tappable(
        picture,
        key=f"photo-{file.id}",
        says=says,
        on_click=lambda _: shell.go(f"/visits/{seen.visit.id}/photos/{file.id}"),
    )
    return ft.Column(
        [opened, ft.Row(below, width=THUMB, spacing=0)], spacing=2, tight=True, width=THUMB
    )


def _remove(shell: Shell, seen: Seen, file: File) -> None:
    photos.remove(shell.store, photos.VISIT, seen.visit, file.id)
    say(
        shell,
        t("visit.photo.removed"),
        undo=lambda: photos.restore(shell.store, photos.VISIT, seen.visit.id, file.id),
    )

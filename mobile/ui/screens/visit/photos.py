"""Photos of the visit: several in a row, reduced on the phone, each with its size; stored at once
(ux.md, Camera).
"""

from __future__ import annotations

import flet as ft

from mobile.ui import formats
from mobile.ui.components import buttons, surfaces, words
from mobile.ui.components.messages import notice, say
from mobile.ui.components.thumbnails import thumbnail
from mobile.ui.hooks import use_state
from mobile.ui.screens.visit.seen import Seen
from mobile.ui.state import Shell
from mobile.ui.texts import error, t
from mobile.ui.theme import GAP
from mobile.usecases import photos
from shared.entities import File
from shared.errors import Code, Refusal


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
        shown = [picture(shell, seen, file, removable=True) for file in seen.photos]
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


def picture(shell: Shell, seen: Seen, file: File, *, removable: bool) -> ft.Control:
    """A tap shows it whole."""
    return thumbnail(
        shell,
        file,
        t("visit.photo", size=formats.size(file.bytes)),
        lambda _data: shell.go(f"/visits/{seen.visit.id}/photos/{file.id}"),
        (lambda: _remove(shell, seen, file)) if removable else None,
    )


def _remove(shell: Shell, seen: Seen, file: File) -> None:
    photos.remove(shell.store, photos.VISIT, seen.visit, file.id)
    say(
        shell,
        t("visit.photo.removed"),
        undo=lambda: photos.restore(shell.store, photos.VISIT, seen.visit.id, file.id),
    )

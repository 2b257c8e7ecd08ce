"""Photos that show what a complaint is about (S2 #113): several in a row, stored at once."""

from __future__ import annotations

import flet as ft

from mobile.store.store import Store
from mobile.ui import formats
from mobile.ui.components import buttons, surfaces
from mobile.ui.components.messages import notice
from mobile.ui.components.thumbnails import thumbnail
from mobile.ui.hooks import use_state
from mobile.ui.state import Shell, use_query
from mobile.ui.texts import error, t
from mobile.ui.theme import GAP
from mobile.usecases import photos
from shared.entities import Case, File
from shared.errors import Refusal


@ft.component
def Evidence(shell: Shell, case: Case) -> ft.Control:
    """What could not be taken stands there with its reason until the next try."""
    busy, set_busy = use_state(0)
    refused, set_refused = use_state(tuple[tuple[str, Refusal], ...]())

    def look(store: Store) -> list[File]:
        return photos.of(store, photos.EVIDENCE, store.get(Case, case.id) or case)

    found = use_query(look, [case.id], ("case", "file"))
    taken = found.value or []

    async def add() -> None:
        device = shell.services.device
        picked = await device.pick_photos()
        if not picked:
            return
        set_busy(len(picked))
        try:
            added = await photos.add(shell.store, photos.EVIDENCE, case.id, picked, device.reduce)
            set_refused(added.refused)
        finally:
            set_busy(0)

    rows: list[ft.Control] = []
    if taken:
        shown = [
            thumbnail(shell, file, t("visit.photo", size=formats.size(file.bytes)))
            for file in taken
        ]
        rows.append(ft.Row(shown, wrap=True, spacing=GAP, run_spacing=GAP))
    if busy:
        rows.append(ft.ProgressBar(semantics_label=t("visit.photos.busy", count=busy)))
    for name, refusal in refused:
        said = " ".join(error(refusal))
        title = t("visit.photos.refused", name=name)
        rows.append(notice(ft.Icons.BROKEN_IMAGE_OUTLINED, title, said, tone="error"))
    rows.append(
        buttons.tonal(
            shell, "add-photos", t("visit.photos.add"), add, icon=ft.Icons.ADD_A_PHOTO_OUTLINED,
            disabled=bool(busy),
        )
    )  # fmt: skip
    return surfaces.section(t("complaint.evidence"), rows)

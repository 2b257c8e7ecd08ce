"""Small pictures of the photos on this phone."""

from __future__ import annotations

from collections.abc import Callable

import flet as ft

from mobile.ui import formats
from mobile.ui.components import buttons, surfaces, words
from mobile.ui.hooks import keyed
from mobile.ui.state import Shell, use_query
from mobile.ui.texts import t
from shared.entities import File

SIDE = 104  # dp
Opens = Callable[[bytes | None], object]


def thumbnail(
    shell: Shell,
    file: File,
    says: str,
    open_: Opens | None = None,
    remove: buttons.Action | None = None,
) -> ft.Control:
    """A picture with its size. A tap does `open_` with its content, None where that is not on this
    phone."""
    return keyed(f"photo {file.id}", Thumbnail, shell, file, says, open_, remove)


@ft.component
def Thumbnail(
    shell: Shell, file: File, says: str, open_: Opens | None, remove: buttons.Action | None
) -> ft.Control:
    """A cloud stands for a photo that is not on this phone."""
    data = use_query(lambda store: store.blob(file.sha256), [file.sha256], ("file",)).value
    shown = _picture(data, None if open_ else says)
    if open_ is not None:
        shown = surfaces.tappable(
            shown, key=f"photo-{file.id}", says=says, on_click=lambda _: open_(data)
        )
    below: list[ft.Control] = [words.label(formats.size(file.bytes), expand=True)]
    if remove is not None:
        says_remove = t("visit.photo.remove")
        key = f"remove-{file.id}"
        below.append(buttons.icon(shell, key, ft.Icons.DELETE_OUTLINE, says_remove, remove))
    return ft.Column(
        [shown, ft.Row(below, width=SIDE, spacing=0)], spacing=2, tight=True, width=SIDE
    )


def _picture(data: bytes | None, says: str | None) -> ft.Control:
    """`says` where nothing around it does."""
    if data is None:
        return ft.Container(
            ft.Icon(ft.Icons.CLOUD_OUTLINED, semantics_label=says), width=SIDE, height=SIDE,
            border_radius=8, alignment=ft.Alignment.CENTER,
            bgcolor=ft.Colors.SURFACE_CONTAINER_HIGHEST,
        )  # fmt: skip
    return ft.Image(
        src=data, width=SIDE, height=SIDE, fit=ft.BoxFit.COVER, cache_width=SIDE * 3,
        border_radius=8, semantics_label=says, exclude_from_semantics=says is None,
    )  # fmt: skip

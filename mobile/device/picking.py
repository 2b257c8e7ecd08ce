"""Choosing photos through Flet's picker, which on a phone offers the camera as well."""

from __future__ import annotations

import flet as ft

from mobile.device.port import Picked

READ_AT_MOST = 64_000_000
"""Bytes of one file that are read into memory at all; a larger one is named and left."""


async def pick_photos() -> list[Picked]:
    """What the user chose. Its bytes travel from the page into the worker, so the picker hands
    them over with the choice: asking again later would find the selection gone.
    """
    # A browser that loses focus to its camera app must not count as "nothing chosen".
    chosen = await ft.FilePicker().pick_files(
        file_type=ft.FilePickerFileType.IMAGE,
        allow_multiple=True,
        with_data=True,
        cancel_upload_on_window_blur=False,
    )
    return [
        Picked(file.name, file.size, b"" if file.size > READ_AT_MOST else bytes(file.bytes or b""))
        for file in chosen
    ]

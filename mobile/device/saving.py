"""Handing a file over through Flet's picker: a browser downloads it, a desktop asks where to."""

from __future__ import annotations

import sys

import flet as ft


async def save_file(name: str, data: bytes) -> bool:
    """False when the user closed the dialog. A browser never says what became of a download."""
    chosen = await ft.FilePicker().save_file(file_name=name, src_bytes=data)
    return chosen is not None or sys.platform == "emscripten"

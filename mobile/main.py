"""The app's entry, natively (`flet run mobile/main.py`) and in the browser (`mobile.main` under
Pyodide).
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

if __package__ in (None, ""):  # run as a file: the repository is not on the path yet
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import flet as ft

from mobile.bootstrap import bootstrap, open_browser_storage
from mobile.ui.app import show

ASSETS = Path(__file__).resolve().parent / "ui" / "assets"
# In the browser Python is there before Flutter: its storage opens meanwhile.
STORAGE = asyncio.ensure_future(open_browser_storage()) if sys.platform == "emscripten" else None


async def main(page: ft.Page) -> None:
    """One window, one person."""
    await show(page, await bootstrap(page, STORAGE))


if __name__ == "__main__":
    ft.run(main, assets_dir=str(ASSETS))

"""What is loaded before the lock is on the screen: in the browser each module costs time."""

from __future__ import annotations

import subprocess
import sys

from mobile.ui.routes import SCREENS

LOCK = (
    "import asyncio, sys, mobile.bootstrap, mobile.ui.screens.unlock\nfrom mobile.ui import app\n"
)
SAY = "print(*sorted(m for m in sys.modules if m.startswith(('mobile.', 'shared.'))))"


def loaded(program: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def test_the_lock_needs_neither_store_nor_entities_nor_sync():
    heavy = ("mobile.store", "mobile.sync", "shared.entities", "shared.wire", "mobile.reports")
    found = loaded(LOCK + SAY)
    assert "mobile.ui.app" in found
    assert not [name for name in found if name.startswith(heavy)]
    assert "mobile.ui.screens.today" not in found


def test_every_screen_is_loaded_while_the_secret_is_typed():
    found = loaded(LOCK + "asyncio.run(app.warm_up())\n" + SAY)
    assert {f"mobile.ui.screens.{module}" for module, _ in SCREENS.values()} <= set(found)
    assert {"mobile.usecases.opening", "mobile.ui.screens.today"} <= set(found)

"""What the app has written for the server, as a test reads it."""

from __future__ import annotations

import json
from typing import Any

from mobile.ui.state import Shell


def written(shell: Shell) -> list[dict[str, Any]]:
    """Every change in the outbox, sealed or not, in its order."""
    rows = shell.store.parts.db.execute("SELECT change FROM outbox ORDER BY number")
    return [json.loads(change) for (change,) in rows]


def looks(shell: Shell) -> list[tuple[str, str]]:
    """(entity, what) of every look that was put on record: they go up and are not read here."""
    return [
        (change["fields"]["entity"], change["fields"]["what"])
        for change in written(shell)
        if change["entity"] == "look"
    ]

"""Taking back a change that was just saved and not sent yet: what "undo" does on the phone.

The change leaves the outbox and the rows on top are made anew, in one durable transaction. If its
first sending is under way at that moment the server may have it all the same; then the next pull
shows it as done, and nothing is lost or doubled.
"""

from __future__ import annotations

from mobile.store import overlay
from mobile.store.unit import Parts


def withdraw(parts: Parts, number: int) -> bool:
    """Takes change `number` back; False where it is too late: the server has settled it, or
    something was written on top of it."""
    found = parts.db.execute(
        "SELECT entity, record_id FROM outbox WHERE number = ? AND verdict IS NULL", (number,)
    ).fetchone()
    if found is None:
        return False
    later = parts.db.execute(
        "SELECT 1 FROM outbox WHERE entity = ? AND record_id = ? AND number > ?", (*found, number)
    ).fetchone()
    if later is not None:
        return False
    with parts.commits.begin() as touched:
        parts.db.execute("DELETE FROM outbox WHERE number = ?", (number,))
        overlay.refresh(parts.db, [found])
        touched.add(found)
    return True

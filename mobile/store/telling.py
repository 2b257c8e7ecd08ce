"""What this device tells the server of itself with each pull: counts, a time and a size, so that an
administrator sees whose work is stuck (S3 #143). Nothing of what was written."""

from __future__ import annotations

import apsw

from mobile.store import sealed_copies
from mobile.store.meta import Meta
from shared.wire import DeviceTells

_WAITING = """
    SELECT count(*), min(made_at) FROM outbox WHERE verdict IS NULL AND entity <> 'look'
"""
_SIZE = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"


def tells(db: apsw.Connection, meta: Meta) -> DeviceTells:
    """How things stand now."""
    unsent, since = db.execute(_WAITING).get
    return DeviceTells(
        unsent=unsent,
        oldest_unsent_at=since,
        unsent_files=db.execute("SELECT count(*) FROM blob WHERE verified = 0").get,
        stored_bytes=db.execute(_SIZE).get + sealed_copies.size(meta),
    )

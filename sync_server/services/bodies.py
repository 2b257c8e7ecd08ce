"""`shared.rows.body_text`, letter by letter, in a tenth of its time for the rows that are nearly
all there are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from shared import rows

_encode = msgspec.json.Encoder(order="sorted").encode
_PLAIN = frozenset({str, int, bool})


def body_text(row: Mapping[str, Any]) -> str:
    """The one JSON text of a row: keys sorted, no spaces, nulls and empty lists left out."""
    # Floats have other spellings, half characters none, and nested values may hold nulls.
    if _PLAIN.issuperset(map(type, row.values())):
        try:
            return _encode(row).decode()
        except UnicodeEncodeError:
            pass
    return rows.body_text(row)

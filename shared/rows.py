"""Rows as they travel and are compared: lines of text, and the digests by which two copies are
shown equal (L5).

A line is ``bucket TAB entity TAB id TAB seq TAB body NEWLINE``. The body is the row's JSON, written
once by the server and stored verbatim by the device, which needs not parse it to keep it: JSON
escapes tabs and newlines, so a split is enough. An empty body says that the record left the bucket.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from shared.errors import Code, Refusal

DIGEST_BITS = 40
"""So that SQLite can add up eight million of them without passing 63 bits."""
DIGEST_MASK = (1 << DIGEST_BITS) - 1


class RowLine(NamedTuple):
    bucket: str
    entity: str
    id: str
    seq: int
    body: str

    @property
    def gone(self) -> bool:
        return not self.body


def body_text(row: Mapping[str, Any]) -> str:
    """The one JSON text of a row: keys sorted, no spaces, nulls and empty lists left out."""
    kept = {k: v for k, v in row.items() if v is not None and v != [] and v != ()}
    return json.dumps(kept, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def write_line(line: RowLine) -> str:
    return f"{line.bucket}\t{line.entity}\t{line.id}\t{line.seq}\t{line.body}\n"


def read_line(text: str) -> RowLine:
    """Refuses (`CUT_SHORT`) what is not a whole line."""
    parts = text.rstrip("\n").split("\t")
    if len(parts) != 5 or not parts[3].isdecimal():
        raise Refusal(Code.CUT_SHORT, where="row")
    return RowLine(parts[0], parts[1], parts[2], int(parts[3]), parts[4])


def digest(entity: str, record_id: str, body: str) -> int:
    """40-bit digest of one row; 0 for a row that is gone, so that sums need no special case."""
    if not body:
        return 0
    h = hashlib.blake2b(f"{entity}\t{record_id}\t{body}".encode(), digest_size=DIGEST_BITS // 8)
    return int.from_bytes(h.digest())


def total(digests: Iterable[int]) -> int:
    """Digest of a set of rows, in whatever order: the sum modulo 2^40."""
    return sum(digests) & DIGEST_MASK


def set_digest(items: Iterable[str]) -> str:
    """SHA-256 (hex) of a set of texts: equal sets give equal digests."""
    return hashlib.sha256("\n".join(sorted(items)).encode()).hexdigest()

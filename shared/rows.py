"""Rows as they travel and are compared: lines of text, and the digests by which two copies are
shown equal (L5).

A line is ``bucket TAB entity TAB id TAB seq TAB body NEWLINE``. The body is the row's JSON, written
once by the server and stored verbatim by the device, which needs not parse it to keep it: JSON
escapes tabs and newlines, so a split is enough. An empty body says that the record left the bucket.

Ten thousand rows make a first sync, so on their way they stay what they are in the reply: pieces
of UTF-8 (`Lines`). Only who wants one by itself has it as text (`RowLine`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b, sha256
from typing import Any, NamedTuple, overload

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


RawLine = Sequence[bytes]
"""The five columns of a line in UTF-8."""


class Lines(Sequence[RowLine]):
    """The row lines of one reply, split into columns and no further."""

    def __init__(self, text: bytes) -> None:
        """`text` is what stands between header and trailer. Refuses (`CUT_SHORT`) anything that is
        not made of whole lines in UTF-8."""
        try:
            text.isascii() or str(text, "utf-8")  # stored as it is, so it is looked at now
        except UnicodeDecodeError:
            raise _cut() from None
        self.raw: list[RawLine] = [line.split(b"\t") for line in text.split(b"\n")] if text else []
        for columns in self.raw:
            if len(columns) != 5 or not columns[3].isdigit():
                raise _cut()

    def __len__(self) -> int:
        return len(self.raw)

    def __iter__(self) -> Iterator[RowLine]:
        return map(_decoded, self.raw)

    @overload
    def __getitem__(self, place: int) -> RowLine: ...
    @overload
    def __getitem__(self, place: slice) -> list[RowLine]: ...
    def __getitem__(self, place: int | slice) -> RowLine | list[RowLine]:
        found = self.raw[place]
        return list(map(_decoded, found)) if isinstance(place, slice) else _decoded(found)


def raw_lines(lines: Iterable[RowLine]) -> Sequence[RawLine]:
    """The columns of these lines in UTF-8; of `Lines`, as they came."""
    if isinstance(lines, Lines):
        return lines.raw
    return [
        (line.bucket.encode(), line.entity.encode(), line.id.encode(), b"%d" % line.seq)
        + (line.body.encode(),)
        for line in lines
    ]


def _decoded(raw: Any) -> RowLine:
    bucket, entity, record_id, seq, body = raw
    return RowLine(bucket.decode(), entity.decode(), record_id.decode(), int(seq), body.decode())


def _cut() -> Refusal:
    return Refusal(Code.CUT_SHORT, where="row")


def body_text(row: Mapping[str, Any]) -> str:
    """The one JSON text of a row: keys sorted, no spaces, nulls and empty lists left out."""
    kept = {k: v for k, v in row.items() if v is not None and v != [] and v != ()}
    return json.dumps(kept, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def write_line(line: RowLine) -> str:
    return f"{line.bucket}\t{line.entity}\t{line.id}\t{line.seq}\t{line.body}\n"


def read_line(text: str) -> RowLine:
    """Refuses (`CUT_SHORT`) what is not a whole line."""
    lines = Lines(text.rstrip("\n").encode())
    if len(lines) != 1:
        raise _cut()
    return lines[0]


def digest(entity: str, record_id: str, body: str) -> int:
    """40-bit digest of one row; 0 for a row that is gone, so that sums need no special case."""
    return digest_of(entity.encode(), record_id.encode(), body.encode())


def digest_of(entity: bytes, record_id: bytes, body: bytes) -> int:
    """`digest` of a row's columns in UTF-8."""
    if not body:
        return 0
    h = blake2b(b"\t".join((entity, record_id, body)), digest_size=DIGEST_BITS // 8)
    return int.from_bytes(h.digest())


def total(digests: Iterable[int]) -> int:
    """Digest of a set of rows, in whatever order: the sum modulo 2^40."""
    return sum(digests) & DIGEST_MASK


def set_digest(items: Iterable[str]) -> str:
    """SHA-256 (hex) of a set of texts: equal sets give equal digests."""
    return sha256("\n".join(sorted(items)).encode()).hexdigest()

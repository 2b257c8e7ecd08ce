"""Reading a CSV source with line numbers: what can't be read is reported and skipped, never
guessed."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Literal, Protocol

from shared.errors import Code, Refusal

Progress = Callable[[str, float], None]
"""(what is going on, fraction done between 0 and 1)."""

_SHOWN_LINES = 20
_EVERY = 2000
_GZIP = b"\x1f\x8b"


@dataclass
class ImportReport:
    """What was read and what was passed over, by reason; of each reason the first lines are
    named."""

    rows: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    lines: dict[str, list[int]] = field(default_factory=dict)
    written: Counter[str] = field(default_factory=Counter)

    def skip(self, line: int, reason: str) -> None:
        self.skipped[reason] += 1
        shown = self.lines.setdefault(reason, [])
        if len(shown) < _SHOWN_LINES:
            shown.append(line)


class Source(Protocol):
    """What is read: a `Path`, or a file that came with a form and lies under no name."""

    @property
    def name(self) -> str: ...

    def open(self, mode: Literal["rb"], /) -> BinaryIO: ...


class Malformed(ValueError):
    """A row that can't be read; its text says why and holds nothing of the row."""


def read_rows(
    source: Source, columns: Sequence[str], report: ImportReport, progress: Progress
) -> Iterator[tuple[int, dict[str, str]]]:
    """(line number, row) of a CSV file, gzipped or not, in order; the header is line 1.

    Refuses a file that can't be opened or lacks a column (`FILE_UNREADABLE`) before the first row.
    A row with too few or too many cells is skipped and reported. The line number is that of the
    row's last line.
    """
    try:
        raw = source.open("rb")
        size = raw.seek(0, io.SEEK_END)
        raw.seek(0)
        packed = raw.read(len(_GZIP)) == _GZIP
        raw.seek(0)
    except OSError as error:
        raise Refusal(Code.FILE_UNREADABLE, file=source.name, reason=error.strerror or "") from None
    with raw:
        text = io.TextIOWrapper(
            gzip.open(raw) if packed else raw, encoding="utf-8", newline="", errors="replace"
        )
        reader = csv.reader(text)
        try:
            header = next(reader, [])
            missing = [c for c in columns if c not in header]
            if missing:
                raise Refusal(Code.FILE_UNREADABLE, file=source.name, missing=", ".join(missing))
            for cells in reader:
                report.rows += 1
                if report.rows % _EVERY == 0:
                    progress(source.name, raw.tell() / size)
                if len(cells) != len(header):
                    report.skip(reader.line_num, "wrong number of cells")
                    continue
                yield reader.line_num, dict(zip(header, cells, strict=True))
        except (OSError, EOFError, zlib.error, csv.Error) as error:
            raise Refusal(
                Code.FILE_UNREADABLE, file=source.name, line=reader.line_num, reason=str(error)
            ) from None
    progress(source.name, 1.0)

"""Where the bytes of photos and documents lie: unfinished ones as they come, whole ones sealed.

A whole file is named by organisation and SHA-256 and encrypted under the key ring in pieces of a
mebibyte, each bound to that name, to its place and to the file's length: no file is ever in memory
whole, and none can be cut or put together anew. An unfinished upload is plain until it is whole,
and so readable by the server's account alone (0600).
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import struct
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import BinaryIO

from shared.errors import Code, Refusal
from shared.ids import new_id
from sync_server.db.sealing import KeyRing

_PIECE = 1 << 20
_MAGIC = b"HFPC"
_HEAD = struct.Struct(">4sQ")  # of a file in pieces: magic, bytes of the content
_LENGTH = struct.Struct(">I")  # before each sealed piece
_STALE_SECONDS = 24 * 3600
"""After this a file that was being written when the server stopped is nobody's."""


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole file, to be read piece by piece. ValueError on the way where it was altered."""

    length: int
    pieces: Iterator[bytes]


class FileStore:
    """Files under one folder. Several processes may share it."""

    def __init__(self, folder: Path, ring: KeyRing) -> None:
        self._folder = folder
        self._ring = ring

    # ── uploads under way ─────────────────────────────────────────────────────────────────

    def begin(self, upload_id: str) -> None:
        """Make room for an upload. Harmless twice: what has arrived stays."""
        path = self._part(upload_id)
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))

    def arrived(self, upload_id: str) -> int | None:
        """Bytes of an upload that are here; None where there is none."""
        try:
            return self._part(upload_id).stat().st_size
        except FileNotFoundError:
            return None

    def open_end(self, upload_id: str) -> FileIO:
        """The upload's file, open at its end, for one writer who closes it with `close_durably`.

        Refuses SERVER_BUSY while another appends, and NOT_FOUND where there is no such upload.
        """
        try:
            file = FileIO(self._part(upload_id), "r+")
        except FileNotFoundError:
            raise Refusal(Code.NOT_FOUND) from None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise Refusal(Code.SERVER_BUSY) from None
        file.seek(0, os.SEEK_END)
        return file

    def digest(self, upload_id: str) -> str:
        """SHA-256 (hex) of what has arrived."""
        found = hashlib.sha256()
        with self._part(upload_id).open("rb") as file:
            while piece := file.read(_PIECE):
                found.update(piece)
        return found.hexdigest()

    def content(self, upload_id: str) -> bytes:
        """What has arrived."""
        return self._part(upload_id).read_bytes()

    def discard(self, upload_id: str) -> None:
        """Forget an upload. Harmless twice."""
        self._part(upload_id).unlink(missing_ok=True)

    # ── whole files ───────────────────────────────────────────────────────────────────────

    def keep(self, org_id: str, sha256: str, content: bytes) -> None:
        """Store a whole file, durable when this returns. Harmless twice, and from two at once."""
        self._keep(org_id, sha256, len(content), _cut(content))

    def keep_upload(self, org_id: str, sha256: str, upload_id: str) -> None:
        """`keep` for what an upload brought."""
        with self._part(upload_id).open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            self._keep(org_id, sha256, size, iter(lambda: file.read(_PIECE), b""))

    def read(self, org_id: str, sha256: str) -> bytes | None:
        """The content of a whole file, or None. ValueError where it was altered on disk."""
        found = self.open(org_id, sha256)
        return b"".join(found.pieces) if found is not None else None

    def open(self, org_id: str, sha256: str) -> Whole | None:
        """A whole file to be read piece by piece, or None where there is none."""
        try:
            file = self._whole(org_id, sha256).open("rb")
        except FileNotFoundError:
            return None
        context = _context(org_id, sha256)
        head = file.read(_HEAD.size)
        if head[:4] == _MAGIC:
            size = _HEAD.unpack(head)[1]
            return Whole(size, self._pieces(file, size, context))
        # As files were sealed until November 2026: in one.
        with file:
            content = self._ring.open(head + file.read(), context)
        return Whole(len(content), iter((content,)))

    def has(self, org_id: str, sha256: str) -> bool:
        """Whether a whole file lies there; does not look into it."""
        return self._whole(org_id, sha256).is_file()

    def remove(self, org_id: str, sha256: str) -> None:
        """Delete a whole file. Harmless twice."""
        self._whole(org_id, sha256).unlink(missing_ok=True)

    def clear_unfinished(self) -> int:
        """Delete what was being written when a server was stopped, and say how many."""
        before, done = time.time() - _STALE_SECONDS, 0
        for path in self._folder.glob("*/??/.*"):
            if path.stat().st_mtime < before:
                path.unlink(missing_ok=True)
                done += 1
        return done

    def _keep(self, org_id: str, sha256: str, size: int, pieces: Iterable[bytes]) -> None:
        path, context = self._whole(org_id, sha256), _context(org_id, sha256)
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f".{path.name}.{new_id()}")
        descriptor = os.open(fresh, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(_HEAD.pack(_MAGIC, size))
                for place, piece in enumerate(pieces):
                    sealed = self._ring.seal(piece, _piece_context(context, size, place))
                    file.write(_LENGTH.pack(len(sealed)) + sealed)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(path)
        except OSError as fault:
            fresh.unlink(missing_ok=True)
            if fault.errno in (errno.ENOSPC, errno.EDQUOT):
                raise Refusal(Code.DISK_FULL) from fault
            raise
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _pieces(self, file: BinaryIO, size: int, context: bytes) -> Iterator[bytes]:
        with file:
            left, place = size, 0
            while left > 0:
                head = file.read(_LENGTH.size)
                sealed = file.read(_LENGTH.unpack(head)[0]) if len(head) == _LENGTH.size else b""
                piece = self._ring.open(sealed or b"\0", _piece_context(context, size, place))
                yield piece
                left, place = left - len(piece), place + 1
            if left or file.read(1):
                raise ValueError("a sealed file was altered or moved")

    def reseal(self) -> int:
        """Seal every whole file anew that is under an older key of the ring, and say how many."""
        done = 0
        for path in self._folder.glob("*/??/*"):
            if path.name.startswith(".") or not self._is_old(path):
                continue
            org_id = path.parts[-3]
            found = self.open(org_id, path.name)
            if found is not None:
                self._keep(org_id, path.name, found.length, found.pieces)
                done += 1
        return done

    def _is_old(self, path: Path) -> bool:
        with path.open("rb") as file:
            head = file.read(_HEAD.size)
            if head[:4] == _MAGIC:
                head = file.read(_LENGTH.size + 3)[_LENGTH.size :]
            return self._ring.version_of(head[:3]) != self._ring.current

    def _part(self, upload_id: str) -> Path:
        return self._folder / "uploads" / upload_id

    def _whole(self, org_id: str, sha256: str) -> Path:
        return self._folder / org_id / sha256[:2] / sha256


def close_durably(file: FileIO) -> None:
    """Close a file of `open_end`; what was written is on disk when this returns."""
    with file:
        os.fsync(file.fileno())


def write_all(file: FileIO, piece: bytes) -> None:
    """Write behind what is there. Refuses DISK_FULL; what fitted is then written."""
    view = memoryview(piece)
    try:
        while view:
            view = view[file.write(view) :]
    except OSError as fault:
        if fault.errno in (errno.ENOSPC, errno.EDQUOT):
            raise Refusal(Code.DISK_FULL) from fault
        raise


def _cut(content: bytes) -> Iterator[bytes]:
    return (content[start : start + _PIECE] for start in range(0, len(content), _PIECE))


def _piece_context(context: bytes, size: int, place: int) -> bytes:
    return context + f"\0{size}\0{place}".encode()


def _context(org_id: str, sha256: str) -> bytes:
    return f"file\0{org_id}\0{sha256}".encode()

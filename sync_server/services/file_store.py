"""Where the bytes of photos and documents lie: unfinished ones as they come, whole ones sealed.

A whole file is named by organisation and SHA-256 and encrypted under the key ring like a personal
field, bound to that name. An unfinished upload is plain until it is whole, and so readable by the
server's account alone (0600).
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from io import FileIO
from pathlib import Path

from shared.errors import Code, Refusal
from sync_server.db.sealing import KeyRing

_PIECE = 1 << 20


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
        """Store a whole file, durable when this returns. Harmless twice."""
        path = self._whole(org_id, sha256)
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f".{path.name}.{os.getpid()}")
        descriptor = os.open(fresh, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(self._ring.seal(content, _context(org_id, sha256)))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def has(self, org_id: str, sha256: str) -> bool:
        """Whether a whole file lies there; does not look into it."""
        return self._whole(org_id, sha256).is_file()

    def read(self, org_id: str, sha256: str) -> bytes | None:
        """The content of a whole file, or None. ValueError where it was altered on disk."""
        try:
            sealed = self._whole(org_id, sha256).read_bytes()
        except FileNotFoundError:
            return None
        return self._ring.open(sealed, _context(org_id, sha256))

    def reseal(self) -> int:
        """Seal every whole file anew that is under an older key of the ring, and say how many."""
        done = 0
        for path in self._folder.glob("*/??/*"):
            if path.name.startswith(".") or not self._is_old(path):
                continue
            org_id = path.parts[-3]
            content = self.read(org_id, path.name)
            if content is not None:
                self.keep(org_id, path.name, content)
                done += 1
        return done

    def _is_old(self, path: Path) -> bool:
        with path.open("rb") as file:
            return self._ring.version_of(file.read(3)) != self._ring.current

    def _part(self, upload_id: str) -> Path:
        return self._folder / "uploads" / upload_id

    def _whole(self, org_id: str, sha256: str) -> Path:
        return self._folder / org_id / sha256[:2] / sha256


def close_durably(file: FileIO) -> None:
    """Close a file of `open_end`; what was written is on disk when this returns."""
    with file:
        os.fsync(file.fileno())


def _context(org_id: str, sha256: str) -> bytes:
    return f"file\0{org_id}\0{sha256}".encode()

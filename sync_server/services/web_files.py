"""The built web app as files to send: media types, compression, and what caches may do with them.

The builder says in `headers.json` how its files want to be sent; nothing is known here that it
could tell.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import mimetypes
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

INDEX = "index.html"
_HEADERS = "headers.json"
_SMALLEST = 1000  # bytes; below this compression gains nothing
_PACKED = frozenset({".gz", ".br", ".png", ".jpg", ".webp", ".woff2", ".whl", ".zip", ".ico"})
_LEVEL = 6  # 9 takes three times as long for the large modules and saves 1 % more


@dataclass(frozen=True, slots=True)
class WebFile:
    """One file in one form."""

    path: Path
    media_type: str
    etag: str
    gzipped: bool
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Known:
    stamp: tuple[int, int]
    sha256: str


class WebFiles:
    """Files of `folder`, found again when it is built anew. Compressed copies are kept in
    `cache` by content, made at the first request for each."""

    def __init__(self, folder: Path, cache: Path) -> None:
        self._folder = folder
        self._cache = cache
        self._known: dict[Path, _Known] = {}
        self._told: tuple[int, Mapping[str, str], Mapping[str, str]] | None = None
        self._packing = threading.Lock()

    @property
    def built(self) -> bool:
        """Whether there is an app to send."""
        return (self._folder / INDEX).is_file()

    def find(self, name: str, *, gzip_taken: bool) -> WebFile | None:
        """The file of a request's path (without its leading slash; empty for the index), or
        None."""
        path = self._inside(name or INDEX)
        if path is None:
            return None
        headers, types = self._instructions()
        sha256 = self._sha256(path)
        guessed = types.get(path.suffix) or mimetypes.guess_type(path.name)[0]
        media_type = guessed or "application/octet-stream"
        packed = self._packed(path, sha256) if gzip_taken else None
        return WebFile(
            path=packed or path,
            media_type=media_type,
            etag=f'"{sha256[:32]}{"-gz" if packed else ""}"',
            gzipped=packed is not None,
            headers=headers,
        )

    def _inside(self, name: str) -> Path | None:
        """The regular file of that name under the folder, and under no other."""
        if "\0" in name or "\\" in name or name == _HEADERS:
            return None
        root = self._folder.resolve()
        path = (root / name).resolve()
        return path if path.is_relative_to(root) and path.is_file() else None

    def _sha256(self, path: Path) -> str:
        stat = path.stat()
        stamp = (stat.st_mtime_ns, stat.st_size)
        known = self._known.get(path)
        if known is None or known.stamp != stamp:
            known = _Known(stamp, hashlib.sha256(path.read_bytes()).hexdigest())
            self._known[path] = known
        return known.sha256

    def _packed(self, path: Path, sha256: str) -> Path | None:
        if path.suffix in _PACKED or path.stat().st_size < _SMALLEST:
            return None
        packed = self._cache / f"{sha256}.gz"
        if not packed.exists():
            with self._packing:  # a page asks for several large files at once, each once
                if not packed.exists():
                    _write_whole(packed, gzip.compress(path.read_bytes(), _LEVEL, mtime=0))
        return packed

    def _instructions(self) -> tuple[Mapping[str, str], Mapping[str, str]]:
        path = self._folder / _HEADERS
        stamp = path.stat().st_mtime_ns if path.is_file() else 0
        if self._told is None or self._told[0] != stamp:
            told = json.loads(path.read_text("utf-8")) if stamp else {}
            self._told = (
                stamp,
                MappingProxyType({"Cache-Control": "no-cache", **told.get("headers", {})}),
                MappingProxyType(told.get("types", {})),
            )
        return self._told[1], self._told[2]


def _write_whole(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.write_bytes(content)
    fresh.replace(path)

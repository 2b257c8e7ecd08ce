"""Everything that a device keeps, read as someone reads it who has the files and today's key.

The pages of the vault are opened here by themselves, from the format's own description (SQLite3
Multiple Ciphers, `chacha20`: key and nonce → one-time keys, Poly1305 over the page), and not
through SQLite: so pages of the free list, slack and old frames of the write-ahead log are read as
well. A page that does not bear today's key's tag can't be read by anyone.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20
from cryptography.hazmat.primitives.poly1305 import Poly1305

PAGE = 4096
_BODY = PAGE - 32  # then 16 bytes of nonce and 16 of tag
_PLAIN_ON_PAGE_1 = 24  # the salt and the first numbers of the header
_WAL_HEAD, _FRAME_HEAD = 32, 24


def opened(number: int, page: bytes, key: bytes) -> bytes | None:
    """What stands on a page of that number (from 1); None where the key is not its."""
    nonce, tag = page[_BODY : _BODY + 16], page[_BODY + 16 :]
    (counter,) = struct.unpack_from("<I", nonce, 12)
    counter ^= number
    once = _chacha(key, counter, nonce, bytes(64))
    try:
        Poly1305.verify_tag(once[:32], page[: _BODY + 16], tag)
    except InvalidSignature:
        return None
    skip = _PLAIN_ON_PAGE_1 if number == 1 else 0
    return _chacha(once[32:], counter + 1, nonce, page[skip:_BODY])


def _chacha(key: bytes, counter: int, nonce: bytes, data: bytes) -> bytes:
    start = struct.pack("<I", counter & 0xFFFFFFFF) + nonce[:12]
    return Cipher(ChaCha20(key, start), mode=None).encryptor().update(data)


def pages(database: bytes, key: bytes) -> Iterator[bytes]:
    """The pages of a database file that this key opens, the free ones among them."""
    for number in range(1, len(database) // PAGE + 1):
        page = opened(number, database[(number - 1) * PAGE : number * PAGE], key)
        if page is not None:
            yield page


def frames(log: bytes, key: bytes) -> Iterator[bytes]:
    """The pages in a write-ahead log that this key opens, also those that no reader asks for any
    more."""
    for start in range(_WAL_HEAD, len(log) - PAGE, _FRAME_HEAD + PAGE):
        (number,) = struct.unpack_from(">I", log, start)
        page = opened(number, log[start + _FRAME_HEAD : start + _FRAME_HEAD + PAGE], key)
        if page is not None:
            yield page


def kept(journal: bytes, key: bytes) -> Iterator[bytes]:
    """The pages in a rollback journal that this key opens; it begins with a sector."""
    for sector in (512, 4096):
        for start in range(sector, len(journal) - PAGE, 4 + PAGE + 4):
            (number,) = struct.unpack_from(">I", journal, start)
            page = opened(number, journal[start + 4 : start + 4 + PAGE], key)
            if page is not None:
                yield page


def readable(files: Mapping[str, bytes], key: bytes) -> dict[str, str]:
    """Where → all that can be read there: each file as it lies on the disk, and the vault's pages
    opened. One character a byte."""
    found: dict[str, str] = {}
    for name, data in files.items():
        found[f"{name}, as it lies there"] = _text(bytes(data))
        if name.endswith(".db"):
            found[f"a page of {name}"] = _text(b"\n".join(pages(bytes(data), key)))
        elif name.endswith("-wal"):
            found[f"a frame of {name}"] = _text(b"\n".join(frames(bytes(data), key)))
        elif name.endswith("-journal"):
            found[f"a page kept in {name}"] = _text(b"\n".join(kept(bytes(data), key)))
    return found


def _text(data: bytes) -> str:
    return data.decode("latin-1")

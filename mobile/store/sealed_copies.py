"""What the vault knows of its sealed copies of files: which it made, how large they are, and which
backup of the server's frees them. Writing happens inside the caller's transaction.
"""

from __future__ import annotations

from mobile.store.meta import BACKED_UP_TO, SEALED_FILES, Meta

_UNSENT = 0


def made(meta: Meta, file_id: str, size: int) -> None:
    """A whole copy of the file's content is on disk."""
    meta.put(SEALED_FILES, {**_known(meta), file_id: [_UNSENT, size]})


def known(meta: Meta) -> set[str]:
    """Files of which this vault has made a copy that is still there."""
    return set(_known(meta))


def size(meta: Meta) -> int:
    """Bytes that the copies take on the device."""
    return sum(length for _, length in _known(meta).values())


def verified(meta: Meta, file_id: str, cursor: int) -> None:
    """The server has the file: a backup that reaches to `cursor` has it too. The first time
    counts."""
    number, length = _known(meta)[file_id]
    if number == _UNSENT:
        meta.put(SEALED_FILES, {**_known(meta), file_id: [cursor, length]})


def free(meta: Meta) -> set[str]:
    """Files whose copy is not needed any more: the server has backed them up."""
    reach = meta.get(BACKED_UP_TO, 0)
    return {f for f, (number, _) in _known(meta).items() if _UNSENT < number <= reach}


def removed(meta: Meta, file_id: str) -> None:
    """The copy is gone, or another's to look after."""
    left = {f: known for f, known in _known(meta).items() if f != file_id}
    meta.put(SEALED_FILES, left or None)


def lost(meta: Meta) -> list[str]:
    """After a server was restored: files that it had, and its backup had not. They count as
    unsent again."""
    reach = meta.get(BACKED_UP_TO, 0)
    gone = [f for f, (number, _) in _known(meta).items() if number > reach]
    if gone:
        back = {f: [_UNSENT if f in gone else n, length] for f, (n, length) in _known(meta).items()}
        meta.put(SEALED_FILES, back)
    return gone


def _known(meta: Meta) -> dict[str, list[int]]:
    found: dict[str, list[int]] = meta.get(SEALED_FILES, {})
    return found

"""Commits and who hears of them: one durable transaction, then word to the screens of what it
touched."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import apsw

from mobile.store.outbox import Touched
from mobile.store.vault import transaction

Listener = Callable[[frozenset[Touched]], None]


class Commits:
    """The transactions of one open vault."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db
        self._listeners: list[Listener] = []

    @contextmanager
    def begin(self) -> Iterator[set[Touched]]:
        """All or nothing, on disk when it ends. The body adds to the yielded set what it changes;
        listeners are told after the commit, and of nothing when it was undone. Does not nest."""
        touched: set[Touched] = set()
        with transaction(self._db):
            yield touched
        told = frozenset(touched)
        for listener in tuple(self._listeners):
            listener(told)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """`listener` hears of every commit from now on, until the returned function is called."""
        self._listeners.append(listener)

        def unsubscribe() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return unsubscribe

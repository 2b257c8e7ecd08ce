"""What the author of a draft had seen, kept with the draft.

A draft may lie for days; meanwhile a colleague's change to the same field may arrive. Whether the
author knew of it decides whether there is a conflict (design §5), so a draft remembers the values
that stood there when its writing began.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any, TypeVar

from mobile.store.drafts import SEEN
from shared.codec import read
from shared.declare import Record

R = TypeVar("R", bound=Record)


def as_seen(
    cls: type[R],
    record_id: str,
    names: Iterable[str],
    start: Mapping[str, Any],
    values: MutableMapping[str, Any],
) -> R:
    """The record as its author saw it: what `Unit.update` wants to be told.

    `start` is the row as it is now, `values` what is being written, draft included, all in wire
    form. The first call notes what stands in `names`; a draft carries the note through a kill.
    """
    fields = tuple(names)
    if SEEN not in values:
        values[SEEN] = {name: start[name] for name in fields if start.get(name) is not None}
    noted = values[SEEN]
    return read(cls, {**start, **{n: noted.get(n) for n in fields}, "id": record_id})

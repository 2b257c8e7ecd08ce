"""What a transaction did that open streams wait to hear of: noted while it runs, told once it is
committed.

Only ever a hint (design §5): news that are lost cost somebody a few minutes, never a row.

    note_moved(connection, org_id, {"customer:…": 4711})  # inside `Database.write`
    leave = database.hear(lambda news: ...)  # called after each commit that noted anything
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

_NOTED = "huifang.news"
MOST_BYTES = 7900
"""Of one message between processes: PostgreSQL takes less than 8,000."""


@dataclass(frozen=True, slots=True)
class News:
    """What moved in one organisation. `moved`: the number of the newest row of each touched
    bucket; None: too many to name. `staff`: whose leave to listen may have changed; None: anyone's.
    """

    org_id: str
    moved: Mapping[str, int] | None = field(default_factory=dict)
    staff: frozenset[str] | None = frozenset()


def collect(connection: Connection) -> list[News]:
    """From here on the connection's notes go into the returned list."""
    noted: list[News] = []
    connection.info[_NOTED] = noted
    return noted


def note_moved(connection: Connection, org_id: str, moved: Mapping[str, int]) -> None:
    """These buckets got rows, the newest of each with this number."""
    _note(connection, News(org_id, moved=dict(moved)))


def note_standing(connection: Connection, org_id: str, staff_id: str) -> None:
    """This person's account or one of their devices was let in or shut out."""
    _note(connection, News(org_id, staff=frozenset({staff_id})))


def _note(connection: Connection, news: News) -> None:
    noted = connection.info.get(_NOTED)
    if noted is not None:  # else outside of `Database.write`: a migration, which nobody hears
        noted.append(news)


def merged(news: Iterable[News]) -> list[News]:
    """The same in one `News` an organisation."""
    found: dict[str, News] = {}
    for one in news:
        before = found.get(one.org_id, News(one.org_id))
        moved: dict[str, int] | None = None
        if before.moved is not None and one.moved is not None:
            moved = dict(before.moved)
            for bucket, seq in one.moved.items():
                moved[bucket] = max(seq, moved.get(bucket, 0))
        staff = None
        if before.staff is not None and one.staff is not None:
            staff = before.staff | one.staff
        found[one.org_id] = News(one.org_id, moved, staff)
    return list(found.values())


def written(news: News, sender: str) -> str:
    """As a message to the other processes, under `MOST_BYTES`: what would not fit is left
    unnamed."""
    for shorter in (news, News(news.org_id, None, news.staff), News(news.org_id, None, None)):
        staff = None if shorter.staff is None else sorted(shorter.staff)
        said = {"by": sender, "org": shorter.org_id, "moved": shorter.moved, "staff": staff}
        text = json.dumps(said, separators=(",", ":"))
        if len(text) <= MOST_BYTES:  # ASCII: `json` escapes the rest
            break
    return text


def read(text: str) -> tuple[str, News] | None:
    """Sender and news of a message; None for one of another version, which is left to the next
    look at the numbers."""
    try:
        said: dict[str, Any] = json.loads(text)
        moved, staff = said["moved"], said["staff"]
        return str(said["by"]), News(
            str(said["org"]),
            None if moved is None else {str(b): int(seq) for b, seq in moved.items()},
            None if staff is None else frozenset(map(str, staff)),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None

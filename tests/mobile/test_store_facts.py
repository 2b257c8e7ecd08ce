"""What the vault remembers of its single facts is what stands in it."""

from __future__ import annotations

import apsw
import pytest

from mobile.store.meta import Meta
from mobile.store.vault import transaction


@pytest.fixture
def meta() -> Meta:
    db = apsw.Connection(":memory:")
    db.execute("CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID")
    return Meta(db)


def test_a_fact_is_new_as_soon_as_it_is_written(meta: Meta) -> None:
    assert meta.get("cursor", 0) == 0
    meta.put("cursor", 7)
    assert meta.get("cursor") == 7
    meta.put("cursor", None)
    assert meta.get("cursor") is None


def test_a_fact_that_was_undone_is_the_old_one_again(meta: Meta) -> None:
    meta.put("cursor", 7)
    assert meta.get("cursor") == 7
    with pytest.raises(RuntimeError), transaction(meta._db):
        meta.put("cursor", 8)
        assert meta.get("cursor") == 8
        raise RuntimeError
    assert meta.get("cursor") == 7


def test_what_a_caller_does_to_a_fact_changes_nobody_elses(meta: Meta) -> None:
    meta.put("returned", ["a"])
    meta.get("returned").append("b")
    assert meta.get("returned") == ["a"]

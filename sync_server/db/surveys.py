"""Anonymous surveys at rest: tallies, words, and the links that lead to a survey (S4 #162).

There is no row for an answer. What somebody said to one question is one more in a tally of that
question, that store and that month; what they said to the next one is one more elsewhere, and
nothing ties the two. Words lie under random ids in a table that is kept in their order, so that not
even the order in which they came is left (SQLite; PostgreSQL's pages do tell it, see
docs/threat-model.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
)

from sync_server.db.base import METADATA
from sync_server.db.putting import upsert_rows
from sync_server.db.sealing import Sealed
from sync_server.db.types import Day

EVERYTHING = ""
"""Stands in the place of a question for the answers themselves: how many people answered."""

SURVEY_TALLY = Table(
    "survey_tally",
    METADATA,
    Column("org_id", String(36), nullable=False),
    Column("survey_id", String(36), nullable=False),
    Column("store_id", String(36), nullable=False),
    Column("month", Integer, nullable=False),
    Column("question", String(20), nullable=False),
    Column("points", Integer, nullable=False),
    Column("amount", BigInteger, nullable=False),
    PrimaryKeyConstraint("org_id", "survey_id", "store_id", "month", "question", "points"),
    sqlite_with_rowid=False,
)
"""How often each answer was given; `month` as `periods.month_of` counts. Words count under 0."""

SURVEY_WORDS = Table(
    "survey_words",
    METADATA,
    Column("org_id", String(36), nullable=False),
    Column("id", String(36), nullable=False),
    Column("survey_id", String(36), nullable=False),
    Column("store_id", String(36), nullable=False),
    Column("month", Integer, nullable=False),
    Column("question", String(20), nullable=False),
    Column("words", Sealed("survey_words.words"), nullable=False),
    PrimaryKeyConstraint("org_id", "id"),
    Index(None, "org_id", "survey_id", "month"),
    sqlite_with_rowid=False,
)
"""What somebody wrote. `id` is random, and says nothing of when."""

SURVEY_LINK = Table(
    "survey_link",
    METADATA,
    Column("org_id", String(36), nullable=False),
    Column("survey_id", String(36), nullable=False),
    Column("store_id", String(36), nullable=False),
    Column("batch", String(36), nullable=False),
    Column("token_mark", String(64), nullable=False),
    Column("once", Boolean, nullable=False),
    Column("made_on", Day, nullable=False),
    PrimaryKeyConstraint("token_mark"),
    Index(None, "org_id", "survey_id", "batch"),
    sqlite_with_rowid=False,
)
"""Links that are good, by a keyed hash of their secret. One that is good once goes with its answer;
whose it was stands nowhere."""

EVALUATION = Table(
    "evaluation",
    METADATA,
    Column("org_id", String(36), nullable=False),
    Column("id", String(36), nullable=False),
    Column("agency", String(120), nullable=False),
    Column("subject", String(120), nullable=False),
    Column("from_day", Day, nullable=False),
    Column("until_day", Day, nullable=False),
    Column("points", Integer, nullable=False),
    Column("asked", Integer),
    Column("note", Sealed("evaluation.note")),
    Column("entered_by", String(36), nullable=False),
    PrimaryKeyConstraint("org_id", "id"),
    Index(None, "org_id", "until_day"),
)
"""What an outside agency found (S4 #163), as somebody entered it: points of 100."""


def count_up(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Adds to tallies; one that was not there begins. In one order, so that two writers wait for
    each other instead of both for ever."""
    key = [column.name for column in SURVEY_TALLY.primary_key]
    ordered = sorted(rows, key=lambda row: [str(row[name]) for name in key])
    added = {"amount": "survey_tally.amount + excluded.amount"}
    upsert_rows(connection, SURVEY_TALLY, ordered, added)


__all__ = ["EVALUATION", "EVERYTHING", "SURVEY_LINK", "SURVEY_TALLY", "SURVEY_WORDS", "count_up"]

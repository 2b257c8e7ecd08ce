"""Anonymous surveys: what is asked, tallies, words and links; evaluations by others."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync_server.db.sealing import Sealed
from sync_server.db.types import Day, Instant, JsonValue

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def _id(name: str, length: int = 36) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), nullable=False)


def upgrade() -> None:
    op.create_table(
        "survey_row",
        _id("org_id"),
        _id("id"),
        sa.Column("created_at", Instant()),
        sa.Column("created_by", sa.String(36)),
        sa.Column("updated_at", Instant()),
        sa.Column("updated_by", sa.String(36)),
        sa.Column("title_zh", sa.Text()),
        sa.Column("title_en", sa.Text()),
        sa.Column("subject", sa.String(40)),
        sa.Column("store_id", sa.String(36)),
        sa.Column("open_from", Day()),
        sa.Column("open_until", Day()),
        sa.Column("questions", JsonValue),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("versions", JsonValue),
        sa.PrimaryKeyConstraint("org_id", "id", name="pk_survey_row"),
    )
    group = ("org_id", "survey_id", "store_id")
    op.create_table(
        "survey_tally",
        *(_id(name) for name in group),
        sa.Column("month", sa.Integer(), nullable=False),
        _id("question", 20),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(*group, "month", "question", "points", name="pk_survey_tally"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "survey_words",
        _id("org_id"),
        _id("id"),
        _id("survey_id"),
        _id("store_id"),
        sa.Column("month", sa.Integer(), nullable=False),
        _id("question", 20),
        sa.Column("words", Sealed("survey_words.words"), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "id", name="pk_survey_words"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_survey_words_org_id_survey_id_month", "survey_words", ["org_id", "survey_id", "month"]
    )
    op.create_table(
        "survey_link",
        *(_id(name) for name in group),
        _id("batch"),
        _id("token_mark", 64),
        sa.Column("once", sa.Boolean(), nullable=False),
        sa.Column("made_on", Day(), nullable=False),
        sa.PrimaryKeyConstraint("token_mark", name="pk_survey_link"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_survey_link_org_id_survey_id_batch", "survey_link", ["org_id", "survey_id", "batch"]
    )
    op.create_table(
        "evaluation",
        _id("org_id"),
        _id("id"),
        _id("agency", 120),
        _id("subject", 120),
        sa.Column("from_day", Day(), nullable=False),
        sa.Column("until_day", Day(), nullable=False),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.Column("asked", sa.Integer()),
        sa.Column("note", sa.Text()),
        _id("entered_by"),
        sa.PrimaryKeyConstraint("org_id", "id", name="pk_evaluation"),
    )
    op.create_index("ix_evaluation_org_id_until_day", "evaluation", ["org_id", "until_day"])

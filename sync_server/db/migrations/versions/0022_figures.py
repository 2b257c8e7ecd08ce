"""What figures are made of, how often the system of its origin handed a case on, and whether a
customer was referred."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync_server.db.types import Day, Instant, JsonValue

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def _id(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(36), nullable=nullable)


def upgrade() -> None:
    op.add_column("case_row", sa.Column("reassigned", sa.BigInteger()))
    op.add_column("customer_row", sa.Column("referred", sa.Boolean()))
    op.create_table(
        "figure_state",
        _id("org_id"),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("rules", sa.String(64), nullable=False),
        sa.Column("counted_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("org_id", name="pk_figure_state"),
    )
    op.create_table(
        "figure_customer",
        _id("org_id"),
        _id("customer_id"),
        _id("store_id"),
        sa.Column("since_day", Day(), nullable=False),
        sa.Column("referred", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "customer_id", name="pk_figure_customer"),
    )
    op.create_table(
        "figure_month",
        _id("org_id"),
        _id("customer_id"),
        sa.Column("month", sa.Integer(), nullable=False),
        _id("store_id"),
        sa.Column("orders", sa.Integer(), nullable=False),
        sa.Column("cents", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "customer_id", "month", name="pk_figure_month"),
    )
    op.create_table(
        "figure_case",
        _id("org_id"),
        _id("case_id"),
        _id("customer_id"),
        _id("store_id"),
        _id("staff_id"),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("priority", sa.String(40), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("opened_day", Day(), nullable=False),
        sa.Column("opened_hour", sa.Integer(), nullable=False),
        sa.Column("answered_day", Day()),
        sa.Column("answer_seconds", sa.BigInteger()),
        sa.Column("answered_in_time", sa.Boolean()),
        sa.Column("resolved_day", Day()),
        sa.Column("resolve_seconds", sa.BigInteger()),
        sa.Column("resolved_in_time", sa.Boolean()),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("policy_version", sa.Integer(), nullable=False),
        sa.Column("reassigned", sa.Integer(), nullable=False),
        sa.Column("reopened", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "case_id", name="pk_figure_case"),
    )
    op.create_table(
        "figure_answer",
        _id("org_id"),
        _id("id"),
        _id("customer_id"),
        _id("store_id"),
        _id("staff_id"),
        _id("case_id", nullable=True),
        sa.Column("day", Day(), nullable=False),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.Column("satisfied", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "id", name="pk_figure_answer"),
    )
    op.create_table(
        "figure_day",
        _id("org_id"),
        sa.Column("day", Day(), nullable=False),
        _id("store_id"),
        _id("staff_id"),
        sa.Column("part", sa.String(40), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "org_id", "day", "store_id", "staff_id", "part", name="pk_figure_day"
        ),
    )
    op.create_table(
        "figure_publication",
        _id("org_id"),
        sa.Column("month", sa.Integer(), nullable=False),
        sa.Column("published_at", Instant(), nullable=False),
        sa.Column("policy_version", sa.Integer(), nullable=False),
        sa.Column("body", JsonValue, nullable=False),
        sa.PrimaryKeyConstraint("org_id", "month", name="pk_figure_publication"),
    )
    for table, columns in (
        ("figure_customer", ["org_id", "store_id", "since_day"]),
        ("figure_month", ["org_id", "month"]),
        ("figure_case", ["org_id", "customer_id"]),
        ("figure_case", ["org_id", "opened_day"]),
        ("figure_case", ["org_id", "answered_day"]),
        ("figure_case", ["org_id", "resolved_day"]),
        ("figure_answer", ["org_id", "customer_id"]),
        ("figure_answer", ["org_id", "day"]),
    ):
        op.create_index(f"ix_{table}_{'_'.join(columns)}", table, columns)

"""Tiers: proposals, what they come from, how far the rules have looked, and visits by cadence."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from sync_server.db.sealing import Sealed
from sync_server.db.types import Instant, JsonValue

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_CUSTOMER: dict[str, Any] = {
    "lifecycle": sa.String(40),
    "area": sa.String(40),
    "forecast_12m_cents": sa.BigInteger(),
    "new_product_interest": sa.Boolean(),
    "gave_advice": sa.Boolean(),
    "referred_by_id": sa.String(36),
    "agent_id": sa.String(36),
}


def upgrade() -> None:
    for name, kind in _CUSTOMER.items():
        op.add_column("customer_row", sa.Column(name, kind))
    op.create_index(
        "ix_customer_row_org_id_referred_by_id", "customer_row", ["org_id", "referred_by_id"]
    )
    op.add_column("order_row", sa.Column("profit_cents", sa.BigInteger()))
    op.create_index(
        "ix_visit_row_org_id_owner_id_planned_at", "visit_row", ["org_id", "owner_id", "planned_at"]
    )
    op.add_column("visit_row", sa.Column("due_by", Instant()))
    op.add_column("visit_row", sa.Column("every_days", sa.BigInteger()))
    op.create_table(
        "tier_proposal_row",
        sa.Column("org_id", sa.String(36), nullable=False),
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("created_at", Instant()),
        sa.Column("created_by", sa.String(36)),
        sa.Column("updated_at", Instant()),
        sa.Column("updated_by", sa.String(36)),
        sa.Column("customer_id", sa.String(36)),
        sa.Column("axis", sa.String(40)),
        sa.Column("before", sa.Text()),
        sa.Column("after", sa.Text()),
        sa.Column("reasons", JsonValue),
        sa.Column("policy_version", sa.BigInteger()),
        sa.Column("by_hand", sa.Boolean()),
        sa.Column("proposed_at", Instant()),
        sa.Column("state", sa.String(40)),
        sa.Column("note", Sealed("tier_proposal_row.note")),
        sa.Column("seats", JsonValue),
        sa.Column("disputed_at", Instant()),
        sa.Column("disputed_by", sa.String(36)),
        sa.Column("decided_at", Instant()),
        sa.Column("decided_by", sa.String(36)),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("versions", JsonValue),
        sa.PrimaryKeyConstraint("org_id", "id", name="pk_tier_proposal_row"),
    )
    for columns in (["customer_id"], ["state", "proposed_at", "id"], ["state", "axis"]):
        name = "_".join(("ix_tier_proposal_row_org_id", *columns))
        op.create_index(name, "tier_proposal_row", ["org_id", *columns])
    op.create_table(
        "rule_run",
        sa.Column("org_id", sa.String(36), nullable=False),
        sa.Column("rule", sa.String(40), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("basis", sa.String(64), nullable=False),
        sa.Column("ran_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "rule", name="pk_rule_run"),
    )
    op.create_table(
        "tier_look",
        sa.Column("org_id", sa.String(36), nullable=False),
        sa.Column("customer_id", sa.String(36), nullable=False),
        sa.Column("look_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "customer_id", name="pk_tier_look"),
    )
    op.create_index("ix_tier_look_org_id_look_at", "tier_look", ["org_id", "look_at"])

"""The first schema: one typed table per entity."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync_server.db.sealing import Sealed
from sync_server.db.types import Day, Instant, JsonValue

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _record_table(name: str, *columns: sa.Column[object]) -> None:
    """A table with the columns that every record has around its own."""
    op.create_table(
        name,
        sa.Column("org_id", sa.String(36), nullable=False),
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("created_at", Instant()),
        sa.Column("created_by", sa.String(36)),
        sa.Column("updated_at", Instant()),
        sa.Column("updated_by", sa.String(36)),
        *columns,
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("versions", JsonValue),
        sa.PrimaryKeyConstraint("org_id", "id", name=f"pk_{name}"),
    )


def upgrade() -> None:
    _record_table(
        "assignment_row",
        sa.Column("staff_id", sa.String(36)),
        sa.Column("subject", sa.String(40)),
        sa.Column("subject_id", sa.Text()),
        sa.Column("customer_id", sa.String(36)),
        sa.Column("from_at", Instant()),
        sa.Column("until_at", Instant()),
        sa.Column("assigned_by", sa.String(36)),
        sa.Column("reason", sa.Text()),
    )
    op.create_index(
        "ix_assignment_row_org_id_customer_id", "assignment_row", ["org_id", "customer_id"]
    )
    op.create_index("ix_assignment_row_org_id_staff_id", "assignment_row", ["org_id", "staff_id"])
    op.create_index(
        "ix_assignment_row_org_id_subject_id", "assignment_row", ["org_id", "subject_id"]
    )
    _record_table(
        "grant_row",
        sa.Column("staff_id", sa.String(36)),
        sa.Column("bucket", sa.Text()),
        sa.Column("purpose", sa.String(40)),
        sa.Column("role", sa.String(40)),
        sa.Column("not_before", Instant()),
        sa.Column("expires_at", Instant()),
        sa.Column("granted_by", sa.String(36)),
        sa.Column("reason", sa.Text()),
        sa.Column("revoked_at", Instant()),
        sa.Column("revoked_because", sa.String(40)),
    )
    op.create_index("ix_grant_row_org_id_bucket", "grant_row", ["org_id", "bucket"])
    op.create_index("ix_grant_row_org_id_staff_id", "grant_row", ["org_id", "staff_id"])
    _record_table(
        "visit_row",
        sa.Column("customer_id", sa.String(36)),
        sa.Column("owner_id", sa.String(36)),
        sa.Column("contact_id", sa.String(36)),
        sa.Column("purpose", sa.String(40)),
        sa.Column("channel", sa.String(40)),
        sa.Column("state", sa.String(40)),
        sa.Column("planned_at", Instant()),
        sa.Column("minutes", sa.BigInteger()),
        sa.Column("started_at", Instant()),
        sa.Column("finished_at", Instant()),
        sa.Column("position", Sealed("visit_row.position", as_json=True)),
        sa.Column("no_position_because", sa.String(40)),
        sa.Column("answers", Sealed("visit_row.answers", as_json=True)),
        sa.Column("notes", Sealed("visit_row.notes")),
        sa.Column("needs_found", Sealed("visit_row.needs_found")),
        sa.Column("preferences_found", Sealed("visit_row.preferences_found")),
        sa.Column("satisfaction", sa.BigInteger()),
        sa.Column("photo_ids", JsonValue),
        sa.Column("next_step", Sealed("visit_row.next_step")),
        sa.Column("next_step_on", Day()),
        sa.Column("next_visit_id", sa.String(36)),
        sa.Column("previous_visit_id", sa.String(36)),
        sa.Column("cancelled_because", sa.Text()),
    )
    op.create_index("ix_visit_row_org_id_customer_id", "visit_row", ["org_id", "customer_id"])
    _record_table(
        "callback_row",
        sa.Column("customer_id", sa.String(36)),
        sa.Column("case_id", sa.String(36)),
        sa.Column("report_id", sa.String(36)),
        sa.Column("kind", sa.String(40)),
        sa.Column("state", sa.String(40)),
        sa.Column("due_at", Instant()),
        sa.Column("window_ends_at", Instant()),
        sa.Column("assignee_id", sa.String(36)),
        sa.Column("attempts", JsonValue),
        sa.Column("answers", Sealed("callback_row.answers", as_json=True)),
        sa.Column("outcome", sa.String(40)),
        sa.Column("satisfaction", sa.BigInteger()),
        sa.Column("notes", Sealed("callback_row.notes")),
        sa.Column("next_attempt_at", Instant()),
        sa.Column("finished_at", Instant()),
        sa.Column("reopened_case", sa.Boolean()),
    )
    op.create_index("ix_callback_row_org_id_case_id", "callback_row", ["org_id", "case_id"])
    op.create_index("ix_callback_row_org_id_customer_id", "callback_row", ["org_id", "customer_id"])
    _record_table(
        "case_row",
        sa.Column("number", sa.Text()),
        sa.Column("customer_id", sa.String(36)),
        sa.Column("contact_id", sa.String(36)),
        sa.Column("asset_id", sa.String(36)),
        sa.Column("store_id", sa.String(36)),
        sa.Column("kind", sa.String(40)),
        sa.Column("title", Sealed("case_row.title")),
        sa.Column("description", Sealed("case_row.description")),
        sa.Column("place", Sealed("case_row.place")),
        sa.Column("impact", Sealed("case_row.impact")),
        sa.Column("priority", sa.String(40)),
        sa.Column("category", sa.Text()),
        sa.Column("subcategory", sa.Text()),
        sa.Column("channel", sa.String(40)),
        sa.Column("state", sa.String(40)),
        sa.Column("waiting_for", sa.String(40)),
        sa.Column("assignee_id", sa.String(36)),
        sa.Column("opened_at", Instant()),
        sa.Column("appointment_at", Instant()),
        sa.Column("responded_at", Instant()),
        sa.Column("resolved_at", Instant()),
        sa.Column("closed_at", Instant()),
        sa.Column("reopened", sa.BigInteger()),
        sa.Column("photo_ids", JsonValue),
        sa.Column("origin_ref", sa.Text()),
    )
    op.create_index("ix_case_row_org_id_customer_id", "case_row", ["org_id", "customer_id"])
    _record_table(
        "case_event_row",
        sa.Column("case_id", sa.String(36)),
        sa.Column("customer_id", sa.String(36)),
        sa.Column("kind", sa.String(40)),
        sa.Column("happened_at", Instant()),
        sa.Column("from_state", sa.String(40)),
        sa.Column("to_state", sa.String(40)),
        sa.Column("waiting_for", sa.String(40)),
        sa.Column("staff_id", sa.String(36)),
        sa.Column("note", Sealed("case_event_row.note")),
    )
    op.create_index("ix_case_event_row_org_id_case_id", "case_event_row", ["org_id", "case_id"])
    op.create_index(
        "ix_case_event_row_org_id_customer_id", "case_event_row", ["org_id", "customer_id"]
    )
    _record_table(
        "policy_row",
        sa.Column("version", sa.BigInteger()),
        sa.Column("holds_from", Instant()),
        sa.Column("settings", JsonValue),
    )

    _record_table(
        "reference_row",
        sa.Column("catalogue", sa.String(40)),
        sa.Column("key", sa.Text()),
        sa.Column("order", sa.BigInteger()),
        sa.Column("data", JsonValue),
    )

    _record_table(
        "customer_row",
        sa.Column("name", Sealed("customer_row.name")),
        sa.Column("company", Sealed("customer_row.company")),
        sa.Column("kind", sa.String(40)),
        sa.Column("stage", sa.String(40)),
        sa.Column("phone", Sealed("customer_row.phone")),
        sa.Column("email", Sealed("customer_row.email")),
        sa.Column("address", Sealed("customer_row.address")),
        sa.Column("city", sa.Text()),
        sa.Column("industry", sa.Text()),
        sa.Column("size", sa.String(40)),
        sa.Column("source", sa.Text()),
        sa.Column("decision_chain", Sealed("customer_row.decision_chain")),
        sa.Column("gender", Sealed("customer_row.gender", as_json=True)),
        sa.Column("birthday", Sealed("customer_row.birthday", as_json=True)),
        sa.Column("needs", Sealed("customer_row.needs")),
        sa.Column("need_kind", sa.String(40)),
        sa.Column("contact_preference", sa.String(40)),
        sa.Column("service_preferences", Sealed("customer_row.service_preferences")),
        sa.Column("profile", Sealed("customer_row.profile")),
        sa.Column("churn_signals", Sealed("customer_row.churn_signals")),
        sa.Column("loyalty", sa.String(40)),
        sa.Column("tier", sa.String(40)),
        sa.Column("vip", sa.Boolean()),
        sa.Column("contact_verified_at", Instant()),
        sa.Column("needs_reviewed_at", Instant()),
        sa.Column("store_id", sa.String(36)),
        sa.Column("owner_id", sa.String(36)),
        sa.Column("spend_12m_cents", sa.BigInteger()),
        sa.Column("orders_12m", sa.BigInteger()),
        sa.Column("currency", sa.Text()),
        sa.Column("origin_ref", sa.Text()),
        sa.Column("phone_hash", sa.String(64)),
    )
    op.create_index("ix_customer_row_org_id_phone_hash", "customer_row", ["org_id", "phone_hash"])
    _record_table(
        "contact_row",
        sa.Column("customer_id", sa.String(36)),
        sa.Column("name", Sealed("contact_row.name")),
        sa.Column("position", sa.Text()),
        sa.Column("phone", Sealed("contact_row.phone")),
        sa.Column("email", Sealed("contact_row.email")),
        sa.Column("preferred_channel", sa.String(40)),
        sa.Column("decides", sa.Boolean()),
        sa.Column("primary", sa.Boolean()),
        sa.Column("note", Sealed("contact_row.note")),
        sa.Column("verified_at", Instant()),
        sa.Column("phone_hash", sa.String(64)),
    )
    op.create_index("ix_contact_row_org_id_customer_id", "contact_row", ["org_id", "customer_id"])
    op.create_index("ix_contact_row_org_id_phone_hash", "contact_row", ["org_id", "phone_hash"])
    _record_table(
        "file_row",
        sa.Column("customer_id", sa.String(36)),
        sa.Column("case_id", sa.String(36)),
        sa.Column("visit_id", sa.String(36)),
        sa.Column("report_id", sa.String(36)),
        sa.Column("sha256", sa.Text()),
        sa.Column("bytes", sa.BigInteger()),
        sa.Column("media_type", sa.Text()),
        sa.Column("purpose", sa.String(40)),
        sa.Column("width", sa.BigInteger()),
        sa.Column("height", sa.BigInteger()),
        sa.Column("taken_at", Instant()),
        sa.Column("verified_at", Instant()),
    )
    op.create_index("ix_file_row_org_id_case_id", "file_row", ["org_id", "case_id"])
    op.create_index("ix_file_row_org_id_customer_id", "file_row", ["org_id", "customer_id"])
    _record_table(
        "look_row",
        sa.Column("customer_id", sa.String(36)),
        sa.Column("entity", sa.Text()),
        sa.Column("record_id", sa.Text()),
        sa.Column("what", sa.String(40)),
        sa.Column("looked_at", Instant()),
        sa.Column("number", sa.BigInteger()),
        sa.Column("previous", sa.Text()),
    )
    op.create_index("ix_look_row_org_id_customer_id", "look_row", ["org_id", "customer_id"])
    _record_table(
        "conflict_row",
        sa.Column("customer_id", sa.String(36)),
        sa.Column("case_id", sa.String(36)),
        sa.Column("entity", sa.Text()),
        sa.Column("record_id", sa.Text()),
        sa.Column("field", sa.Text()),
        sa.Column("kept_value", Sealed("conflict_row.kept_value", as_json=True)),
        sa.Column("kept_by", sa.String(36)),
        sa.Column("kept_at", Instant()),
        sa.Column("other_value", Sealed("conflict_row.other_value", as_json=True)),
        sa.Column("other_by", sa.String(36)),
        sa.Column("other_at", Instant()),
        sa.Column("change_id", sa.Text()),
        sa.Column("late", sa.Boolean()),
        sa.Column("found_at", Instant()),
        sa.Column("resolution", sa.String(40)),
        sa.Column("edited_value", Sealed("conflict_row.edited_value")),
    )
    op.create_index("ix_conflict_row_org_id_case_id", "conflict_row", ["org_id", "case_id"])
    op.create_index("ix_conflict_row_org_id_customer_id", "conflict_row", ["org_id", "customer_id"])
    op.create_index("ix_conflict_row_org_id_record_id", "conflict_row", ["org_id", "record_id"])
    _record_table(
        "organisation_row",
        sa.Column("name", sa.Text()),
        sa.Column("timezone", sa.Text()),
        sa.Column("currency", sa.Text()),
        sa.Column("origin", sa.Text()),
    )

    _record_table(
        "store_row",
        sa.Column("name", sa.Text()),
        sa.Column("region", sa.Text()),
        sa.Column("address", sa.Text()),
    )

    _record_table(
        "staff_row",
        sa.Column("name", sa.Text()),
        sa.Column("role", sa.String(40)),
        sa.Column("store_id", sa.String(36)),
        sa.Column("active", sa.Boolean()),
        sa.Column("team", sa.Text()),
    )

    _record_table(
        "order_row",
        sa.Column("customer_id", sa.String(36)),
        sa.Column("number", sa.Text()),
        sa.Column("ordered_at", Instant()),
        sa.Column("state", sa.String(40)),
        sa.Column("total_cents", sa.BigInteger()),
        sa.Column("currency", sa.Text()),
        sa.Column("lines", sa.BigInteger()),
    )
    op.create_index("ix_order_row_org_id_customer_id", "order_row", ["org_id", "customer_id"])
    _record_table(
        "order_line_row",
        sa.Column("customer_id", sa.String(36)),
        sa.Column("order_id", sa.String(36)),
        sa.Column("code", sa.Text()),
        sa.Column("description", sa.Text()),
        sa.Column("quantity", sa.BigInteger()),
        sa.Column("unit_price_cents", sa.BigInteger()),
        sa.Column("currency", sa.Text()),
    )
    op.create_index(
        "ix_order_line_row_org_id_customer_id", "order_line_row", ["org_id", "customer_id"]
    )
    _record_table(
        "asset_row",
        sa.Column("customer_id", sa.String(36)),
        sa.Column("product", sa.Text()),
        sa.Column("model", sa.Text()),
        sa.Column("serial", sa.Text()),
        sa.Column("bought_at", Day()),
        sa.Column("price_cents", sa.BigInteger()),
        sa.Column("currency", sa.Text()),
        sa.Column("warranty_until", Day()),
        sa.Column("location", sa.Text()),
    )
    op.create_index("ix_asset_row_org_id_customer_id", "asset_row", ["org_id", "customer_id"])
    _record_table(
        "report_row",
        sa.Column("case_id", sa.String(36)),
        sa.Column("customer_id", sa.String(36)),
        sa.Column("asset_id", sa.String(36)),
        sa.Column("author_id", sa.String(36)),
        sa.Column("amends_id", sa.String(36)),
        sa.Column("language", sa.String(40)),
        sa.Column("arrived_at", Instant()),
        sa.Column("finished_at", Instant()),
        sa.Column("cause", Sealed("report_row.cause")),
        sa.Column("cause_code", sa.Text()),
        sa.Column("method", Sealed("report_row.method")),
        sa.Column("checklist", JsonValue),
        sa.Column("parts", JsonValue),
        sa.Column("photos_before", JsonValue),
        sa.Column("photos_after", JsonValue),
        sa.Column("training_given", sa.Boolean()),
        sa.Column("training_note", Sealed("report_row.training_note")),
        sa.Column("operation_confirmed", sa.Boolean()),
        sa.Column("remarks", Sealed("report_row.remarks")),
        sa.Column("signature", Sealed("report_row.signature", as_json=True)),
        sa.Column("complete", sa.Boolean()),
    )
    op.create_index("ix_report_row_org_id_case_id", "report_row", ["org_id", "case_id"])
    op.create_index("ix_report_row_org_id_customer_id", "report_row", ["org_id", "customer_id"])

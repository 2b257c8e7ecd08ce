"""What people type lies sealed in the server's database, column by column, or stands here with why
it doesn't."""

from __future__ import annotations

from sqlalchemy import JSON, Column, LargeBinary, String

import sync_server.db.migrate  # noqa: F401 (declares every table)
from sync_server.db.base import METADATA
from sync_server.db.sealing import Sealed

SHORT = 64
"""What holds no more characters than this is an id, a code or a hash."""
IN_PLAIN = {
    "ids, keys and codes, and the program's own words and numbers": """
        access_request_row.subject_id assignment_row.subject_id audit_entry.details
        audit_entry.subject_id backup_drill.backup backup_drill.problems bucket_head.bucket
        case_row.photo_ids change_log.digest change_log.outcome churn_model.model
        churn_score_row.reasons churn_score_row.signs conflict_row.change_id conflict_row.entity
        conflict_row.field conflict_row.record_id consent_row.text_hash consent_row.text_key
        device_grant.bucket erasure.counts feed.bucket figure_publication.body
        figure_sheet_row.body file_row.media_type file_row.sha256 grant_row.bucket look_row.chain_id
        look_row.entity look_row.previous look_row.record_id look_row.signature
        organisation_row.currency organisation_row.timezone receipt.payload receipt.signature
        report_row.photos_after report_row.photos_before retention_plan_row.reasons
        retention_plan_row.signs tier_proposal_row.after tier_proposal_row.before
        tier_proposal_row.reasons tier_proposal_row.seats training.attended visit_row.photo_ids
    """,
    "rules, catalogues and questions, which the company writes for everybody": """
        policy_row.settings reference_row.data reference_row.key survey_row.questions
        survey_row.title_en survey_row.title_zh
    """,
    "words of the company's catalogues, by which is counted": """
        case_row.category case_row.subcategory customer_row.city customer_row.industry
        customer_row.source feedback_row.department feedback_row.topic report_row.cause_code
        contact_row.position
    """,
    "how the company, its people and its places are called: lists are in their order": """
        account.username organisation_row.name organisation_row.origin staff_row.name
        staff_row.team store_row.address store_row.name store_row.region
    """,
    "things and their numbers, as business systems have them": """
        asset_row.currency asset_row.model asset_row.package asset_row.product asset_row.serial
        case_row.number case_row.origin_ref customer_row.currency customer_row.origin_ref
        order_line_row.code order_line_row.currency order_line_row.description order_row.currency
        order_row.number report_row.parts
    """,
    "an outside agency and what it looked at, as printed on its report": """
        evaluation.agency evaluation.subject
    """,
    "a hash of a password; a device's make; who somebody is to another sign-in, to be found by": """
        account.password device.name identity_link.issuer identity_link.value
    """,
    "empty since the first start of a server after 2026-11-22 (`services.old_requests`)": """
        detail_request.reason
    """,
}
WRITTEN_BY_THE_SERVER = "versions"
"""A record's column of who wrote which field when (`db.records`)."""


def test_whatever_people_type_is_sealed_or_stands_here_with_a_reason() -> None:
    found = {
        f"{table.name}.{column.name}"
        for table in METADATA.sorted_tables
        for column in table.columns
        if column.name != WRITTEN_BY_THE_SERVER and _may_hold_words(column)
    }
    listed = [name for names in IN_PLAIN.values() for name in names.split()]
    assert found - set(listed) == set(), "make these `Sealed`"
    assert sorted(listed) == sorted(found), "these are sealed, gone or named twice"


def test_a_sealed_value_is_bound_to_the_column_it_stands_in() -> None:
    for table in METADATA.sorted_tables:
        for column in table.columns:
            if isinstance(column.type, Sealed):
                assert column.type.context == f"{table.name}.{column.name}"


def _may_hold_words(column: Column[object]) -> bool:
    kind = column.type
    if isinstance(kind, String):
        return kind.length is None or kind.length > SHORT
    return isinstance(kind, (JSON, LargeBinary))

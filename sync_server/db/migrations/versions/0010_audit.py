"""The server's audit log, and the triggers that let nobody edit it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync_server.db.types import Instant

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_REFUSED = "the audit log is only ever added to"

_SQLITE = (
    f"""CREATE TRIGGER audit_entry_stays BEFORE UPDATE ON audit_entry
    BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END""",
    f"""CREATE TRIGGER audit_entry_kept BEFORE DELETE ON audit_entry
    WHEN NOT EXISTS (SELECT 1 FROM audit_part p WHERE p.org_id = OLD.org_id
        AND OLD.number BETWEEN p.first AND p.last)
    BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END""",
    # INSERT OR REPLACE would delete without asking the trigger above.
    f"""CREATE TRIGGER audit_entry_once BEFORE INSERT ON audit_entry
    WHEN EXISTS (SELECT 1 FROM audit_entry e WHERE e.org_id = NEW.org_id
        AND e.number = NEW.number)
    BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END""",
    f"""CREATE TRIGGER audit_part_stays BEFORE UPDATE ON audit_part
    BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END""",
    f"""CREATE TRIGGER audit_part_kept BEFORE DELETE ON audit_part
    BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END""",
    f"""CREATE TRIGGER audit_part_once BEFORE INSERT ON audit_part
    WHEN EXISTS (SELECT 1 FROM audit_part p WHERE p.org_id = NEW.org_id AND p.first = NEW.first)
    BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END""",
)

_POSTGRES = (
    f"""CREATE FUNCTION audit_refuses() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION '{_REFUSED}'; END $$""",
    f"""CREATE FUNCTION audit_lets_go() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF EXISTS (SELECT 1 FROM audit_part p WHERE p.org_id = OLD.org_id
            AND OLD.number BETWEEN p.first AND p.last) THEN RETURN OLD; END IF;
        RAISE EXCEPTION '{_REFUSED}';
    END $$""",
    """CREATE TRIGGER audit_entry_stays BEFORE UPDATE ON audit_entry
    FOR EACH ROW EXECUTE FUNCTION audit_refuses()""",
    """CREATE TRIGGER audit_entry_kept BEFORE DELETE ON audit_entry
    FOR EACH ROW EXECUTE FUNCTION audit_lets_go()""",
    """CREATE TRIGGER audit_entry_whole BEFORE TRUNCATE ON audit_entry
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuses()""",
    """CREATE TRIGGER audit_part_stays BEFORE UPDATE OR DELETE ON audit_part
    FOR EACH ROW EXECUTE FUNCTION audit_refuses()""",
    """CREATE TRIGGER audit_part_whole BEFORE TRUNCATE ON audit_part
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuses()""",
)


def upgrade() -> None:
    op.create_table(
        "audit_entry",
        sa.Column("org_id", sa.String(36), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("action", sa.String(40), nullable=False),
        sa.Column("result", sa.String(40), nullable=False),
        sa.Column("actor_id", sa.String(36)),
        sa.Column("via", sa.String(10), nullable=False),
        sa.Column("device_id", sa.String(64)),
        sa.Column("address", sa.String(64)),
        sa.Column("subject", sa.String(40)),
        sa.Column("subject_id", sa.String(80)),
        sa.Column("customer_id", sa.String(36)),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("format", sa.Integer(), nullable=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "number", name="pk_audit_entry"),
    )
    op.create_index("ix_audit_entry_org_id_at", "audit_entry", ["org_id", "at"])
    for column in ("actor_id", "action", "customer_id"):
        name = f"ix_audit_entry_org_id_{column}_at"
        op.create_index(name, "audit_entry", ["org_id", column, "at"])
    op.create_table(
        "audit_part",
        sa.Column("org_id", sa.String(36), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("first_at", Instant(), nullable=False),
        sa.Column("last_at", Instant(), nullable=False),
        sa.Column("last_hash", sa.String(64), nullable=False),
        sa.Column("closed_at", Instant(), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "first", name="pk_audit_part"),
    )
    guards = _POSTGRES if op.get_bind().dialect.name == "postgresql" else _SQLITE
    for guard in guards:
        op.execute(guard)

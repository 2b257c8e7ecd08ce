"""What lies in the vault: its tables by version, the view that screens read, and the index
columns of a row.

`server_row` is what the server sent, word for word; `pending_row` is the same record with
unsettled changes laid over it. Both are kept per bucket, so that the end of one grant hides
exactly what it covered, and both carry the index columns that follow from the entity's
declaration. Drafts and the outbox are never migrated away (L1).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import apsw

from mobile.store.vault import transaction
from shared.access import case_of, customer_of
from shared.declare import Entity
from shared.errors import Code, Refusal

MIGRATIONS: tuple[str, ...] = (
    # 1 (2026-11): first version.
    """
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

    CREATE TABLE bucket (
        no INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        rank INTEGER NOT NULL,  -- of several buckets that hold a record, the lowest shows it
        complete INTEGER NOT NULL DEFAULT 0,
        round INTEGER NOT NULL DEFAULT 1,  -- of fetching: rows of an older one go at its end
        after TEXT  -- JSON: where the fetch goes on
    );
    CREATE TABLE held_grant (
        id TEXT PRIMARY KEY,
        bucket INTEGER NOT NULL,
        purpose TEXT NOT NULL,
        role TEXT NOT NULL,
        not_before TEXT NOT NULL,
        expires_at TEXT,
        listed INTEGER NOT NULL DEFAULT 1  -- 0: the last full lease does not name it
    ) WITHOUT ROWID;
    CREATE INDEX held_grant_bucket ON held_grant (bucket);

    CREATE TABLE server_row (
        entity TEXT NOT NULL, id TEXT NOT NULL, bucket INTEGER NOT NULL, seq INTEGER NOT NULL,
        customer_id TEXT, case_id TEXT, at TEXT, state TEXT,
        digest INTEGER NOT NULL, round INTEGER NOT NULL, body TEXT NOT NULL
    );
    CREATE UNIQUE INDEX server_row_record ON server_row (entity, id, bucket);
    CREATE INDEX server_row_bucket ON server_row (bucket, digest);
    CREATE INDEX server_row_customer ON server_row (customer_id, entity, at)
        WHERE customer_id IS NOT NULL;
    CREATE INDEX server_row_case ON server_row (case_id, entity, at) WHERE case_id IS NOT NULL;
    CREATE INDEX server_row_state ON server_row (entity, state, at) WHERE state IS NOT NULL;

    CREATE TABLE pending_row (
        entity TEXT NOT NULL, id TEXT NOT NULL, bucket INTEGER NOT NULL, seq INTEGER NOT NULL,
        customer_id TEXT, case_id TEXT, at TEXT, state TEXT,
        body TEXT NOT NULL
    );
    CREATE UNIQUE INDEX pending_row_record ON pending_row (entity, id, bucket);
    CREATE INDEX pending_row_customer ON pending_row (customer_id, entity, at)
        WHERE customer_id IS NOT NULL;
    CREATE INDEX pending_row_case ON pending_row (case_id, entity, at) WHERE case_id IS NOT NULL;
    CREATE INDEX pending_row_state ON pending_row (entity, state, at) WHERE state IS NOT NULL;

    CREATE TABLE outbox (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        change_id TEXT NOT NULL UNIQUE,
        entity TEXT NOT NULL, record_id TEXT NOT NULL,
        bucket TEXT NOT NULL,  -- its name: the bucket itself may be gone when the change is sent
        change TEXT NOT NULL,  -- the wire's JSON, as it was authored and as it is sent
        made_at TEXT NOT NULL,
        verdict TEXT, code TEXT, field TEXT, conflicts TEXT, seq INTEGER NOT NULL DEFAULT 0,
        held_by TEXT,  -- code of the last answer that settled nothing
        sealed INTEGER NOT NULL DEFAULT 0,
        dismissed INTEGER NOT NULL DEFAULT 0
    );
    CREATE INDEX outbox_record ON outbox (entity, record_id, number);
    CREATE INDEX outbox_unsettled ON outbox (number) WHERE verdict IS NULL;
    CREATE INDEX outbox_unsealed ON outbox (number) WHERE sealed = 0;
    CREATE INDEX outbox_settled ON outbox (seq) WHERE verdict IS NOT NULL;

    CREATE TABLE blob (
        sha256 TEXT PRIMARY KEY,
        file_id TEXT NOT NULL,
        bytes INTEGER NOT NULL,
        media_type TEXT NOT NULL,
        sent INTEGER NOT NULL DEFAULT 0,  -- bytes that the server has
        upload TEXT,  -- address of the begun upload
        verified INTEGER NOT NULL DEFAULT 0,
        held_by TEXT
    ) WITHOUT ROWID;
    CREATE INDEX blob_unverified ON blob (file_id) WHERE verified = 0;
    CREATE TABLE blob_part (
        sha256 TEXT NOT NULL, no INTEGER NOT NULL, data BLOB NOT NULL, PRIMARY KEY (sha256, no)
    );

    CREATE TABLE draft (
        key TEXT PRIMARY KEY, body TEXT NOT NULL, saved_at TEXT NOT NULL,
        entity TEXT, record_id TEXT  -- what it is about: hidden when that is
    ) WITHOUT ROWID;

    CREATE TABLE finding (
        entity TEXT NOT NULL, id TEXT NOT NULL, bucket INTEGER NOT NULL, pending INTEGER NOT NULL,
        text TEXT NOT NULL,
        PRIMARY KEY (entity, id, bucket, pending)
    ) WITHOUT ROWID;
    CREATE INDEX finding_bucket ON finding (bucket);
    """,
)

WATCH = """
    CREATE TEMP TRIGGER IF NOT EXISTS row_came AFTER INSERT ON main.server_row
        BEGIN DELETE FROM bucket_sum WHERE no = new.bucket; END;
    CREATE TEMP TRIGGER IF NOT EXISTS row_went AFTER DELETE ON main.server_row
        BEGIN DELETE FROM bucket_sum WHERE no = old.bucket; END;
    CREATE TEMP TRIGGER IF NOT EXISTS row_changed AFTER UPDATE ON main.server_row
        BEGIN DELETE FROM bucket_sum WHERE no IN (old.bucket, new.bucket); END;
"""
UNWATCH = "".join(
    f"DROP TRIGGER IF EXISTS temp.{name};" for name in ("row_came", "row_went", "row_changed")
)
"""What a bucket's rows came to is forgotten with whatever touches one of them."""

SESSION = """
    CREATE TEMP TABLE IF NOT EXISTS open_bucket (no INTEGER PRIMARY KEY, rank INTEGER NOT NULL);

    CREATE TEMP TABLE IF NOT EXISTS bucket_sum (
        no INTEGER PRIMARY KEY, rows INTEGER NOT NULL, digest INTEGER NOT NULL);
    CREATE TEMP TABLE IF NOT EXISTS whole_sum (rows INTEGER NOT NULL, digest INTEGER NOT NULL);
    CREATE TEMP TRIGGER IF NOT EXISTS sum_went AFTER DELETE ON bucket_sum
        BEGIN DELETE FROM whole_sum; END;
    CREATE TEMP TRIGGER IF NOT EXISTS bucket_went AFTER DELETE ON main.bucket
        BEGIN DELETE FROM whole_sum; END;
    CREATE TEMP TRIGGER IF NOT EXISTS bucket_changed AFTER UPDATE OF complete ON main.bucket
        BEGIN DELETE FROM whole_sum; END;
    CREATE TEMP TRIGGER IF NOT EXISTS grant_came AFTER INSERT ON main.held_grant
        BEGIN DELETE FROM whole_sum; END;
    CREATE TEMP TRIGGER IF NOT EXISTS grant_went AFTER DELETE ON main.held_grant
        BEGIN DELETE FROM whole_sum; END;
    CREATE TEMP TRIGGER IF NOT EXISTS grant_changed
        AFTER UPDATE OF bucket, listed ON main.held_grant
        BEGIN DELETE FROM whole_sum; END;

    CREATE TEMP VIEW IF NOT EXISTS shown_row AS
    SELECT p.entity, p.id, p.bucket, p.seq, p.customer_id, p.case_id, p.at, p.state, p.body,
           1 AS pending
    FROM pending_row p CROSS JOIN temp.open_bucket o ON o.no = p.bucket
    WHERE NOT EXISTS (
        SELECT 1 FROM pending_row w CROSS JOIN temp.open_bucket wo ON wo.no = w.bucket
        WHERE w.entity = p.entity AND w.id = p.id AND (wo.rank, wo.no) < (o.rank, o.no))
    UNION ALL
    SELECT s.entity, s.id, s.bucket, s.seq, s.customer_id, s.case_id, s.at, s.state, s.body, 0
    FROM server_row s CROSS JOIN temp.open_bucket o ON o.no = s.bucket
    WHERE NOT EXISTS (
        SELECT 1 FROM pending_row p CROSS JOIN temp.open_bucket po ON po.no = p.bucket
        WHERE p.entity = s.entity AND p.id = s.id)
    AND NOT EXISTS (
        SELECT 1 FROM server_row w CROSS JOIN temp.open_bucket wo ON wo.no = w.bucket
        WHERE w.entity = s.entity AND w.id = s.id AND (wo.rank, wo.no) < (o.rank, o.no));
"""
"""What lasts as long as the connection: which buckets are open now (`gate`); what the rows of a
bucket, and of all that count, came to when they were last counted, forgotten with whatever touches
one of them or says which count (`Inbound.checksum`); and the one view that screens read through:
pending over server, and of a record's several buckets the widest open one."""


def prepare(db: apsw.Connection) -> None:
    """Bring the vault to this version. Harmless twice; one transaction per version.

    Refuses `vault_newer` where a newer app has written: nothing is touched then.
    """
    version = int(db.execute("PRAGMA user_version").get)
    if version > len(MIGRATIONS):
        raise Refusal(Code.VAULT_NEWER, version=version)
    for number in range(version, len(MIGRATIONS)):
        with transaction(db):
            db.execute(MIGRATIONS[number])
            db.execute(f"PRAGMA user_version={number + 1}")
    db.execute("PRAGMA temp_store=memory")
    db.execute(SESSION)
    db.execute(WATCH)


class IndexColumns(NamedTuple):
    """By what a row is found without reading its body."""

    customer_id: str | None
    case_id: str | None
    at: str | None
    state: str | None


def index_columns(entity: Entity, row: Mapping[str, Any]) -> IndexColumns:
    """The index columns of a row, as its entity declares them. `at` falls back to when it was
    made."""
    return IndexColumns(
        customer_of(entity, row),
        case_of(entity, row),
        row.get(entity.at) or row.get("created_at"),
        row.get("state") if "state" in entity.fields else None,
    )


RANKS = {"customer": 0, "store": 1, "user": 2, "ref": 3, "case": 4, "agg": 5}
"""Kinds of bucket, the widest first: what a case's bucket shows is a narrowed customer."""

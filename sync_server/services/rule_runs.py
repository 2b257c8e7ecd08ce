"""What the rules that the server runs by night have in common: when the last run was, who has moved
since, and what is remembered for the next (`RULE_RUN`)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from shared.access import parse_bucket
from shared.clock import from_wire, to_wire
from shared.policy import SETTINGS, PolicySettings
from sync_server.db.base import Database
from sync_server.db.log import BUCKET_HEAD
from sync_server.db.putting import replace_rows
from sync_server.db.rules import RULE_RUN
from sync_server.services import leaps
from sync_server.services.calendars import zone_of
from sync_server.services.vitals import organisations

NIGHT = 1
"""The local hour from which a day's run is due."""


def last_run(connection: Connection, org_id: str, rule: str) -> Row[Any] | None:
    """The rule's last run, None before the first."""
    return connection.execute(
        select(RULE_RUN).where(RULE_RUN.c.org_id == org_id, RULE_RUN.c.rule == rule)
    ).first()


def due(db: Database, rule: str, now: datetime) -> list[str]:
    """Organisations in which the rule has not run since their night began. A run of a later time
    than now was one of a clock that was ahead: it counts as none."""
    found = []
    with db.read() as connection:
        for org_id in organisations(connection):
            local = now.astimezone(zone_of(connection, org_id))
            night = local.replace(hour=NIGHT, minute=0, second=0, microsecond=0)
            last = last_run(connection, org_id, rule)
            done = last is not None and night <= from_wire(last.ran_at) <= now
            if local >= night and not done:
                found.append(org_id)
    return [org_id for org_id in found if leaps.may_act(db, org_id, now)]


def moved_since(connection: Connection, org_id: str, seq: int) -> set[str]:
    """Ids of the customers of whom anything was written after `seq`."""
    heads = select(BUCKET_HEAD.c.bucket).where(
        BUCKET_HEAD.c.org_id == org_id, BUCKET_HEAD.c.max_seq > seq
    )
    buckets = (parse_bucket(bucket) for bucket in connection.scalars(heads))
    return {bucket.key for bucket in buckets if bucket.kind == "customer"}


def basis_of(policy: PolicySettings, groups: Iterable[str], *also: str) -> str:
    """Stands for the numbers that a rule goes by: those of these groups, and what else."""
    wanted = set(groups)
    names = sorted(name for name, setting in SETTINGS.items() if setting.group in wanted)
    told = json.dumps([[(name, getattr(policy, name)) for name in names], also])
    return hashlib.sha256(told.encode()).hexdigest()


def remember(
    connection: Connection, org_id: str, rule: str, seq: int, basis: str, now: datetime
) -> None:
    """Puts a run on record, in place of the one before."""
    row = {"org_id": org_id, "rule": rule, "seq": seq, "basis": basis, "ran_at": to_wire(now)}
    replace_rows(connection, RULE_RUN, [row])


__all__ = ["basis_of", "due", "last_run", "moved_since", "remember"]

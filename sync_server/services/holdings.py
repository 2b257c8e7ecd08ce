"""What a caller holds at this moment, against what their device says it holds: buckets to fetch,
grants to drop, and the lease that says so (design §4)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, select

from shared.clock import to_wire
from shared.policy import PolicySettings
from shared.wire import Drop, Lease, SignedLease
from sync_server.db.records import RECORDS
from sync_server.services.caller import Caller
from sync_server.services.grants import end_of
from sync_server.services.leases import lease_end
from sync_server.services.reading import Reading

Sign = Callable[[Lease], SignedLease]
"""Signs a lease with the server's key; handed in by whoever holds it."""

_IN = 5000


@dataclass(frozen=True, slots=True)
class Holdings:
    """What the caller may read, compared with the device's list if it sent one (`listed`)."""

    reading: Reading
    fetch: list[str] = field(default_factory=list)
    drops: list[Drop] = field(default_factory=list)
    listed: bool = False


def holdings(
    connection: Connection,
    caller: Caller,
    live: Reading,
    known: Sequence[str] | None,
    *,
    anew: bool = False,
) -> Holdings:
    """`known` are ids of the grants that the device says it holds; None: it sent no list.

    A bucket is fetched whole when no grant that the device knows covers it; with `anew` all are.
    A grant is dropped when the server knows that it ended; one that the server never heard of is
    not: a restored server may have lost it, and the lease names what may be read anyway.
    """
    if known is None:
        return Holdings(live)
    have = set(known)
    covered = set() if anew else {g.bucket for g in live.grants if g.id in have}
    fetch = [bucket for bucket in live.buckets if bucket not in covered]
    ended = sorted(have - {g.id for g in live.grants})
    return Holdings(live, fetch, _drops(connection, caller, ended), listed=True)


def _drops(connection: Connection, caller: Caller, ended: Sequence[str]) -> list[Drop]:
    grant = RECORDS["grant"].c
    drops = []
    for start in range(0, len(ended), _IN):
        rows = connection.execute(
            select(
                grant.id,
                grant.bucket,
                grant.expires_at,
                grant.revoked_at,
                grant.revoked_because,
            ).where(
                grant.org_id == caller.org_id,
                grant.staff_id == caller.staff_id,
                grant.id.in_(ended[start : start + _IN]),
            )
        )
        for row in rows:
            end = end_of(dict(row._mapping))
            if end is not None or not caller.active:
                reason = end.reason if end else "security"
                drops.append(Drop(grant_id=row.id, bucket=row.bucket, reason=reason))
    return drops


def lease_for(
    caller: Caller,
    held: Holdings,
    epoch: str,
    policy: PolicySettings,
    now: datetime,
    *,
    whole: bool,
) -> Lease:
    """The lease to sign. `whole` names the grants one by one; otherwise the device's own list
    holds on."""
    return Lease(
        organisation_id=caller.org_id,
        device_id=caller.device_id,
        staff_id=caller.staff_id,
        role=caller.role.value,
        epoch=epoch,
        issued_at=to_wire(now),
        ends_at=to_wire(lease_end(policy, now)),
        grants_digest=held.reading.digest,
        grants=held.reading.grants if whole else None,
        drops=held.drops,
        active=caller.active,
        wipe=caller.wipe,
    )

"""The rules' part in the tiers: nightly and on demand they look at whoever may have moved, and
propose (S1 #50). A panel decides (`tier_panel`).

Looked at are customers of whom anything came since the last run (the heads of their buckets say
so), those whose time has come (`TIER_LOOK`), and everybody once the rules' own numbers changed.
Nobody's write waits: who may have moved is found by reading alone, and only those are written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection, and_, delete, or_, select

from shared.clock import from_wire, to_wire
from shared.codec import write as as_row
from shared.ids import derived_id
from shared.policy import HeldPolicy, Policies, PolicySettings
from shared.states import OPEN_PROPOSAL_STATES
from shared.tiers import Finding, findings, next_look, proposed
from sync_server.db.among import among
from sync_server.db.base import Database
from sync_server.db.putting import replace_rows
from sync_server.db.records import RECORDS
from sync_server.db.rules import TIER_LOOK
from sync_server.services import rule_runs, tier_facts
from sync_server.services.accounts import policies_of
from sync_server.services.epochs import org_state
from sync_server.services.tier_facts import PAGE, Standing
from sync_server.services.writing import Unit, write

_PROPOSAL = RECORDS["tier_proposal"].c
_PART = 400
"""Customers written in one transaction."""
_RULE = "tiers"
_GROUPS = ("tiers", "loyalty", "vip")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a run did: customers looked at, proposals made and withdrawn, customers whose own
    figures of the year were brought up to date."""

    looked: int = 0
    proposed: int = 0
    withdrawn: int = 0
    updated: int = 0

    def __add__(self, other: Run) -> Run:
        return Run(**{n: v + getattr(other, n) for n, v in asdict(self).items()})


def propose_due(db: Database, now: datetime) -> Run:
    """`propose` in every organisation whose night it is. Harmless at any time."""
    return sum((propose(db, org_id, now) for org_id in rule_runs.due(db, _RULE, now)), Run())


def propose(db: Database, org_id: str, now: datetime, *, all_customers: bool = False) -> Run:
    """Looks at whoever may have moved (or at everybody), proposes and withdraws. Twice is once."""
    with db.read() as connection:
        held = Policies(policies_of(connection, org_id)).at(now)
        policy = held.settings
        mark = org_state(connection, org_id).last_seq
        basis = rule_runs.basis_of(policy, _GROUPS)
        last = rule_runs.last_run(connection, org_id, _RULE)
        pages = (
            tier_facts.everyone(connection, org_id, policy, now)
            if all_customers or last is None or last.basis != basis
            else _moved(connection, org_id, policy, now, last.seq)
        )
        looked, moving, looks = 0, [], []
        for page in pages:
            looked += len(page)
            there = _there(connection, org_id, [one.customer.id for one in page], policy, now)
            for one in page:
                made = findings(one.facts, policy)
                standing = there.get(one.customer.id, ())
                if _figures(one, policy) or any(_steps(one, made, standing)):
                    moving.append(one.customer.id)
                looks.append((one.customer.id, _look_at(one, standing, policy)))
    done = Run(looked=looked)
    for start in range(0, len(moving), _PART):
        part = moving[start : start + _PART]
        done += write(db, org_id, now, partial(_propose, customer_ids=part, held=held))
    _remember(db, org_id, looks, mark, basis, now)
    return done


def _propose(unit: Unit, customer_ids: Sequence[str], held: HeldPolicy) -> Run:
    """The same once more within the unit, and what follows from it."""
    now, policy = unit.now, held.settings
    unit.load("customer", customer_ids)
    there: dict[str, list[Mapping[str, Any]]] = {}
    for stored in unit.find("tier_proposal", customer_id=list(customer_ids)):
        there.setdefault(stored.row["customer_id"], []).append(stored.row)
    made = withdrawn = updated = 0
    for one in tier_facts.of(unit.connection, unit.org_id, policy, now, customer_ids):
        customer_id = one.customer.id
        known = there.get(customer_id, [])
        standing = [row for row in known if _stands(row, policy, now)]
        if fresh := _figures(one, policy):
            unit.update("customer", customer_id, fresh)
            updated += 1
        for axis, step in _steps(one, findings(one.facts, policy), standing):
            if isinstance(step, str):
                said = {"state": "withdrawn", "decided_at": unit.now_text}
                unit.update("tier_proposal", step, said)
                withdrawn += 1
                continue
            number = sum(row["axis"] == axis for row in known)
            unit.create(
                "tier_proposal",
                {
                    "id": derived_id("tier proposal", customer_id, axis, str(number)),
                    "customer_id": customer_id,
                    "axis": axis,
                    "before": one.level(axis),
                    "after": step.level,
                    "reasons": [as_row(reason) for reason in step.reasons],
                    "policy_version": held.version,
                    "proposed_at": unit.now_text,
                    "state": "proposed",
                },
            )
            made += 1
    return Run(proposed=made, withdrawn=withdrawn, updated=updated)


def _steps(
    one: Standing,
    found: Mapping[str, Finding],
    standing: Iterable[Mapping[str, Any]],
) -> Iterator[tuple[str, Finding | str]]:
    """(axis, what to propose, or the id of what to withdraw)."""
    by_axis: dict[str, list[Mapping[str, Any]]] = {}
    for row in standing:
        by_axis.setdefault(row["axis"], []).append(row)
    for axis, finding in found.items():
        wanted = proposed(axis, one.level(axis), finding)
        said = False
        for row in by_axis.get(axis, ()):
            same = wanted and row["after"] == finding.level
            said = said or same
            if row["state"] in OPEN_PROPOSAL_STATES and not same and not row.get("by_hand"):
                yield axis, row["id"]
        if wanted and not said:
            yield axis, finding


def _stands(row: Mapping[str, Any], policy: PolicySettings, now: datetime) -> bool:
    """Whether a proposal is still something to go by: it is open, or was turned down by a person
    not long ago."""
    if row["state"] in OPEN_PROPOSAL_STATES:
        return True
    upheld = row["state"] == "withdrawn" and row.get("decided_by")
    return bool(upheld) and row["decided_at"] > to_wire(now - timedelta(days=policy.upheld_days))


def _look_at(
    one: Standing, standing: Iterable[Mapping[str, Any]], policy: PolicySettings
) -> datetime | None:
    """When to look again though nothing happens: what was turned down may be proposed once more
    then."""
    again = [
        from_wire(row["decided_at"]) + timedelta(days=policy.upheld_days)
        for row in standing
        if row["state"] == "withdrawn"
    ]
    return min(
        (at for at in (next_look(one.facts, policy), *again) if at is not None), default=None
    )


def _there(
    connection: Connection,
    org_id: str,
    customer_ids: Sequence[str],
    policy: PolicySettings,
    now: datetime,
) -> Mapping[str, list[Mapping[str, Any]]]:
    """What still stands, by customer."""
    since = to_wire(now - timedelta(days=policy.upheld_days))
    query = select(
        _PROPOSAL.id, _PROPOSAL.customer_id, _PROPOSAL.axis, _PROPOSAL.after, _PROPOSAL.state,
        _PROPOSAL.by_hand, _PROPOSAL.decided_at,
    ).where(
        _PROPOSAL.org_id == org_id,
        among(connection, _PROPOSAL.customer_id, customer_ids),
        or_(
            _PROPOSAL.state.in_(sorted(OPEN_PROPOSAL_STATES)),
            and_(
                _PROPOSAL.state == "withdrawn",
                _PROPOSAL.decided_by.is_not(None),
                _PROPOSAL.decided_at > since,
            ),
        ),
    )  # fmt: skip
    found: dict[str, list[Mapping[str, Any]]] = {}
    for row in connection.execute(query):
        found.setdefault(row.customer_id, []).append(row._asdict())
    return found


def _figures(one: Standing, policy: PolicySettings) -> dict[str, int]:
    """The customer's own figures of the year, where they are others than what the orders say."""
    if not one.counted or policy.tier_period_days != 365:
        return {}
    now = (one.customer.spend_12m_cents, one.customer.orders_12m)
    facts = (one.facts.spend_cents, one.facts.orders)
    return {} if now == facts else dict(zip(("spend_12m_cents", "orders_12m"), facts, strict=True))


def _moved(
    connection: Connection, org_id: str, policy: PolicySettings, now: datetime, since: int
) -> Iterator[list[Standing]]:
    due = select(TIER_LOOK.c.customer_id).where(
        TIER_LOOK.c.org_id == org_id, TIER_LOOK.c.look_at <= to_wire(now)
    )
    ids = rule_runs.moved_since(connection, org_id, since) | set(connection.scalars(due))
    wanted = sorted(ids)
    for start in range(0, len(wanted), PAGE):
        yield tier_facts.of(connection, org_id, policy, now, wanted[start : start + PAGE])


def _remember(
    db: Database,
    org_id: str,
    looks: Sequence[tuple[str, datetime | None]],
    mark: int,
    basis: str,
    now: datetime,
) -> None:
    with db.write() as connection:
        for start in range(0, len(looks), 5000):
            part = looks[start : start + 5000]
            never = [customer_id for customer_id, at in part if at is None]
            if never:
                connection.execute(
                    delete(TIER_LOOK).where(
                        TIER_LOOK.c.org_id == org_id,
                        among(connection, TIER_LOOK.c.customer_id, never),
                    )
                )
            rows = [
                {"org_id": org_id, "customer_id": customer_id, "look_at": to_wire(at)}
                for customer_id, at in part
                if at is not None
            ]
            replace_rows(connection, TIER_LOOK, rows)
        rule_runs.remember(connection, org_id, _RULE, mark, basis, now)


__all__ = ["Run", "propose", "propose_due"]

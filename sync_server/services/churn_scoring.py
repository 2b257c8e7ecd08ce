"""Who may leave, nightly and on demand (S1 #47, #48): learned from the organisation's own past,
kept for each customer (`churn_score`), and told where it calls for a plan (`churn_plans`).

By night everybody is looked at, since silence grows though nothing happens; on demand those of whom
anything came since the last run. Written is only what moved: a chance by some points, or a sign.
Nobody's write waits: reading and learning hold no lock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection, delete, select

from shared.churn import (
    Model,
    asks_for_a_plan,
    chance,
    churn_signal,
    dropped,
    fallen_percent,
    fit,
    lost_points,
)
from shared.clock import from_wire, to_wire
from shared.codec import write as as_row
from shared.ids import derived_id, new_id
from shared.policy import Policies, PolicySettings
from sync_server.db.among import among
from sync_server.db.base import Database
from sync_server.db.putting import replace_rows
from sync_server.db.records import RECORDS
from sync_server.db.rules import CHURN_MODEL
from sync_server.services import churn_facts, churn_plans, rule_runs
from sync_server.services.accounts import policies_of
from sync_server.services.churn_facts import PAGE, Known
from sync_server.services.churn_plans import Sign
from sync_server.services.epochs import org_state
from sync_server.services.notices import tell
from sync_server.services.writing import Unit, write

_SCORE = RECORDS["churn_score"].c
_RULE = "churn"
_GROUPS = ("churn", "loyalty")
_PART = 400
"""Customers written in one transaction."""
_SAME_NIGHT = timedelta(hours=20)
"""A run so soon after another looks only at who moved."""
_STORE_ANSWERS = 5
"""Answers of either half-year from which a store's satisfaction is told (as S4 #162)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a run did: customers looked at, scores written, of them with a sign; plans proposed and
    withdrawn."""

    looked: int = 0
    written: int = 0
    warned: int = 0
    proposed: int = 0
    withdrawn: int = 0

    def __add__(self, other: Run) -> Run:
        return Run(**{n: v + getattr(other, n) for n, v in asdict(self).items()})


@dataclass(frozen=True, slots=True)
class Learned:
    """A model, and when it was learned."""

    model: Model
    at: datetime


def score_due(db: Database, now: datetime) -> Run:
    """`score` in every organisation whose night it is. Harmless at any time."""
    return sum((score(db, org_id, now) for org_id in rule_runs.due(db, _RULE, now)), Run())


def score(db: Database, org_id: str, now: datetime, *, all_customers: bool = False) -> Run:
    """Looks at whoever may have moved (by night, or if asked for: at everybody, and learns anew),
    and writes what did. Twice is once."""
    with db.read() as connection:
        held = Policies(policies_of(connection, org_id)).at(now)
        policy = held.settings
        mark = org_state(connection, org_id).last_seq
        basis = rule_runs.basis_of(policy, _GROUPS)
        last = rule_runs.last_run(connection, org_id, _RULE)
        whole = (
            all_customers
            or last is None
            or last.basis != basis
            or from_wire(last.ran_at) <= now - _SAME_NIGHT
        )
        if whole or last is None:
            pages = list(churn_facts.everyone(connection, org_id, policy, now))
            learned = _learn(pages, policy, now)
        else:
            moved = sorted(rule_runs.moved_since(connection, org_id, last.seq))
            pages = list(churn_facts.of(connection, org_id, policy, now, moved))
            learned = learned_of(connection, org_id)
        planned = churn_plans.planned(connection, org_id, policy, now)
        rows: list[tuple[Known, dict[str, Any]]] = []
        for page in pages:
            there = _there(connection, org_id, [one.customer_id for one in page])
            for one in page:
                row = _row(one, learned, policy, now)
                asks = asks_for_a_plan(row["signs"] or (), one.tier, policy)
                wanted = asks and one.customer_id not in planned
                if wanted or _moved(there.get(one.customer_id), row, policy):
                    rows.append((one, row | {"policy_version": held.version}))
    done, occasion = Run(looked=sum(map(len, pages))), new_id()
    for start in range(0, len(rows), _PART):
        part = rows[start : start + _PART]
        done += write(db, org_id, now, partial(_store, rows=part, policy=policy, on=occasion))
    if whole:
        write(db, org_id, now, partial(_tell_of_stores, policy=policy))
    with db.write() as connection:
        if whole:
            _keep(connection, org_id, learned)
        rule_runs.remember(connection, org_id, _RULE, mark, basis, now)
    return done


def learned_of(connection: Connection, org_id: str) -> Learned | None:
    """What was last learned; None where there was too little to learn from."""
    held = connection.execute(select(CHURN_MODEL).where(CHURN_MODEL.c.org_id == org_id)).first()
    if held is None:
        return None
    told = {**held.model, "weights": tuple(held.model["weights"])}
    return Learned(Model(**told), from_wire(held.fitted_at))


def _learn(
    pages: Iterable[Sequence[Known]], policy: PolicySettings, now: datetime
) -> Learned | None:
    """From everyone who had bought `churn_days` ago, and whether they have since."""
    past = [(one.past, one.returned) for page in pages for one in page if one.past is not None]
    model = fit(past, policy.churn_days)
    return Learned(model, now) if model else None


def _keep(connection: Connection, org_id: str, learned: Learned | None) -> None:
    if learned is None:
        connection.execute(delete(CHURN_MODEL).where(CHURN_MODEL.c.org_id == org_id))
        return
    model = asdict(learned.model)
    row = {"org_id": org_id, "model": model, "fitted_at": to_wire(learned.at)}
    replace_rows(connection, CHURN_MODEL, [row])


def _row(
    one: Known, learned: Learned | None, policy: PolicySettings, now: datetime
) -> dict[str, Any]:
    """The record's fields, empty ones left out."""
    habit = one.habit
    percent, fallen = None, fallen_percent(habit, policy) if habit else None
    if habit is not None and learned is not None:
        percent = round(100 * chance(learned.model, habit))
    warned = churn_signal(
        habit, percent, fallen, policy, noted=one.noted, satisfaction=one.satisfaction
    )
    return {
        "return_percent": percent,
        "fallen_percent": fallen,
        "within_days": learned.model.horizon_days if learned and percent is not None else None,
        "order_count": habit and habit.orders,
        "usual_days": habit and habit.usual_days,
        "last_order_at": habit and to_wire(habit.last_at),
        "signs": list(warned.signs) or None,
        "reasons": [as_row(reason) for reason in warned.reasons] or None,
        "scored_at": to_wire(now),
        "fitted_at": to_wire(learned.at) if learned and percent is not None else None,
    }


def _moved(
    before: Mapping[str, Any] | None, row: Mapping[str, Any], policy: PolicySettings
) -> bool:
    """Whether what is kept says something else by now. Of who never bought and shows no sign,
    nothing is kept."""
    if before is None:
        return row["order_count"] is not None or row["signs"] is not None
    for name in ("signs", "order_count", "last_order_at"):
        if (before.get(name) or None) != row[name]:
            return True
    old, new = before.get("return_percent"), row["return_percent"]
    if old is None or new is None:
        return bool(old != new)
    return bool(abs(old - new) >= policy.churn_step_percent)


def _there(
    connection: Connection, org_id: str, customer_ids: Sequence[str]
) -> dict[str, dict[str, Any]]:
    assert len(customer_ids) <= PAGE
    shown = ("customer_id", "return_percent", "signs", "order_count", "last_order_at")
    query = select(*(_SCORE[name] for name in shown)).where(
        _SCORE.org_id == org_id, among(connection, _SCORE.customer_id, customer_ids)
    )
    return {row.customer_id: row._asdict() for row in connection.execute(query)}


def _store(
    unit: Unit,
    rows: Sequence[tuple[Known, Mapping[str, Any]]],
    policy: PolicySettings,
    on: str,
) -> Run:
    """Writes these scores, unless another process did meanwhile, and what follows from them."""
    unit.load("customer", [one.customer_id for one, _ in rows])
    unit.load("churn_score", [score_id(one.customer_id) for one, _ in rows])
    signs: list[Sign] = []
    unhappy: dict[str, int] = {}
    written = 0
    for one, row in rows:
        customer = unit.get("customer", one.customer_id)
        if customer is None or customer.row.get("erased_at"):
            continue  # erased since it was read
        held = unit.get("churn_score", score_id(one.customer_id))
        moved = _moved(held.row if held else None, row, policy)
        written += moved
        if held is None:
            made = {"id": score_id(one.customer_id), "customer_id": one.customer_id}
            unit.create("churn_score", made | dict(row))
        elif moved:
            unit.update("churn_score", held.id, row)
        was = set(held.stored.get("signs", ())) if held and held.stored else set()
        found = row["signs"] or []
        if "unhappy" in found and "unhappy" not in was and one.store_id:
            unhappy[one.store_id] = unhappy.get(one.store_id, 0) + 1
        signs.append(Sign(one.customer_id, one.store_id, one.tier, found, row["reasons"] or []))
    for store_id, count in unhappy.items():
        for manager in churn_plans.managers_of(unit, store_id):
            tell(
                unit, on, manager, "satisfaction_dropped",
                subject="customer", count=count, store_id=store_id,
            )  # fmt: skip
    plans = churn_plans.propose(unit, signs, policy, on)
    return Run(
        written=written,
        warned=sum(bool(sign.signs) for sign in signs),
        proposed=plans.proposed,
        withdrawn=plans.withdrawn,
    )


def _tell_of_stores(unit: Unit, policy: PolicySettings) -> None:
    """A store whose satisfaction dropped (S4 #164): told to its managers once a month."""
    found = churn_facts.satisfaction_of_stores(
        unit.connection, unit.org_id, policy, unit.now, _STORE_ANSWERS
    )
    for store_id, satisfaction in sorted(found.items()):
        if not dropped(satisfaction, policy):
            continue
        occasion = derived_id("satisfaction dropped", store_id, unit.now_text[:7])
        for manager in churn_plans.managers_of(unit, store_id):
            kind, lost = "store_dropped", lost_points(satisfaction)
            known = derived_id(unit.org_id, "notice", occasion, manager, kind, "", "")
            if unit.get("notice", known) is None:
                tell(unit, occasion, manager, kind, count=lost, store_id=store_id)


def score_id(customer_id: str) -> str:
    """The id of a customer's score."""
    return derived_id("churn score", customer_id)


__all__ = ["Learned", "Run", "learned_of", "score", "score_due", "score_id"]

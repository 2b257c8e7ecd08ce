"""What follows from finished work, as pure rules that the device and the server both apply.

Ids of what follows are derived, so that both sides may make it and it is still one record.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, time, timedelta
from itertools import count
from zoneinfo import ZoneInfo

from shared.entities import Attempt, Callback, Case, Report, Visit
from shared.ids import derived_id
from shared.policy import PolicySettings


def callback_after_repair(
    case: Case, report: Report, resolved_at: datetime, policy: PolicySettings
) -> Callback:
    """The call that asks how the repair was (S2 #96), `repair_callback_days` after its
    resolution; for a complaint a week after (S0 #18). One per report, however often it is asked
    for."""
    complaint = case.kind == "complaint"
    days = policy.complaint_callback_days if complaint else policy.repair_callback_days
    return Callback(
        id=derived_id("callback", report.id),
        customer_id=case.customer_id,
        case_id=case.id,
        report_id=report.id,
        kind="after_complaint" if complaint else "after_repair",
        state="scheduled",
        due_at=resolved_at + timedelta(days=days),
    )


def callback_after_solution(
    case: Case, resolved_at: datetime, policy: PolicySettings, taken: Collection[str] = ()
) -> Callback:
    """The call after a case that was solved without a report: a week after a complaint (S0 #18),
    else as after a repair. One for each time that it was solved. `taken` are ids of calls that the
    case has had: work that came late may have reopened it without counting."""
    complaint = case.kind == "complaint"
    days = policy.complaint_callback_days if complaint else policy.repair_callback_days
    ids = (derived_id("callback", case.id, str(nth)) for nth in count(case.reopened or 0))
    return Callback(
        id=next(one for one in ids if one not in taken),
        customer_id=case.customer_id,
        case_id=case.id,
        kind="after_complaint" if complaint else "after_repair",
        state="scheduled",
        due_at=resolved_at + timedelta(days=days),
    )


def after_call(kind: str, outcome: str) -> str | None:
    """What a call does to its complaint: a customer who is not content has it taken up again,
    whatever the agent thinks, until they are (S2 #115); one who is closes it. None for other kinds
    of case, where the agent decides."""
    if kind != "complaint":
        return None
    return {"unsatisfied": "reopen", "needs_more": "reopen", "satisfied": "close"}.get(outcome)


def next_visit(visit: Visit, zone: ZoneInfo, policy: PolicySettings) -> Visit | None:
    """The visit that a finished visit's next step becomes; None when no day was set for it.

    It is planned for the same local time of day, so that a customer who likes mornings keeps them.
    """
    if visit.next_step_on is None:
        return None
    local: datetime = (visit.started_at or visit.planned_at).astimezone(zone)
    quarter = time(local.hour, local.minute // 15 * 15)
    planned = datetime.combine(visit.next_step_on, quarter, zone).astimezone(UTC)
    return Visit(
        id=derived_id("visit after", visit.id),
        customer_id=visit.customer_id,
        owner_id=visit.owner_id,
        contact_id=visit.contact_id,
        purpose=visit.purpose,
        channel=visit.channel,
        state="planned",
        planned_at=planned,
        minutes=visit.minutes or policy.visit_minutes,
        notes=visit.next_step,
        previous_visit_id=visit.id,
    )


def after_attempt(
    callback: Callback, attempt: Attempt, policy: PolicySettings
) -> tuple[str, datetime | None]:
    """(state, next attempt) after a call that reached nobody: again in some hours, or given up
    after so many."""
    attempts = len(callback.attempts) + 1
    if attempt.result in {"wrong_number", "refused"} or attempts >= policy.callback_max_attempts:
        return "unreachable", None
    return "scheduled", attempt.at + timedelta(hours=policy.callback_retry_hours)


def visit_due_at(
    tier: str | None, last_finished_at: datetime | None, since: datetime, policy: PolicySettings
) -> datetime:
    """When a customer's next visit falls due by tier (S0 #20–#22), counted from the last visit
    or from `since`."""
    return (last_finished_at or since) + policy.visit_every(tier)

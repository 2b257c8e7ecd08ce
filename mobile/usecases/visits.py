"""Visits: planned, begun, finished, with what was learned (S0 #20-#23, S2 #104).

Each function is one unit of work. What is typed while a visit goes on is a draft until it is
finished or kept; values are in wire form, as forms and drafts hold them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from mobile.usecases.consents import use_refused_at
from shared.clock import to_wire
from shared.codec import read, write
from shared.consents import UNASKED
from shared.entities import Contact, Customer, Position, Visit
from shared.errors import Code, Refusal
from shared.followups import next_visit
from shared.ids import new_id
from shared.policy import PolicySettings
from shared.workdays import Workdays

if TYPE_CHECKING:
    from mobile.store.store import Store

DEFAULT_HOUR = 10  # local: after the morning's rush, before lunch
DEFAULT_PURPOSE = "experience"
ABOUT_NOW = timedelta(hours=6)
STALE_AFTER = timedelta(minutes=1)

WRITTEN = (
    "contact_id", "purpose", "channel", "answers", "notes", "needs_found", "preferences_found",
    "satisfaction", "next_step", "next_step_on",
)  # fmt: skip
"""What is typed while a visit goes on, and therefore lies in its draft."""


def plan_draft(customer_id: str) -> str:
    """Key of the draft of a plan."""
    return f"visit/plan/{customer_id}"


def replan_draft(visit_id: str) -> str:
    """Key of the draft of a plan that is being changed."""
    return f"visit/replan/{visit_id}"


def visit_draft(visit_id: str) -> str:
    """Key of the draft of a visit that goes on."""
    return f"visit/{visit_id}"


@dataclass(frozen=True, slots=True)
class Finished:
    """A finished visit and the next one, where its next step had a date."""

    visit: Visit
    following: Visit | None


# ── planning ──────────────────────────────────────────────────────────────────────────────


def suggested_plan(store: Store, customer_id: str, zone: ZoneInfo) -> dict[str, Any]:
    """A plan to begin with, in wire form: the next working day at the hour of the last visit, the
    same purpose and channel, the main contact.
    """
    visits = store.find(Visit, customer_id=customer_id, newest_first=True, limit=1)
    contacts = store.find(Contact, customer_id=customer_id, primary=True, limit=1)
    return plan_after(
        visits[0] if visits else None,
        contacts[0].id if contacts else None,
        store.now(),
        zone,
        store.calendar(),
        store.policy(),
    )


def plan_after(
    last: Visit | None,
    contact_id: str | None,
    now: datetime,
    zone: ZoneInfo,
    calendar: Workdays,
    policy: PolicySettings,
) -> dict[str, Any]:
    """See `suggested_plan`; pure."""
    day = calendar.after(now.astimezone(zone).date(), 1)
    hour = time(DEFAULT_HOUR)
    if last is not None:
        local = last.planned_at.astimezone(zone)
        hour = time(local.hour, local.minute // 15 * 15)
    planned = datetime.combine(day, hour, zone).astimezone(UTC)
    plan = {
        "contact_id": contact_id or (last.contact_id if last else None),
        "purpose": last.purpose if last else DEFAULT_PURPOSE,
        "planned_at": to_wire(planned),
        "minutes": policy.visit_minutes,
        "channel": (last.channel if last else None) or "on_site",
    }
    return {name: value for name, value in plan.items() if value is not None}


def plan(store: Store, customer_id: str, values: Mapping[str, Any]) -> Visit:
    """A planned visit of the user's own. Refuses what the store refuses, and `consent_refused` for
    one that the customer does not want (S1 #71)."""
    if values.get("purpose") in UNASKED and use_refused_at(store, customer_id):
        raise Refusal(Code.CONSENT_REFUSED)
    with store.unit() as unit:
        made = unit.create(_new(store, customer_id, values, state="planned"))
        unit.discard_draft(plan_draft(customer_id))
        unit.commit()
    return made


def start_now(store: Store, customer_id: str, zone: ZoneInfo) -> Visit:
    """A visit begins now: the one that is under way already, or else the user's own that was
    planned for about this time, or else one that nobody planned. A second tap makes no second
    visit.
    """
    me, now = store.staff().id, store.now()
    mine = [v for v in store.find(Visit, customer_id=customer_id) if v.owner_id == me]
    for visit in mine:
        if visit.state == "started":
            return visit
    for visit in mine:
        if visit.state == "planned" and abs(visit.planned_at - now) <= ABOUT_NOW:
            return start(store, visit)
    values = {
        **suggested_plan(store, customer_id, zone),
        "planned_at": to_wire(now),
        "started_at": to_wire(now),
    }
    with store.unit() as unit:
        made = unit.create(_new(store, customer_id, values, state="started"))
        unit.commit()
    return made


def _new(store: Store, customer_id: str, values: Mapping[str, Any], *, state: str) -> Visit:
    filled = {name: value for name, value in values.items() if value is not None}
    return read(
        Visit,
        {
            "channel": "on_site",
            "minutes": store.policy().visit_minutes,
            **filled,
            "id": new_id(),
            "customer_id": customer_id,
            "owner_id": store.staff().id,
            "state": state,
        },
    )


def replan(store: Store, visit: Visit, values: Mapping[str, Any]) -> Visit:
    """Another time, contact, purpose or channel for a planned visit."""
    with store.unit() as unit:
        moved = unit.update(visit, **values)
        unit.discard_draft(replan_draft(visit.id))
        unit.commit()
    return moved


# ── under way ─────────────────────────────────────────────────────────────────────────────


def start(store: Store, visit: Visit) -> Visit:
    """A planned visit begins now."""
    return _update(store, visit, state="started", started_at=store.now())


def set_position(store: Store, visit: Visit, position: Position) -> Visit:
    """Where the visit takes place, by an explicit fix. Refuses one that is older than a minute:
    a stale fix says where someone was, not where they are.
    """
    if abs(store.now() - position.fixed_at) > STALE_AFTER:
        raise Refusal(Code.FIELD_INVALID, field="visit.position", wanted="a fresh fix")
    return _update(store, visit, position=position, no_position_because=None)


def set_no_position(store: Store, visit: Visit, because: str) -> Visit:
    """A visit without a fix is allowed, and says why."""
    return _update(store, visit, no_position_because=because, position=None)


def keep(store: Store, visit: Visit, changes: Mapping[str, Any]) -> Visit:
    """Turns the draft into the record without finishing: what is written goes to the server, too.
    A finished visit is left as it is.
    """
    current = store.get(Visit, visit.id)
    if current is None or current.state not in {"planned", "started"}:
        return visit
    with store.unit() as unit:
        kept = unit.update(visit, **changes)
        unit.discard_draft(visit_draft(visit.id))
        unit.commit()
    return kept


# ── its end ───────────────────────────────────────────────────────────────────────────────


def missing(visit: Visit, values: Mapping[str, Any]) -> tuple[str, ...]:
    """Fields without which a visit can't be finished; saving never asks for them (ux.md, Drafts).
    A visit on site says where it was, or why not.
    """
    after = {**write(visit), **values}
    wanted = ["notes"]
    if after.get("purpose") == "satisfaction":
        wanted.append("satisfaction")
    lacking = [name for name in wanted if after.get(name) in (None, "", [])]
    if after.get("channel") in (None, "on_site") and not (
        after.get("position") or after.get("no_position_because")
    ):
        lacking.append("position")
    return tuple(lacking)


def finish(store: Store, visit: Visit, changes: Mapping[str, Any], zone: ZoneInfo) -> Finished:
    """The visit ends now; a next step with a date becomes the next visit in the same transaction.

    `visit` is what the author saw when they began to write. Refuses `field_required` with the
    first of `missing`, and `field_invalid` for a next step in the past. Nothing is lost by a
    refusal: the draft stays.
    """
    lacking = missing(store.get(Visit, visit.id) or visit, changes)
    if lacking:
        raise Refusal(Code.FIELD_REQUIRED, field=f"visit.{lacking[0]}")
    now = store.now()
    step_on = {**write(visit), **changes}.get("next_step_on")
    if step_on and date.fromisoformat(str(step_on)) < now.astimezone(zone).date():
        raise Refusal(Code.FIELD_INVALID, field="visit.next_step_on", wanted="today or later")
    with store.unit() as unit:
        done = unit.update(
            visit, **changes, state="finished", finished_at=now,
            started_at=visit.started_at or now,
        )  # fmt: skip
        following = next_visit(done, zone, store.policy())
        if following is not None:
            if store.get(Visit, following.id) is None:
                unit.create(following)
            done = unit.update(done, next_visit_id=following.id)
        unit.discard_draft(visit_draft(visit.id))
        unit.commit()
    return Finished(done, following)


def cancel(store: Store, visit: Visit, because: str) -> Visit:
    """The visit does not take place, and why. Refuses `field_required` without a reason."""
    if not because.strip():
        raise Refusal(Code.FIELD_REQUIRED, field="visit.cancelled_because")
    return _update(store, visit, state="cancelled", cancelled_because=because.strip())


def uncancel(store: Store, visit: Visit) -> Visit:
    """Takes a cancellation back: the visit is planned again."""
    return _update(store, visit, state="planned", cancelled_because=None)


def _update(store: Store, visit: Visit, **values: Any) -> Visit:
    with store.unit() as unit:
        changed = unit.update(visit, **values)
        unit.commit()
    return changed


# ── what was learned ──────────────────────────────────────────────────────────────────────


def learned(customer: Customer, visit: Visit) -> dict[str, str]:
    """What the visit found that the customer's profile doesn't say yet, by field of the customer:
    the present text with the new one below (S0 #6, #8).
    """
    found = {"needs": visit.needs_found, "service_preferences": visit.preferences_found}
    merged = {}
    for name, new in found.items():
        old = getattr(customer, name) or ""
        if new and new.strip() and new.strip() not in old:
            merged[name] = f"{old.rstrip()}\n{new.strip()}".lstrip("\n")
    return merged


def write_into_profile(store: Store, customer: Customer, visit: Visit) -> Customer:
    """Adds what was learned to the customer's profile and marks the needs as reviewed (S0 #6)."""
    values: dict[str, Any] = dict(learned(customer, visit))
    if not values:
        return customer
    if "needs" in values:
        values["needs_reviewed_at"] = store.now()
    with store.unit() as unit:
        changed = unit.update(customer, **values)
        unit.commit()
    return changed

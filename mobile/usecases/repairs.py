"""A repair from dispatch to resolution (S2 #91–#96): accept, travel, arrive, diagnose, mend,
explain.

The report grows as one record; what is typed but not yet said is a draft, which survives a kill.
Signing is `sign_off`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from mobile.store.store import Store
from mobile.store.unit import Unit
from shared.declare import Record
from shared.entities import (
    Asset,
    Callback,
    Case,
    CaseEvent,
    CheckItem,
    Contact,
    Customer,
    File,
    Report,
)
from shared.errors import Code, Refusal
from shared.ids import new_id
from shared.service_clock import ClockReading, Step, resolution_clock, response_clock
from shared.states import may_move, next_states

R = TypeVar("R", bound=Record)

REQUIRED_TO_SIGN = ("cause", "method", "operation_confirmed", "training_given")
"""What the rules ask a report to say before a customer is asked to sign it (S2 #93, #94)."""


@dataclass(frozen=True, slots=True)
class Job:
    """Everything that the work on one case needs at hand."""

    case: Case
    customer: Customer | None
    contact: Contact | None
    asset: Asset | None
    report: Report | None  # the one being written, or the latest signed
    signed: tuple[Report, ...]
    events: tuple[CaseEvent, ...]
    callback: Callback | None  # the next one that is due

    @property
    def steps(self) -> frozenset[str]:
        """States that the case may move to from here."""
        return next_states("case", self.case.state)


class Repairs:
    """What a technician does with their cases; each method is one durable transaction, or a
    refusal."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def job(self, case_id: str) -> Job:
        """The case with all that belongs to it. Refuses `record_missing` where it may not be
        read."""
        case = self._needed(Case, case_id)
        reports = self._store.find(Report, case_id=case_id)
        signed = tuple(r for r in reports if r.signature is not None)
        open_reports = [r for r in reports if r.signature is None]
        callbacks = self._store.find(Callback, case_id=case_id)
        return Job(
            case,
            self._store.get(Customer, case.customer_id),
            self._store.get(Contact, case.contact_id) if case.contact_id else None,
            self._store.get(Asset, case.asset_id) if case.asset_id else None,
            open_reports[-1] if open_reports else (signed[-1] if signed else None),
            signed,
            tuple(self._store.find(CaseEvent, case_id=case_id)),
            next((c for c in callbacks if c.state in {"scheduled", "in_progress"}), None),
        )

    def open_job(self, case_id: str) -> Job:
        """As `job`, and puts on record that it was looked at (L7)."""
        job = self.job(case_id)
        with self._store.unit() as unit:
            unit.look(job.case.customer_id, "case", case_id)
            unit.commit()
        return job

    def move(
        self, case: Case, state: str, *, waiting_for: str | None = None, note: str | None = None
    ) -> Case:
        """Brings the case to `state`; the step goes on its record with the time at which it was
        taken (L8).

        Refuses `move_not_allowed` for a step that does not follow the present one.
        """
        with self._store.unit() as unit:
            moved = self._step(unit, case, state, waiting_for=waiting_for, note=note)
            unit.commit()
        return moved

    def _step(
        self,
        unit: Unit,
        case: Case,
        state: str,
        *,
        waiting_for: str | None = None,
        note: str | None = None,
        **also: Any,
    ) -> Case:
        if not may_move("case", case.state, state) or case.state == state:
            raise Refusal(Code.MOVE_NOT_ALLOWED, before=case.state, after=state)
        now = self._store.now()
        changes: dict[str, Any] = {"state": state, "waiting_for": waiting_for, **also}
        if case.responded_at is None and state != "cancelled":
            changes["responded_at"] = now
        if state == "resolved":
            changes["resolved_at"] = now
        elif case.resolved_at is not None and state != "closed":
            changes |= {
                "resolved_at": None,
                "closed_at": None,
                "reopened": (case.reopened or 0) + 1,
            }
        moved = unit.update(case, **changes)
        unit.create(
            CaseEvent(
                id=new_id(),
                case_id=case.id,
                customer_id=case.customer_id,
                kind="moved",
                happened_at=now,
                from_state=case.state,
                to_state=state,
                waiting_for=waiting_for,
                staff_id=self._store.staff().id,
                note=note,
            )
        )
        return moved

    def begin_report(self, case: Case, language: str) -> Report:
        """The report of this visit: the unsigned one that is there, or a new one with the
        organisation's checklist.

        A signed report stays as it is; one begun after it amends it (L6).
        """
        reports = self._store.find(Report, case_id=case.id)
        for report in reports:
            if report.signature is None:
                return report
        arrived = [
            e.happened_at
            for e in self._store.find(CaseEvent, case_id=case.id)
            if e.to_state == "on_site"
        ]
        with self._store.unit() as unit:
            report = unit.create(
                Report(
                    id=new_id(),
                    case_id=case.id,
                    customer_id=case.customer_id,
                    asset_id=case.asset_id,
                    author_id=self._store.staff().id,
                    amends_id=reports[-1].id if reports else None,
                    language=language,
                    arrived_at=arrived[-1] if arrived else None,
                    checklist=self.checklist(language),
                )
            )
            unit.commit()
        return report

    def checklist(self, language: str) -> tuple[CheckItem, ...]:
        """The organisation's checklist, worded in `language` (S2 #92)."""
        return tuple(
            CheckItem(
                key=f"{part.key}.{item['key']}",
                label=item["label"].get(language) or item["label"]["zh-CN"],
            )
            for part in self._store.references("repair_checklist")
            for item in part.data["items"]
        )

    def save_report(self, report: Report, **fields: Any) -> Report:
        """Stores what was filled in. Refuses `report_sealed` for a signed report."""
        with self._store.unit() as unit:
            saved = unit.update(report, **fields)
            unit.discard_draft(draft_key(report))
            unit.commit()
        return saved

    def add_photo(
        self, report: Report, purpose: str, data: bytes, media_type: str, size: tuple[int, int]
    ) -> Report:
        """Adds a photo, `before` or `after`, to the report; photo and mention in one
        transaction."""
        list_name = {"before": "photos_before", "after": "photos_after"}[purpose]
        with self._store.unit() as unit:
            file = unit.attach(
                File(
                    id=new_id(),
                    customer_id=report.customer_id,
                    case_id=report.case_id,
                    report_id=report.id,
                    sha256="",
                    bytes=0,
                    media_type=media_type,
                    purpose=purpose,
                    width=size[0],
                    height=size[1],
                    taken_at=self._store.now(),
                ),
                data,
            )
            held: tuple[str, ...] = getattr(report, list_name)
            saved = unit.update(report, **{list_name: (*held, file.id)})
            unit.commit()
        return saved

    def remove_photo(self, report: Report, file_id: str) -> Report:
        """Takes a photo out of the report; its record and bytes stay (L1)."""
        with self._store.unit() as unit:
            saved = unit.update(
                report,
                photos_before=tuple(i for i in report.photos_before if i != file_id),
                photos_after=tuple(i for i in report.photos_after if i != file_id),
            )
            unit.commit()
        return saved

    def missing_to_sign(self, report: Report) -> tuple[str, ...]:
        """Names of fields that still stop the signing; they never stop the saving (ux: drafts)."""
        missing = [n for n in REQUIRED_TO_SIGN if getattr(report, n) in (None, "")]
        if any(item.done is None for item in report.checklist):
            missing.append("checklist")
        return tuple(missing)

    def clocks(self, case: Case, events: Sequence[CaseEvent]) -> tuple[ClockReading, ClockReading]:
        """The response and the resolution clock of a case, as they stand now (S0 #10, #16, #17)."""
        steps = [Step(e.happened_at, e.to_state, e.waiting_for) for e in events if e.to_state]
        policy, now = self._store.policy(), self._store.now()
        complaint = case.kind == "complaint"
        zone = ZoneInfo(self._store.staff().timezone)
        return (
            response_clock(case.opened_at, steps, now, policy, complaint=complaint),
            resolution_clock(
                case.opened_at,
                steps,
                now,
                policy,
                self._store.calendar(),
                zone,
                complaint=complaint,
            ),
        )

    def resolve(self, unit: Unit, case: Case) -> Case:
        """Moves the case to `resolved` inside someone else's unit of work (the sign-off's)."""
        return self._step(unit, case, "resolved")

    def reopen(self, unit: Unit, case: Case, note: str | None) -> Case:
        """Sends a resolved case back to work inside someone else's unit (a callback's; S2 #115)."""
        return self._step(unit, case, "assigned" if case.assignee_id else "in_progress", note=note)

    def _needed(self, cls: type[R], record_id: str) -> R:
        found = self._store.get(cls, record_id)
        if found is None:
            raise Refusal(Code.RECORD_MISSING)
        return found


def draft_key(report: Report) -> str:
    """Under which a report's unsaved words are kept."""
    return f"report:{report.id}"

"""The repair report while it is written (S2 #92–#94): one record from the checklist before leaving
to the customer's signature.

What is typed but not yet said is a draft, which survives a kill; what is said is in the report.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mobile.store.store import Store
from mobile.store.unit import Unit
from mobile.usecases.repairs import Repairs
from shared.codec import write
from shared.declare import fields_of
from shared.entities import Case, CaseEvent, CheckItem, Report
from shared.ids import new_id
from shared.states import may_move

REQUIRED_TO_SIGN = ("cause", "method", "checklist", "operation_confirmed", "training_given")
"""What the rules ask a report to say before a customer is asked to sign it (S2 #93, #94)."""

BEFORE_LEAVING = "before"
"""The part of the organisation's checklist that is gone through before setting out (S2 #92)."""

_CARRIED_OVER = (
    "asset_id", "arrived_at", "cause", "cause_code", "method", "checklist", "parts",
    "photos_before", "photos_after", "training_given", "training_note", "remarks",
)  # fmt: skip
"""What an amendment begins with; that it works again is asked anew."""


class ReportWriting:
    """Writes the reports of a case; each method is one durable transaction, or a refusal."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._repairs = Repairs(store)

    def begin(self, case: Case, language: str) -> Report:
        """The report of this repair: the unsigned one that is there, or a new one with the
        organisation's checklist. Work begins with it: a case `on_site` goes `in_progress`.

        A signed report stays as it is; one begun after it amends it and starts with its content
        (L6).
        """
        with self._store.unit() as unit:
            report = self._current(unit, case, language)
            if case.state == "on_site":
                self._repairs.step(unit, case, "in_progress")
            unit.commit()
        return report

    def tick(self, case: Case, key: str, done: bool | None, language: str) -> Report:
        """Answers one line of the checklist, also before the report is begun otherwise."""
        with self._store.unit() as unit:
            report = self._current(unit, case, language)
            lines = tuple(replace(i, done=done) if i.key == key else i for i in report.checklist)
            report = unit.update(report, checklist=lines)
            unit.commit()
        return report

    def _current(self, unit: Unit, case: Case, language: str) -> Report:
        reports = self._store.find(Report, case_id=case.id)
        unsigned = [r for r in reports if r.signature is None]
        if unsigned:
            return unsigned[-1]
        earlier = reports[-1] if reports else None
        begun: dict[str, Any] = {
            "asset_id": case.asset_id,
            "arrived_at": self._arrived_at(case),
            "checklist": self.checklist(language),
        }
        if earlier is not None:
            begun = {name: getattr(earlier, name) for name in _CARRIED_OVER}
        return unit.create(
            Report(
                id=new_id(),
                case_id=case.id,
                customer_id=case.customer_id,
                author_id=self._store.staff().id,
                amends_id=earlier.id if earlier else None,
                language=earlier.language if earlier else language,
                **begun,
            )
        )

    def _arrived_at(self, case: Case) -> Any:
        events = self._store.find(CaseEvent, case_id=case.id)
        return next((e.happened_at for e in reversed(events) if e.to_state == "on_site"), None)

    def checklist(self, language: str) -> tuple[CheckItem, ...]:
        """The organisation's checklist, worded in `language`; keys are ``<part>.<item>``."""
        return tuple(
            CheckItem(
                key=f"{part.key}.{item['key']}",
                label=item["label"].get(language) or item["label"]["zh-CN"],
            )
            for part in self._store.references("repair_checklist")
            for item in part.data["items"]
        )

    def causes(self, language: str) -> dict[str, str]:
        """The catalogue of causes: key to its words."""
        return {
            entry.key: entry.data["title"].get(language) or entry.data["title"]["zh-CN"]
            for entry in self._store.references("repair_cause")
        }

    def save(self, report: Report, **fields: Any) -> Report:
        """Stores what was filled in; the draft goes with it. Refuses `report_sealed` for a signed
        report, and what a value refuses: then the draft stays."""
        with self._store.unit() as unit:
            saved = unit.update(report, **fields)
            unit.discard_draft(draft_key(report))
            unit.commit()
        return saved

    def missing_to_sign(self, report: Report) -> tuple[str, ...]:
        """Names of fields that still stop the signing; they never stop the saving (ux: drafts)."""
        return tuple(name for name in REQUIRED_TO_SIGN if not _answered(report, name))

    def unsaid(self, report: Report) -> bool:
        """Whether a draft still holds words that are not in the report: signing without them would
        lose them."""
        draft = self._store.draft(draft_key(report)) or {}
        now = write(report)
        return any(name in _FIELDS and draft[name] != now.get(name) for name in draft)

    def may_sign(self, case: Case) -> bool:
        """Whether a report can be signed where the case stands: it is solved, or may be next."""
        return case.state == "closed" or may_move("case", case.state, "resolved")


_FIELDS = fields_of(Report)


def _answered(report: Report, name: str) -> bool:
    value = getattr(report, name)
    if name == "checklist":
        return all(item.done is not None for item in value)
    return value is not None and value != ""


def draft_key(report: Report) -> str:
    """Under which a report's unsaved words are kept."""
    return f"report:{report.id}"

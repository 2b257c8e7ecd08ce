"""What all three faces of a visit are drawn from, and the head that they share."""

from __future__ import annotations

from dataclasses import dataclass

import flet as ft

from mobile.ui import formats
from mobile.ui.components import marks, privacy, surfaces, words
from mobile.ui.state import Shell
from mobile.ui.texts import choice, t
from mobile.ui.theme import GAP
from shared.entities import Contact, Customer, File, Visit


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One visit with what stands around it. `pending`: changes wait on this phone."""

    visit: Visit
    customer: Customer
    contacts: tuple[Contact, ...]
    photos: tuple[File, ...]
    owner: str
    pending: bool
    following: Visit | None

    @property
    def contact(self) -> Contact | None:
        """Whom the visit is to."""
        return next((c for c in self.contacts if c.id == self.visit.contact_id), None)

    @property
    def back(self) -> str:
        """Where the arrow leads when the app was opened here."""
        return f"/customers/{self.customer.id}"


def head(shell: Shell, seen: Seen, *more: ft.Control) -> ft.Control:
    """Who, what, when, and whom to call."""
    visit, customer, contact = seen.visit, seen.customer, seen.contact
    badges: list[ft.Control] = [marks.state(visit.state)]
    for badge in (marks.tier(customer.tier, customer.vip), marks.pending(seen.pending)):
        if badge is not None:
            badges.append(badge)
    facts = [choice("purpose", visit.purpose), choice("channel", visit.channel)]
    lines: list[ft.Control] = [
        words.headline(customer.name),
        ft.Row(badges, wrap=True, spacing=GAP),
        words.body(" · ".join(fact for fact in facts if fact)),
        words.faint(_times(shell, visit)),
    ]
    if visit.due_by and visit.state == "planned":
        due = formats.local(visit.due_by).date()
        said = t("visit.by_tier", day=formats.day(due, shell.now()))
        if shell.store.calendar().is_provisional(formats.local(visit.planned_at).date()):
            said = f"{said} · {t('repair.clock.provisional')}"
        lines.append(words.faint(said))
    if seen.owner and visit.owner_id != shell.staff.id:
        lines.append(words.faint(t("customer.owner", name=seen.owner)))
    if contact is not None:
        lines.append(words.body(" · ".join(p for p in (contact.name, contact.position) if p)))
    whose = contact if contact is not None and contact.phone else customer
    entity = "customer" if whose is customer else "contact"
    if visit.state in {"planned", "started"}:
        lines.append(privacy.Phone(shell, whose.phone, entity, whose.id, customer.id))
    return surfaces.card([*lines, *more])


def _times(shell: Shell, visit: Visit) -> str:
    now = shell.now()
    if visit.state == "started" and visit.started_at:
        return t("visit.running", when=formats.time(visit.started_at),
                 span=formats.span(now - visit.started_at))  # fmt: skip
    if visit.state == "finished" and visit.started_at and visit.finished_at:
        return t("visit.took", when=formats.when(visit.started_at, now),
                 span=formats.span(visit.finished_at - visit.started_at))  # fmt: skip
    return t("visit.planned_for", when=formats.when(visit.planned_at, now),
             minutes=visit.minutes or shell.store.policy().visit_minutes)  # fmt: skip

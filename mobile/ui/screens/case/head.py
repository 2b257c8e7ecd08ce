"""What the case is about, who and where the customer is, and how much time is left."""

from __future__ import annotations

import flet as ft

from mobile.ui import formats
from mobile.ui.components import marks, privacy, surfaces, words
from mobile.ui.screens.cases import priority_badge, state_badge
from mobile.ui.state import Shell
from mobile.ui.texts import choice, label, t
from mobile.ui.theme import GAP
from mobile.usecases.repairs import Job
from shared.coverage import cover_of


def head(shell: Shell, job: Job) -> ft.Control:
    """Title, state, appointment, what was reported and the device."""
    case, now = job.case, shell.now()
    badges: list[ft.Control] = [state_badge(case)]
    badges += [marks.badge(choice("kind", case.kind)), *priority_badge(case)]
    if case.reopened:
        badges.append(marks.badge(t("repair.reopened", count=case.reopened), "wait"))
    if (waiting := marks.pending(job.pending)) is not None:
        badges.append(waiting)
    lines: list[ft.Control] = [
        words.headline(case.title),
        ft.Row(badges, wrap=True, spacing=GAP, run_spacing=4),
    ]
    if case.appointment_at:
        when = formats.when(case.appointment_at, now)
        lines.append(surfaces.pair(label("appointment_at"), when))
    if case.description:
        course = t("complaint.course") if case.kind == "complaint" else label("description")
        lines.append(surfaces.pair(course, case.description))
    if job.asset is not None:
        lines.append(_asset(shell, job))
    return surfaces.card(lines)


def _asset(shell: Shell, job: Job) -> ft.Control:
    asset = job.asset
    assert asset is not None
    named = " · ".join(part for part in (asset.product, asset.model, asset.serial) if part)
    lines: list[ft.Control] = [words.faint(t("entity.asset")), words.body(named, selectable=True)]
    now = shell.now()
    cover = cover_of(asset, formats.local(now).date())
    until = formats.day(cover.until, now) if cover.until else ""
    if cover.by == "package":
        said = t("repair.package.until", name=asset.package, day=until) if until else asset.package
        lines.append(words.body(said or ""))
        if asset.package_terms:
            lines.append(words.faint(asset.package_terms))
    elif cover.by != "unknown":
        key = "repair.warranty" if cover.by == "warranty" else "repair.warranty.over"
        lines.append(words.faint(t(key, day=until)))
    elif asset.bought_at:
        lines.append(words.faint(t("repair.bought", day=formats.day(asset.bought_at, now))))
    return ft.Column(lines, spacing=0, tight=True)


def customer_card(shell: Shell, job: Job) -> ft.Control:
    """Whom it is for, masked until needed, and the way there."""
    customer, contact = job.customer, job.contact
    lines: list[ft.Control] = [
        words.title(customer.name if customer else t("today.unknown_customer"))
    ]
    badge = marks.tier(customer.tier, customer.vip) if customer else None
    if badge is not None:
        lines.append(ft.Row([badge]))
    if contact is not None:
        lines.append(words.body(" · ".join(p for p in (contact.name, contact.position) if p)))
    if job.phone is not None:
        number, entity, record_id = job.phone
        lines.append(privacy.Phone(shell, number, entity, record_id, job.case.customer_id))
    if job.place:
        case = job.case
        lines.append(privacy.Address(shell, job.place, "case", case.id, case.customer_id))
    if customer is not None and customer.service_preferences:
        lines.append(surfaces.pair(label("service_preferences"), customer.service_preferences))
    return surfaces.card(lines)

"""What the case is about, who and where the customer is, and how much time is left."""

from __future__ import annotations

from datetime import timedelta

import flet as ft

from mobile.ui import formats
from mobile.ui.components import marks, privacy, surfaces, words
from mobile.ui.screens.cases import priority_badge, state_badge
from mobile.ui.state import Shell, use_now
from mobile.ui.texts import choice, label, t
from mobile.ui.theme import GAP
from mobile.usecases.repairs import Job, Repairs
from shared.service_clock import ClockReading


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
        lines.append(surfaces.pair(label("description"), case.description))
    if job.asset is not None:
        lines.append(_asset(shell, job))
    return surfaces.card(lines)


def _asset(shell: Shell, job: Job) -> ft.Control:
    asset = job.asset
    assert asset is not None
    named = " · ".join(part for part in (asset.product, asset.model, asset.serial) if part)
    lines: list[ft.Control] = [words.faint(t("entity.asset")), words.body(named, selectable=True)]
    today = formats.local(shell.now()).date()
    if asset.warranty_until:
        key = "repair.warranty" if asset.warranty_until >= today else "repair.warranty.over"
        until = formats.day(asset.warranty_until, shell.now())
        lines.append(words.faint(t(key, day=until)))
    elif asset.bought_at:
        lines.append(words.faint(t("repair.bought", day=formats.day(asset.bought_at, shell.now()))))
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


@ft.component
def Clocks(shell: Shell, job: Job) -> ft.Control:
    """The two service clocks, as they run (S0 #10, #16, #17)."""
    now = use_now(30)
    readings = Repairs(shell.store).clocks(job.case, job.events)
    assert now  # the clocks are read anew whenever it changes
    return surfaces.card([_clock(shell, reading) for reading in readings], padding=12)


def _clock(shell: Shell, reading: ClockReading) -> ft.Control:
    left = formats.span(reading.remaining)
    if reading.stopped_at is not None:
        key = "repair.clock.over" if reading.breached else "repair.clock.met"
        passed = formats.span(reading.stopped_at - reading.started_at)
        mark = marks.badge(t(key, span=passed), "error" if reading.breached else "calm")
    elif reading.paused:
        mark = marks.badge(t("repair.clock.paused"), "wait", ft.Icons.PAUSE)
    else:
        near = reading.remaining < timedelta(hours=4)
        tone = "error" if reading.breached else "wait" if near else "calm"
        key = "due.over" if reading.breached else "due.left"
        mark = marks.badge(t(key, span=left), tone, ft.Icons.SCHEDULE)
    by = t("repair.clock.by", when=formats.when(reading.due_at, shell.now()))
    if reading.provisional:
        by = f"{by} · {t('repair.clock.provisional')}"
    return ft.Row(
        [
            ft.Column(
                [words.body(t(f"repair.clock.{reading.name}")), words.faint(by)],
                spacing=0,
                tight=True,
                expand=True,
            ),
            mark,
        ]
    )

"""A report as it reads: on the review before signing, beside the pad, and once it is sealed."""

from __future__ import annotations

import flet as ft

from mobile.ui import formats
from mobile.ui.components import surfaces, words
from mobile.ui.hooks import keyed
from mobile.ui.screens.report.photos import picture, use_photos
from mobile.ui.state import Shell
from mobile.ui.texts import label, t
from mobile.ui.theme import GAP
from mobile.usecases.repairs import Job
from shared.entities import CheckItem, PartUsed, Report


def content(shell: Shell, job: Job, report: Report) -> list[ft.Control]:
    """Everything that the seal will cover; empty parts are left out."""
    now = shell.now()
    about = [job.customer.name if job.customer else "", job.place]
    asset = job.asset
    device = [asset.product, asset.model, asset.serial] if asset else []
    facts: list[ft.Control] = [
        words.title(f"{job.case.number} · {job.case.title}"),
        words.body(" · ".join(part for part in about if part)),
    ]
    if any(device):
        facts.append(words.body(" · ".join(part for part in device if part)))
    if report.arrived_at:
        facts.append(words.faint(f"{label('arrived_at')} {formats.when(report.arrived_at, now)}"))
    cards: list[ft.Control] = [surfaces.card(facts)]
    said = [(name, getattr(report, name)) for name in ("cause", "method")]
    pairs = [surfaces.pair(label(name), text) for name, text in said if text]
    if pairs:
        cards.append(surfaces.card(pairs))
    if report.checklist:
        rows = [_check(item) for item in report.checklist]
        cards.append(surfaces.card([words.title(label("checklist")), *rows], spacing=6))
    if report.parts:
        rows = [_part(part) for part in report.parts]
        cards.append(surfaces.card([words.title(label("parts")), *rows], spacing=6))
    cards += [keyed(f"photos-{p}", Album, shell, report, p) for p in ("before", "after")]
    cards.append(_handover(report))
    return cards


def summary(job: Job, report: Report) -> list[ft.Control]:
    """What is being signed, in the few lines that stand beside the pad."""
    lines: list[ft.Control] = [words.title(f"{job.case.number} · {job.case.title}")]
    lines += [
        surfaces.pair(label(name), text)
        for name in ("cause", "method")
        if (text := getattr(report, name))
    ]
    done = sum(1 for item in report.checklist if item.done)
    facts = [t("sign.checked", done=done, count=len(report.checklist))]
    if report.parts:
        listed = t("report.list").join(f"{p.name} × {p.quantity}" for p in report.parts)
        facts.append(t("report.said", about=label("parts"), text=listed))
    facts.append(t("report.works" if report.operation_confirmed else "report.works_not"))
    facts.append(t("report.trained" if report.training_given else "report.trained_not"))
    if report.remarks:
        facts.append(t("report.said", about=label("remarks"), text=report.remarks))
    return [*lines, *(words.body(fact) for fact in facts)]


def _check(item: CheckItem) -> ft.Control:
    icon, ink = {
        True: (ft.Icons.CHECK_CIRCLE_OUTLINE, ft.Colors.PRIMARY),
        False: (ft.Icons.CANCEL_OUTLINED, ft.Colors.ERROR),
        None: (ft.Icons.RADIO_BUTTON_UNCHECKED, ft.Colors.OUTLINE),
    }[item.done]
    said = {True: t("report.yes"), False: t("report.no"), None: t("report.unsaid")}[item.done]
    lines: list[ft.Control] = [words.body(item.label)]
    if item.note:
        lines.append(words.faint(item.note))
    return ft.Row(
        [
            ft.Icon(icon, size=20, color=ink, semantics_label=said),
            ft.Column(lines, spacing=0, tight=True, expand=True),
        ],
        spacing=GAP,
        vertical_alignment=ft.CrossAxisAlignment.START,
    )


def _part(part: PartUsed) -> ft.Control:
    price = part.unit_price_cents
    amount = formats.money(price * part.quantity, part.currency) if price is not None else ""
    named = " · ".join(fact for fact in (part.name, part.code) if fact)
    return ft.Row(
        [words.body(f"{named} × {part.quantity}", expand=True), words.body(amount)], spacing=GAP
    )


@ft.component
def Album(shell: Shell, report: Report, purpose: str) -> ft.Control:
    """The photos before or after; nothing where there are none."""
    shown: list[ft.Control] = [
        picture(shell, report, purpose, file, removable=False)
        for file in use_photos(report, purpose)
    ]
    card = surfaces.card(
        [
            words.title(label(f"photos_{purpose}")),
            ft.Row(shown, wrap=True, spacing=GAP, run_spacing=GAP),
        ]
    )
    return ft.Container(card, visible=bool(shown))


def _handover(report: Report) -> ft.Control:
    lines: list[ft.Control] = []
    for name, yes, no in (
        ("operation_confirmed", "report.works", "report.works_not"),
        ("training_given", "report.trained", "report.trained_not"),
    ):
        value = getattr(report, name)
        if value is not None:
            lines.append(words.body(t(yes if value else no)))
    if report.training_note:
        lines.append(surfaces.pair(label("training_note"), report.training_note))
    if report.remarks:
        lines.append(surfaces.pair(label("remarks"), report.remarks))
    return surfaces.card(lines) if lines else ft.Container(visible=False)

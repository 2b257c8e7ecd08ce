"""A visit as it was: nothing here can be changed. What it found can still be written into the
customer's profile.
"""

from __future__ import annotations

import flet as ft

from mobile.ui import formats
from mobile.ui.components import buttons, surfaces
from mobile.ui.components.messages import notice, say
from mobile.ui.screens.visit.photos import picture
from mobile.ui.screens.visit.place import fix_lines
from mobile.ui.screens.visit.seen import Seen, head
from mobile.ui.state import Shell, use_query
from mobile.ui.texts import choice, label, language, t
from mobile.ui.theme import GAP
from mobile.usecases import visits
from mobile.usecases.visit_questions import questions, shown_answers
from shared.entities import Visit


@ft.component
def Record(shell: Shell, seen: Seen) -> ft.Control:
    """Finished or cancelled."""
    visit = seen.visit
    asked = use_query(
        lambda store: questions(store, visit.purpose, language()), [visit.id], watch=("reference",)
    )
    answers = shown_answers(visit, asked.value or ())
    body: list[ft.Control] = [head(shell, seen)]
    if visit.state == "cancelled":
        body.append(_cancelled(shell, visit))
    if found := _offer(shell, seen):
        body.append(found)
    if seen.following is not None:
        body.append(_following(shell, seen.following))
    body += _said(visit)
    if answers:
        rows: list[ft.Control] = [surfaces.pair(question, answer) for question, answer in answers]
        purpose = choice("purpose", visit.purpose)
        heading = t("visit.section.questions", purpose=purpose)
        body.append(surfaces.section(heading, [surfaces.card(rows)]))
    if place := _place(shell, visit):
        body.append(surfaces.section(t("visit.section.place"), [surfaces.card(place)]))
    if seen.photos:
        shown = [picture(shell, seen, file, removable=False) for file in seen.photos]
        body.append(
            surfaces.section(t("visit.section.photos"), [ft.Row(shown, wrap=True, spacing=GAP)])
        )
    return ft.Column(
        body, spacing=16, tight=True, horizontal_alignment=ft.CrossAxisAlignment.STRETCH
    )


def _cancelled(shell: Shell, visit: Visit) -> ft.Control:
    again = buttons.tonal(
        shell, "uncancel", t("visit.uncancel"), lambda: visits.uncancel(shell.store, visit)
    )
    return notice(
        ft.Icons.EVENT_BUSY, t("visit.was_cancelled"), visit.cancelled_because or "", again
    )


def _offer(shell: Shell, seen: Seen) -> ft.Control | None:
    """What the visit found and the profile does not say yet."""
    new = visits.learned(seen.customer, seen.visit)
    if not new or seen.visit.state != "finished":
        return None

    def write_down() -> None:
        visits.write_into_profile(shell.store, seen.customer, seen.visit)
        say(shell, t("visit.profile.written"))

    fields = t("visit.comma").join(label(name) for name in new)
    act = buttons.tonal(
        shell, "to-profile", t("visit.profile.write"), write_down, icon=ft.Icons.PERSON_ADD_ALT
    )
    return notice(
        ft.Icons.LIGHTBULB_OUTLINE, t("visit.profile.offer"),
        t("visit.profile.text", fields=fields), act,
    )  # fmt: skip


def _following(shell: Shell, following: Visit) -> ft.Control:
    return surfaces.card(
        [
            surfaces.line(
                "next-visit",
                t("visit.following"),
                lambda _: shell.go(f"/visits/{following.id}"),
                icon=ft.Icons.EVENT_AVAILABLE,
                text=formats.when(following.planned_at, shell.now()),
            )
        ]
    )


def _said(visit: Visit) -> list[ft.Control]:
    said = (
        ("notes", visit.notes),
        ("needs_found", visit.needs_found),
        ("preferences_found", visit.preferences_found),
        ("satisfaction", None if visit.satisfaction is None else str(visit.satisfaction)),
        ("next_step", visit.next_step),
    )
    rows: list[ft.Control] = [surfaces.pair(label(name), text) for name, text in said if text]
    return [surfaces.section(t("visit.section.learned"), [surfaces.card(rows)])] if rows else []


def _place(shell: Shell, visit: Visit) -> list[ft.Control]:
    if visit.position is not None:
        return fix_lines(shell, visit.position)
    if visit.no_position_because:
        why = choice("no_position_because", visit.no_position_because)
        return [surfaces.pair(label("no_position_because"), why)]
    return []

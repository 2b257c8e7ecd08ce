"""One conflict: mine, theirs, or a third wording; who and when. What is not chosen stays in the
history, and the choice can be taken back until it is sent.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import flet as ft

from mobile.ui import formats
from mobile.ui.components import buttons, frame, marks, surfaces, words
from mobile.ui.components.entry import entry
from mobile.ui.components.messages import refusal_card, say
from mobile.ui.components.values import shown
from mobile.ui.hooks import Held
from mobile.ui.screens.customer.looking import use_look
from mobile.ui.state import Shell, use_query, use_shell
from mobile.ui.texts import label, t
from mobile.usecases import decisions
from mobile.usecases.outbox import staff_name
from shared.declare import ENTITIES, Field, Kind
from shared.entities import Conflict
from shared.masking import MASKED

BACK = "/decisions"


@ft.component
def ConflictScreen() -> ft.View:
    """Reached from the inbox and from the sync screen."""
    shell = use_shell()
    conflict_id = ft.use_route_params().get("conflict_id", "")
    found = use_query(lambda store: store.get(Conflict, conflict_id), [conflict_id], ("conflict",))
    conflict = found.value
    edited: Held[str] = ft.use_memo(
        lambda: Held(str(conflict.other_value or "") if conflict else ""),
        [conflict_id, conflict is None],
    )
    # Both values stand there whole: of a number or an address that is an unmasking.
    recorded, unrecorded = use_look(
        shell,
        conflict.entity if conflict else "",
        conflict.record_id if conflict else "",
        conflict.customer_id if conflict else None,
        "unmasked" if conflict and _is_masked(conflict) else "opened",
    )
    title = t("conflict.title")
    refusal = found.refusal or unrecorded
    if refusal is not None:
        return frame.screen(shell, [refusal_card(refusal)], title=title, back=BACK)
    if conflict is None or conflict.resolution is not None:
        box = surfaces.empty(ft.Icons.CHECK, t("conflict.gone"), t("conflict.gone.text"))
        return frame.screen(shell, [box], title=title, back=BACK)
    field = ENTITIES[conflict.entity].fields[conflict.field]
    if not recorded:
        return frame.screen(shell, [surfaces.skeleton()], title=title, back=BACK)

    def choose(resolution: str, text: str | None = None) -> buttons.Action:
        def act() -> None:
            number = decisions.resolve(shell.store, conflict, resolution, text)
            say(shell, t("conflict.done"), undo=lambda: _take_back(shell, number))
            shell.back(BACK)

        return act

    body: list[ft.Control] = [
        words.headline(label(conflict.field)),
        words.body(t("conflict.text"), color=ft.Colors.ON_SURFACE_VARIANT),
        _value(
            shell, field, "other", conflict.other_value, conflict.other_by, conflict.other_at,
            choose("other"), late=bool(conflict.late),
        ),
        _value(
            shell, field, "kept", conflict.kept_value, conflict.kept_by, conflict.kept_at,
            choose("kept"),
        ),
    ]  # fmt: skip
    if field.kind is Kind.TEXT:
        body.append(
            surfaces.card(
                [
                    words.title(t("conflict.edit")),
                    entry(
                        "edited", label(conflict.field), edited,
                        multiline=True, min_lines=3, max_lines=10, max_length=field.limit,
                    ),
                    buttons.tonal(
                        shell, "take-edited", t("conflict.keep_edited"),
                        lambda: choose("edited", edited.current)(),
                    ),
                ]
            )
        )  # fmt: skip
    return frame.screen(shell, body, title=title, back=BACK)


def _is_masked(conflict: Conflict) -> bool:
    return ENTITIES[conflict.entity].fields[conflict.field].personal in MASKED


def _take_back(shell: Shell, number: int) -> None:
    undone = decisions.undo(shell.store, number)
    say(shell, t("conflict.undone" if undone else "conflict.sent"))


def _value(
    shell: Shell,
    field: Field,
    side: str,
    value: Any,
    by: str | None,
    at: datetime | None,
    take: buttons.Action,
    *,
    late: bool = False,
) -> ft.Control:
    """One of the two values: whose, when, and the button that takes it. `side` is what the server
    calls it: kept or other.
    """
    mine = by == shell.staff.id
    who = staff_name(shell.store, by) or t("conflict.someone")
    head: list[ft.Control] = [words.title(t("conflict.mine") if mine else who, expand=True)]
    if late:
        head.append(marks.badge(t("conflict.late"), "wait"))
    do = t("conflict.keep_mine") if mine else t("conflict.keep_theirs", who=who)
    return surfaces.card(
        [
            ft.Row(head),
            words.faint(t("conflict.by", who=who, when=formats.when(at, shell.now()))),
            words.body(shown(field, value, shell.now()) or t("conflict.empty"), selectable=True),
            buttons.tonal(shell, "take-mine" if mine else f"take-{side}", do, take),
        ]
    )

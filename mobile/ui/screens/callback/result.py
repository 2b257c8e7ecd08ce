"""How the call came out: points, conclusion, notes, and whether the work begins again (S2 #115)."""

from __future__ import annotations

import flet as ft

from mobile.ui.components import surfaces, words
from mobile.ui.components.form import Form
from mobile.ui.components.messages import notice
from mobile.ui.screens.callback.points import points_row
from mobile.ui.state import Shell, watch
from mobile.ui.texts import label, t
from mobile.usecases.callbacks import Call
from shared.followups import after_call

_OUTCOMES = ("satisfied", "unsatisfied", "needs_more")


@ft.component
def Result(shell: Shell, call: Call, form: Form) -> ft.Control:
    """Points propose a conclusion; whoever spoke with the customer decides it."""
    watch(form.state)
    enough = shell.store.policy().satisfied_from_points

    def points(value: int | None) -> None:
        if value is not None and form.get("outcome") is None:
            form.set("outcome", "satisfied" if value >= enough else "unsatisfied")
        form.set("satisfaction", value)

    lines: list[ft.Control] = [
        words.body(label("satisfaction")),
        points_row("points", form.get("satisfaction"), points),
        form.field("satisfaction", label=t("callback.exact")),
        form.field("outcome", only=_OUTCOMES),
        form.field("notes", label=t("callback.notes"), lines=3),
    ]
    if call.may_reopen:
        follows = after_call(call.case.kind if call.case else "", form.get("outcome") or "")
        if follows:
            hint = t(f"callback.complaint.{follows}")
            lines.append(notice(ft.Icons.INFO_OUTLINE, hint, tone="warning"))
        elif form.get("outcome") in {"unsatisfied", "needs_more"}:
            lines.append(notice(ft.Icons.INFO_OUTLINE, t("callback.reopen.hint"), tone="warning"))
        if call.case is None or call.case.kind != "complaint":
            lines.append(form.field("reopened_case", label=t("callback.reopen")))
    return surfaces.section(t("callback.result"), [surfaces.card(lines, spacing=12)])

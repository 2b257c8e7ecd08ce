"""The organisation's checklist: yes or no to each line, with a word on it where it needs one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import groupby
from typing import Any

import flet as ft

from mobile.store.store import Store
from mobile.ui.components import buttons, surfaces, words
from mobile.ui.components.entry import text_entry
from mobile.ui.components.form import Form
from mobile.ui.hooks import keyed, use_state
from mobile.ui.screens.report.answers import yes_no
from mobile.ui.state import Shell, use_query, watch
from mobile.ui.texts import label, language, t
from mobile.usecases.repairs import Job
from shared.entities import Report

Line = dict[str, Any]


@ft.component
def Checks(shell: Shell, _job: Job, report: Report, form: Form, _go: Any) -> ft.Control:
    """Lines by the part of the checklist that they belong to."""
    watch(form.state)
    spoken = report.language or language()
    titles = use_query(lambda store: _titles(store, spoken), watch=("reference",)).value or {}
    lines: list[Line] = form.get("checklist") or []
    if not lines:
        return surfaces.empty(ft.Icons.CHECKLIST, t("report.checklist"), t("report.checklist.none"))

    def change(key: str, **values: Any) -> None:
        """Keeps every line's place; what is cleared is left out, as on the wire."""
        made = []
        for line in form.get("checklist") or []:
            if line["key"] == key:
                line = {k: v for k, v in {**line, **values}.items() if v not in (None, "")}
            made.append(line)
        form.set("checklist", made, render="note" not in values)

    sections: list[ft.Control] = []
    for part, mine in groupby(lines, key=lambda line: line["key"].split(".")[0]):
        rows = [keyed(f"line-{line['key']}", Check, shell, line, change) for line in mine]
        sections.append(surfaces.section(titles.get(part, ""), rows))
    return ft.Column(
        sections, spacing=16, tight=True, horizontal_alignment=ft.CrossAxisAlignment.STRETCH
    )


def _titles(store: Store, spoken: str) -> Mapping[str, str]:
    return {
        part.key: part.data["title"].get(spoken) or part.data["title"]["zh-CN"]
        for part in store.references("repair_checklist")
    }


@ft.component
def Check(shell: Shell, line: Line, change: Callable[..., None]) -> ft.Control:
    """One line. A no asks for a word; a yes may have one."""
    noting, set_noting = use_state(bool(line.get("note")))
    key, done = line["key"], line.get("done")
    row: list[ft.Control] = [
        yes_no(key, line["label"], done, lambda value: change(key, done=value))
    ]
    says = f"{t('report.add_note')} {line['label']}"
    wants_note = noting or done is False
    if not wants_note:
        row.append(
            buttons.icon(
                shell, f"{key}-note", ft.Icons.ADD_COMMENT_OUTLINED, says,
                lambda: set_noting(True),
            )
        )  # fmt: skip
    lines: list[ft.Control] = [
        words.body(line["label"]),
        ft.Row(row, alignment=ft.MainAxisAlignment.SPACE_BETWEEN),
    ]
    if wants_note:
        lines.append(
            text_entry(
                f"{key}-text",
                label("note"),
                line.get("note") or "",
                lambda text: change(key, note=text),
                max_length=500,
                counter="",
            )
        )
    return surfaces.card(lines, padding=12, spacing=4)

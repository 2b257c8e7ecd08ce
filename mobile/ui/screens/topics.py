"""Choosing from the taxonomy of what customers say (S0 #28): chips by group, in the user's
language."""

from __future__ import annotations

from collections.abc import Callable

import flet as ft

from mobile.ui.components import words
from mobile.ui.components.chips import chips
from mobile.ui.components.form import Form
from mobile.ui.state import Shell, use_query, watch
from mobile.ui.texts import language, t
from mobile.usecases.complaints import topics
from shared.entities import Reference


@ft.component
def Topics(shell: Shell, form: Form, name: str) -> ft.Control:
    """The topic goes into the text field `name` as its key."""
    watch(form.state)
    assert shell  # the query is its store's
    found = use_query(topics, watch=("reference",)).value or []
    picked = form.get(name)
    lines: list[ft.Control] = [words.faint(t("complaint.topic"))]
    if problem := form.errors.get(name):
        lines.append(words.faint(problem, color=ft.Colors.ERROR))
    if found:
        options = [(one.key, topic_title(one)) for one in found]
        lines.append(chips(name, options, picked, _setter(form, name)))
    else:
        lines.append(words.body(t("complaint.no_topics")))
    return ft.Column(lines, spacing=4, tight=True)


def topic_title(topic: Reference) -> str:
    """What a topic is called here."""
    titles = topic.data.get("title") or {}
    return str(titles.get(language()) or next(iter(titles.values()), topic.key))


def _setter(form: Form, name: str) -> Callable[[str | None], None]:
    return lambda word: form.set(name, word)

"""What a customer says of us: noting it, and what came of it (S0 #28–#30; S2 #83, #97)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import flet as ft

from mobile.ui import formats
from mobile.ui.components import buttons, frame, marks, privacy, surfaces, words
from mobile.ui.components.form import use_correction, use_form
from mobile.ui.components.messages import say
from mobile.ui.hooks import keyed, use_state
from mobile.ui.screens.customer.choosing import ChooseRecord
from mobile.ui.screens.customer.looking import use_record
from mobile.ui.screens.customer.subject import Subject, for_subject
from mobile.ui.screens.topics import Topics, topic_title
from mobile.ui.state import Shell, use_query, use_shell
from mobile.ui.texts import choice, label, language, t
from mobile.usecases import feedback as notes
from mobile.usecases.customer_page import things_of
from mobile.usecases.feedback import SETTLE_FIELDS, feedback_draft
from shared.entities import Feedback


@ft.component
def NoteFeedbackScreen() -> ft.View:
    """`/customers/<id>/feedback`, `/cases/<id>/feedback`."""
    return for_subject(t("feedback.note"), Noting)


@ft.component
def Noting(shell: Shell, subject: Subject) -> ft.View:
    """Their own words and a topic; department and deadline follow from it."""
    customer, case_id = subject.customer, subject.case.id if subject.case else None
    form = use_form(
        shell,
        Feedback,
        draft=feedback_draft(case_id or customer.id),
        start={"channel": "on_site" if case_id else "phone", "asset_id": subject.asset_id},
        about=subject.about,
    )
    things = use_query(lambda store: things_of(store, customer.id), [customer.id], ("asset",))

    def save() -> None:
        if form.complete(required=("topic", "said")):
            made = notes.note_feedback(shell.store, customer.id, form.values, language(), case_id)
            form.done()
            when = formats.when(made.due_at, shell.now())
            routed = t("feedback.routed", department=made.department or "", when=when)
            say(shell, routed if made.department else t("customer.saved"))
            shell.back(subject.back)

    return frame.screen(
        shell,
        [
            words.headline(customer.name),
            form.field("said", label=t("feedback.said"), lines=4),
            keyed("topics", Topics, shell, form, "topic"),
            *(
                [keyed("thing", ChooseRecord, form, "asset_id", things.value)]
                if things.value
                else ()
            ),
            form.field("channel"),
            form.saved_line(),
        ],
        title=t("feedback.note"),
        back=subject.back,
        bottom=[buttons.primary(shell, "save", t("action.save"), save, icon=ft.Icons.CHECK)],
    )


@ft.component
def FeedbackScreen() -> ft.View:
    """`/feedback/<id>`: what was said, who has it until when, and what came of it."""
    shell = use_shell()
    feedback_id = ft.use_route_params()["feedback_id"]
    written, set_written = use_state(0)
    title, back = t("entity.feedback"), "/customers"
    one = use_record(shell, Feedback, feedback_id, title=title, back=back)
    if isinstance(one, ft.View):
        return one
    again = partial(set_written, written + 1)  # what was saved is a new beginning
    return keyed(f"feedback {feedback_id} {written}", Settling, shell, one, again)


@ft.component
def Settling(shell: Shell, one: Feedback, again: Callable[[], None]) -> ft.View:
    """The measure and its effect, then telling the customer."""
    form, seen = use_correction(shell, one, SETTLE_FIELDS, draft=feedback_draft(one.id))
    topics = use_query(lambda store: store.references("feedback_topic"), watch=("reference",))

    def save() -> None:
        if form.complete():
            notes.settle(shell.store, seen, form.changes())
            form.done()
            again()
            say(shell, t("customer.saved"))

    now = shell.now()
    topic = next((entry for entry in topics.value or [] if entry.key == one.topic), None)
    facts: list[ft.Control] = [
        words.headline(topic_title(topic) if topic else one.topic),
        surfaces.pair(t("feedback.said"), one.said),
        words.faint(
            " · ".join(
                part
                for part in (
                    formats.when(one.happened_at, now),
                    choice("channel", one.channel) if one.channel else "",
                    one.department or "",
                )
                if part
            )
        ),
    ]
    if one.finished_at is None and one.due_at is not None:
        facts.append(ft.Row([marks.due(one.due_at, now)]))
    if one.told_at is not None:
        facts.append(surfaces.pair(label("told_at"), formats.when(one.told_at, now)))
    body: list[ft.Control] = [surfaces.card(facts), *(form.field(name) for name in SETTLE_FIELDS)]
    if one.finished_at is not None and one.told_at is None:
        body.append(
            buttons.tonal(
                shell, "told", t("feedback.tell"), lambda: notes.told(shell.store, one),
                icon=ft.Icons.CAMPAIGN_OUTLINED,
            )
        )  # fmt: skip
    return frame.screen(
        shell,
        [*body, form.saved_line()],
        title=t("entity.feedback"),
        back=f"/customers/{one.customer_id}",
        bottom=[buttons.primary(shell, "save", t("action.save"), save, icon=ft.Icons.CHECK)],
        overlay=privacy.watermark(shell),
    )

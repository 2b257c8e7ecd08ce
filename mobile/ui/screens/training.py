"""What a customer's people were taught: writing it down, and reading it again (S2 #84)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import flet as ft

from mobile.ui.components import buttons, frame, privacy, surfaces, words
from mobile.ui.components.form import Form, use_form
from mobile.ui.components.messages import refusal_card, say
from mobile.ui.hooks import keyed
from mobile.ui.screens.customer.choosing import ChooseRecord
from mobile.ui.screens.customer.looking import use_look
from mobile.ui.screens.customer.subject import Subject, for_subject
from mobile.ui.state import Shell, use_query, use_shell
from mobile.ui.texts import t
from mobile.usecases.customer_page import things_of
from mobile.usecases.customer_training import (
    NEEDED,
    TRAINING_FIELDS,
    correct_training,
    log_training,
    training_draft,
)
from mobile.usecases.drafting import as_seen
from mobile.usecases.outbox import staff_name
from shared.clock import to_wire
from shared.codec import write
from shared.entities import CustomerTraining
from shared.errors import Code

Things = Sequence[tuple[str, str]]


@ft.component
def LogTrainingScreen() -> ft.View:
    """`/customers/<id>/training`, `/cases/<id>/training`."""
    return for_subject(t("training.log"), Logging)


@ft.component
def Logging(shell: Shell, subject: Subject) -> ft.View:
    """Who and what are needed; it was now unless another time is chosen."""
    customer_id, case_id = subject.customer.id, subject.case.id if subject.case else None
    form = use_form(
        shell,
        CustomerTraining,
        draft=training_draft(case_id or customer_id),
        start={"asset_id": subject.asset_id, "held_at": to_wire(shell.now())},
        about=subject.about,
    )
    things = use_query(lambda store: things_of(store, customer_id), [customer_id], ("asset",))

    def save() -> None:
        if form.complete(required=NEEDED):
            log_training(shell.store, customer_id, form.values, case_id)
            form.done()
            say(shell, t("customer.saved"))
            shell.back(subject.back)

    head = [words.headline(subject.customer.name)]
    return _screen(shell, form, head, things.value or [], subject.back, save)


@ft.component
def TrainingScreen() -> ft.View:
    """`/trainings/<id>`: what stands there, to be read and corrected."""
    shell = use_shell()
    training_id = ft.use_route_params()["training_id"]
    found = use_query(
        lambda store: store.get(CustomerTraining, training_id), [training_id],
        ("customer_training",),
    )  # fmt: skip
    one = found.value
    recorded, unrecorded = use_look(
        shell, "customer_training", training_id, one.customer_id if one else None
    )
    refusal, title = found.refusal or unrecorded, t("entity.customer_training")
    if refusal is not None or one is None:
        card = refusal_card(refusal or Code.RECORD_MISSING)
        return frame.screen(shell, [card], title=title, back="/customers")
    if not recorded:
        return frame.screen(shell, [surfaces.skeleton()], title=title, back="/customers")
    return keyed(f"training {training_id}", Correcting, shell, one)


@ft.component
def Correcting(shell: Shell, one: CustomerTraining) -> ft.View:
    """The form as it was filled in, with the trainer's name."""
    form = use_form(
        shell,
        CustomerTraining,
        draft=training_draft(one.id),
        start=write(one),
        about=("customer_training", one.id),
    )
    fields = ("asset_id", *TRAINING_FIELDS)
    seen = as_seen(CustomerTraining, one.id, fields, form.start, form.values)
    things = use_query(
        lambda store: things_of(store, one.customer_id), [one.customer_id], ("asset",)
    )
    back = f"/cases/{one.case_id}" if one.case_id else f"/customers/{one.customer_id}"

    def save() -> None:
        if form.complete(required=NEEDED):
            correct_training(shell.store, seen, form.changes())
            form.done()
            say(shell, t("customer.saved"))
            shell.back(back)

    trainer = staff_name(shell.store, one.trainer_id)
    head = [words.faint(t("training.by", name=trainer))] if trainer else []
    return _screen(shell, form, head, things.value or [], back, save)


def _screen(
    shell: Shell,
    form: Form,
    head: Sequence[ft.Control],
    things: Things,
    back: str,
    save: Callable[[], None],
) -> ft.View:
    thing = [keyed("thing", ChooseRecord, form, "asset_id", things)] if things else []
    return frame.screen(
        shell,
        [*head, *thing, *(form.field(name) for name in TRAINING_FIELDS), form.saved_line()],
        title=t("entity.customer_training"),
        back=back,
        bottom=[buttons.primary(shell, "save", t("action.save"), save, icon=ft.Icons.CHECK)],
        overlay=privacy.watermark(shell),
    )

"""What a customer's people were taught: writing it down, and reading it again (S2 #84)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import flet as ft

from mobile.ui.components import buttons, frame, privacy, words
from mobile.ui.components.form import Form, use_correction, use_form
from mobile.ui.components.messages import say
from mobile.ui.hooks import keyed
from mobile.ui.screens.customer.choosing import ChooseRecord
from mobile.ui.screens.customer.looking import use_record
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
from mobile.usecases.outbox import staff_name
from shared.clock import to_wire
from shared.entities import CustomerTraining

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
    title, back = t("entity.customer_training"), "/customers"
    one = use_record(shell, CustomerTraining, training_id, title=title, back=back)
    if isinstance(one, ft.View):
        return one
    return keyed(f"training {training_id}", Correcting, shell, one)


@ft.component
def Correcting(shell: Shell, one: CustomerTraining) -> ft.View:
    """The form as it was filled in, with the trainer's name."""
    fields = ("asset_id", *TRAINING_FIELDS)
    form, seen = use_correction(shell, one, fields, draft=training_draft(one.id))
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

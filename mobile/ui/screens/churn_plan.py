"""A plan to keep a customer: what speaks for their leaving, the cause, measures, who answers for
it, by when, and what came of it (S1 #65)."""

from __future__ import annotations

from collections.abc import Callable

import flet as ft

from mobile.ui import formats
from mobile.ui.components import buttons, frame, marks, privacy, surfaces, words
from mobile.ui.components.form import Form, use_form
from mobile.ui.components.messages import refusal_card, say
from mobile.ui.hooks import keyed
from mobile.ui.screens.customer.choosing import ChooseRecord
from mobile.ui.screens.customer.keeping import WATCHED, told
from mobile.ui.screens.customer.looking import use_record
from mobile.ui.state import Shell, use_query, use_shell
from mobile.ui.texts import choice, label, t
from mobile.ui.theme import GAP, PAD
from mobile.usecases import churn
from mobile.usecases.churn import Standing
from mobile.usecases.drafting import as_seen
from mobile.usecases.outbox import staff_name
from shared.codec import write
from shared.declare import Role
from shared.entities import Customer, RetentionPlan
from shared.errors import Code
from shared.states import OPEN_PLAN_STATES


@ft.component
def PlanScreen() -> ft.View:
    """A new plan (`new`), or one that is there."""
    shell = use_shell()
    asked = ft.use_route_params()
    customer_id, plan_id = asked["customer_id"], asked["plan_id"]
    title, back = t("entity.retention_plan"), f"/customers/{customer_id}"
    plan = use_query(
        lambda s: s.get(RetentionPlan, plan_id) if plan_id != "new" else None,
        [plan_id],
        ("retention_plan",),
    )
    known = use_query(lambda s: churn.standing(s, customer_id), [customer_id], WATCHED)
    customer = use_record(shell, Customer, customer_id, title=title, back=back)
    if isinstance(customer, ft.View):
        return customer
    if known.value is None or (plan_id != "new" and plan.value is None):
        gone = refusal_card(plan.refusal or known.refusal or Code.RECORD_MISSING)
        return frame.screen(shell, [gone], title=title, back=back)
    if plan.value is not None and plan.value.state not in OPEN_PLAN_STATES:
        return _ended(shell, customer, plan.value, back)
    key = f"plan {plan_id} {plan.value.state if plan.value else ''}"
    return keyed(key, Planning, shell, customer, plan.value, known.value)


@ft.component
def Planning(
    shell: Shell, customer: Customer, plan: RetentionPlan | None, known: Standing
) -> ft.View:
    """`plan` is None for a new one."""
    store, decides = shell.store, shell.role == Role.STORE_MANAGER
    start = ft.use_memo(lambda: write(plan) if plan else churn.suggested(store, customer), [])
    form = use_form(
        shell,
        RetentionPlan,
        draft=churn.plan_draft(customer.id, plan.id if plan else None),
        start=start,
        about=("retention_plan", plan.id) if plan else ("customer", customer.id),
    )
    seen = None
    if plan is not None:
        seen = as_seen(RetentionPlan, plan.id, churn.WRITTEN, form.start, form.values)
    open_ = plan is not None and plan.state == "open"
    back = f"/customers/{customer.id}"

    def done(word: str) -> None:
        form.done()
        say(shell, t(word))
        shell.back(back)

    def save() -> None:
        if form.complete(required=("due_at",)):
            if seen is None:
                churn.start(store, customer.id, form.values)
            else:
                churn.save(store, seen, form.changes())
            done("churn.plan.saved")

    def accept() -> None:
        if form.complete(required=("owner_id", "due_at")):
            if seen is None:
                churn.start(store, customer.id, form.values)
            else:
                changes = form.changes() | {"owner_id": form.get("owner_id")}
                churn.save(store, seen, changes, "open")
            done("churn.plan.accepted")

    def withdraw() -> None:
        assert seen is not None
        churn.save(store, seen, {}, "withdrawn")
        done("churn.plan.withdrawn")

    def finish() -> None:
        if form.complete(required=("outcome",)):
            assert seen is not None
            churn.save(store, seen, form.changes(), "done")
            done("churn.plan.finished")

    body: list[ft.Control] = [words.headline(customer.name)]
    if lines := told(shell, known):
        body.append(surfaces.card(lines))
    body.append(_part("churn.plan.what", _fields(form, churn.CAUSE_FIELDS)))
    if decides:
        people = churn.owners(store, customer)
        body.append(ChooseRecord(form, "owner_id", people))
    elif plan is not None and plan.owner_id:
        body.append(surfaces.pair(label("owner_id"), staff_name(store, plan.owner_id)))
    if open_:
        body.append(_part("churn.plan.result", _fields(form, churn.OUTCOME_FIELDS)))
    body.append(form.saved_line())
    bottom = _bottom(shell, open_, decides, plan is None, (save, accept, withdraw, finish))
    return frame.screen(
        shell,
        body,
        title=t("entity.retention_plan"),
        back=back,
        bottom=bottom,
        overlay=privacy.watermark(shell),
    )


def _bottom(
    shell: Shell,
    open_: bool,
    decides: bool,
    new: bool,
    acts: tuple[Callable[[], None], Callable[[], None], Callable[[], None], Callable[[], None]],
) -> list[ft.Control]:
    save, accept, withdraw, finish = acts
    later = buttons.secondary(shell, "save", t("action.save"), save)
    if open_:
        close = buttons.primary(
            shell, "finish", t("churn.plan.finish"), finish, icon=ft.Icons.CHECK
        )
        return [later, close]
    if decides:
        take = buttons.primary(shell, "accept", t("churn.plan.accept"), accept, icon=ft.Icons.CHECK)
        no = buttons.secondary(shell, "withdraw", t("churn.plan.withdraw"), withdraw)
        return [take] if new else [no, take]
    word = "churn.plan.propose" if new else "action.save"
    return [buttons.primary(shell, "save", t(word), save, icon=ft.Icons.CHECK)]


def _fields(form: Form, names: tuple[str, ...]) -> list[ft.Control]:
    return [form.field(name, label=_called(name)) for name in names]


def _called(name: str) -> str:
    """What a field is called here: a repair has a cause of its own, a call an outcome."""
    return t(f"churn.plan.{name}") if name in {"cause", "outcome"} else label(name)


def _part(title: str, fields: list[ft.Control]) -> ft.Control:
    stretched = ft.Column(
        fields, spacing=PAD, tight=True, horizontal_alignment=ft.CrossAxisAlignment.STRETCH
    )
    return surfaces.section(t(title), [stretched])


def _ended(shell: Shell, customer: Customer, plan: RetentionPlan, back: str) -> ft.View:
    """A plan that is over, to read."""
    now = shell.now()
    facts = {
        "cause": choice("cause", plan.cause) if plan.cause else "",
        "cause_note": plan.cause_note or "",
        "measures": plan.measures or "",
        "owner_id": staff_name(shell.store, plan.owner_id),
        "outcome": choice("outcome", plan.outcome) if plan.outcome else "",
        "outcome_note": plan.outcome_note or "",
        "raised_at": formats.when(plan.raised_at, now),
        "finished_at": formats.when(plan.finished_at, now),
    }
    rows = [surfaces.pair(_called(name), text) for name, text in facts.items() if text]
    signs: list[ft.Control] = [marks.state(plan.state)]
    signs += [marks.badge(choice("sign", sign)) for sign in plan.signs]
    body: list[ft.Control] = [
        words.headline(customer.name),
        ft.Row(signs, wrap=True, spacing=GAP, run_spacing=GAP),
        surfaces.card(rows),
    ]
    return frame.screen(
        shell,
        body,
        title=t("entity.retention_plan"),
        back=back,
        overlay=privacy.watermark(shell),
    )

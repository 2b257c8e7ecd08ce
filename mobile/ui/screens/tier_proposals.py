"""Changes of levels that wait for a seat of the panel (S1 #51, #52, S2 #78): a section of the
inbox, and one proposal whole, with what moved and why, to confirm or to dispute."""

from __future__ import annotations

import flet as ft

from mobile.store.store import Store
from mobile.ui import formats
from mobile.ui.components import buttons, frame, levels, marks, privacy, surfaces, words
from mobile.ui.components.form import use_form
from mobile.ui.components.messages import notice, refusal_card, say
from mobile.ui.hooks import keyed, use_state
from mobile.ui.screens.customer.looking import use_record
from mobile.ui.state import Shell, use_query, use_shell
from mobile.ui.texts import choice, t
from mobile.ui.theme import GAP
from mobile.usecases import decisions, panel
from mobile.usecases.outbox import staff_name
from mobile.usecases.panel import Standing
from shared.codec import write
from shared.entities import Customer, TierProposal
from shared.errors import Code
from shared.states import OPEN_PROPOSAL_STATES
from shared.tiers import telling

WATCHED = ("tier_proposal", "policy")
_BACK = "/decisions"
_SHOWN = 5
_PAGE = 50
"""Rows added at a tap: the first night of the rules may propose thousands."""


@ft.component
def TierProposals(shell: Shell) -> ft.Control:
    """A section of the inbox; nothing where nothing waits. Only what is shown is looked up."""
    waiting = use_query(panel.waiting, watch=WATCHED).value or []
    shown, show = use_state(_SHOWN)
    told = use_query(
        lambda store: [_look_up(store, one) for one in waiting[:shown]],
        [waiting[:shown]],
        watch=("tier_proposal", "customer"),
    )
    lines = [_line(shell, one, customer) for one, customer in told.value or [] if one is not None]
    rows: list[ft.Control] = [surfaces.card(lines, padding=0)]
    if shown < len(waiting):
        more = t("panel.more", count=min(_PAGE, len(waiting) - shown))
        rows.append(buttons.quiet(shell, "all-tiers", more, lambda: show(shown + _PAGE)))
    badge = marks.badge(str(len(waiting)), "error")
    section = surfaces.section(t("panel.waiting"), rows, badge)
    return ft.Container(section, visible=bool(waiting))


def _look_up(store: Store, proposal_id: str) -> tuple[TierProposal | None, Customer | None]:
    one = store.get(TierProposal, proposal_id)
    return one, store.get(Customer, one.customer_id) if one else None


def _line(shell: Shell, one: TierProposal, customer: Customer | None) -> ft.Control:
    currency = customer.currency if customer else None
    why = [levels.reason(reason, currency) for reason in telling(one.reasons)[:1]]
    if one.state == "disputed":
        why.insert(0, choice("state", one.state))
    return surfaces.line(
        f"tier-{one.id}",
        customer.name if customer else t("today.unknown_customer"),
        lambda _: shell.go(f"/customers/{one.customer_id}/tier/{one.id}"),
        icon=ft.Icons.STAIRS_OUTLINED,
        text="\n".join([levels.change(one), " · ".join(why)]),
    )


@ft.component
def TierProposalScreen() -> ft.View:
    """One proposal. What others said of it meanwhile stands there as soon as it is synced."""
    shell = use_shell()
    asked = ft.use_route_params()
    customer_id, proposal_id = asked["customer_id"], asked["proposal_id"]
    title = t("entity.tier_proposal")
    one = use_query(lambda s: s.get(TierProposal, proposal_id), [proposal_id], WATCHED)
    customer = use_record(shell, Customer, customer_id, title=title, back=_BACK)
    if isinstance(customer, ft.View):
        return customer
    if one.value is None:
        gone = refusal_card(one.refusal or Code.RECORD_MISSING)
        return frame.screen(shell, [gone], title=title, back=_BACK)
    key = f"{proposal_id} {one.value.state}"
    return keyed(key, Deciding, shell, customer, one.value)


@ft.component
def Deciding(shell: Shell, customer: Customer, one: TierProposal) -> ft.View:
    """The reason that is being written is kept as it is typed, as any draft is."""
    form = use_form(
        shell,
        TierProposal,
        draft=panel.draft_key(one),
        start=write(one) | {"note": None},
        about=("customer", customer.id),
    )
    stands = panel.standing(shell.store, one)

    def says(verdict: str) -> buttons.Action:
        def act() -> None:
            if not form.complete(required=("note",) if verdict == "disputed" else ()):
                return
            number = panel.decide(shell.store, one, verdict, form.get("note"))
            form.done()
            say(shell, t(f"panel.said.{verdict}"), undo=lambda: _take_back(shell, number))
            shell.back(_BACK)

        return act

    body = [words.headline(customer.name), *_facts(shell, customer, one), _seats(stands)]
    bottom: list[ft.Control] = []
    if stands.mine:
        body += [form.field("note", label=t("panel.note"), hint=t("panel.note.hint"), lines=3)]
        body += [form.saved_line()]
        no = "withdrawn" if one.state == "disputed" else "disputed"
        yes = t("panel.confirm")
        bottom = [
            buttons.secondary(shell, no, t(f"panel.no.{no}"), says(no)),
            buttons.primary(shell, "confirmed", yes, says("confirmed"), icon=ft.Icons.CHECK),
        ]
    elif stands.ready_at is not None:
        when = formats.when(stands.ready_at, shell.now())
        body.append(notice(ft.Icons.HOURGLASS_TOP, t("panel.second_look", when=when)))
    elif one.state not in OPEN_PROPOSAL_STATES:
        body.append(notice(ft.Icons.CHECK, t("panel.over", state=choice("state", one.state))))
    return frame.screen(
        shell,
        body,
        title=t("entity.tier_proposal"),
        back=_BACK,
        bottom=bottom,
        overlay=privacy.watermark(shell),
    )


def _facts(shell: Shell, customer: Customer, one: TierProposal) -> list[ft.Control]:
    """What moves, why, and what was said of it."""
    when = formats.when(one.proposed_at, shell.now())
    by = staff_name(shell.store, one.created_by) or t("conflict.someone")
    about = [t("panel.proposed", when=when)]
    if one.by_hand:
        about.append(t("panel.by_hand", who=by))
    if one.policy_version:
        about.append(t("customer.tiered.policy", version=one.policy_version))
    head = surfaces.card(
        [
            words.faint(choice("axis", one.axis)),
            words.title(levels.move(one)),
            words.faint(" · ".join(about)),
        ]
    )
    found = [head]
    if one.disputed_at is not None or one.state == "disputed":
        who = staff_name(shell.store, one.disputed_by) or t("conflict.someone")
        icon = ft.Icons.REPORT_GMAILERRORRED_OUTLINED
        found.append(notice(icon, t("panel.disputed", who=who), one.note or "", tone="warning"))
    if one.reasons:
        reasons = [words.body(levels.reason(each, customer.currency)) for each in one.reasons]
        found.append(surfaces.section(t("panel.why"), [surfaces.card(list(reasons))]))
    return found


def _seats(stands: Standing) -> ft.Control:
    """Who has to confirm, and who has."""
    rule = "panel.text" if len(stands.seats) > 1 else "panel.text.vip"
    lines: list[ft.Control] = [
        ft.Row(
            [
                words.body(t(f"panel.seat.{seat}"), expand=True),
                marks.badge(
                    t("panel.seat.done" if done else "panel.seat.waits"),
                    "strong" if done else "wait",
                ),
            ],
            spacing=GAP,
        )
        for seat, done in stands.seats
    ]
    return surfaces.section(t("panel.seats"), [surfaces.card([*lines, words.faint(t(rule))])])


def _take_back(shell: Shell, number: int) -> None:
    undone = decisions.undo(shell.store, number)
    say(shell, t("panel.undone" if undone else "panel.sent"))

"""The panel's queue: what the rules proposed, why, and what people say of it (S0 #7, S1 #50-#53,
S2 #78). A decision about many is looked at first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection, select
from starlette.responses import RedirectResponse, Response

from shared.codec import read
from shared.declare import ENTITIES, Role, choice, text
from shared.entities.customer import AREAS, LIFECYCLE, LOYALTIES, NEEDS, TIERS
from shared.entities.tiering import AXES, SEATS, Reason
from shared.errors import Code, Refusal
from shared.states import PROPOSAL_STATES
from shared.tiers import FIELD_OF, NO, OTHER, REASONS, YES, seats_wanted, telling
from sync_server.admin.forms import Form, filled, submit
from sync_server.admin.listing import Column, Filter, Listing, Row
from sync_server.admin.page import Page, Visiting
from sync_server.admin.texts import Words
from sync_server.admin.visit import Visit
from sync_server.db.records import RECORDS
from sync_server.services import (
    look_listing,
    look_writing,
    tier_panel,
    tier_queue,
    tier_rules,
    tier_spread,
)
from sync_server.services.accounts import policy_of, staff_names

PAGE = Page("tiers", group="work", roles=frozenset({Role.STORE_MANAGER}))
router = PAGE.router()
_PROPOSAL, _CUSTOMER = RECORDS["tier_proposal"].c, RECORDS["customer"].c
_LEVELS = (*TIERS, *NEEDS, *LOYALTIES, *LIFECYCLE, *AREAS, YES, NO)
_NARROWED = ("state", "axis", "level")
"""What both the list and a decision about all that it shows are asked by."""
CHOSEN = "proposal"
"""The field that each chosen proposal's id comes in, as often as there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What is said of the chosen proposals, or of all that the list shows (`which`). `plan` is the
    look that came before."""

    verdict: str = choice(*tier_panel.VERDICTS, required=True)
    note: str | None = text(500)
    which: str | None = choice("chosen", "all")
    state: str = choice(*PROPOSAL_STATES, required=True)
    axis: str | None = choice(*AXES)
    level: str | None = choice(*_LEVELS)
    plan: str | None = text(64)


def _dressed(connection: Connection, visit: Visit, rows: list[Row]) -> list[Row]:
    names = look_listing.names_held(
        connection, visit.caller, {row["customer_id"] for row in rows}, visit.now
    )
    return [
        {
            **row,
            "name": names.get(row["customer_id"], ""),
            "from": level(visit.words, row["axis"], row["before"]),
            "to": level(visit.words, row["axis"], row["after"]),
            "why": [told for _, told in reasons(visit.words, telling(_kept(row["reasons"])))],
        }
        for row in rows
    ]


TIERS_LISTING = Listing(
    name="tiers",
    source=select(
        _PROPOSAL.id, _PROPOSAL.customer_id, _PROPOSAL.axis, _PROPOSAL.before, _PROPOSAL.after,
        _PROPOSAL.reasons, _PROPOSAL.proposed_at, _PROPOSAL.state, _PROPOSAL.seats,
        _CUSTOMER.origin_ref,
    ).select_from(tier_queue.JOINED),
    org=_PROPOSAL.org_id,
    key=_PROPOSAL.id,
    columns=(
        Column("customer"),
        Column("change"),
        Column("why"),
        Column("proposed_at", sort=_PROPOSAL.proposed_at),
        Column("chosen"),
    ),
    filters=(
        Filter("state", lambda _visit, word: _PROPOSAL.state == word, choices=PROPOSAL_STATES),
        Filter("axis", lambda _visit, word: _PROPOSAL.axis == word, choices=AXES),
        Filter("level", lambda _visit, word: _PROPOSAL.after == word, choices=_LEVELS),
    ),
    order="-proposed_at",
    scope=lambda visit: tier_queue.in_store(visit.caller),
    dress=_dressed,
)  # fmt: skip


def level(words: Words, axis: str, word: str | None) -> str:
    """A level in words."""
    return words.choice(FIELD_OF[axis], word) or words("tiers.none")


def _place(word: str | None) -> int:
    """Where a level stands among those of its axis: none comes last."""
    return _LEVELS.index(word) if word in _LEVELS else len(_LEVELS)


def reasons(words: Words, found: Iterable[Reason]) -> list[tuple[str, str]]:
    """(key, sentence) of each number behind a proposal."""
    return [
        (
            one.key,
            words(
                "reason.wanted" if one.wanted is not None else "reason.is",
                what=words(f"reason.{one.key}"),
                value=_amount(words, one.key, one.value),
                wanted=_amount(words, one.key, one.wanted or 0),
            ),
        )
        for one in found
    ]


def _kept(found: Iterable[Mapping[str, Any]] | None) -> list[Reason]:
    return [read(Reason, one) for one in found or ()]


def _amount(words: Words, key: str, value: int) -> str:
    unit = REASONS.get(key, "")
    if unit == "cents":
        return f"{value / 100:,.2f}"
    return words(f"policy.amount.{unit}", count=value) if unit else str(value)


@router.get("")
def tiers(visit: Visiting) -> Response:
    """The queue; what waits, unless asked for something else."""
    if "state" not in visit.asked:
        return RedirectResponse(f"{PAGE.path}?state=proposed", 303)
    start = {name: visit.asked.get(name) for name in _NARROWED}
    return _list(visit, filled(Decision, start), 200)


def _list(visit: Visit, form: Form[Decision], status: int) -> Response:
    asked = {**visit.asked, **{name: form.value(name) for name in _NARROWED}}
    with visit.server.database.read() as connection:
        found = TIERS_LISTING.read(connection, visit, asked, PAGE.path)
        counts = tier_queue.counts(connection, visit.caller)
    shown = {"found": found, "counts": counts, "form": form, "chosen": frozenset(_chosen(visit))}
    return visit.show("tiers.html", status=status, **shown)


@router.post("/propose")
def propose(visit: Visiting) -> Response:
    """Has the rules look at whoever moved, now."""
    done = tier_rules.propose(visit.server.database, visit.org_id, visit.now)
    return visit.done(
        f"{PAGE.path}?state=proposed", "tiers.looked", looked=done.looked, proposed=done.proposed
    )


@router.post("/look")
def look(visit: Visiting) -> Response:
    """What the decision would be about. Nothing is changed."""

    def shown(asked: Decision) -> Response:
        with visit.server.database.read() as connection:
            made = tier_queue.look(connection, visit.caller, _asked(visit, asked))
        if asked.verdict == "disputed" and not asked.note:
            raise Refusal(Code.FIELD_REQUIRED, field="note")
        moves = [
            (visit.words.choice("axis", a), level(visit.words, a, b), level(visit.words, a, c), n)
            for (a, b, c), n in made.moves.items()
        ]
        chosen = [] if asked.which == "all" else _chosen(visit)
        told: dict[str, Any] = {"asked": asked, "made": made, "moves": moves, "chosen": chosen}
        return visit.show("tiers_look.html", **told)

    return submit(visit, Decision, shown, partial(_list, visit), (CHOSEN,))


@router.post("/decide")
def decide(visit: Visiting) -> Response:
    """The decision itself; refused where anything changed since it was looked at."""

    def done(asked: Decision) -> Response:
        with visit.server.database.read() as connection:
            made = tier_queue.look(connection, visit.caller, _asked(visit, asked))
        if asked.plan is not None and asked.plan != made.plan:
            raise Refusal(Code.PREVIEW_OUTDATED)
        told = tier_panel.decide(
            visit.server.database, visit.caller, made.ids, asked.verdict, asked.note, visit.now
        )
        return _decided(visit, f"{PAGE.path}?state={asked.state}", asked, told)

    return submit(visit, Decision, done, partial(_list, visit), (CHOSEN,))


@router.get("/spread")
def spread(visit: Visiting) -> Response:
    """How the store's customers are spread over the levels that hold, and what the best bring."""
    caller, until = visit.caller, visit.now
    with visit.server.database.read() as connection:
        policy = policy_of(connection, visit.org_id, until)
        since = until - timedelta(days=policy.tier_period_days)
        held = tier_spread.levels(connection, visit.org_id, caller.store_id)
        held_industries = tier_spread.industries(connection, visit.org_id, policy, caller.store_id)
        money = tier_spread.money(connection, visit.org_id, since, until, caller.store_id)
    axes = [
        (
            axis,
            [(level(visit.words, axis, word), found[word]) for word in sorted(found, key=_place)],
        )
        for axis, found in held.items()
    ]
    named = {None: visit.words("tiers.no_industry"), OTHER: visit.words("tiers.other_industry")}
    classes = [
        (word or "none", named.get(word, word), count) for word, count in held_industries.items()
    ]
    return visit.show(
        "tiers_spread.html",
        industries=classes,
        axes=axes,
        money=money,
        days=policy.tier_period_days,
    )


@router.get("/{proposal_id}")
def proposal(proposal_id: str, visit: Visiting) -> Response:
    """One proposal: every number behind it, and the policy under which it was made."""
    return _proposal(visit, proposal_id, filled(Decision), 200)


@router.post("/{proposal_id}")
def said(proposal_id: str, visit: Visiting) -> Response:
    """What somebody says of this one."""

    def done(asked: Decision) -> Response:
        told = tier_panel.decide(
            visit.server.database, visit.caller, [proposal_id], asked.verdict, asked.note, visit.now
        )
        return _decided(visit, f"{PAGE.path}/{proposal_id}", asked, told)

    return submit(visit, Decision, done, partial(_proposal, visit, proposal_id))


def _proposal(visit: Visit, proposal_id: str, form: Form[Decision], status: int) -> Response:
    with visit.server.database.read() as connection:
        row = tier_queue.one(connection, visit.caller, proposal_id)
        names = look_listing.names_held(connection, visit.caller, {row["customer_id"]}, visit.now)
        people = {row[n] for n in ("disputed_by", "decided_by", "created_by") if row.get(n)}
        staff = staff_names(connection, visit.org_id, people)
    seen = ("customer", row["customer_id"])
    look_writing.put_on_record(  # the numbers are a customer's detail (L7)
        visit.server.database, visit.caller, row["customer_id"], seen, visit.now
    )
    words, axis = visit.words, row["axis"]
    wanted = [seat for seat in SEATS if seat in seats_wanted(axis)]
    return visit.show(
        "tier.html",
        status=status,
        form=form,
        row=dict.fromkeys(ENTITIES["tier_proposal"].fields) | row,
        name=names.get(row["customer_id"], ""),
        before=level(words, axis, row.get("before")),
        after=level(words, axis, row["after"]),
        reasons=reasons(words, _kept(row.get("reasons"))),
        seats=[(seat, seat in row.get("seats", ())) for seat in wanted],
        staff=staff,
    )


def _decided(visit: Visit, to: str, asked: Decision, told: tier_panel.Decided) -> Response:
    """Back, with what became of a decision."""
    count = told.effective + told.disputed + told.turned_down + told.waiting
    if not count:
        return visit.done(to, "tiers.decided.by_others", tone="warn", count=told.passed_over)
    word = "waiting" if told.waiting else asked.verdict
    return visit.done(to, f"tiers.decided.{word}", count=count)


def _asked(visit: Visit, asked: Decision) -> tier_queue.Asked:
    if asked.which == "all":
        return tier_queue.Asked(state=asked.state, axis=asked.axis or "", level=asked.level or "")
    ids = tuple(_chosen(visit))
    if not ids:
        raise Refusal(Code.FIELD_REQUIRED, field="proposal")
    return tier_queue.Asked(state=asked.state, ids=ids)


def _chosen(visit: Visit) -> list[str]:
    return [value for value in visit.form.getlist(CHOSEN) if isinstance(value, str)]


__all__ = ["PAGE", "router"]

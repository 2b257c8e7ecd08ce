"""The policy: what holds, the versions, and a new one that is looked at before it is stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any

from sqlalchemy import Connection, select
from starlette.datastructures import FormData
from starlette.responses import Response

from shared.clock import from_wire
from shared.declare import FIELD_ROLES, Kind, Role, choice, instant, integer
from shared.policy import FIELDS, FLOWS, GROUPS, NOT_IN_USE, SEATS, SETTINGS, PolicySettings
from sync_server.admin import flow_table
from sync_server.admin.forms import Form, filled, submit
from sync_server.admin.page import WITH_MANAGERS, Page, Visiting
from sync_server.admin.texts import Words
from sync_server.admin.visit import Undo, Visit
from sync_server.db.records import RECORDS
from sync_server.services import policies
from sync_server.services.accounts import staff_names

PAGE = Page("policy", group="system")
router = PAGE.router()
_CENTS = frozenset(name for name, setting in SETTINGS.items() if setting.unit == "cents")
_STAFF = RECORDS["staff"].c
_LISTS: Mapping[str, Sequence[str]] = {
    "totp_required_roles": [role.value for role in Role],
    **dict.fromkeys(SEATS, sorted(FIELD_ROLES)),
    "panel_grades": sorted(WITH_MANAGERS),
}
"""Settings that name roles, and which; those of the panel's seats name people as well."""
_LEVELS = ("tiers", "levels")
_TEXTS = tuple(name for name, declared in FIELDS.items() if declared.kind is Kind.TEXT)
_NOBODY: Mapping[str, str] = {}
_ROLE_WORDS = frozenset(role.value for role in Role)
_BY_GROUP = {
    group: [name for name, setting in SETTINGS.items() if setting.group == group]
    for group in GROUPS
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyForm(PolicySettings):
    """Every setting, from when they hold (empty: at once), and the version that was looked at."""

    base: int = integer(0, 10**6, required=True)
    holds_from: Any = instant()
    step: str | None = choice("preview", "store", "edit")


@router.get("")
def policy(visit: Visiting) -> Response:
    """What holds now, and every version."""
    with visit.server.database.read() as connection:
        there = policies.versions(connection, visit.org_id, visit.now)
        names = staff_names(connection, visit.org_id, {one.made_by for one in there})
        people = _people(connection, visit.org_id)
    changes = policies.changes_of(there)
    standing = [one for one in there if one.state != "withdrawn"]
    newest = standing[0] if len(standing) > 1 and standing[0].state == "coming" else None
    return visit.show(
        "policy.html",
        versions=there,
        names=names,
        changes={number: _told(visit.words, people, of) for number, of in changes.items()},
        newest=newest,
        groups=_shown(visit.words, people, policies.holding(there)),
    )


@router.get("/change")
def change(visit: Visiting) -> Response:
    """The form, with the newest version's settings."""
    with visit.server.database.read() as connection:
        base, settings = policies.latest(connection, visit.org_id, visit.now)
    values = {n: "on" if v is True else v for n, v in asdict(settings).items()}
    form = filled(PolicyForm, values)
    form.raw |= {n: str(v) for n, v in values.items() if type(v) is int}  # 0 is a value, too
    form.raw["base"] = str(base)
    return _form(visit, form, 200)


@router.post("/change")
def changed(visit: Visiting) -> Response:
    """What it would change; then, confirmed, the new version."""
    visit = replace(visit, form=_as_declared(visit.form))
    return submit(visit, PolicyForm, partial(_done, visit), partial(_form, visit))


@router.post("/{version}/withdraw")
def withdraw(version: int, visit: Visiting) -> Response:
    """The newest version is taken back before it holds."""
    policies.withdraw(visit.server.database, visit.caller, version, visit.now)
    return visit.done(PAGE.path, "policy.withdrawn", version=version)


def _done(visit: Visit, asked: PolicyForm) -> Response:
    begins = from_wire(asked.holds_from) if asked.holds_from else None
    with visit.server.database.read() as connection:
        base, before = policies.latest(connection, visit.org_id, visit.now)
    told = {name: getattr(asked, name) for name in SETTINGS}
    told |= {name: told[name] or "" for name in _TEXTS}
    different = {name: value for name, value in told.items() if value != getattr(before, name)}
    form = Form(PolicyForm)
    form.read(visit.form, visit.words.zone)
    if asked.base != base:
        form.problem = (visit.words("policy.overtaken"), visit.words("policy.overtaken_remedy"))
        return _form(visit, form, 409)
    if not different:
        form.problem = (visit.words("policy.nothing"), visit.words("policy.nothing_remedy"))
        return _form(visit, form, 422)
    if asked.step == "edit":
        return _form(visit, form, 200)
    if asked.step == "store":
        return _stored(visit, different, asked, begins)
    with visit.server.database.read() as connection:
        made = policies.propose(connection, visit.org_id, different, begins, visit.now, asked.base)
        people = _people(connection, visit.org_id)
    return visit.show(
        "policy_preview.html",
        made=made,
        begins=begins,
        changes=_told(visit.words, people, made.changes),
        effects=_moved(visit.words, made),
        again=[(n, _outward(n, v)) for n, v in form.raw.items() if n != "step"],
    )


def _stored(visit: Visit, different: Mapping[str, Any], asked: PolicyForm, begins: Any) -> Response:
    made = policies.add_version(
        visit.server.database, visit.caller, different, begins, visit.now, asked.base
    )
    back = Undo(path=f"{PAGE.path}/{made.version}/withdraw") if begins else None
    return visit.done(PAGE.path, "policy.stored", back, version=made.version)


def _form(visit: Visit, form: Form[PolicyForm], status: int) -> Response:
    form.raw = {name: _outward(name, text) for name, text in form.raw.items()}
    chosen = {name: form.value(name).split() for name in _LISTS}
    with visit.server.database.read() as connection:
        people = _people(connection, visit.org_id, active=True)
    return visit.show(
        "policy_change.html",
        status=status,
        form=form,
        by_group=_BY_GROUP,
        settings=SETTINGS,
        not_in_use=NOT_IN_USE,
        lists=_LISTS,
        seats=SEATS,
        people=people,
        chosen=chosen,
        bounds={name: _bounds(visit.words, name) for name in SETTINGS},
        flows={name: flow_table.table(form.value(name)) for name in FLOWS},
        cells=flow_table,
    )


def _as_declared(sent: FormData) -> FormData:
    """What was sent, in the settings' own units: amounts come with two decimals, roles one by
    one, flows as tables. What is no amount is left for the check to refuse."""
    items = [
        (n, v)
        for n, v in sent.multi_items()
        if n not in _LISTS and n.partition(".")[0] not in FLOWS
    ]
    items += [(name, flow_table.text(sent, name)) for name in FLOWS]
    made = [(n, _cents(v) if n in _CENTS and isinstance(v, str) else v) for n, v in items]
    made += [
        (name, " ".join(one for one in sent.getlist(name) if isinstance(one, str)))
        for name in _LISTS
    ]
    return FormData(made)


def _people(connection: Connection, org_id: str, *, active: bool = False) -> dict[str, str]:
    """Names of the staff by id, or of those alone who are active and may sit in the panel."""
    query = select(_STAFF.id, _STAFF.name).where(_STAFF.org_id == org_id).order_by(_STAFF.name)
    if active:
        query = query.where(_STAFF.active.is_not(False), _STAFF.role.in_(sorted(FIELD_ROLES)))
    return {row.id: row.name for row in connection.execute(query)}


def _cents(amount: str) -> str:
    try:
        cents = Decimal(amount.strip().replace(",", "")) * 100
        return str(int(cents)) if cents == int(cents) else amount
    except (InvalidOperation, ValueError, OverflowError):
        return amount


def _outward(name: str, text: str) -> str:
    """The opposite: how a form shows it."""
    if name not in _CENTS or not text.removeprefix("-").isascii() or not text.isdigit():
        return text
    return f"{int(text) // 100}.{int(text) % 100:02}"


def _worded(
    words: Words, name: str, value: int | str | bool, people: Mapping[str, str] = _NOBODY
) -> str:
    """One setting's value for people; `people` are the names of those it may name."""
    declared, unit = FIELDS[name], SETTINGS[name].unit
    if isinstance(value, bool):
        return words("policy.on" if value else "policy.off")
    if isinstance(value, int):
        if unit == "cents":
            return f"{value // 100:,}.{value % 100:02}"
        if unit == "bytes":
            return words.size(value)
        return words(f"policy.amount.{unit}", count=value)
    if name in FLOWS:
        return flow_table.worded(words, value)
    if declared.kind is Kind.CHOICE:
        return words.choice(name, value)
    said = [
        words.choice("role", w) if w in _ROLE_WORDS else people.get(w, w) for w in value.split()
    ]
    return words("policy.list_mark").join(said) or words("policy.none")


def _bounds(words: Words, name: str) -> str:
    declared = FIELDS[name]
    if declared.low is None or declared.high is None:
        return ""
    ends = (int(declared.low), int(declared.high))
    worded = SETTINGS[name].unit in {"bytes", "cents"}
    low, high = (_worded(words, name, n) if worded else words.number(n) for n in ends)
    return words("policy.bounds", low=low, high=high)


def _told(
    words: Words, people: Mapping[str, str], changes: Iterable[policies.Change]
) -> list[tuple[str, str, str]]:
    """(label, before, after) of each."""
    return [
        (
            words(f"field.{one.name}"),
            _worded(words, one.name, one.before, people),
            _worded(words, one.name, one.after, people),
        )
        for one in changes
    ]


def _shown(
    words: Words, people: Mapping[str, str], settings: PolicySettings
) -> dict[str, list[tuple[str, str, str, str, bool]]]:
    """(label, value, what it does, source, whether a rule obeys it) of each setting, by group."""
    return {
        words(f"policy.group.{group}"): [
            (
                words(f"field.{name}"),
                _worded(words, name, getattr(settings, name), people),
                words(f"policy.what.{name}"),
                SETTINGS[name].source,
                name not in NOT_IN_USE,
            )
            for name in names
        ]
        for group, names in _BY_GROUP.items()
    }


def _moved(words: Words, made: policies.Proposal) -> list[tuple[str, list[str]]]:
    """What it moves, as sentences, some with their parts."""
    effects = made.effects
    parts = {
        value: [
            words(
                "policy.effect.move",
                count=move.customers,
                before=words.choice("level", move.before) or words("policy.none"),
                after=words.choice("level", move.after) or words("policy.none"),
            )
            for move in effects.tier_moves
            if (move.axis == "value") is value
        ]
        for value in (True, False)
    }
    others = sum(m.customers for m in effects.tier_moves if m.axis != "value")
    counts = {
        "tiers": effects.customers_changing_tier,
        "levels": others,
        "visits_earlier": effects.visits_earlier,
        "visits_later": effects.visits_later,
        "leases": effects.leases,
        "case_grants": effects.case_grants,
        "callbacks": effects.callbacks,
        "clocks_kept": effects.clocks_kept,
    }
    return [
        (
            words(f"policy.effect.{name}", count=count),
            parts[name == "tiers"] if name in _LEVELS else [],
        )
        for name, count in counts.items()
        if count
    ]


__all__ = ["PAGE", "router"]

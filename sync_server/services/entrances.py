"""Where customers write to a store from their own phones: its public address, and the case that a
message becomes (S4 #177).

Whoever writes proves nothing, so nothing is told to them but a number, and nothing of what is known
changes: a number that the organisation knows leads to that customer's record, any other one to a
potential customer of the store, and no answer says which it was. Somebody calls back.
"""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select, update

from shared.clock import to_wire
from shared.declare import Role
from shared.errors import Code, Refusal
from shared.ids import derived_id, new_id
from shared.policy import PolicySettings
from shared.service_clock import response_limit
from sync_server.db.base import Database
from sync_server.db.entrances import ENTRANCE
from sync_server.db.records import RECORDS
from sync_server.services import audit
from sync_server.services.accounts import policy_of
from sync_server.services.audit import Action
from sync_server.services.calendars import zone_of
from sync_server.services.caller import Caller
from sync_server.services.case_numbers import take_number
from sync_server.services.followups import place_callback
from sync_server.services.scopes import give_to_store
from sync_server.services.writing import Unit, write

KINDS = ("enquiry", "complaint")
ORIGIN = "entrance"
"""What a case and a customer say of where they came from."""
_FEWEST_DIGITS, _MOST_DIGITS = 7, 15  # of a telephone number (E.164)
_ENTRANCE, _STORE, _CUSTOMER = ENTRANCE.c, RECORDS["store"].c, RECORDS["customer"].c


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrance:
    """One that is open."""

    org_id: str
    store_id: str
    store: str


# ── the address ───────────────────────────────────────────────────────────────────────────


def open_entrance(db: Database, who: Caller, store_id: str, now: datetime) -> str:
    """A new address of a store; the one before leads nowhere from now on. A store manager opens
    their own store's. Refuses RECORD_MISSING, OUT_OF_SCOPE."""
    token = secrets.token_urlsafe(16)

    def work(unit: Unit) -> None:
        _check_theirs(unit, who, store_id)
        _shut(unit, store_id)
        unit.append(
            ENTRANCE,
            {
                "org_id": unit.org_id,
                "store_id": store_id,
                "token": token,
                "token_mark": _mark(db, token),
                "opened_at": to_wire(now),
                "day": _today(unit, now),
                "taken": 0,
            },
        )
        audit.note(unit, who, Action.ENTRANCE_OPENED, subject=("store", store_id))

    write(db, who.org_id, now, work)
    return token


def close_entrance(db: Database, who: Caller, store_id: str, now: datetime) -> None:
    """The store's address leads nowhere. Harmless twice. Refuses as `open_entrance` does."""

    def work(unit: Unit) -> None:
        _check_theirs(unit, who, store_id)
        _shut(unit, store_id)
        audit.note(unit, who, Action.ENTRANCE_CLOSED, subject=("store", store_id))

    write(db, who.org_id, now, work)


def tokens(connection: Connection, org_id: str) -> Mapping[str, str]:
    """The secret of each store's address, by store."""
    query = select(_ENTRANCE.store_id, _ENTRANCE.token).where(_ENTRANCE.org_id == org_id)
    return {row.store_id: row.token for row in connection.execute(query)}


def behind(db: Database, token: str) -> Entrance:
    """Where an address leads. Refuses NOT_FOUND for one that leads nowhere."""
    with db.read() as connection:
        row = connection.execute(
            select(_ENTRANCE.org_id, _ENTRANCE.store_id, _STORE.name)
            .join(
                RECORDS["store"],
                (_STORE.org_id == _ENTRANCE.org_id) & (_STORE.id == _ENTRANCE.store_id),
            )
            .where(_ENTRANCE.token_mark == _mark(db, token))
        ).first()
    if row is None:
        raise Refusal(Code.NOT_FOUND)
    return Entrance(org_id=row.org_id, store_id=row.store_id, store=row.name)


# ── a message ─────────────────────────────────────────────────────────────────────────────


def take(db: Database, token: str, message: Mapping[str, str], once: str, now: datetime) -> str:
    """Makes a case of a message (`kind`, `name`, `phone`, `title`, `description`) in the store's
    queue, its clock begun, with a call back to whoever wrote it; returns the case's number. The
    same page sent again (`once` is its own) is the same case.

    Refuses NOT_FOUND, FIELD_INVALID for a number that is none, and TOO_MANY_REQUESTS once a day
    has brought a store as many as the policy lets in.
    """
    entrance = behind(db, token)
    said = {name: cleaned(text, lines=name == "description") for name, text in message.items()}
    if not _FEWEST_DIGITS <= sum(c.isdecimal() for c in said["phone"]) <= _MOST_DIGITS:
        raise Refusal(Code.FIELD_INVALID, field="case.phone", wanted="a telephone number")
    numbers: list[str] = []

    def work(unit: Unit) -> None:
        unit.lock()  # of messages that come at once each counts
        case_id = derived_id("entrance", entrance.org_id, entrance.store_id, once)
        known = unit.get("case", case_id)
        policy = policy_of(unit.connection, unit.org_id, now)
        if known is None:
            _count(unit, db, token, policy, now)
            known = unit.get("case", _open(unit, db, entrance, said, case_id, policy, now))
        assert known is not None
        numbers[:] = [known.row["number"]]

    write(db, entrance.org_id, now, work)
    return numbers[0]


def cleaned(text: str, *, lines: bool = False) -> str:
    """A text as it may be kept: one form for each letter, no marks that turn or hide what stands
    beside them, blanks put together; on one line unless `lines`."""
    plain = "".join(
        c
        for c in unicodedata.normalize("NFC", text)
        if c in "\n\t" or unicodedata.category(c) not in {"Cc", "Cf", "Co", "Cs", "Cn"}
    )
    if not lines:
        return " ".join(plain.split())
    return "\n".join(" ".join(line.split()) for line in plain.splitlines()).strip()


def _open(
    unit: Unit,
    db: Database,
    entrance: Entrance,
    said: Mapping[str, str],
    case_id: str,
    policy: PolicySettings,
    now: datetime,
) -> str:
    customer_id = _known(unit, db, said["phone"]) or _met(unit, entrance, said)
    customer = unit.get("customer", customer_id)
    assert customer is not None
    at = to_wire(now)
    row: dict[str, Any] = {
        "id": case_id, "number": take_number(unit), "customer_id": customer_id,
        "store_id": customer.row.get("store_id") or entrance.store_id, "kind": said["kind"],
        "title": said["title"], "channel": "app", "state": "new", "opened_at": at,
        "origin_ref": ORIGIN,
    }  # fmt: skip
    if said.get("description"):
        row["description"] = said["description"]
    if said["kind"] == "complaint":
        row["occurred_at"] = at
    unit.create("case", row)
    both = {"case_id": case_id, "customer_id": customer_id}
    opening = {
        "id": derived_id("opening", case_id), "kind": "moved", "to_state": "new",
        # The number may lead to a record of another name: who wrote must not be lost (L1).
        "happened_at": at, "note": said["name"],
    }  # fmt: skip
    unit.create("case_event", {**opening, **both})
    # Its first duty is the number's: whether it is theirs only a call can tell.
    limit = response_limit(policy, said["kind"])
    call = {
        "id": new_id(), "kind": "contact_check", "state": "scheduled",
        "due_at": to_wire(now + limit.span), **both,
    }  # fmt: skip
    held = unit.create("callback", call)
    place_callback(unit, held, policy)
    return case_id


def _known(unit: Unit, db: Database, phone: str) -> str | None:
    """The one customer whose number it is; None for nobody's, and for several people's."""
    found = unit.connection.scalars(
        select(_CUSTOMER.id)
        .where(
            _CUSTOMER.org_id == unit.org_id,
            _CUSTOMER.phone_hash == db.ring.hash_phone(phone),
            _CUSTOMER.erased_at.is_(None),
        )
        .limit(2)
    ).all()
    return found[0] if len(found) == 1 else None


def _met(unit: Unit, entrance: Entrance, said: Mapping[str, str]) -> str:
    customer_id = new_id()
    unit.create(
        "customer",
        {
            "id": customer_id,
            "name": said["name"],
            "phone": said["phone"],
            "stage": "potential",
            "source": ORIGIN,
            "store_id": entrance.store_id,
        },
    )
    give_to_store(unit, [customer_id], entrance.store_id)
    return customer_id


def _count(unit: Unit, db: Database, token: str, policy: PolicySettings, now: datetime) -> None:
    """One more of today. Refuses NOT_FOUND, TOO_MANY_REQUESTS."""
    mine, today = _ENTRANCE.token_mark == _mark(db, token), _today(unit, now)
    row = unit.connection.execute(select(_ENTRANCE.day, _ENTRANCE.taken).where(mine)).first()
    if row is None:
        raise Refusal(Code.NOT_FOUND)
    taken = row.taken + 1 if row.day == today else 1
    if taken > policy.entrance_daily:
        raise Refusal(Code.TOO_MANY_REQUESTS, seconds=3600)
    unit.connection.execute(update(ENTRANCE).where(mine).values(day=today, taken=taken))


def _check_theirs(unit: Unit, who: Caller, store_id: str) -> None:
    if unit.get("store", store_id) is None:
        raise Refusal(Code.RECORD_MISSING, entity="store")
    if not may_open(who, store_id):
        raise Refusal(Code.OUT_OF_SCOPE)


def may_open(who: Caller, store_id: str) -> bool:
    """Whether this store's entrance is theirs to open and close."""
    manages = who.role is Role.STORE_MANAGER and who.store_id == store_id
    return manages or who.role is Role.ADMINISTRATOR


def _shut(unit: Unit, store_id: str) -> None:
    unit.connection.execute(
        delete(ENTRANCE).where(_ENTRANCE.org_id == unit.org_id, _ENTRANCE.store_id == store_id)
    )


def _mark(db: Database, token: str) -> str:
    return db.ring.mark("entrance", token.encode())


def _today(unit: Unit, now: datetime) -> str:
    return now.astimezone(zone_of(unit.connection, unit.org_id)).date().isoformat()


__all__ = [
    "KINDS", "ORIGIN", "Entrance", "behind", "cleaned", "close_entrance", "may_open",
    "open_entrance", "take", "tokens",
]  # fmt: skip

"""The organisation that is measured: made from a seed, the same on every machine."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.clock import to_wire
from shared.ids import derived_id
from shared.policy import settings_from
from shared.rows import body_text
from sync_server.bootstrap import Server
from sync_server.importing.founding import founding_rows
from sync_server.importing.people import company, person
from sync_server.services.accounts import add_account
from sync_server.services.opening import opening_scopes
from sync_server.services.passwords import PasswordHashes
from sync_server.services.writing import Unit, bulk, write

ORGANISATION = derived_id("bench organisation")
PASSWORD = "bench only"
RECORDS = 10_000
CUSTOMERS = 200
RECORD_BYTES = 570
SEARCHED_CUSTOMERS = 10_000
POLICY: dict[str, Any] = {"device_approval": "automatic"}
_BEGAN = datetime(2026, 1, 5, 1, tzinfo=UTC)
_WORDS = (
    "the customer asked about delivery of new filter parts and said to call back after lunch "
    "because the gate code changed; please bring a ladder, roof access is from the north side; "
    "pump noise reported again, valve replaced, pressure tested and found in order; next visit "
    "in spring, offer of a discount for contract renewal; 客户希望下季度提前备货 请先电话联系 "
    "到货时外箱有破损 已拍照 门店负责人更换 新号码已登记 试运行正常 旧件交还客户"
).split()


def staff(name: str) -> str:
    return derived_id("bench staff", name)


def customer(owner: str, number: int) -> str:
    return derived_id("bench customer", owner, str(number))


def found(server: Server) -> None:
    """Two account managers: `field` holds 10,000 records of about 570 bytes under 200 customers,
    `many` 10,000 customers to search through."""
    now = server.clock.now()

    def work(unit: Unit) -> None:
        for _ in bulk(unit, founding_rows(ORGANISATION, "Bench", now, POLICY)):
            pass
        for _ in bulk(unit, _rows()):
            pass
        for _ in bulk(unit, opening_scopes(unit, settings_from(POLICY))):
            pass
        secret = PasswordHashes().make(PASSWORD)
        for name in ("field", "many"):
            add_account(
                unit.connection,
                org_id=ORGANISATION,
                staff_id=staff(name),
                username=name,
                password_hash=secret,
                now=now,
            )

    write(server.database, ORGANISATION, now, work)


def change(server: Server, number: int, mark: str) -> None:
    """Someone at the office edits `number` visits that `field` holds."""
    write(
        server.database,
        ORGANISATION,
        server.clock.now(),
        lambda unit: [
            unit.update("visit", _visit(i), {"notes": f"{mark} {i}"}) for i in range(number)
        ],
    )


def mean_bytes() -> float:
    """Mean size of a measured row's JSON, in UTF-8 bytes."""
    rows = [row for entity, row in _rows() if entity == "visit"][:500]
    return sum(len(body_text(row).encode()) for row in rows) / len(rows)


def _rows() -> Iterator[tuple[str, dict[str, Any]]]:
    for name in ("field", "many"):
        yield (
            "staff",
            {
                "id": staff(name),
                "name": person("bench", name).name,
                "role": "account_manager",
                "active": True,
            },
        )
    for owner, count in (("field", CUSTOMERS), ("many", SEARCHED_CUSTOMERS)):
        for number in range(count):
            yield "customer", customer_row(owner, number)
    dice = random.Random(7)
    for number in range(RECORDS - CUSTOMERS):
        yield "visit", filled(_bare_visit(number), dice)


def customer_row(owner: str, number: int) -> dict[str, Any]:
    """An invented company that `owner` holds."""
    invented = company("bench", owner, str(number))
    return {
        "id": customer(owner, number),
        "created_at": to_wire(_BEGAN),
        "name": invented.name,
        "company": invented.person.name,
        "kind": "company",
        "phone": invented.person.phone,
        "address": invented.address,
        "city": invented.city,
        "tier": ("high", "mid", "low")[number % 3],
        "owner_id": staff(owner),
    }


def _visit(number: int) -> str:
    return derived_id("bench visit", str(number))


def _bare_visit(number: int) -> dict[str, Any]:
    planned = to_wire(_BEGAN + timedelta(minutes=30 * number))
    return {
        "id": _visit(number),
        "created_at": planned,
        "customer_id": customer("field", number % CUSTOMERS),
        "owner_id": staff("field"),
        "purpose": "care",
        "state": "finished",
        "planned_at": planned,
    }


def filled(row: dict[str, Any], dice: random.Random) -> dict[str, Any]:
    """The row with words up to about `RECORD_BYTES` of JSON."""
    room = RECORD_BYTES - len(body_text(row).encode()) - 12 + dice.randrange(-40, 41)
    words: list[str] = []
    while room > 0:
        word = dice.choice(_WORDS)
        words.append(word)
        room -= len(word.encode()) + 1
    return row | {"notes": " ".join(words)}

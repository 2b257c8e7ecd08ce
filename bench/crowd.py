"""Many phones against one server without their stores: an organisation made in bulk, and requests
signed as real ones are.

Each phone has a key, a device row and an access token of its own; the tokens are issued with the
server's key, since thousands of sign-ins would measure Argon2id.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import insert

from shared import dpop
from shared.clock import to_wire
from shared.ids import derived_id
from shared.policy import settings_from
from sync_server.bootstrap import Server
from sync_server.db.accounts import ACCOUNT, DEVICE
from sync_server.importing.founding import founding_rows
from sync_server.services.opening import opening_scopes
from sync_server.services.passwords import PasswordHashes
from sync_server.services.tokens import AccessClaims
from sync_server.services.writing import Unit, bulk, write

ORGANISATION = derived_id("bench crowd")
PASSWORD = "bench only"
ROLE = "account_manager"
_PART = 5000


def staff(number: int) -> str:
    return derived_id("bench crowd", "staff", str(number))


def customer(owner: int, number: int) -> str:
    return derived_id("bench crowd", "customer", str(owner), str(number))


def grant(holder: int, owner: int, number: int) -> str:
    """Id of a grant on one of someone's customers."""
    purpose = "assignment" if holder == owner else "colleague"
    bucket = f"customer:{customer(owner, number)}"
    return derived_id(ORGANISATION, "grant", staff(holder), bucket, purpose)


@dataclass(slots=True)
class Phone:
    """One signed-in device. `token` lasts as long as the server's settings say."""

    number: int
    key: Ed25519PrivateKey
    token: str = ""
    changes: int = 0
    cursor: int = 0
    digest: str = ""
    jwk: dict[str, str] = field(default_factory=dict)

    def headers(self, method: str, url: str, now: datetime) -> dict[str, str]:
        """Token and a fresh proof, as `HttpPeer` sends them."""
        signed = dpop.signing_input(
            self.jwk, method=method, url=url, now=now, access_token=self.token
        )
        return {
            dpop.HEADER: dpop.proof(signed, self.key.sign(signed)),
            "Authorization": f"{dpop.HEADER} {self.token}",
        }


def found(server: Server, phones: int, customers: int, *, shared: bool = False) -> list[Phone]:
    """`phones` account managers with `customers` customers each. Each two neighbours hold each
    other's first customer as well, and with `shared` all hold the very first."""
    now = server.clock.now()

    def work(unit: Unit) -> None:
        for rows in (
            founding_rows(ORGANISATION, "Crowd", now, {"device_approval": "automatic"}),
            _people(phones, customers, now),
            opening_scopes(unit, settings_from({})),
            _colleagues(phones, now, shared=shared),
        ):
            for _ in bulk(unit, rows):
                pass

    write(server.database, ORGANISATION, now, work)
    made = [Phone(number, Ed25519PrivateKey.generate()) for number in range(phones)]
    _enrol(server, made)
    return made


def _people(phones: int, customers: int, now: datetime) -> Iterator[tuple[str, dict[str, Any]]]:
    at = {"created_at": to_wire(now)}
    for owner in range(phones):
        row = {"id": staff(owner), "name": f"员工{owner}", "role": ROLE, "active": True}
        yield "staff", row | at
    for owner in range(phones):
        for number in range(customers):
            yield (
                "customer",
                {
                    "id": customer(owner, number),
                    "name": f"客户{owner}-{number}",
                    "city": "上海",
                    "needs": "请先电话联系，到货时外箱有破损，已拍照。" * 5,
                    "owner_id": staff(owner),
                }
                | at,
            )


def _colleagues(
    phones: int, now: datetime, *, shared: bool
) -> Iterator[tuple[str, dict[str, Any]]]:
    for holder in range(phones):
        owners = {holder ^ 1} | ({0} if shared else set())
        for owner in owners - {holder}:
            if owner < phones:
                yield (
                    "grant",
                    {
                        "id": grant(holder, owner, 0),
                        "staff_id": staff(holder),
                        "bucket": f"customer:{customer(owner, 0)}",
                        "purpose": "colleague",
                        "role": ROLE,
                        "not_before": to_wire(now),
                        "created_at": to_wire(now),
                    },
                )


def _enrol(server: Server, phones: list[Phone]) -> None:
    now = to_wire(server.clock.now())
    password = PasswordHashes().make(PASSWORD)
    accounts, devices = [], []
    for phone in phones:
        public = dpop.b64(phone.key.public_key().public_bytes_raw())
        phone.jwk = dpop.public_jwk(public)
        mine = {"org_id": ORGANISATION, "staff_id": staff(phone.number)}
        accounts.append(
            mine
            | {
                "username": f"crowd-{phone.number}",
                "password": password,
                "active": True,
                "created_at": now,
                "password_at": now,
            }
        )
        devices.append(
            mine
            | {
                "id": derived_id("bench crowd", "device", str(phone.number)),
                "key": public,
                "thumbprint": dpop.thumbprint(phone.jwk),
                "name": "bench",
                "platform": "native",
                "app_version": "bench",
                "state": "approved",
                "enrolled_at": now,
                "heard_at": now,
            }
        )
    with server.database.write() as connection:
        for table, rows in ((ACCOUNT, accounts), (DEVICE, devices)):
            for start in range(0, len(rows), _PART):
                connection.execute(insert(table), rows[start : start + _PART])
    renew(server, phones)


def renew(server: Server, phones: list[Phone]) -> None:
    """Tokens that begin now."""
    now = server.clock.now()
    for phone in phones:
        claims = AccessClaims(
            org_id=ORGANISATION,
            staff_id=staff(phone.number),
            role=ROLE,
            device_id=derived_id("bench crowd", "device", str(phone.number)),
            thumbprint=dpop.thumbprint(phone.jwk),
        )
        phone.token = server.sessions.tokens.issue(claims, now)


def edit(phone: Phone, owner: int, now: datetime, boot: str) -> dict[str, Any]:
    """A push of one change: this phone edits the first customer of `owner`, whom it may."""
    phone.changes += 1
    at = to_wire(now)
    return {
        "app_version": "bench",
        "sent_at": at,
        "boot_id": boot,
        "monotonic_ms": phone.changes,
        "changes": [
            {
                "change_id": derived_id(boot, str(phone.number), str(phone.changes)),
                "number": phone.changes,
                "grant_id": grant(phone.number, owner, 0),
                "entity": "customer",
                "record_id": customer(owner, 0),
                "kind": "update",
                "fields": {"city": f"第{phone.changes}次"},
                "base": {"city": 2**40},
                "claimed_at": at,
                "boot_id": boot,
                "monotonic_ms": phone.changes,
            }
        ],
    }

"""Whatever is sent and whoever sends it, every route answers as it documents, never fails, and
tells nobody anything of another store's customers (L3)."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, settings

from shared.clock import to_wire
from shared.ids import derived_id, new_id
from sync_server.app import create_app
from sync_server.bootstrap import build
from sync_server.db.base import Database
from sync_server.services import accounts, devices, scopes
from sync_server.services.server_keys import new_keys
from sync_server.services.writing import Unit, write
from sync_server.settings import Settings
from tests.canaries import Aviary
from tests.databases import RING
from tests.server.phones import ADDRESS, ORG, PASSWORD, PEOPLE, STORE, Field, Phone, staff_id

_OURS = {"authorization", "dpop", "content-length", "host"}
SOUTH = derived_id("the southern store")
MORE_PEOPLE = {"hu": "head_office", "cai": "callback_agent", "sun": "account_manager"}
ROLES = {
    "an administrator": "gao",
    "head office": "hu",
    "a store manager": "chen",
    "an account manager": "lin",
    "a technician": "wu",
    "a callback agent": "cai",
}
# What lies in the south, by the kind of address that names it.
CUSTOMER, CASE, FILE = derived_id("far", "1"), derived_id("far", "2"), derived_id("far", "3")
BYTES = b"%PDF-1.4 far away %%EOF"
AVIARY = Aviary()


@pytest.fixture(scope="module")
def field(sqlite_template: Path) -> Iterator[Field]:
    with tempfile.TemporaryDirectory() as folder:
        limits = {
            "sign_in_tries": 10**6,
            "sign_in_tries_per_address": 10**6,
            "requests_per_device": 10**6,
        }
        field = Field.on_sqlite(sqlite_template, Path(folder), **limits)
        write(field.server.database, ORG, field.clock.now(), _the_south)
        password = field.server.hashes.make(PASSWORD)
        with field.server.database.write() as connection:
            for name in MORE_PEOPLE:
                accounts.add_account(
                    connection,
                    org_id=ORG,
                    staff_id=staff_id(name),
                    username=name,
                    password_hash=password,
                    now=field.clock.now(),
                )
        yield field
        field.close()


def _the_south(unit: Unit) -> None:
    """Another store's customer, every text of it a canary; nobody of `ROLES` has a grant."""
    unit.create("store", {"id": SOUTH, "name": "南店"})
    for name, role in MORE_PEOPLE.items():
        store = {} if role == "head_office" else {"store_id": SOUTH if name == "sun" else STORE}
        unit.create("staff", {"id": staff_id(name), "name": name, "role": role, **store})
    for name in (*PEOPLE, *MORE_PEOPLE):
        scopes.enrol(unit, staff_id(name))
    word = AVIARY.word
    texts = {n: word(n) for n in ("name", "address", "city", "needs", "profile", "industry")}
    unit.create("customer", {"id": CUSTOMER, "store_id": SOUTH, "kind": "company", **texts})
    unit.create("contact", {"id": new_id(), "customer_id": CUSTOMER, "name": word("contact")})
    case = {"id": CASE, "number": "F-1", "customer_id": CUSTOMER, "kind": "complaint"}
    now = {"state": "new", "opened_at": to_wire(unit.now), "title": word("case")}
    unit.create("case", case | now | {"description": word("description")})
    hashed = hashlib.sha256(BYTES).hexdigest()
    about = {"media_type": "application/pdf", "purpose": "document", "bytes": len(BYTES)}
    unit.create("file", {"id": FILE, "customer_id": CUSTOMER, "sha256": hashed, **about})
    scopes.assign_customer(unit, CUSTOMER, staff_id("sun"))


@pytest.fixture(scope="module")
def phones(field: Field) -> dict[str, Phone]:
    """One of each role, and one that was blocked."""
    phones = {role: field.phone(name) for role, name in ROLES.items()}
    phones["a barred device"] = barred = field.phone("lin")
    with field.server.database.write() as connection:
        device = devices.find(connection, ORG, barred.device_id)
        devices.decide(connection, device, devices.BLOCKED, now=field.clock.now())
    return phones


def described() -> Any:
    """The document of an application that nobody calls: tests are made of it before any runs."""
    made = Settings(password_memory_kib=64, password_iterations=1)
    server = build(made, keys=new_keys(), database=Database("sqlite://", RING))
    document = json.loads(json.dumps(create_app(server).openapi()))
    server.close()
    # Listens for minutes by design; everything before the listening is any other route's.
    document["paths"].pop("/v1/sync/poke")
    # Ends the session that the other examples need.
    document["paths"].pop("/v1/auth/sign-out")
    return document


DOCUMENT = described()
schema = schemathesis.openapi.from_dict(DOCUMENT)


def _aimed(value: Any, key: str = "") -> Any:
    """The same request, about the south wherever it names anything."""
    if isinstance(value, dict):
        return {k: _aimed(v, k) for k, v in value.items()}
    if isinstance(value, list):
        return [_aimed(one, key) for one in value] or [_aimed("", key)]
    if not isinstance(value, str):
        return value
    if key == "buckets":
        return f"customer:{CUSTOMER}"
    if key.startswith("case"):
        return CASE
    if key.startswith(("file", "upload")):
        return FILE
    if key == "sha256":
        return hashlib.sha256(BYTES).hexdigest()
    if key.endswith(("_id", "_ids", "customer")) and not key.startswith(("staff", "device")):
        return CUSTOMER
    return value


@schema.parametrize()
@settings(
    max_examples=3,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_a_route_answers_anyone_and_anything_as_documented_and_within_their_scope(
    case: Any, phones: dict[str, Phone]
) -> None:
    _asked(case, "an administrator", phones)
    if isinstance(case.body, dict | list):
        case.body = _aimed(case.body)
    case.path_parameters = _aimed(dict(case.path_parameters or {}))
    for _ in range(3):  # examples times these are all roles, and some twice
        _asked(case, next(_turns), phones)


_turns = cycle([*ROLES, "a barred device"])


def _asked(case: Any, role: str, phones: dict[str, Phone]) -> None:
    sent, phone = case.as_transport_kwargs(base_url=ADDRESS), phones[role]
    url = urlsplit(sent["url"])
    headers = {k: str(v) for k, v in sent.get("headers", {}).items() if k.lower() not in _OURS}
    body = sent.get("json", sent.get("data"))
    content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
    answer = phone.send(
        sent["method"],
        url.path,
        headers={"Content-Type": "application/json", **headers},
        content=content,
    )
    assert answer.status_code < 500, f"{role}: {answer.text}"
    seen = AVIARY.escaped(answer.content + repr(answer.headers).encode())
    assert not seen, f"{role} was told {seen}"
    if sent["method"].lower() == case.operation.method.lower():  # some examples try another
        documented = case.operation.definition.raw["responses"]
        told = f"{role}: {answer.status_code} {answer.text}"
        assert str(answer.status_code) in {*documented, "404"}, told
        _as_described(documented.get(str(answer.status_code)), answer)
    if answer.status_code >= 400 and sent["method"] != "HEAD":
        assert set(answer.json()) == {"code", "message", "remedy", "details"}


def _as_described(described: Any, answer: httpx.Response) -> None:
    """A JSON reply has the form that the document promises."""
    found = (described or {}).get("content", {}).get("application/json", {}).get("schema")
    if found and answer.content:
        whole = {**found, "components": DOCUMENT["components"]}
        jsonschema_rs.validator_for(whole).validate(answer.json())


def test_the_search_would_find_what_it_looks_for(field: Field) -> None:
    sun = field.phone("sun")
    asked = {"buckets": [f"customer:{CUSTOMER}"], "after": None, "limit": 100}
    assert len(AVIARY.escaped(sun.send("POST", "/v1/sync/snapshot", asked).content)) > 5

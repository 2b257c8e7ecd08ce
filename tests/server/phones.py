"""Phones and people for tests of the server: a company with staff, a clock set by hand, and a
device that proves its key with every request."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI

from shared import dpop
from shared.ids import derived_id
from sync_server.app import create_app
from sync_server.bootstrap import Server, build
from sync_server.db.base import Database
from sync_server.services import accounts
from sync_server.services.server_keys import new_keys
from sync_server.services.writing import Unit, write
from sync_server.settings import Settings
from tests.databases import database_at

ADDRESS = "http://testserver"
ORG = derived_id("org")
STORE = derived_id("store")
PASSWORD = "correct horse"
CHEAP_PASSWORDS = {"password_memory_kib": 64, "password_iterations": 1}
PEOPLE = {
    "lin": "account_manager",
    "wu": "technician",
    "chen": "store_manager",
    "gao": "administrator",
}
START = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)


class HandClock:
    """A clock that the test moves."""

    def __init__(self, now: datetime = START) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def monotonic_ms(self) -> int:
        return int((self._now - START).total_seconds() * 1000)

    def pass_by(self, **time: float) -> None:
        self._now += timedelta(**time)


class AppClient:
    """Sends requests straight into an application, without a socket."""

    def __init__(self, app: FastAPI) -> None:
        self._transport = httpx.ASGITransport(app=app)

    def request(self, method: str, path: str, **sent: Any) -> httpx.Response:
        async def answered() -> httpx.Response:
            async with httpx.AsyncClient(transport=self._transport, base_url=ADDRESS) as client:
                return await client.request(method, path, **sent)

        return asyncio.run(answered())

    def get(self, path: str, **sent: Any) -> httpx.Response:
        return self.request("GET", path, **sent)

    def post(self, path: str, **sent: Any) -> httpx.Response:
        return self.request("POST", path, **sent)


def staff_id(name: str) -> str:
    return derived_id("staff", name)


def server_on(db: Database, folder: Path, clock: HandClock, **settings: Any) -> Server:
    """A server over a migrated database, with cheap passwords; `settings` are laid over."""
    made = Settings(**{"data_dir": folder, **CHEAP_PASSWORDS, **settings})
    return build(made, clock=clock, keys=new_keys(), database=db)


def found_company(server: Server, **policy: Any) -> None:
    """The organisation, its store and people (`PEOPLE`), all with `PASSWORD`."""
    now = server.clock.now()

    def work(unit: Unit) -> None:
        unit.create(
            "organisation",
            {"id": ORG, "name": "回访商贸", "timezone": "Asia/Shanghai", "currency": "CNY"},
        )
        unit.create("store", {"id": STORE, "name": "一号店"})
        unit.create(
            "policy",
            {
                "id": derived_id("policy"),
                "version": 1,
                "holds_from": "2026-01-01T00:00:00.000Z",
                "settings": {"device_approval": "automatic", **policy},
            },
        )
        for name, role in PEOPLE.items():
            unit.create(
                "staff",
                {"id": staff_id(name), "name": name, "role": role, "store_id": STORE},
            )

    write(server.database, ORG, now, work)
    password = server.hashes.make(PASSWORD)
    with server.database.write() as connection:
        for name in PEOPLE:
            accounts.add_account(
                connection,
                org_id=ORG,
                staff_id=staff_id(name),
                username=name,
                password_hash=password,
                now=now,
            )


@dataclass
class Phone:
    """A device and its way to the server. `skew` is how far its reckoning of the time is off."""

    client: AppClient
    clock: HandClock
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    skew: timedelta = timedelta(0)
    device_id: str = ""
    access_token: str | None = None
    refresh_token: str | None = None

    @property
    def device_key(self) -> str:
        return dpop.b64(self.key.public_key().public_bytes_raw())

    def proof(self, method: str, url: str, access_token: str | None = None) -> str:
        signed = dpop.signing_input(
            dpop.public_jwk(self.device_key),
            method=method,
            url=url,
            now=self.clock.now() + self.skew,
            access_token=access_token,
        )
        return dpop.proof(signed, self.key.sign(signed))

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        signed: bool = True,
    ) -> httpx.Response:
        """One request with a fresh proof, and the access token if there is one and `signed`."""
        token = self.access_token if signed else None
        sent = {dpop.HEADER: self.proof(method, ADDRESS + path, token)}
        if token:
            sent["Authorization"] = f"DPoP {token}"
        if body is not None:
            content = json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        return self.client.request(
            method, path, content=content, headers={**sent, **(headers or {})}
        )

    def sign_in(self, username: str, password: str = PASSWORD, **given: Any) -> httpx.Response:
        """Sign in and keep the tokens."""
        asked = {
            "username": username,
            "password": password,
            "device_key": self.device_key,
            "device_name": "测试手机",
            "platform": "native",
            "app_version": "1.0",
        }
        return self._keep(self.send("POST", "/v1/auth/sign-in", {**asked, **given}, signed=False))

    def refresh(self, token: str | None = None) -> httpx.Response:
        """Exchange a refresh token (by default the last one) and keep the new ones."""
        asked = {"refresh_token": token or self.refresh_token}
        return self._keep(self.send("POST", "/v1/auth/refresh", asked, signed=False))

    def who(self) -> httpx.Response:
        return self.send("GET", "/v1/auth/who")

    def _keep(self, answer: httpx.Response) -> httpx.Response:
        if answer.status_code == 200:
            told = answer.json()
            self.device_id = told["device_id"]
            self.access_token = told["access_token"]
            self.refresh_token = told["refresh_token"]
        return answer


@dataclass
class Field:
    """A running company: the server, its web application, and the clock they share."""

    server: Server
    clock: HandClock
    client: AppClient
    app: FastAPI

    @classmethod
    def on(cls, db: Database, folder: Path, *, policy: Any = None, **settings: Any) -> Field:
        clock = HandClock()
        server = server_on(db, folder, clock, **settings)
        found_company(server, **(policy or {}))
        app = create_app(server)
        return cls(server, clock, AppClient(app), app)

    @classmethod
    def on_sqlite(cls, template: Path, folder: Path, **given: Any) -> Field:
        """The same on a copy of the migrated SQLite `template`, for tests that no database tells
        apart. Its file goes with the test's folder."""
        path = folder / "server.sqlite3"
        shutil.copy(template, path)
        return cls.on(database_at(f"sqlite:///{path}"), folder, **given)

    def close(self) -> None:
        self.server.close()

    def phone(self, username: str | None = None) -> Phone:
        """A new phone, signed in if a name is given."""
        phone = Phone(self.client, self.clock)
        if username:
            answer = phone.sign_in(username)
            assert answer.status_code == 200, answer.text
        return phone


def code(answer: httpx.Response) -> str:
    """The code of an error's body, which every error has."""
    told = answer.json()
    assert set(told) == {"code", "message", "remedy", "details"}, told
    return str(told["code"])

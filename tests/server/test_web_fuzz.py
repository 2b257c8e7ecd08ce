"""Whatever is sent, every route answers with a status that it documents, and never fails."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import schemathesis
from hypothesis import HealthCheck, settings

from sync_server.app import create_app
from sync_server.bootstrap import build
from sync_server.db.base import Database
from sync_server.services.server_keys import new_keys
from sync_server.settings import Settings
from tests.server.conftest import RING
from tests.server.phones import ADDRESS, Field, Phone

_OURS = {"authorization", "dpop", "content-length", "host"}


@pytest.fixture(scope="module")
def field(sqlite_template: Path) -> Iterator[Field]:
    with tempfile.TemporaryDirectory() as folder:
        limits = {"sign_in_tries": 10**6, "sign_in_tries_per_address": 10**6}
        field = Field.on_sqlite(sqlite_template, Path(folder), **limits)
        yield field
        field.close()


@pytest.fixture(scope="module")
def phone(field: Field) -> Phone:
    """An administrator's, so that most routes are open to it."""
    return field.phone("gao")


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


schema = schemathesis.openapi.from_dict(described())


@schema.parametrize()
@settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_a_route_answers_anything_as_documented(case: Any, phone: Phone) -> None:
    sent = case.as_transport_kwargs(base_url=ADDRESS)
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
    assert answer.status_code < 500, answer.text
    if sent["method"].lower() == case.operation.method.lower():  # some examples try another
        documented = {*case.operation.definition.raw["responses"], "404"}
        assert str(answer.status_code) in documented, answer.text
    if answer.status_code >= 400 and sent["method"] != "HEAD":
        assert set(answer.json()) == {"code", "message", "remedy", "details"}

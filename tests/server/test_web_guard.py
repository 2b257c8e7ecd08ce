"""What every reply has in common: errors from the one table, no traces, limits, headers, and a
log that tells nothing of anyone."""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
import zstandard
from fastapi import FastAPI

from shared.errors import Code
from shared.messages import dump
from shared.wire import PullRequest
from sync_server.app import create_app
from sync_server.logs import configure
from sync_server.routes import fast
from sync_server.routes.answers import documented
from tests.server.phones import AppClient, Field, code

SECRET = "王小明 13800000000"
ASKED = dump(PullRequest(app_version="1", epoch=None, cursor=0, grants_digest=""))


@pytest.fixture
def field(sqlite_template: Path, tmp_path: Path) -> Iterator[Field]:
    field = Field.on_sqlite(sqlite_template, tmp_path, max_body_bytes=1_000_000)
    yield field
    field.close()


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    written = io.StringIO()
    before = structlog.get_config()
    configure("info", written)
    yield written
    structlog.configure(**before)


def broken(field: Field) -> FastAPI:
    app = create_app(field.server)

    async def fail() -> None:
        raise RuntimeError(SECRET)

    # Before the web app's route, which takes every address that is left.
    app.router.add_api_route("/v1/fail/{name}", fail, methods=["GET"])
    app.router.routes.insert(0, app.router.routes.pop())
    return app


def test_a_fault_is_told_by_its_code_alone(field: Field, log: io.StringIO) -> None:
    answer = AppClient(broken(field)).get(f"/v1/fail/{SECRET}?q={SECRET}")
    assert answer.status_code == 500
    assert code(answer) == "server_fault"
    assert SECRET not in answer.text and "Traceback" not in answer.text
    written = log.getvalue()
    assert "RuntimeError" in written and "/v1/fail/{name}" in written
    assert "13800000000" not in written and "王小明" not in json.dumps(written, ensure_ascii=False)


def test_a_fault_before_the_application_is_told_in_the_same_way(
    field: Field, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError(SECRET)

    phone = field.phone("lin")
    monkeypatch.setattr(fast, "read_pull", fail)
    answer = phone.send("POST", "/v1/sync/pull", ASKED)
    assert (answer.status_code, code(answer)) == (500, "server_fault")
    written = log.getvalue()
    assert "RuntimeError" in written and "/v1/sync/pull" in written and "13800000000" not in written


@pytest.mark.parametrize(
    ("method", "route", "body"),
    [("GET", "/v1/auth/who", None), ("POST", "/v1/sync/pull", ASKED)],
)
def test_the_log_names_route_and_status_and_no_token(
    field: Field, log: io.StringIO, method: str, route: str, body: object
) -> None:
    phone = field.phone("lin")
    phone.send(method, f"{route}?name=secret-query", body)
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    last = lines[-1]
    assert (last["method"], last["route"], last["status"]) == (method, route, 200)
    for unwanted in ("secret-query", str(phone.access_token), phone.device_id, "lin"):
        assert unwanted not in log.getvalue()


def test_unknown_fields_are_refused_by_name_and_their_values_not_repeated(field: Field) -> None:
    answer = field.phone().sign_in("lin", surprise=SECRET)
    assert answer.status_code == 422
    assert code(answer) == "unknown_field"
    assert answer.json()["details"] == {"fields": "body.surprise"}


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'"x"', b'{"username": 5}', b"\xff\xfe", b'{"username": "\\ud800"}']
)
def test_what_can_not_be_read_is_malformed(field: Field, body: bytes) -> None:
    answer = field.client.post(
        "/v1/auth/sign-in", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 400
    assert code(answer) == "malformed"


def test_a_strange_field_name_is_not_repeated(field: Field) -> None:
    answer = field.phone().sign_in("lin", **{SECRET: 1})
    assert answer.json()["details"] == {"fields": "body.?"}


def test_a_body_over_the_limit_is_refused_before_it_is_read(field: Field) -> None:
    answer = field.client.post("/v1/auth/sign-in", content=b"x" * 1_000_001)
    assert answer.status_code == 413
    assert code(answer) == "batch_too_large"


def test_a_body_that_hides_its_length_is_counted_as_it_comes(field: Field) -> None:
    async def parts() -> Any:
        for _ in range(11):
            yield b"x" * 100_000

    answer = field.client.post(
        "/v1/auth/sign-in", content=parts(), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 413
    assert code(answer) == "batch_too_large"


def test_a_wrong_method_is_told_which_are_right(field: Field) -> None:
    for path in ("/v1/auth/sign-in", "/v1/sync/pull"):
        answer = field.client.request("DELETE", path)
        assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
        assert code(answer) == "malformed"


def test_every_reply_forbids_what_no_reply_needs(field: Field) -> None:
    for path in ("/healthz", "/docs", "/v1/auth/who", "/v1/nothing"):
        headers = field.client.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "Strict-Transport-Security" not in headers
    assert field.client.get("/v1/auth/who").headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("method", "path", "cached"),
    [
        ("GET", "/v1/auth/who", False),
        ("POST", "/v1/sync/pull", False),
        ("POST", "/v1/sync/snapshot", False),
        ("GET", "/v1/files/" + "0" * 64, False),
        ("HEAD", "/v1/files/uploads/x", False),
        ("OPTIONS", "/v1/files", False),
        ("GET", "/v1/decisions/quarantine", False),
        ("GET", "/v1/nothing", False),
        ("GET", "/docs", True),
        ("GET", "/healthz", True),
        ("GET", "/openapi.json", True),
        ("GET", "/metrics", True),
        ("GET", "/", True),
    ],
)
def test_no_class_of_routes_replies_without_the_headers_that_a_browser_needs(
    field: Field, method: str, path: str, cached: bool
) -> None:
    headers = field.phone("lin").send(method, path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=(self)" in headers["Permissions-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "access-control-allow-origin" not in headers
    assert "server" not in headers and "set-cookie" not in headers
    if not cached:
        assert headers["Cache-Control"] == "no-store"
        assert "default-src 'none'" in headers["Content-Security-Policy"]


@pytest.mark.parametrize("body", ["[" * 100_000, '{"a":' * 50_000, "[" * 400 + "]" * 400])
@pytest.mark.parametrize(
    "path", ["/v1/auth/sign-in", "/v1/auth/refresh", "/v1/sync/pull", "/v1/sync/push"]
)
def test_json_that_is_nested_without_end_is_malformed(field: Field, path: str, body: str) -> None:
    sent = {"Content-Type": "application/json"}
    answer = field.phone("lin").send("POST", path, content=body.encode(), headers=sent)
    assert answer.status_code in (400, 422)
    assert code(answer) in ("malformed", "unknown_field")


@pytest.mark.parametrize("packing", ["gzip", "zstd", "deflate"])
def test_a_packed_body_is_not_unpacked(field: Field, packing: str) -> None:
    """A megabyte of zeros packs into a thousand bytes: nobody sends such, and nobody takes it."""
    pack = {"gzip": gzip.compress, "zstd": zstandard.compress, "deflate": zlib.compress}[packing]
    headers = {"Content-Type": "application/json", "Content-Encoding": packing}
    for path in ("/v1/sync/push", "/v1/sync/pull", "/v1/auth/refresh"):
        body = pack(b'{"app_version":"' + b"x" * 10**6 + b'"}')
        answer = field.phone("lin").send("POST", path, content=body, headers=headers)
        assert (answer.status_code, code(answer)) == (400, "malformed")


def test_only_work_may_be_long(sqlite_template: Path, tmp_path: Path) -> None:
    field = Field.on_sqlite(sqlite_template, tmp_path)
    phone, body = field.phone("lin"), b" " * 1_000_001
    sent = {"Content-Type": "application/json"}
    for path in ("/v1/auth/sign-in", "/v1/sync/pull", "/v1/moves/customers", "/v1/files"):
        answer = phone.send("POST", path, content=body, headers=sent)
        assert (answer.status_code, code(answer)) == (413, "batch_too_large")
    assert phone.send("POST", "/v1/sync/push", content=body, headers=sent).status_code == 400
    field.close()


def test_behind_tls_browsers_are_told_to_stay_there(sqlite_template: Path, tmp_path: Path) -> None:
    field = Field.on_sqlite(sqlite_template, tmp_path, public_url="https://huifang.example")
    assert "max-age" in field.client.get("/healthz").headers["Strict-Transport-Security"]
    field.close()


def test_health_tells_whether_the_database_answers(field: Field) -> None:
    assert field.client.get("/healthz").json()["status"] == "ok"
    assert field.client.get("/readyz").json()["status"] == "ok"


def test_metrics_count_by_route_and_hold_no_ids(field: Field) -> None:
    field.client.get("/v1/nothing/" + SECRET)
    field.client.request("BREW", "/healthz")
    text = field.client.get("/metrics").text
    assert (
        'huifang_requests_total{method="GET",route="/healthz"' in text or "huifang_requests" in text
    )
    assert "13800000000" not in text and "BREW" not in text


def test_docs_list_every_route_with_its_codes(field: Field) -> None:
    page = field.client.get("/docs").text
    for path in field.client.get("/openapi.json").json()["paths"]:
        assert f" {path}</code>" in page
    assert "sign_in_failed" in page
    assert "<script" not in page


def test_the_document_promises_no_body_that_is_never_sent(field: Field) -> None:
    text = field.client.get("/openapi.json").text
    assert "HTTPValidationError" not in text
    assert "ErrorReply" in text


def test_every_route_behind_the_sign_in_documents_its_refusals(field: Field) -> None:
    schema = field.client.get("/openapi.json").json()
    company = ("/v1/auth/company/begin", "/v1/auth/company/callback")
    signs_in = ("/v1/auth/sign-in", "/v1/auth/refresh", "/v1/auth/ways", *company)
    sealed = (
        "/v1/sync/sealed",
        "/v1/sync/sealed-files/{file_id}",
        "/v1/sync/receipts",
    )
    open_to_all = {*signs_in, *sealed, "/healthz", "/readyz"}
    for path, methods in schema["paths"].items():
        for method, told in methods.items():
            codes = " ".join(a["description"] for a in told["responses"].values())
            assert path in open_to_all or "token_expired" in codes, f"{method} {path}"
            assert told.get("description"), f"{method} {path}"


def test_codes_of_one_status_share_an_entry() -> None:
    told = documented(Code.TOKEN_INVALID, Code.TOKEN_EXPIRED, Code.NOT_FOUND)
    assert set(told) == {401, 404}
    assert (
        "token_invalid" in told[401]["description"] and "token_expired" in told[401]["description"]
    )

"""The web app as it leaves the server, and what surrounds every reply."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from sync_server.services.web_files import WebFiles
from tests.server.phones import Field, code

PAGE = {"Accept": "text/html"}
SCRIPT = b"// a script\n" * 500


@pytest.fixture
def sqlite_field(sqlite_template: Path, tmp_path: Path) -> Iterator[Field]:
    field = Field.on_sqlite(sqlite_template, tmp_path)
    yield field
    field.close()


@pytest.fixture
def company(sqlite_field: Field) -> Field:
    folder = sqlite_field.server.settings.web_path
    (folder / "pyodide").mkdir(parents=True)
    (folder / "index.html").write_text("<!DOCTYPE html><title>回访</title>", "utf-8")
    (folder / "main.js").write_bytes(SCRIPT)
    (folder / "pyodide" / "core.wasm").write_bytes(b"\0asm" * 2000)
    (folder / "font.woff2").write_bytes(b"wOF2" * 2000)
    told = {
        "headers": {"Content-Security-Policy": "default-src 'self'", "Cache-Control": "no-cache"},
        "types": {".js": "text/javascript", ".wasm": "application/wasm", ".woff2": "font/woff2"},
    }
    (folder / "headers.json").write_text(json.dumps(told))
    (folder.parent / "secret.txt").write_text("not yours")
    return sqlite_field


def test_the_first_page_is_sent_as_the_builder_wants_it(company: Field) -> None:
    answer = company.client.get("/")
    assert answer.status_code == 200
    assert "回访" in answer.text
    assert answer.headers["Content-Type"].startswith("text/html")
    assert answer.headers["Content-Security-Policy"] == "default-src 'self'"
    assert answer.headers["Cache-Control"] == "no-cache"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("path", "media_type", "encoding"),
    [
        ("/main.js", "text/javascript; charset=utf-8", "gzip"),
        ("/pyodide/core.wasm", "application/wasm", "gzip"),
        ("/font.woff2", "font/woff2", None),
    ],
)
def test_files_have_their_types_and_large_ones_travel_compressed(
    company: Field, path: str, media_type: str, encoding: str | None
) -> None:
    answer = company.client.get(path, headers={"Accept-Encoding": "gzip, br"})
    assert answer.headers["Content-Type"] == media_type
    assert answer.headers.get("Content-Encoding") == encoding
    assert answer.content == (company.server.settings.web_path / path[1:]).read_bytes()


def test_a_browser_without_gzip_gets_the_plain_file(company: Field) -> None:
    answer = company.client.get("/main.js", headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in answer.headers
    assert answer.content == SCRIPT


def test_a_file_that_the_browser_holds_is_not_sent_again(company: Field) -> None:
    first = company.client.get("/main.js")
    again = company.client.get("/main.js", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    assert again.content == b""
    plain = company.client.get("/main.js", headers={"Accept-Encoding": "identity"})
    assert plain.headers["ETag"] != first.headers["ETag"]


def test_a_newly_built_file_is_noticed(company: Field) -> None:
    first = company.client.get("/main.js")
    (company.server.settings.web_path / "main.js").write_bytes(SCRIPT + b"// more\n")
    again = company.client.get("/main.js", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 200
    assert again.content == SCRIPT + b"// more\n"


@pytest.mark.parametrize(
    "path",
    ["/../secret.txt", "/%2e%2e/secret.txt", "/pyodide/..%2f..%2fsecret.txt", "/..%5csecret.txt"],
)
def test_nothing_outside_of_the_folder_is_sent(company: Field, path: str) -> None:
    answer = company.client.get(path)
    assert answer.status_code == 404
    assert "not yours" not in answer.text


def test_a_link_that_leads_outside_is_not_followed(company: Field) -> None:
    web = company.server.settings.web_path
    (web / "link.txt").symlink_to(web.parent / "secret.txt")
    assert company.client.get("/link.txt").status_code == 404


def test_a_page_address_leads_to_the_app_and_a_missing_file_does_not(company: Field) -> None:
    assert "回访" in company.client.get("/customers/17", headers=PAGE).text
    missing = company.client.get("/missing.js", headers=PAGE)
    assert missing.status_code == 404
    assert code(missing) == "not_found"
    assert code(company.client.get("/v1/nothing", headers=PAGE)) == "not_found"


def test_how_files_are_sent_is_not_sent_itself(company: Field) -> None:
    assert company.client.get("/headers.json").status_code == 404


def test_a_server_without_the_app_says_how_to_build_it(sqlite_field: Field) -> None:
    answer = sqlite_field.client.get("/", headers=PAGE)
    assert answer.status_code == 404
    assert "huifang build-web" in answer.text


def test_compressed_copies_are_made_once(tmp_path: Path) -> None:
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "a.js").write_bytes(SCRIPT)
    files = WebFiles(tmp_path / "web", tmp_path / "cache")
    first = files.find("a.js", gzip_taken=True)
    assert first is not None and gzip.decompress(first.path.read_bytes()) == SCRIPT
    first.path.write_bytes(b"kept")
    again = files.find("a.js", gzip_taken=True)
    assert again is not None and again.path.read_bytes() == b"kept"

"""Whatever a push holds, it is answered: with a code where nothing could be read, else with an
outcome for each change, and none that was read is lost (L1)."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from shared.errors import Code
from shared.ids import new_id
from sync_server.db.log import CHANGE_LOG
from sync_server.db.records import RECORDS
from sync_server.services.scopes import enrol
from sync_server.services.writing import write
from tests.server.phones import ORG, Field, Phone, staff_id

pytestmark = pytest.mark.thorough

VERDICTS = {"applied", "merged", "conflict", "late", "quarantined", "rejected", "retry"}
CODES = {code.key for code in Code}
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def field(sqlite_template: Path) -> Iterator[Field]:
    with tempfile.TemporaryDirectory() as folder:
        field = Field.on_sqlite(sqlite_template, Path(folder), requests_per_device=10**6)
        write(field.server.database, ORG, field.clock.now(), lambda u: enrol(u, staff_id("lin")))
        yield field
        field.close()


@pytest.fixture(scope="module")
def phone(field: Field) -> Phone:
    return field.phone("lin")


def a_push(field: Field, count: int = 2) -> dict[str, Any]:
    """A push that would be taken: new customers of lin's."""
    grant = RECORDS["grant"].c
    with field.server.database.read() as connection:
        held = connection.scalar(
            select(grant.id).where(
                grant.staff_id == staff_id("lin"), grant.bucket == f"user:{staff_id('lin')}"
            )
        )
    return {
        "app_version": "1.0",
        "sent_at": "2026-11-21T08:00:05.000Z",
        "boot_id": new_id(),
        "monotonic_ms": 86234,
        "changes": [
            {
                "change_id": new_id(),
                "number": number + 1,
                "grant_id": held or new_id(),
                "entity": "customer",
                "record_id": new_id(),
                "kind": "create",
                "fields": {"name": "华联商厦", "kind": "company"},
                "base": {},
                "claimed_at": "2026-11-21T08:00:00.000Z",
                "boot_id": new_id(),
                "monotonic_ms": 81234,
            }
            for number in range(count)
        ],
    }


HUGE = [2**53, -(2**53), 2**63, 10**400, -1, 1e308, 0.1]
ODD_TEXTS = ["", "\0", "\ud800", "\udfff\ud800", "a" * 70_000, "‮abc", "\u2028", "'; --", "null"]
nested = (
    st.integers(1, 3000)
    .map(lambda deep: "[" * deep + "]" * deep)
    .map(lambda text: json.loads(text) if len(text) < 1200 else {"deep": text})
)
odd = st.one_of(
    st.sampled_from([None, True, False, [], {}, *HUGE, *ODD_TEXTS]),
    nested,
    st.recursive(
        st.none() | st.booleans() | st.floats(allow_nan=True) | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
        max_leaves=8,
    ),
)


@st.composite
def broken_values(draw: st.DrawFn, push: dict[str, Any]) -> bytes:
    """The push with odd values in a few places, wherever in it those are."""
    push = json.loads(json.dumps(push))
    for _ in range(draw(st.integers(1, 3))):
        places: list[tuple[Any, Any]] = []
        _places(push, places)
        holder, key = draw(st.sampled_from(places))
        match draw(st.sampled_from(["replace", "remove", "add", "rename"])):
            case "replace":
                holder[key] = draw(odd)
            case "remove":
                del holder[key]
            case "add" if isinstance(holder, dict):
                holder[draw(st.sampled_from(["x", "id", "org_id", "__proto__", "\0"]))] = draw(odd)
            case "rename" if isinstance(holder, dict):
                holder[f"{key} "] = holder.pop(key)
    return json.dumps(push).encode()


def _places(value: Any, found: list[tuple[Any, Any]]) -> None:
    inside = value.items() if isinstance(value, dict) else enumerate(value)
    for key, held in list(inside):
        found.append((value, key))
        if isinstance(held, dict | list) and len(str(held)) < 5000:
            _places(held, found)


@st.composite
def broken_bytes(draw: st.DrawFn, push: dict[str, Any]) -> bytes:
    """The push's text cut off, with bytes changed, keys doubled, or something put in between."""
    text = json.dumps(push, ensure_ascii=draw(st.booleans())).encode()
    at = draw(st.integers(0, len(text)))
    put = draw(
        st.one_of(
            st.binary(max_size=6),
            st.sampled_from(
                [
                    b"\xff",
                    b"\xed\xa0\x80",
                    b"\\ud800",
                    b"\0",
                    b"1e999",
                    b"NaN",
                    b"-Infinity",
                    b'"change_id":"x",',
                    b'"changes":[],',
                    b"[" * 2000,
                    b"\xef\xbb\xbf",
                    b"//",
                ]
            ),
        )
    )
    match draw(st.sampled_from(["cut", "put", "over", "twice"])):
        case "cut":
            return text[:at]
        case "put":
            return text[:at] + put + text[at:]
        case "over":
            return text[:at] + put + text[at + len(put) :]
        case _:
            return text + text


def sent(field: Field, phone: Phone, body: bytes) -> None:
    answer = phone.send("POST", "/v1/sync/push", content=body, headers=JSON)
    told = answer.json()
    if answer.status_code != 200:
        assert 400 <= answer.status_code < 500, answer.text
        assert told["code"] in CODES and "华联" not in answer.text
        return
    changes = json.loads(body)["changes"]
    assert [one["change_id"] for one in told["outcomes"]] == [c["change_id"] for c in changes]
    log = CHANGE_LOG.c
    for outcome in told["outcomes"]:
        assert outcome["verdict"] in VERDICTS
        assert outcome.get("code") is None or outcome["code"] in CODES
        if outcome["verdict"] == "retry":
            continue
        with field.server.database.read() as connection:
            kept = connection.execute(
                select(log.verdict, log.body).where(log.change_id == outcome["change_id"])
            ).one()
        assert kept.verdict == outcome["verdict"] and json.loads(kept.body), "kept as it came"


few = settings(
    max_examples=200, suppress_health_check=list(HealthCheck), deadline=None, database=None
)


@few
@given(data=st.data())
def test_odd_values_anywhere_in_a_push_get_a_code_or_an_outcome(
    field: Field, phone: Phone, data: st.DataObject
) -> None:
    sent(field, phone, data.draw(broken_values(a_push(field))))


@few
@given(data=st.data())
def test_a_push_that_was_damaged_on_the_way_gets_a_code_or_an_outcome(
    field: Field, phone: Phone, data: st.DataObject
) -> None:
    sent(field, phone, data.draw(broken_bytes(a_push(field, 1))))


@pytest.mark.parametrize("name", ["王小明 13800000000", "\ud800", "a" * 61, "", "\0", "a.b"])
def test_a_name_that_is_no_name_is_refused_and_not_repeated(
    field: Field, phone: Phone, name: str
) -> None:
    push = a_push(field, 1)
    in_envelope = phone.send("POST", "/v1/sync/push", {**push, name: 1})
    assert in_envelope.json()["details"] == {"field": "?"}
    for change in ({**push["changes"][0], name: 1}, push["changes"][0]):
        if name not in change:
            change["change_id"], change["fields"] = new_id(), {**change["fields"], name: 1}
        answer = phone.send("POST", "/v1/sync/push", {**push, "changes": [change]})
        (outcome,) = answer.json()["outcomes"]
        assert (outcome["verdict"], outcome["code"]) == ("rejected", "unknown_field")
        assert name not in answer.text or not name


def test_whatever_came_before_a_good_push_is_applied(field: Field, phone: Phone) -> None:
    good = a_push(field, 3)
    for body in (
        b"[" * 100_000,
        b'{"changes":' * 3000,
        b"\0" * 999,
        json.dumps(good).encode()[:-9],
    ):
        assert phone.send("POST", "/v1/sync/push", content=body, headers=JSON).status_code == 400
    answer = phone.send("POST", "/v1/sync/push", good)
    assert [one["verdict"] for one in answer.json()["outcomes"]] == ["applied"] * 3

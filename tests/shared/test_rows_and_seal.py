"""Row lines, digests, ids and the seal of a signed report."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import rows
from shared.errors import Code, Refusal
from shared.ids import derived_id, is_id, new_id
from shared.seal import SEALED_FIELDS, content_hash, content_stands, seal_bytes

_texts = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.dictionaries(_texts, _texts))
def test_a_line_carries_any_row_unharmed(row: dict[str, str]) -> None:
    line = rows.RowLine("customer:1", "customer", "id", 7, rows.body_text(row))
    written = rows.write_line(line)
    assert written.count("\n") == 1
    assert rows.read_line(written) == line


def test_a_cut_line_is_refused() -> None:
    with pytest.raises(Refusal) as refusal:
        rows.read_line("customer:1\tcustomer\tid")
    assert refusal.value.code is Code.CUT_SHORT


def test_equal_rows_have_one_text_however_they_were_made() -> None:
    assert rows.body_text({"b": 1, "a": None, "c": []}) == rows.body_text({"c": (), "b": 1})


@given(st.permutations(["a", "b", "c"]))
def test_the_digest_of_a_set_does_not_hang_on_its_order(order: list[str]) -> None:
    digests = [rows.digest("visit", i, "{}") for i in order]
    assert rows.total(digests) == rows.total(rows.digest("visit", i, "{}") for i in "abc")


def test_a_changed_body_changes_the_digest() -> None:
    assert rows.digest("visit", "1", '{"a":1}') != rows.digest("visit", "1", '{"a":2}')


def test_ids_rise_in_the_order_of_their_making_and_are_uuids_of_version_seven() -> None:
    made = [new_id() for _ in range(5000)]
    assert made == sorted(set(made))
    assert all(is_id(i) and i[14] == "7" for i in made)


def test_a_derived_id_is_the_same_on_every_device() -> None:
    assert derived_id("callback", "x") == derived_id("callback", "x") != derived_id("callback", "y")


def _signed() -> dict[str, object]:
    report: dict[str, object] = {"id": new_id(), "cause": "电容损坏", "complete": True}
    report["signature"] = {
        "content_hash": content_hash(report),
        "device_id": "d",
        "device_key": "k",
        "signed_at": "2026-11-21T08:30:00.000Z",
        "signer_name": "李四",
    }
    return report


def test_a_signed_report_stands_until_a_word_of_it_changes() -> None:
    report = _signed()
    assert content_stands(report)
    assert content_stands({**report, "complete": None, "updated_at": "later"})
    for field in SEALED_FIELDS:
        assert not content_stands({**report, field: "something else"}), field


def test_the_seal_covers_who_signed_and_on_which_device() -> None:
    report = _signed()
    signature = dict(report["signature"])  # type: ignore[call-overload]  # a dict by making
    sealed = seal_bytes(str(report["id"]), signature)
    for part in ("signer_name", "signed_at", "device_id", "device_key", "content_hash"):
        assert seal_bytes(str(report["id"]), {**signature, part: "other"}) != sealed, part

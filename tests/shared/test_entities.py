"""What every declaration must keep, and the check that every value from outside passes."""

import dataclasses
from datetime import UTC, date, datetime

import pytest

import shared.entities as declared
from shared import codec
from shared.access import buckets_of, covers, parse_bucket, project
from shared.declare import ENTITIES, Kind, Merge, Personal, Role
from shared.entities import Case, Customer, Visit
from shared.errors import Code, Refusal
from shared.ids import new_id

CUSTOMER = new_id()
STAFF = new_id()


def _refused(entity: str, values: dict[str, object], **how: object) -> Code:
    with pytest.raises(Refusal) as refusal:
        codec.check(ENTITIES[entity], values, **how)  # type: ignore[arg-type]  # a test's keywords
    return refusal.value.code


def test_every_entity_field_is_declared() -> None:
    marks = {"id", "created_at", "created_by", "updated_at", "updated_by"}
    for entity in ENTITIES.values():
        names = {f.name for f in dataclasses.fields(entity.cls)} - marks
        assert names == set(entity.fields), entity.name


def test_every_reference_points_to_an_entity() -> None:
    for entity in ENTITIES.values():
        for field in entity.fields.values():
            targets = [f.target for f in (field, field.item) if f and f.kind is Kind.REFERENCE]
            assert all(t in ENTITIES for t in targets), f"{entity.name}.{field.name}"


def test_every_free_text_of_a_field_record_counts_as_personal() -> None:
    """Free text may hold anything about a person; short words from a catalogue do not."""
    for name in ("visit", "report", "callback", "case_event"):
        for field in ENTITIES[name].fields.values():
            if field.kind is Kind.TEXT and field.limit >= 1000:
                assert field.personal is not Personal.NO, f"{name}.{field.name}"


def test_every_tie_to_a_customer_or_case_never_changes() -> None:
    for entity in ENTITIES.values():
        for tie in (entity.customer, entity.case):
            if tie and tie != "id" and entity.creators:
                assert entity.fields[tie].merge is Merge.IMMUTABLE, f"{entity.name}.{tie}"


def test_every_exported_entity_class_is_registered() -> None:
    registered = {e.cls for e in ENTITIES.values()}
    records = {getattr(declared, n) for n in declared.__all__}
    assert registered <= records


def test_a_record_survives_the_way_to_a_row_and_back() -> None:
    visit = Visit(
        id=new_id(),
        customer_id=CUSTOMER,
        owner_id=STAFF,
        purpose="news",
        state="planned",
        planned_at=datetime(2026, 11, 21, 8, 30, tzinfo=UTC),
        next_step_on=date(2026, 12, 1),
        answers=(declared.Answer(key="q", answer="好"),),
        position=declared.Position(
            latitude=31.2, longitude=121.5, fixed_at=datetime(2026, 11, 21, 8, tzinfo=UTC)
        ),
    )
    assert codec.read(Visit, codec.write(visit)) == visit


def test_a_row_from_a_newer_server_is_read_without_its_unknown_fields() -> None:
    assert codec.read(Customer, {"id": CUSTOMER, "name": "张三", "aura": 7}).name == "张三"


def test_an_unknown_field_from_a_device_is_refused_by_name() -> None:
    assert _refused("customer", {"aura": 7}) is Code.UNKNOWN_FIELD


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"name": "x" * 121}, Code.FIELD_TOO_LONG),
        ({"name": "   "}, Code.FIELD_REQUIRED),
        ({"name": "a\x00b"}, Code.FIELD_INVALID),
        ({"name": 7}, Code.FIELD_INVALID),
        ({"birthday": "2026-02-30"}, Code.FIELD_INVALID),
        ({"contact_verified_at": "2026-02-03T04:05:06"}, Code.FIELD_INVALID),
        ({"kind": "robot"}, Code.FIELD_INVALID),
        ({"store_id": "../etc"}, Code.FIELD_INVALID),
        ({"name": None}, Code.FIELD_REQUIRED),
    ],
)
def test_a_value_that_does_not_fit_names_its_code(values: dict[str, object], code: Code) -> None:
    assert _refused("customer", values) is code


def test_whole_numbers_are_not_yes_or_no() -> None:
    assert _refused("visit", {"minutes": True}) is Code.FIELD_INVALID


def test_a_struct_in_a_list_is_checked_to_its_depth() -> None:
    assert (
        _refused("visit", {"answers": [{"key": "q", "answer": "x" * 2001}]}) is Code.FIELD_TOO_LONG
    )
    assert _refused("visit", {"answers": [{"key": "q", "mood": 1}]}) is Code.UNKNOWN_FIELD


def test_a_technician_does_not_set_a_tier() -> None:
    assert _refused("customer", {"tier": "high"}, role=Role.TECHNICIAN) is Code.FIELD_NOT_YOURS


def test_a_creation_asks_for_every_required_field() -> None:
    assert _refused("visit", {"customer_id": CUSTOMER}, whole=True) is Code.FIELD_REQUIRED


def test_a_case_shows_only_what_the_visit_needs_of_its_customer() -> None:
    case = new_id()
    row = {"id": CUSTOMER, "name": "张三", "phone": "1", "birthday": "2000-01-01", "profile": "…"}
    assert project(ENTITIES["customer"], row, parse_bucket(f"case:{case}")) == {
        "id": CUSTOMER,
        "name": "张三",
        "phone": "1",
    }


def test_a_case_lies_with_its_customer_and_in_its_own_bucket() -> None:
    row = {"id": new_id(), "customer_id": CUSTOMER}
    kinds = {b.kind for b in buckets_of(ENTITIES["case"], row)}
    assert kinds == {"customer", "case"}
    assert not covers(parse_bucket(f"customer:{new_id()}"), ENTITIES["case"], row)


def test_looks_go_up_and_never_come_down() -> None:
    assert buckets_of(ENTITIES["look"], {"id": new_id(), "customer_id": CUSTOMER}) == ()


def test_a_case_is_declared_with_its_class() -> None:
    assert ENTITIES["case"].cls is Case

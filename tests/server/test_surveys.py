"""Anonymous surveys: taken in without a trace of who answered, told of groups of five alone (S4
#162)."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from sqlalchemy import select

from shared.clock import to_wire
from shared.declare import Role
from shared.errors import Code, Refusal
from shared.ids import new_id, random_id
from shared.messages import dump
from shared.suppression import ALL
from shared.wire import SEALED_INFO, SealedRequest
from sync_server.db.base import METADATA, Database
from sync_server.db.surveys import EVERYTHING, SURVEY_LINK, SURVEY_TALLY, SURVEY_WORDS
from sync_server.services import satisfaction_drops, survey_results, surveys
from sync_server.services.caller import Caller
from sync_server.services.file_store import FileStore
from sync_server.services.retention import sweep_retention
from sync_server.services.sealed import push_sealed
from tests.databases import RING
from tests.server.field_org import NORTH, ORG, SOUTH, Device, World, person

QUESTIONS = [
    {"key": "nps", "asks": "nps", "zh": "您会推荐我们吗？", "en": "Would you recommend us?"},
    {"key": "care", "asks": "csat", "aspect": "attitude", "zh": "服务态度？", "en": "Attitude?"},
    {"key": "why", "asks": "words", "zh": "为什么？", "en": "Why?"},
]
FIELDS = {
    "title_zh": "服务调查", "title_en": "Our service", "subject": "after_sales",
    "open_from": "2026-11-01", "open_until": "2027-03-31", "questions": QUESTIONS,
}  # fmt: skip
OFFICE = Caller(
    org_id=ORG, staff_id=new_id(), role=Role.ADMINISTRATOR, device_id="", device_key="",
    via="console",
)  # fmt: skip


@pytest.fixture
def world(db: Database) -> World:
    return World(db)


@pytest.fixture
def survey(world: World) -> str:
    return surveys.make(world.db, OFFICE, FIELDS, world.now)


def answer(device: Device, survey: str, nps: int = 9, **other: Any) -> Any:
    """An answer as a phone sends it."""
    replies = [{"question": "nps", "points": nps}, *other.pop("replies", [])]
    fields = {"survey_id": survey, "store_id": NORTH, "replies": replies, **other}
    grant = f"user:{device.caller.staff_id}"
    made = {"change_id": random_id(), "record_id": random_id()}
    return device.create("survey_answer", fields, grant, **made)


def later(world: World) -> datetime:
    """When November has settled."""
    world.now = datetime(2026, 12, 10, 4, tzinfo=UTC)
    return world.now


def month(world: World, survey: str) -> survey_results.Month:
    with world.db.read() as connection:
        made = surveys.survey_of(connection, ORG, survey)
        (found,) = survey_results.months_of(connection, ORG, made, later(world))
    return found


def test_nothing_in_the_database_ties_an_answer_to_who_gave_or_brought_it(
    world: World, survey: str
) -> None:
    customer = world.customer("an")
    phone = world.device("an")
    phone.sync()
    before = everything(world)
    given = answer(phone, survey, nps=7, replies=[{"question": "why", "words": "等了太久"}])
    (outcome,) = phone.push(given)
    assert outcome.verdict == "applied"
    added = "\n".join(sorted(everything(world) - before))
    assert "等了太久" in added and "survey_tally" in added
    for name, tie in {
        "customer": customer, "person": phone.caller.staff_id, "device": phone.id,
        "record": given.record_id, "grant": given.grant_id, "moment": to_wire(world.now),
        "the change's text": json.dumps(given.fields, ensure_ascii=False)[1:-1],
    }.items():  # fmt: skip
        assert tie not in added, name
    rows = [line for line in added.splitlines() if given.change_id in line]
    assert [line.split(" ", 1)[0] for line in rows] == ["change_log"]
    phone.sync()
    assert "等了太久" not in "".join(phone.texts)


def everything(world: World) -> set[str]:
    """Every row of every table, opened, but for what notes that a device was heard of."""
    found = set()
    with world.db.read() as connection:
        for table in METADATA.sorted_tables:
            for row in connection.execute(select(table)):
                told = {k: v for k, v in row._mapping.items() if v is not None}
                found.add(f"{table.name} {json.dumps(told, ensure_ascii=False, default=str)}")
    return found


def test_an_answer_sent_again_counts_once_even_in_other_words(world: World, survey: str) -> None:
    phone = world.device("an")
    phone.sync()
    given = answer(phone, survey)
    phone.push(given)
    (again,) = phone.push(given)
    assert again.verdict == "applied"
    assert tally(world, EVERYTHING) == {0: 1}


def tally(world: World, question: str) -> dict[int, int]:
    t = SURVEY_TALLY.c
    with world.db.read() as connection:
        rows = connection.execute(select(t.points, t.amount).where(t.question == question))
        return {points: amount for points, amount in rows}


def test_a_refused_answer_leaves_no_more_than_a_taken_one(world: World) -> None:
    phone = world.device("an")
    phone.sync()
    before = everything(world)
    (outcome,) = phone.push(answer(phone, new_id(), replies=[{"question": "x", "words": "秘密"}]))
    assert outcome.verdict == "rejected"
    added = "\n".join(everything(world) - before)
    assert "秘密" not in added and phone.caller.staff_id not in added


def test_an_answer_of_a_blocked_device_is_counted_and_waits_for_nobody(
    world: World, survey: str
) -> None:
    phone = world.device("an")
    phone.sync()
    phone.active = False
    (outcome,) = phone.push(answer(phone, survey))
    assert outcome.verdict == "applied" and tally(world, "nps") == {9: 1}


def test_four_answers_are_hidden_and_five_are_told(world: World, survey: str) -> None:
    phone = world.device("an")
    phone.sync()
    phone.push(*(answer(phone, survey, nps=n) for n in (10, 9, 9, 3)))
    hidden = month(world, survey)
    assert hidden.answers == {} and not any(hidden.told["nps"].values())
    world.now = datetime(2026, 11, 30, tzinfo=UTC)
    phone.push(answer(phone, survey, nps=0))
    shown = month(world, survey)
    assert shown.answers == {NORTH: 5, ALL: 5}
    assert shown.told["nps"][NORTH] == {10: 1, 9: 2, 3: 1, 0: 1}


def test_a_small_store_does_not_follow_from_the_total(world: World, survey: str) -> None:
    phone = world.device("an")
    phone.sync()
    phone.push(*(answer(phone, survey) for _ in range(9)))
    phone.push(*(answer(phone, survey, nps=0, store_id=SOUTH) for _ in range(2)))
    told = month(world, survey).told["nps"]
    assert SOUTH not in told and not {NORTH, ALL} <= told.keys()


def test_a_late_answer_counts_in_the_present_month_and_moves_nothing_that_was_told(
    world: World, survey: str
) -> None:
    phone = world.device("an")
    phone.sync()
    phone.push(*(answer(phone, survey) for _ in range(5)))
    late = answer(phone, survey, nps=0)
    before = month(world, survey)
    phone.push(late)
    assert month(world, survey).told == before.told
    assert tally(world, "nps") == {9: 5, 0: 1}


def test_words_are_shown_where_five_wrote(world: World, survey: str) -> None:
    phone = world.device("an")
    phone.sync()
    words = [{"question": "why", "words": "很好"}]
    phone.push(*(answer(phone, survey, replies=words) for _ in range(4)), answer(phone, survey))
    found = month(world, survey)
    with world.db.read() as connection:
        made = surveys.survey_of(connection, ORG, survey)
        assert survey_results.words_of(connection, ORG, made, found, ALL) == {}
    world.now = datetime(2026, 11, 30, tzinfo=UTC)
    phone.push(answer(phone, survey, replies=words))
    found = month(world, survey)
    with world.db.read() as connection:
        told = survey_results.words_of(connection, ORG, made, found, ALL)
    assert told == {"why": ["很好"] * 5}


def test_words_go_when_their_month_is_past_the_policys_days_and_the_tallies_stay(
    world: World, survey: str, tmp_path: Path
) -> None:
    files = FileStore(tmp_path / "files", RING)
    phone = world.device("an")
    phone.sync()
    words = [{"question": "why", "words": "很好"}]
    phone.push(*(answer(phone, survey, replies=words) for _ in range(5)))
    days = timedelta(days=world.policy().survey_words_days)
    world.now = datetime(2026, 11, 30, 15, tzinfo=UTC) + days  # 23:00 in Shanghai
    assert sweep_retention(world.db, files, None, world.now) == 0
    world.pass_by(hours=1)
    assert sweep_retention(world.db, files, None, world.now) == 5
    assert sweep_retention(world.db, files, None, world.now) == 0
    with world.db.read() as connection:
        assert connection.execute(select(SURVEY_WORDS)).first() is None
        counted = select(SURVEY_TALLY.c.amount).where(SURVEY_TALLY.c.question == "why")
        assert connection.scalar(counted) == 5


def test_a_link_that_is_good_once_takes_one_answer(world: World, survey: str) -> None:
    links: dict[str, Any] = {"store_id": NORTH, "now": world.now, "once": True, "count": 2}
    first, second = surveys.make_links(world.db, OFFICE, survey, **links)
    replies = [{"question": "nps", "points": 8}]
    surveys.answer(world.db, first, replies, world.now)
    with pytest.raises(Refusal) as refused:
        surveys.answer(world.db, first, replies, world.now)
    assert refused.value.code is Code.NOT_FOUND
    surveys.answer(world.db, second, replies, world.now)
    assert tally(world, "nps") == {8: 2} and world.count(SURVEY_LINK) == 0


def test_a_link_ends_with_its_survey(world: World, survey: str) -> None:
    links: dict[str, Any] = {"store_id": None, "now": world.now, "once": False, "count": 1}
    (token,) = surveys.make_links(world.db, OFFICE, survey, **links)
    surveys.answer(world.db, token, [{"question": "care", "points": 5}], world.now)
    surveys.end(world.db, OFFICE, survey, world.now)
    with pytest.raises(Refusal):
        surveys.behind(world.db, token, world.now)


def test_a_survey_without_questions_or_with_half_a_choice_is_not_made(world: World) -> None:
    half = {**QUESTIONS[0], "asks": "choice", "options_zh": ["是", "否"], "options_en": ["yes"]}
    for questions in ([], [half], [QUESTIONS[0], QUESTIONS[0]]):
        with pytest.raises(Refusal):
            surveys.make(world.db, OFFICE, {**FIELDS, "questions": questions}, world.now)


def answered(world: World, phone: Device, survey: str, at: datetime, *points: int) -> None:
    world.now = at
    phone.push(*(answer(phone, survey, nps=one) for one in points))


def test_a_drop_is_told_once_to_the_stores_managers_alone(world: World, survey: str) -> None:
    phone = world.device("an")
    phone.sync()
    satisfaction_drops.tell_of_drops(world.db, ORG, world.now)
    answered(world, phone, survey, datetime(2026, 11, 25, tzinfo=UTC), 10, 10, 9, 9, 9)
    answered(world, phone, survey, datetime(2026, 12, 20, tzinfo=UTC), 10, 9, 5, 5, 0)
    world.now = datetime(2026, 12, 31, tzinfo=UTC)
    assert satisfaction_drops.tell_of_drops(world.db, ORG, world.now) == 0, "not settled"
    world.now = datetime(2027, 1, 10, tzinfo=UTC)
    told = satisfaction_drops.tell_of_drops(world.db, ORG, world.now)
    assert told == 2, "of the store, and of all together"
    assert satisfaction_drops.tell_of_drops(world.db, ORG, world.now) == 0
    (notice,) = world.rows("notice")
    assert (notice["kind"], notice["store_id"]) == ("nps_dropped", NORTH)
    assert notice["staff_id"] == person("mei")
    with world.db.read() as connection:
        found = satisfaction_drops.fallen(connection, ORG, world.now)
    assert {(one.group, one.drop.before, one.drop.after) for one in found} == {
        (NORTH, 100.0, -20.0), (ALL, 100.0, -20.0),
    }  # fmt: skip


def test_a_group_of_four_is_warned_of_by_nothing(world: World, survey: str) -> None:
    phone = world.device("an")
    phone.sync()
    satisfaction_drops.tell_of_drops(world.db, ORG, world.now)
    answered(world, phone, survey, datetime(2026, 11, 25, tzinfo=UTC), 10, 10, 9, 9, 9)
    answered(world, phone, survey, datetime(2026, 12, 20, tzinfo=UTC), 0, 0, 0, 0)
    world.now = datetime(2027, 1, 10, tzinfo=UTC)
    assert satisfaction_drops.tell_of_drops(world.db, ORG, world.now) == 0


def test_an_answer_that_comes_sealed_and_open_counts_once(world: World, survey: str) -> None:
    """As from a phone whose owner forgot the PIN, found again."""
    phone = world.device("an")
    phone.sync()
    given = answer(phone, survey, nps=6)
    key = X25519PrivateKey.generate()
    plain = json.dumps([dump(given)]).encode()
    sealed = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_128_GCM).encrypt(
        plain, key.public_key(), info=SEALED_INFO + phone.id.encode()
    )
    request = SealedRequest(
        app_version="1", device_id=phone.id, sent_at=to_wire(world.now), boot_id=phone.boot,
        monotonic_ms=phone.monotonic_ms(), entries=[base64.b64encode(sealed).decode()],
    )  # fmt: skip
    told = push_sealed(world.db, key, phone.caller, request, world.now)
    assert [one.verdict for one in told.outcomes] == ["applied"]
    phone.push(given)
    assert tally(world, "nps") == {6: 1}

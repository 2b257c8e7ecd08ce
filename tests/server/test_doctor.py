"""The server's doctor finds what is wrong, ends with a code that a monitor understands, and its
bundle for support tells nothing of any customer."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert, update

from shared.clock import to_wire
from shared.ids import new_id
from shared.wording import LANGUAGES
from sync_server.admin.diagnosis import answer, remedy
from sync_server.admin.texts import catalogue, words
from sync_server.bootstrap import Server
from sync_server.cli import terminal
from sync_server.db.accounts import DEVICE, STORED_FILE, UPLOAD
from sync_server.db.base import Database
from sync_server.db.log import ALARM, BUCKET_HEAD, CHANGE_LOG, DEVICE_GRANT, FEED
from sync_server.db.records import RECORDS, to_columns
from sync_server.services import audit, doctor
from sync_server.services.agreement import compare
from sync_server.services.audit import Action
from sync_server.services.doctor import Finding, Patient, State, examine
from sync_server.services.support_bundle import support_bundle
from sync_server.services.vitals import OrgVitals, org_vitals, organisations
from sync_server.services.writing import Unit, write
from sync_server.settings import Settings
from tests.canaries import Aviary
from tests.server.field_org import ORG as FIELD
from tests.server.field_org import World
from tests.server.phones import ORG, staff_id
from tests.server.test_cli_commands import home, logging_as_before, run, server

pytestmark = pytest.mark.thorough

__all__ = ["home", "logging_as_before", "server"]


def customers(server: Server, count: int = 3) -> list[str]:
    """Written as the server writes: typed row, feed and heads."""
    ids = [new_id() for _ in range(count)]

    def work(unit: Unit) -> None:
        for place, one in enumerate(ids):
            unit.create(
                "customer", {"id": one, "name": f"客户{place}", "owner_id": staff_id("lin")}
            )

    write(server.database, ORG, server.clock.now(), work)
    return ids


def found(server: Server, question: str, *, thorough: bool = False) -> Finding:
    patient = Patient(
        server.settings, server.database, server.clock, server.web, server.files.store
    )
    (one,) = [f for f in examine(patient, thorough=thorough) if f.question == question]
    for language in LANGUAGES:
        told = f"{answer(words(language), one)} {remedy(words(language), one)}"
        assert not re.search(r"[a-z_]+\.[a-z_]+\.[a-z_]+|[{}]", told), "a text that is not there"
    return one


def change(server: Server, table: Any, **values: Any) -> None:
    with server.database.write() as connection:
        connection.execute(update(table).values(**values))


@pytest.mark.parametrize("thorough", [False, True])
def test_an_audit_log_that_was_edited_is_wrong(server: Server, thorough: bool) -> None:
    def work(unit: Unit) -> None:
        audit.note(unit, audit.command_line(ORG), Action.IMPORTED)

    for _ in range(3):
        write(server.database, ORG, server.clock.now(), work)
    assert found(server, "audit log", thorough=thorough).state is State.GOOD
    with server.database.write() as connection:
        connection.exec_driver_sql("DROP TRIGGER audit_entry_stays")
        connection.exec_driver_sql("UPDATE audit_entry SET action = 'exported' WHERE number = 2")
    one = found(server, "audit log", thorough=thorough)
    assert (one.state, one.values["broken"]) == (State.BAD, 1)


@pytest.mark.parametrize("thorough", [False, True])
def test_a_feed_as_it_was_written_agrees(server: Server, thorough: bool) -> None:
    customers(server)
    one = found(server, "feed", thorough=thorough)
    assert (one.state, one.values["whole"]) == (State.GOOD, thorough)
    assert one.values["rows"] > 3


@pytest.mark.parametrize(
    ("table", "values", "wrong"),
    [
        (BUCKET_HEAD, {"row_count": 77}, "heads"),
        (BUCKET_HEAD, {"max_seq": 0}, "heads"),
        (FEED, {"digest": 5}, "digests"),
        (FEED, {"body": '{"id":"x"}'}, "bodies"),
    ],
)
def test_a_feed_that_says_something_else_is_wrong(
    server: Server, table: Any, values: dict[str, Any], wrong: str
) -> None:
    customers(server)
    change(server, table, **values)
    one = found(server, "feed")
    assert one.state is State.BAD
    assert one.values[wrong] > 0


def test_rows_without_a_head_are_found_by_a_thorough_look(server: Server) -> None:
    customers(server)
    with server.database.write() as connection:
        connection.execute(delete(BUCKET_HEAD))
    assert found(server, "feed", thorough=True).values["heads"] > 0


def test_a_file_that_is_not_on_the_disk_is_wrong(server: Server) -> None:
    sha256 = "ab" * 32
    with server.database.write() as connection:
        connection.execute(
            insert(STORED_FILE).values(
                org_id=ORG, sha256=sha256, bytes=4, stored_at=to_wire(server.clock.now())
            )
        )
    one = found(server, "files")
    assert (one.state, one.values["missing"]) == (State.BAD, 1)
    server.files.store.keep(ORG, sha256, b"data")
    one = found(server, "files")
    assert (one.state, one.values["unclaimed"]) == (State.ATTENTION, 1)


def test_a_record_that_says_verified_and_has_no_bytes_is_wrong(server: Server) -> None:
    (customer,) = customers(server, 1)

    def work(unit: Unit) -> None:
        unit.create(
            "file",
            {
                "id": new_id(), "customer_id": customer, "sha256": "cd" * 32, "bytes": 4,
                "media_type": "image/jpeg", "verified_at": to_wire(server.clock.now()),
            },
        )  # fmt: skip

    write(server.database, ORG, server.clock.now(), work)
    one = found(server, "files")
    assert (one.state, one.values["lost"]) == (State.BAD, 1)


def test_work_that_no_backup_holds_needs_a_look_until_one_is_taken(
    server: Server, home: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    customers(server)
    assert found(server, "backups").state is State.ATTENTION
    folder = tmp_path_factory.mktemp("backups")
    assert run("backup", str(folder)).exit_code == 0
    assert found(server, "backups").state is State.GOOD
    customers(server)
    with terminal.opened(Settings(data_dir=home, backup_dir=folder)) as configured:
        assert found(configured, "backups").state is State.GOOD, "it is a moment old"
    empty = tmp_path_factory.mktemp("none")
    with terminal.opened(Settings(data_dir=home, backup_dir=empty)) as configured:
        assert found(configured, "backups").state is State.BAD


def test_an_alarm_of_this_week_needs_a_look_and_one_of_last_month_does_not(server: Server) -> None:
    now = server.clock.now()
    alarm = {
        "org_id": ORG, "id": new_id(), "kind": "look_missing", "raised_at": to_wire(now),
        "staff_id": new_id(), "device_id": new_id(),
    }  # fmt: skip
    with server.database.write() as connection:
        connection.execute(insert(ALARM).values(**alarm))
    assert found(server, "alarms").state is State.ATTENTION
    change(server, ALARM, raised_at=to_wire(now - timedelta(days=30)))
    one = found(server, "alarms")
    assert (one.state, answer(words("en"), one)) == (State.GOOD, "1 × Looks are missing")


def test_everything_that_the_doctor_says_has_words_in_every_language() -> None:
    said = set(re.findall(r'"([a-z_]+\.[a-z_]+)"', inspect.getsource(doctor)))
    for language in LANGUAGES:
        texts = {key for key in catalogue(language) if key.startswith("doctor.")}
        assert texts == {f"doctor.{word}" for word in said} | {"doctor.and"}


# ── the command ───────────────────────────────────────────────────────────────────────────


def test_the_command_ends_with_the_worst_of_its_findings(
    server: Server, tmp_path_factory: pytest.TempPathFactory
) -> None:
    run("backup", str(tmp_path_factory.mktemp("backups")))
    assert run("doctor").exit_code == 1, "the web app is not built"
    web = server.settings.web_path
    web.mkdir()
    (web / "index.html").write_text("<!DOCTYPE html>")
    assert run("doctor").exit_code == 0
    customers(server)
    change(server, FEED, digest=5)
    result = run("doctor")
    assert result.exit_code == 2
    assert "support bundle" in result.output


@pytest.mark.usefixtures("server")
def test_for_programs_the_findings_are_json() -> None:
    result = run("doctor", "--json", "--thorough")
    told = json.loads(result.output)
    assert told["state"] == "attention"
    states = {one["question"]: one["state"] for one in told["findings"]}
    assert (states["feed"], states["web app"]) == ("good", "attention")
    feed = next(one for one in told["findings"] if one["question"] == "feed")
    assert feed["values"]["whole"] is True


def test_without_keys_the_findings_are_json_as_well(home: Path) -> None:
    (home / "huifang.keys").unlink()
    result = run("doctor", "--json")
    assert result.exit_code == 2
    assert json.loads(result.output)["state"] == "bad"


@pytest.mark.usefixtures("server")
def test_the_bundle_is_a_new_file_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "bundle.json"
    run("doctor", "--bundle", str(path))
    assert path.stat().st_mode & 0o777 == 0o600
    assert json.loads(path.read_text())["organisations"][0]["accounts"] == 4
    assert run("doctor", "--bundle", str(path)).exception is not None
    told = path.read_text()
    assert str(tmp_path) not in told, "no paths of the machine"
    assert ORG not in told


# ── nothing of a customer ─────────────────────────────────────────────────────────────────


@pytest.fixture
def aviary(server: Server) -> Iterator[Aviary]:
    """The server's database with canaries wherever text, a figure or an id can stand."""
    aviary = Aviary()
    now = to_wire(server.clock.now())
    with server.database.write() as connection:
        for name in RECORDS:
            row = aviary.row(name)
            ring = server.database.ring
            columns = to_columns(ORG, name, row, 7, None, ring)
            connection.execute(insert(RECORDS[name]).values(**columns))
            connection.execute(
                insert(FEED).values(
                    org_id=ORG, bucket=f"customer:{aviary.word('bucket')}", entity=name,
                    record_id=row["id"], seq=7, body=json.dumps(row), digest=1,
                )
            )  # fmt: skip
            connection.execute(
                insert(CHANGE_LOG).values(
                    org_id=ORG, change_id=aviary.word("change"), seq=7, digest=b"0" * 32,
                    verdict="rejected", code=aviary.word("code"), outcome=aviary.word("outcome"),
                    entity=name, record_id=row["id"], staff_id=aviary.word("staff"),
                    device_id=aviary.word("device"), number=1, grant_id=aviary.word("grant"),
                    received_at=now, written_at=now, body=json.dumps(row),
                )
            )  # fmt: skip
        device = aviary.word("device")
        connection.execute(
            insert(DEVICE).values(
                org_id=ORG, id=device, staff_id=aviary.word("staff"), key=aviary.word("key"),
                thumbprint=aviary.word("print"), name=aviary.word("name"),
                platform=aviary.word("platform"), app_version=aviary.word("version"),
                state="approved", enrolled_at=now, heard_at=now,
            )
        )  # fmt: skip
        connection.execute(
            insert(DEVICE_GRANT).values(
                org_id=ORG, device_id=device, grant_id=aviary.word("grant"),
                bucket=f"case:{aviary.word('bucket')}", told_at=now, drop_told_at=now,
            )
        )  # fmt: skip
        connection.execute(
            insert(BUCKET_HEAD).values(
                org_id=ORG, bucket=f"{aviary.word('kind')}:{aviary.word('bucket')}", max_seq=7,
                row_count=1, digest=1,
            )
        )  # fmt: skip
        connection.execute(
            insert(ALARM).values(
                org_id=ORG, id=aviary.word("alarm"), kind=aviary.word("kind"), raised_at=now,
                staff_id=aviary.word("staff"), device_id=device,
                subject_id=aviary.word("subject"), detail=aviary.word("detail"),
            )
        )  # fmt: skip
        connection.execute(
            insert(UPLOAD).values(
                org_id=ORG, id=aviary.word("upload"), staff_id=aviary.word("staff"),
                device_id=device, file_id=aviary.word("file"), sha256=aviary.word("sha"),
                bytes=9, media_type=aviary.word("media"), expires_at=now,
            )
        )  # fmt: skip
    yield aviary


def looked(server: Server) -> tuple[list[OrgVitals], list[Finding]]:
    patient = Patient(
        server.settings, server.database, server.clock, server.web, server.files.store
    )
    findings = list(examine(patient))
    now = server.clock.now()
    with server.database.read() as connection:
        return [org_vitals(connection, org, now) for org in organisations(connection)], findings


def test_no_customers_data_and_no_id_is_in_the_servers_bundle(
    server: Server, aviary: Aviary
) -> None:
    orgs, findings = looked(server)
    told = support_bundle(orgs, findings, server.clock.now())
    text = json.dumps(told, ensure_ascii=False)
    assert aviary.escaped(text.encode()) == []
    (org,) = told["organisations"]
    assert all(org["records"][name] >= 1 for name in RECORDS)
    assert org["alarms"] == {"?": 1}, "a word that this version does not know"
    (device,) = [one for one in org["devices"] if one["platform"] == "?"]
    assert (device["app_version"], device["drops"]) == ("?", 1)
    assert ORG not in text


def test_equal_ids_are_equal_within_a_servers_bundle_and_unknown_in_the_next(
    server: Server, aviary: Aviary
) -> None:
    orgs, findings = looked(server)
    now = server.clock.now()
    first, second = (support_bundle([*orgs, *orgs], findings, now) for _ in range(2))
    one, same = (org["organisation"] for org in first["organisations"])
    assert one == same
    assert one != second["organisations"][0]["organisation"]
    assert aviary.words


def test_the_canaries_are_really_in_the_database(server: Server, aviary: Aviary) -> None:
    tables = (*RECORDS.values(), FEED, CHANGE_LOG, DEVICE, DEVICE_GRANT, BUCKET_HEAD, ALARM, UPLOAD)
    with server.database.read() as connection:
        stored = "".join(
            str(tuple(row)) for table in tables for row in connection.execute(table.select())
        )
    assert set(aviary.escaped(stored.encode())) == aviary.words


# ── both databases ────────────────────────────────────────────────────────────────────────


def test_a_look_counts_alike_on_both_databases(db: Database) -> None:
    world = World(db)
    world.customer("an")
    phone = world.device("an")
    phone.sync()
    with db.read() as connection:
        seen = org_vitals(connection, FIELD, world.now)
        agreement = compare(connection, organisations(connection), thorough=True)
    assert agreement.sound and agreement.rows > 3
    assert seen.records["customer"] == 1
    assert seen.feed_rows == agreement.rows
    assert set(seen.buckets) >= {"customer", "user"}


def test_a_wrong_digest_is_found_on_both_databases(db: Database) -> None:
    world = World(db)
    world.customer("an")
    with db.write() as connection:
        connection.execute(update(FEED).values(digest=5))
    with db.read() as connection:
        found = compare(connection, [FIELD])
    assert found.heads > 0 and found.digests > 0
    assert found.wrong == {FIELD}

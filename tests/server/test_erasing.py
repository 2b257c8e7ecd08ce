"""One customer is erased: nothing personal is left anywhere, figures stay as they were, phones drop
what they hold, and what comes later is not kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import LargeBinary, insert, select, type_coerce

from shared.clock import to_wire
from shared.declare import ENTITIES, Role
from shared.errors import Code, Refusal
from shared.ids import new_id
from sync_server.cli import terminal
from sync_server.db.accounts import STORED_FILE
from sync_server.db.base import METADATA, Database
from sync_server.db.keeping import ERASURE
from sync_server.db.log import ALARM, CHANGE_LOG, HISTORY
from sync_server.db.looks import LOOK_REVIEW
from sync_server.db.records import RECORDS
from sync_server.services import audit, cadence_plans, churn_scoring, scopes, tier_rules
from sync_server.services.agreement import compare
from sync_server.services.approvals import give
from sync_server.services.backups import restore_sqlite
from sync_server.services.epochs import org_state
from sync_server.services.erasing import OF_A_CUSTOMER, erase, erase_again, preview
from sync_server.services.erasure_ledger import note_erasure
from sync_server.services.file_store import FileStore
from sync_server.services.retention import sweep_retention
from sync_server.services.retrying import retry
from sync_server.services.writing import Author, Unit, write
from sync_server.settings import Settings
from tests.canaries import Aviary
from tests.databases import RING
from tests.server.field_org import ORG, World, person
from tests.server.phones import ORG as PHONES
from tests.server.phones import Field, code
from tests.server.test_cli_commands import home, logging_as_before, run

__all__ = ["home", "logging_as_before"]
STAYS = {
    "category", "city", "code", "currency", "description", "device_id", "device_key", "entity",
    "field", "industry", "key", "label", "media_type", "model", "name", "number", "position",
    "product", "question", "record_id", "source", "subcategory", "subject_id",
    "change_id", "cause_code", "text_key", "text_hash",
    "package", "topic", "department", "before", "after", "",
}  # fmt: skip
"""Fields of which some word may stay: what kind of thing, place or work it was, none of whom. Parts
of a list have no name: a tier's seats."""


@pytest.fixture
def world(db: Database) -> World:
    return World(db)


@pytest.fixture
def files(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path / "files", RING)


def everything_of(world: World, aviary: Aviary, holder: str = "an") -> str:
    """A customer with one record of each kind, a canary in every field, and earlier versions."""
    customer_id = new_id()

    def work(unit: Unit) -> None:
        for name in ("customer", *(n for n in OF_A_CUSTOMER if n != "customer")):
            declared = ENTITIES[name]
            row = aviary.row(name, customer_id if name == "customer" else new_id())
            for field_name, one in declared.fields.items():
                if field_name in row and one.target in ("staff", "store"):
                    del row[field_name]
            row |= {} if name == "customer" else {declared.customer: customer_id}
            row.pop("erased_at", None)
            for tie in ("case_id", "staff_id"):
                row.pop(tie, None)
            row |= {"staff_id": person(holder)} if name == "assignment" else {}
            unit.create(name, row)

    world.write(work)
    world.write(lambda unit: unit.update("customer", customer_id, {"needs": aviary.word("needs")}))
    world.write(lambda unit: scopes.assign_customer(unit, customer_id, person(holder)))
    return customer_id


def all_that_is_stored(world: World) -> str:
    """Every value of every table, opened."""
    told = []
    with world.db.read() as connection:
        for table in METADATA.sorted_tables:
            for row in connection.execute(select(table)):
                told += [json.dumps(value, default=str, ensure_ascii=False) for value in row]
    return "\n".join(told)


def words_left(world: World, aviary: Aviary) -> set[str]:
    """Names of the fields whose canaries are still stored somewhere."""
    stored = all_that_is_stored(world)
    return {w.partition("x")[2] for w in aviary.words if w.startswith("kanarie") and w in stored}


def figures(world: World) -> dict[str, Any]:
    """What a report would count and sum."""
    return {
        name: sorted(
            (row.get("kind"), row.get("state"), row.get("total_cents"), row.get("created_at"))
            for row in world.rows(name)
        )
        for name in OF_A_CUSTOMER
        if name != "assignment"
    }


def erased(world: World, files: FileStore, customer_id: str) -> Any:
    seen = preview(world.db, ORG, customer_id)
    who = audit.command_line(ORG)
    return erase(world.db, files, who, customer_id, "asked for", seen.plan, world.now, ledger=None)


def keep_photo(world: World, files: FileStore, content: bytes, *owners: str) -> None:
    """A photo with its bytes, a record of it for each of these customers."""
    name = sha256(content).hexdigest()
    files.keep(ORG, name, content)
    with world.db.write() as connection:
        connection.execute(
            insert(STORED_FILE).values(
                org_id=ORG, sha256=name, bytes=len(content), stored_at=to_wire(world.now)
            )
        )
    for owner in owners:
        row = {"id": new_id(), "customer_id": owner, "sha256": name, "bytes": len(content)}
        world.write(lambda unit, row=row: unit.create("file", {**row, "media_type": "image/jpeg"}))


def test_nothing_personal_is_left_anywhere_and_figures_stay(world: World, files: FileStore) -> None:
    aviary, kept = Aviary(), Aviary(_numbers=count(50_000))
    customer_id, other = everything_of(world, aviary), everything_of(world, kept, "bai")
    assert words_left(world, aviary) - STAYS
    before, beside = figures(world), words_left(world, kept)
    seen = erased(world, files, customer_id)
    assert seen.records["visit"] == 1 and seen.versions and seen.grants
    assert words_left(world, aviary) <= STAYS
    assert figures(world) == before
    (contact,) = [r for r in world.rows("contact") if r["customer_id"] == customer_id]
    assert contact["name"] == world.row("customer", customer_id)["name"] == "—"
    assert words_left(world, kept) == beside and world.row("customer", other)["name"]
    with world.db.read() as connection:
        assert compare(connection, [ORG], thorough=True).sound
        assert [row.cause for row in connection.execute(select(ERASURE))] == ["request"]
    table = RECORDS["customer"]
    with world.db.read() as connection:
        row = connection.execute(select(table).where(table.c.id == customer_id)).one()
    assert row.phone_hash is None and row.erased_at is not None


def test_every_device_that_holds_it_drops_it(world: World, files: FileStore) -> None:
    customer_id = world.customer("an", name="金丝雀商厦")
    case_id = world.case(customer_id, "tan", title="金丝雀不制冷")
    devices = [world.device(name) for name in ("an", "tan", "mei")]
    for device in devices:
        device.sync()
        assert any("金丝雀" in body for _, body in device.rows.values())
    assert preview(world.db, ORG, customer_id).devices == 3
    erased(world, files, customer_id)
    for device in devices:
        device.sync()
        assert not {f"customer:{customer_id}", f"case:{case_id}"} & device.buckets()
        assert not any("金丝雀" in body for _, body in device.rows.values())
    world.pass_by(minutes=1)
    world.write(lambda unit: scopes.enrol(unit, person("mei")))
    devices[2].sync()
    assert customer_id not in devices[2].ids("customer")


def test_what_a_phone_brings_later_is_refused_and_not_kept(world: World, files: FileStore) -> None:
    customer_id = world.customer("an")
    an = world.device("an")
    an.sync()
    late = [
        an.visit(customer_id, notes="金丝雀甲"),
        an.update("customer", customer_id, {"needs": "金丝雀乙"}, f"customer:{customer_id}"),
    ]
    erased(world, files, customer_id)
    told = an.push(*late)
    assert [(o.verdict, o.code) for o in told] == [("rejected", Code.CUSTOMER_ERASED.key)] * 2
    assert "金丝雀" not in all_that_is_stored(world)
    assert [o.verdict for o in an.push(*late)] == ["rejected"] * 2
    assert world.count(ALARM) == 0  # the same change again is no other one
    ids = [change.change_id for change in late]
    judged = retry(world.db, replace(an.caller, role=Role.ADMINISTRATOR), ids, world.now)
    assert set(judged.values()) == {"rejected"}
    assert [o.code for o in an.push(*late)] == [Code.CUSTOMER_ERASED.key] * 2
    an.sync()
    assert world.row("customer", customer_id)["name"] == "—"


def test_words_that_others_wrote_about_them_go_as_well(world: World, files: FileStore) -> None:
    customer_id = world.customer("an")
    look_id, bucket = new_id(), f"customer:{customer_id}"
    at = {"org_id": ORG, "staff_id": person("an")}

    def work(unit: Unit) -> None:
        row = {"customer_id": customer_id, "what": "opened", "entity": "customer"}
        unit.create("look", {"id": look_id, "record_id": customer_id, "number": 1, **row})
        give(unit, person("bai"), bucket, world.now + timedelta(hours=1), person("mei"), "金丝雀甲")
        review = {"sample_id": new_id(), "look_id": look_id, "due_at": unit.now_text}
        unit.append(LOOK_REVIEW, {**at, **review, "verdict": "fine", "note": "金丝雀乙"})
        for subject_id in (look_id, customer_id):
            alarm = {"id": new_id(), "kind": "look_missing", "raised_at": unit.now_text}
            said = {"subject_id": subject_id, "explanation": "金丝雀丙"}
            unit.append(ALARM, {**at, "device_id": "", **alarm, **said})

    world.write(work)
    world.pass_by(hours=2)  # what has ended says it, too
    erased(world, files, customer_id)
    assert "金丝雀" not in all_that_is_stored(world)
    raw = type_coerce(HISTORY.c.body, LargeBinary)
    with world.db.read() as connection:
        bodies = connection.scalars(select(raw).where(HISTORY.c.entity == "grant")).all()
    opened = [world.db.ring.open(bytes(body), b"history.body") for body in bodies]
    assert opened and not any("金丝雀".encode() in one for one in opened)


def test_what_waits_in_quarantine_goes_as_well(world: World, files: FileStore) -> None:
    customer_id = world.customer("an")
    an = world.device("an")
    an.sync()
    held = an.visit(customer_id, notes="金丝雀")
    world.write(lambda unit: scopes.deactivate(unit, person("an"), "security"))
    assert [o.verdict for o in an.push(held)] == ["quarantined"]
    assert preview(world.db, ORG, customer_id).waiting == 1
    erased(world, files, customer_id)
    assert "金丝雀" not in all_that_is_stored(world)
    assert [o.verdict for o in an.push(held)] == ["rejected"]


def test_photos_go_unless_somebody_else_has_the_same(world: World, files: FileStore) -> None:
    customer_id, other = world.customer("an"), world.customer("an")
    photos = {b"of one": (customer_id,), b"of both": (customer_id, other)}
    for content, owners in photos.items():
        keep_photo(world, files, content, *owners)
    erased(world, files, customer_id)
    assert not files.has(ORG, sha256(b"of one").hexdigest())
    assert files.read(ORG, sha256(b"of both").hexdigest()) == b"of both"
    assert world.count(STORED_FILE) == 1


def test_a_preview_changes_nothing_and_stands_for_what_was_seen(
    world: World, files: FileStore, tmp_path: Path
) -> None:
    customer_id = world.customer("an", needs="旧")
    before = all_that_is_stored(world)
    seen = preview(world.db, ORG, customer_id)
    assert all_that_is_stored(world) == before
    world.write(lambda unit: unit.update("customer", customer_id, {"needs": "新"}))
    who = audit.command_line(ORG)
    with pytest.raises(Refusal) as refused:
        erase(world.db, files, who, customer_id, "asked", seen.plan, world.now, ledger=tmp_path)
    assert refused.value.code is Code.PREVIEW_OUTDATED
    assert not (tmp_path / "erasures.jsonl").exists()  # or the next restore would erase them
    assert world.row("customer", customer_id)["needs"] == "新"
    erased(world, files, customer_id)
    with pytest.raises(Refusal) as refused:
        preview(world.db, ORG, customer_id)
    assert refused.value.code is Code.CUSTOMER_ERASED
    with pytest.raises(Refusal) as refused:
        world.assign(customer_id, "bai")
    assert refused.value.code is Code.CUSTOMER_ERASED


def test_a_restored_backup_erases_again_whoever_was_erased_since(
    world: World, files: FileStore, tmp_path: Path
) -> None:
    before, after = world.customer("an"), world.customer("an")
    note_erasure(tmp_path, ORG, before, world.now)
    noted = tmp_path / "erasures.jsonl"
    noted.write_text(noted.read_text() + '{"org_id": "cut sho')
    note_erasure(tmp_path, ORG, after, world.now)
    assert erase_again(world.db, files, tmp_path, world.now) == 2
    assert {world.row("customer", one)["name"] for one in (before, after)} == {"—"}
    assert erase_again(world.db, files, tmp_path, world.now) == 0


def test_a_restore_begins_anew_and_erases_again_also_when_it_was_cut_short(home: Path) -> None:
    customer_id, folder = new_id(), home / "backup"
    settings = Settings(data_dir=home, backup_dir=folder)
    with terminal.opened(settings) as server:
        write(
            server.database, PHONES, server.clock.now(),
            lambda unit: unit.create("customer", {"id": customer_id, "name": "金丝雀"}) and None,
        )  # fmt: skip
    assert run("backup", str(folder)).exit_code == 0
    with terminal.opened(settings) as server:
        erase(
            server.database, server.files.store, audit.command_line(PHONES), customer_id, "asked",
            None, server.clock.now(), ledger=folder,
        )  # fmt: skip
        with server.database.read() as connection:
            before = org_state(connection, PHONES).epoch
    for path in home.glob("huifang.sqlite3*"):
        path.unlink()
    told = run("restore", str(folder))
    assert told.exit_code == 0 and "Erased 1 customer(s) again" in told.output
    with terminal.opened(settings) as server, pytest.raises(Refusal) as refused:
        preview(server.database, PHONES, customer_id)
    assert refused.value.code is Code.CUSTOMER_ERASED
    with terminal.opened(settings) as server, server.database.read() as connection:
        once = org_state(connection, PHONES).epoch
    for path in home.glob("huifang.sqlite3*"):
        path.unlink()
    restore_sqlite(folder, home / "huifang.sqlite3", settings.files_path)  # and the power goes
    with terminal.opened(settings) as server, pytest.raises(Refusal) as refused:
        preview(server.database, PHONES, customer_id)
    assert refused.value.code is Code.CUSTOMER_ERASED, "whoever opens it next does the rest"
    with terminal.opened(settings) as server, server.database.read() as connection:
        epoch = org_state(connection, PHONES).epoch
    assert epoch not in {before, once}
    with terminal.opened(settings) as server, server.database.read() as connection:
        assert org_state(connection, PHONES).epoch == epoch, "once"


# ── retention ─────────────────────────────────────────────────────────────────────────────


def test_who_was_silent_for_longer_than_the_policy_keeps_is_erased(
    world: World, files: FileStore
) -> None:
    silent, calling = world.customer("an"), world.customer("an")
    world.pass_by(days=world.policy().retention_days - 10)
    world.case(calling)
    assert sweep_retention(world.db, files, None, world.now) == 0
    world.pass_by(days=11)
    while sweep_retention(world.db, files, None, world.now):
        pass
    assert world.row("customer", silent)["name"] == "—"
    assert world.row("customer", calling)["name"] != "—"
    with world.db.read() as connection:
        assert [row.cause for row in connection.execute(select(ERASURE))] == ["retention"]


def test_what_the_rules_write_by_themselves_keeps_nobody(world: World, files: FileStore) -> None:
    told = {"churn_signals": "问过别家报价", "spend_12m_cents": 9_000_000, "orders_12m": 40}
    silent, cared_for = world.customer("an", **told), world.customer("an")
    world.pass_by(days=world.policy().retention_days + 1)
    churn_scoring.score(world.db, ORG, world.now)
    tier_rules.propose(world.db, ORG, world.now)
    cadence_plans.plan_all(world.db, ORG, world.now)
    for name in ("churn_score", "retention_plan", "tier_proposal", "visit"):
        assert silent in {row["customer_id"] for row in world.rows(name)}, name
    (ahead,) = (row["id"] for row in world.rows("visit") if row["customer_id"] == cared_for)
    moved = {"planned_at": to_wire(world.now + timedelta(days=2))}
    world.write(lambda unit: unit.update("visit", ahead, moved, Author(staff_id=person("an"))))
    while sweep_retention(world.db, files, None, world.now):
        pass
    assert world.row("customer", silent)["name"] == "—"
    assert world.row("customer", cared_for)["name"] != "—"


class Interrupted(FileStore):
    """Somebody is heard of right after another customer's photo was removed."""

    meanwhile: Callable[[], object]

    def remove(self, org_id: str, sha256: str) -> None:
        super().remove(org_id, sha256)
        self.meanwhile()


def test_who_is_heard_of_while_others_are_erased_is_not_erased(
    world: World, tmp_path: Path
) -> None:
    files = Interrupted(tmp_path / "files", RING)
    first, heard_of = sorted((world.customer("an"), world.customer("an")))
    files.meanwhile = lambda: world.case(heard_of)
    keep_photo(world, files, b"of one", first)
    world.pass_by(days=world.policy().retention_days + 1)
    sweep_retention(world.db, files, tmp_path, world.now)
    assert world.row("customer", first)["name"] == "—"
    assert world.row("customer", heard_of)["name"] != "—"
    assert heard_of not in (tmp_path / "erasures.jsonl").read_text()


def test_old_texts_of_the_log_are_emptied_and_their_outcomes_stay(
    world: World, files: FileStore
) -> None:
    customer_id = world.customer("an")
    an = world.device("an")
    an.sync()
    change = an.visit(customer_id, notes="金丝雀")
    (first,) = an.push(change)
    world.now += timedelta(days=world.policy().retention_days + 1)
    world.case(customer_id)
    while sweep_retention(world.db, files, None, world.now):
        pass
    raw = type_coerce(CHANGE_LOG.c.body, LargeBinary)
    with world.db.read() as connection:
        (body,) = connection.scalars(select(raw).where(CHANGE_LOG.c.change_id == change.change_id))
    assert b"\xe9" not in world.db.ring.open(bytes(body), b"change_log.body")
    assert world.row("visit", change.record_id)["notes"] == "金丝雀"
    assert an.push(change) == [first]


# ── who may ───────────────────────────────────────────────────────────────────────────────


def test_only_an_administrator_erases_and_says_why(sqlite_template: Path, tmp_path: Path) -> None:
    field = Field.on_sqlite(sqlite_template, tmp_path)
    customer_id = new_id()
    write(
        field.server.database, PHONES, field.clock.now(),
        lambda unit: unit.create("customer", {"id": customer_id, "name": "华联"}) and None,
    )  # fmt: skip
    path = f"/v1/admin/customers/{customer_id}/erasure"
    chen, gao = field.phone("chen"), field.phone("gao")
    assert code(chen.send("GET", path)) == "role_not_allowed"
    assert code(chen.send("POST", path, {"plan": "", "reason": "x"})) == "role_not_allowed"
    plan = gao.send("GET", path).json()["plan"]
    assert code(gao.send("POST", path, {"plan": plan, "reason": " "})) == "field_required"
    assert code(gao.send("POST", path, {"plan": "x", "reason": "y"})) == "preview_outdated"
    answer = gao.send("POST", path, {"plan": plan, "reason": "来信要求"})
    assert answer.status_code == 200 and answer.json()["records"] == {"customer": 1}
    assert code(gao.send("GET", path)) == "customer_erased"
    field.close()


def test_the_command_looks_first_and_erases_with_what_it_printed(home: Path) -> None:
    customer_id = new_id()
    with terminal.opened(Settings(data_dir=home)) as server:
        write(
            server.database, PHONES, server.clock.now(),
            lambda unit: unit.create("customer", {"id": customer_id, "name": "华联"}) and None,
        )  # fmt: skip
        plan = preview(server.database, PHONES, customer_id).plan
    looked = run("customer", "erase", customer_id)
    assert looked.exit_code == 0 and plan in looked.output.replace("\n", "")
    done = run("customer", "erase", customer_id, "--plan", plan, "--reason", "letter of 3 May")
    assert done.exit_code == 0, done.output
    with terminal.opened(Settings(data_dir=home)) as server, pytest.raises(Refusal):
        preview(server.database, PHONES, customer_id)

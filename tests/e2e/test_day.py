"""A working day in the field, offline, end to end: what three people entered is what the server
has, whole and verified, a fourth of another store was sent nothing of it, and no customer can be
read on a phone without its PIN.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime, timedelta
from pathlib import Path

import apsw
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from mobile.store.vault import faults
from shared.clock import from_wire
from shared.errors import Code, Refusal
from shared.ids import derived_id
from shared.policy import DEFAULTS
from shared.seal import content_hash, content_stands, seal_bytes
from sync_server.demo.load import ZONE
from tests.e2e import calling, repairing, visiting
from tests.e2e.day import AGENT, MANAGER, STRANGER, TECHNICIAN, Day
from tests.e2e.evidence import Row
from tests.e2e.people import PIN
from tests.e2e.pictures import CAMERA, places_in, size_of
from tests.e2e.scope import customers_of, found_in, marks_of
from tests.e2e.vault_files import every_file, natively, unwrapped

FIELD = (MANAGER, TECHNICIAN, AGENT)


def test_the_cut_reaches_page_worker_and_service_worker(day: Day) -> None:
    assert all(said == ("refused",) * 3 for said in day.cut.values())
    assert set(day.cut) == set(FIELD)
    # The browser's own look for an update is not a page's request: the cut does not reach it.
    assert {path for paths in day.strayed.values() for path in paths} <= {"/service_worker.js"}


def test_all_work_waits_until_the_network_returns_and_then_nothing_does(day: Day) -> None:
    assert all(day.unsent[username] > 0 for username in FIELD), day.unsent
    for username in FIELD:
        assert "没有等待上传的内容" in day.standing[username]
        assert "需要你看一下" not in day.standing[username], "an outcome that its author must see"
        assert "冲突" not in day.standing[username]


def test_the_visit_is_on_the_server_as_it_was_entered(day: Day) -> None:
    row = the_visit(day)
    assert row["state"] == "finished"
    assert row["notes"] == visiting.NOTES
    assert row["needs_found"] == visiting.NEEDS
    assert row["preferences_found"] == visiting.PREFERENCES
    assert row["next_step"] == visiting.NEXT_STEP
    assert [answer["answer"] for answer in row["answers"]] == [visiting.ANSWER]
    assert row["owner_id"] == row["updated_by"] == day.evidence.staff_id(MANAGER)
    where = row["position"]
    assert (where["latitude"], where["longitude"]) == (visiting.LATITUDE, visiting.LONGITUDE)
    assert where["accuracy_m"] == visiting.ACCURACY
    assert row["started_at"] < where["fixed_at"] < row["finished_at"]


def test_the_photo_is_stored_whole_and_tells_no_place(day: Day) -> None:
    assert day.visited
    (photo_id,) = the_visit(day)["photo_ids"]
    row = day.evidence.row("file", photo_id)
    stored = day.evidence.file(row["sha256"])
    assert hashlib.sha256(stored).hexdigest() == row["sha256"]
    assert len(stored) == row["bytes"]
    assert row["verified_at"]
    assert stored == sent_by(day, MANAGER)
    chosen = day.visited.photo["buffer"]
    assert places_in(chosen) and CAMERA.encode() in chosen, "the photo that was chosen tells both"
    assert places_in(stored) == {}
    assert CAMERA.encode() not in stored and b"Exif" not in stored
    assert max(size_of(stored)) == DEFAULTS.photo_long_edge_px


def test_the_next_step_became_the_next_visit(day: Day) -> None:
    assert day.visited
    done = the_visit(day)
    following = day.evidence.row("visit", done["next_visit_id"])
    assert following["state"] == "planned"
    assert following["previous_visit_id"] == done["id"]
    assert following["notes"] == visiting.NEXT_STEP
    assert (following["customer_id"], following["owner_id"]) == (
        done["customer_id"],
        done["owner_id"],
    )
    assert local(following["planned_at"]).date() == day.visited.day


def test_the_report_is_on_the_server_as_it_was_written_before_and_after_the_kill(day: Day) -> None:
    row = the_report(day)
    assert row["cause"] == repairing.CAUSE
    assert row["method"] == repairing.METHOD
    assert [check["done"] for check in row["checklist"]] == [True] * repairing.CHECKS
    (part,) = row["parts"]
    assert (part["name"], part["code"]) == (repairing.PART, repairing.PART_CODE)
    assert (part["quantity"], part["unit_price_cents"]) == (repairing.PART_COUNT, 350)
    assert row["training_given"] and row["training_note"] == repairing.TRAINING
    assert row["operation_confirmed"] and row["remarks"] == repairing.REMARKS
    assert row["author_id"] == day.evidence.staff_id(TECHNICIAN)


def test_the_repair_is_resolved_by_its_steps_and_complete_with_its_photos(day: Day) -> None:
    assert day.repaired
    case = day.evidence.row("case", day.repaired.case_id)
    assert case["state"] == "resolved"
    events = day.evidence.rows("case_event", case_id=case["id"], kind="moved")
    events.sort(key=lambda event: str(event["happened_at"]))
    steps = [event["to_state"] for event in events]
    assert steps[-5:] == ["accepted", "en_route", "on_site", "in_progress", "resolved"]
    report = the_report(day)
    assert report["complete"] is True
    for photo_id in (*report["photos_before"], *report["photos_after"]):
        row = day.evidence.row("file", photo_id)
        assert row["verified_at"] and row["report_id"] == report["id"]
        stored = day.evidence.file(row["sha256"])
        assert hashlib.sha256(stored).hexdigest() == row["sha256"]
        assert places_in(stored) == {}
    assert len(report["photos_before"]) == len(report["photos_after"]) == 1


def test_the_signature_holds_for_whoever_has_the_device_s_key(day: Day) -> None:
    report = the_report(day)
    signature = report["signature"]
    assert content_stands(report)
    known = day.evidence.device_keys(day.evidence.staff_id(TECHNICIAN))
    assert known[signature["device_id"]] == signature["device_key"]
    verify(signature, seal_bytes(report["id"], signature))
    assert len(signature["strokes"]) == len(repairing.SIGNATURE)
    assert signature["signer_role"] == "staff"
    contact = day.evidence.row("case", report["case_id"])["contact_id"]
    assert signature["signer_name"] == day.evidence.row("contact", contact)["name"]


def test_the_pdf_made_offline_reads_in_chinese_and_verifies_by_itself(day: Day) -> None:
    assert day.repaired
    report = the_report(day)
    customer = day.evidence.row("customer", report["customer_id"])
    text = day.repaired.pdf_text
    for said in (*day.repaired.texts, customer["name"], "维修服务报告", content_hash(report)):
        assert said in text, f"the PDF does not say {said}"
    attached = day.repaired.attached
    sealed = attached["report.json"]
    assert hashlib.sha256(sealed).hexdigest() == report["signature"]["content_hash"]
    verify(report["signature"], attached["seal.bin"])


def test_a_callback_about_the_repair_is_scheduled_for_an_agent_of_the_store(day: Day) -> None:
    report = the_report(day)
    store_id = day.evidence.row("case", report["case_id"])["store_id"]
    row = day.evidence.row("callback", derived_id("callback", report["id"]))
    assert (row["kind"], row["state"]) == ("after_repair", "scheduled")
    waited = from_wire(row["due_at"]) - from_wire(report["finished_at"])
    assert waited == timedelta(days=DEFAULTS.repair_callback_days)
    agent = day.evidence.row("staff", row["assignee_id"])
    assert (agent["role"], agent["store_id"]) == ("callback_agent", store_id)


def test_the_call_is_on_the_server_as_it_was_entered(day: Day) -> None:
    assert day.called
    row = day.evidence.row("callback", day.called.callback_id)
    assert (row["state"], row["outcome"]) == ("done", "satisfied")
    assert row["satisfaction"] == calling.SATISFACTION
    assert row["notes"] == calling.NOTES
    assert [answer["answer"] for answer in row["answers"]] == [calling.USAGE, calling.WISHES]
    assert [attempt["result"] for attempt in row["attempts"]] == ["reached"]
    assert row["assignee_id"] == row["updated_by"] == day.evidence.staff_id(AGENT)


def test_every_detail_that_was_opened_offline_is_on_record_without_a_gap(day: Day) -> None:
    report, visit = the_report(day), the_visit(day)
    for username, customer_id in (
        (MANAGER, visit["customer_id"]),
        (TECHNICIAN, report["customer_id"]),
    ):
        looks = day.evidence.rows("look", created_by=day.evidence.staff_id(username))
        looks.sort(key=lambda look: int(look["number"]))
        assert [look["number"] for look in looks] == list(range(1, len(looks) + 1))
        assert customer_id in {look["customer_id"] for look in looks if look["what"] == "opened"}
    shared = day.evidence.rows("look", what="shared", record_id=report["id"])
    assert len(shared) == 1, "the PDF that left the device"


def test_nothing_of_the_day_broke_the_policy_or_asked_another_origin(day: Day) -> None:
    """Three working days and a first visit: every screen, camera, worker and service worker."""
    for username, person in day.people.items():
        told = [person.way.breaches.get() for _ in range(person.way.breaches.qsize())]
        assert told == [], f"{username}: {told}"
        assert person.browser.origins() == {person.way.url}
    # The browser would have told: of the page, and of the worker in which Python runs.
    person = day.people[STRANGER]
    page = person.tab.page
    for place in (page, *page.workers):
        place.evaluate("fetch('http://192.0.2.1/?canary').catch(() => 0)")
        assert "192.0.2.1" in person.way.breaches.get(timeout=60)
    assert page.workers


def test_what_a_start_shows_is_looked_for_in_no_other_font(day: Day) -> None:
    """Each look elsewhere fetches the whole font once more."""
    fetched = """performance.getEntriesByType("resource")
        .filter((one) => one.name.endsWith("/NotoSansSC-Regular.otf")).length"""
    # The font itself, and once for whatever it lacks.
    assert 1 <= day.people[STRANGER].tab.page.evaluate(fetched) <= 2


def test_no_byte_of_it_reached_a_user_of_another_store(day: Day, web: Path) -> None:
    assert day.visited and day.repaired and day.called
    evidence, heard = day.evidence, day.people[STRANGER].way.heard
    theirs = set.union(*(customers_of(evidence, username) for username in FIELD))
    own = customers_of(evidence, STRANGER)
    assert theirs and own and not theirs & own
    # Invented names may be given twice; what the stranger's own customers are called is no leak.
    own_world = evidence.shown_in(evidence.buckets(evidence.staff_id(STRANGER)))
    entered = {*day.visited.texts, *day.repaired.texts, *day.called.texts}
    marks = {text for text in marks_of(evidence, theirs) if text not in own_world}
    assert len(marks) > 0.9 * len(marks_of(evidence, theirs))
    answers = [one for one in heard if one.path.startswith("/v1/")]
    assert {one.path for one in answers} >= {"/v1/sync/pull", "/v1/sync/snapshot"}
    assert found_in(answers, marks | entered) == set()
    for one in heard:
        if one not in answers and one.body:
            name = one.path.removeprefix("/") or "index.html"
            assert one.body == (web / name).read_bytes(), f"{one.path} is no part of the app"
    # The same search finds their own customers here, and the others' where they belong.
    assert found_in(answers, marks_of(evidence, own)) >= own
    for username in (MANAGER, TECHNICIAN):
        received = day.people[username].way.heard
        assert found_in(received, marks_of(evidence, customers_of(evidence, username)))


def the_visit(day: Day) -> Row:
    assert day.visited
    return day.evidence.row("visit", day.visited.visit_id)


def the_report(day: Day) -> Row:
    assert day.repaired
    return day.evidence.row("report", day.repaired.report_id)


def sent_by(day: Day, username: str) -> bytes:
    """The bytes of all uploads that this person's device sent, in their order."""
    heard = day.people[username].way.said("/v1/files/uploads/")
    return b"".join(one.sent for one in heard if one.method == "PATCH")


def verify(signature: Row, message: bytes) -> None:
    """Raises InvalidSignature unless the device signed exactly this."""
    key = Ed25519PublicKey.from_public_bytes(decoded(signature["device_key"]))
    key.verify(decoded(signature["device_signature"]), message)


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def local(moment: str) -> datetime:
    return from_wire(moment).astimezone(ZONE)


# ── what lies on the phones afterwards: no customer can be read there without the PIN ──────────


def secrets_of(day: Day, username: str) -> set[str]:
    """By what this person's customers are known, and what was written down about them. Ids are
    left out: an address that the browser remembers may hold one."""
    assert day.visited and day.repaired and day.called
    entered = {
        MANAGER: day.visited.texts,
        TECHNICIAN: day.repaired.texts,
        AGENT: day.called.texts,
    }[username]
    customers = customers_of(day.evidence, username)
    return {*marks_of(day.evidence, customers), *entered} - customers


_TELLING = 6
"""Bytes. Four of them stand somewhere in some megabytes of random ones every few dozen runs."""


def plain_in(content: bytes, texts: set[str]) -> set[str]:
    """Those of `texts` that can be read in these bytes, in any of the ways that programs write."""
    return {
        text
        for text in texts
        for written in (text.encode(), text.encode("utf-16-le"))
        if len(written) >= _TELLING and written in content
    }


@pytest.mark.parametrize("username", [MANAGER, TECHNICIAN, AGENT])
def test_the_app_s_own_files_hold_no_customer_in_plain_text(day: Day, username: str) -> None:
    files = every_file(day.people[username].tab.page)
    vault = day.evidence.staff_id(username)
    assert {f"vaults/{vault}{part}" for part in (".db", ".db-wal", ".log-a")} <= set(files)
    assert sum(map(len, files.values())) > 500_000
    secrets = secrets_of(day, username)
    assert len(secrets) > 20
    for path, content in files.items():
        assert plain_in(content, secrets) == set(), path
        assert b"SQLite format 3" not in content and b"CREATE TABLE" not in content, path


def test_nothing_else_of_the_browser_s_profile_holds_one_either(day: Day) -> None:
    assert day.visited
    customers = customers_of(day.evidence, MANAGER)
    names = {day.evidence.row("customer", customer_id)["name"] for customer_id in customers}
    looked_at = 0
    for path in (day.profiles / MANAGER).rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            looked_at += len(content)
            assert plain_in(content, names | set(day.visited.texts)) == set(), path.name
    assert looked_at > 10_000_000, "the profile with the app in its cache"


def test_the_file_opens_natively_with_its_key_and_holds_what_was_entered(day: Day) -> None:
    assert day.visited
    person, vault = day.people[MANAGER], day.evidence.staff_id(MANAGER)
    key, extractable = unwrapped(person.tab.page, vault, PIN)
    assert not extractable, "the device's key could be carried to another device"
    files = every_file(person.tab.page)

    def look(connection: apsw.Connection) -> tuple[list[str], dict[str, str], int]:
        visits = dict(connection.execute("SELECT id, body FROM server_row WHERE entity = 'visit'"))
        customers = connection.execute(
            "SELECT count(*) FROM server_row WHERE entity = 'customer'"
        ).get
        return faults(connection), visits, customers

    broken, visits, customers = natively(files, vault, key, look)
    assert broken == []
    assert customers == len(customers_of(day.evidence, MANAGER))
    for text in day.visited.texts:
        assert text in visits[day.visited.visit_id]


def test_a_wrong_key_or_pin_opens_nothing_and_says_so(day: Day) -> None:
    person, vault = day.people[MANAGER], day.evidence.staff_id(MANAGER)
    files = every_file(person.tab.page)
    with pytest.raises(Refusal) as caught:
        natively(files, vault, bytes(32), faults)
    assert caught.value.code is Code.VAULT_WRONG_KEY
    with pytest.raises(Exception, match="OperationError"):
        unwrapped(person.tab.page, vault, "135791")

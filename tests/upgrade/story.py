"""What happened before a fixture was kept: a company, and a phone that went offline in the middle
of its work.

Everything that a vault can hold is there: rows, every kind of change that waits and of outcome that
was seen, drafts, a photo that is half at the server and one that is not, looks, case numbers.
"""

from __future__ import annotations

import io
from typing import Any

from PIL import Image

from mobile.store.meta import CURSOR
from shared.entities import Case, Contact, Customer, File, Visit
from shared.ids import derived_id, new_id
from shared.policy import DEFAULTS
from sync_server.services import accounts, scopes
from sync_server.services.epochs import backed_up
from sync_server.services.writing import Unit, write
from tests.mobile.sync_world import CASE, CUSTOMERS, VISIT, Handset, at_the_office, handset
from tests.server.phones import ORG, PASSWORD, PEOPLE, STORE, Field, found_company, staff_id
from tests.upgrade.company import KeptPhone

FIRST, SECOND, THIRD = CUSTOMERS
FOREIGN = derived_id("upgrade", "a customer of he's")


def found(world: Field) -> None:
    """Staff, three customers of `lin`'s, a visit and a case."""
    found_company(world.server)
    now = world.clock.now()

    def work(unit: Unit) -> None:
        manager = {"name": "何", "role": "account_manager", "store_id": STORE}
        unit.create("staff", {"id": staff_id("he"), **manager})
        for name in (*PEOPLE, "he"):
            scopes.enrol(unit, staff_id(name))
        for number, name in enumerate(("张伟", "王芳", "晨光贸易")):
            unit.create("customer", {"id": CUSTOMERS[number], "name": name, "store_id": STORE})
            scopes.assign_customer(unit, CUSTOMERS[number], staff_id("lin"))
        unit.create("customer", {"id": FOREIGN, "name": "李雷", "store_id": STORE})
        scopes.assign_customer(unit, FOREIGN, staff_id("he"))
        unit.create("visit", {**VISIT, "customer_id": FIRST})
        unit.create("case", {**CASE, "customer_id": FIRST})
        scopes.dispatch_case(unit, CASE["id"], staff_id("wu"), DEFAULTS)

    write(world.server.database, ORG, now, work)
    password = world.server.hashes.make(PASSWORD)
    with world.server.database.write() as connection:
        accounts.add_account(
            connection,
            org_id=ORG,
            staff_id=staff_id("he"),
            username="he",
            password_hash=password,
            now=now,
        )


async def lived(world: Field, lin: KeptPhone) -> None:
    """The days until `lin` is offline with much unsent. `lin` has not signed in yet."""
    await lin.sign_in()
    await lin.synced()
    chen = await handset(world, "chen")
    await _sent_and_backed_up(world, lin)
    await _settled_and_seen(world, lin, chen)
    await _half_a_photo(lin)
    await _meanwhile_at_the_office(world, chen)
    world.clock.pass_by(hours=2)
    _written_offline(lin)
    await lin.seal()
    lin.store.save_draft("note", {"text": "给自己的便条"})
    about = ("visit", VISIT["id"])
    lin.store.save_draft(f"visit/{VISIT['id']}", {"notes": "刚到，先记一句"}, about=about)
    _edit(lin, Customer, FIRST, size="medium")  # killed before its sealed copy was made


async def _sent_and_backed_up(world: Field, lin: Handset) -> None:
    a_visit(lin, FIRST, "早已备份")
    await lin.synced()
    backed_up(world.server.database, ORG, lin.store.parts.meta.get(CURSOR))
    await lin.synced()


async def _settled_and_seen(world: Field, lin: Handset, chen: Handset) -> None:
    """Outcomes that their author has not dismissed: a conflict and a rejection; and one that is
    stored at the server, and not backed up."""
    a_visit(lin, FIRST, "已到服务器，还未备份")
    taken = new_id()
    a_visit(chen, FOREIGN, "别处的拜访", record_id=taken)
    _edit(chen, Customer, FIRST, needs="店长写的")
    await chen.synced()
    world.clock.pass_by(minutes=5)
    a_visit(lin, FIRST, "编号已被占用", record_id=taken)
    _edit(lin, Customer, FIRST, needs="林写的")
    await lin.synced()
    verdicts = {w.verdict for w in lin.store.waiting()}
    assert verdicts == {"conflict", "rejected"}, verdicts


async def _half_a_photo(lin: Handset) -> None:
    file = a_photo(lin, seed=1)
    await lin.sync(None, "never arrives")  # the record goes up, the bytes do not
    data = lin.store.blob(file.sha256) or b""
    address = await lin.peer.begin_upload(file.sha256, file.id, len(data), file.media_type)
    sent = await lin.peer.upload_part(address, 0, data[:500])
    lin.store.inbound.uploaded(file.sha256, sent, address)


async def _meanwhile_at_the_office(world: Field, chen: Handset) -> None:
    world.clock.pass_by(minutes=30)
    _edit(chen, Customer, FIRST, profile="店长的说法", industry="零售")
    await chen.synced()
    at_the_office(world, lambda unit: scopes.assign_customer(unit, SECOND, staff_id("he")))


def _written_offline(lin: Handset) -> None:
    made = a_visit(lin, FIRST, "离线写的拜访")
    photo = a_photo(lin, seed=2, visit_id=VISIT["id"])
    visit = lin.store.get(Visit, VISIT["id"])
    assert visit is not None
    with lin.store.unit() as unit:
        unit.update(visit, photo_ids=[photo.id], notes="附了一张照片", next_visit_id=made)
        unit.commit()
    _edit(lin, Customer, FIRST, profile="林的说法")  # a conflict when it is sent
    _edit(lin, Customer, FIRST, churn_signals="三个月没有下单")  # merges
    _edit(lin, Customer, SECOND, needs="改派之后写的")
    a_visit(lin, SECOND, "改派之后的拜访")
    with lin.store.unit() as unit:
        unit.create(Contact(id=new_id(), customer_id=THIRD, name="李娜", phone="13900000000"))
        unit.look(THIRD, "customer", THIRD)
        unit.create(
            Case(
                id=new_id(),
                number=unit.case_number(),
                customer_id=THIRD,
                kind="complaint",
                title="送货迟了",
                state="new",
                opened_at=lin.store.now(),
            )
        )
        unit.commit()


def a_visit(phone: Handset, customer_id: str, notes: str, record_id: str | None = None) -> str:
    with phone.store.unit() as unit:
        made = unit.create(
            Visit(
                id=record_id or new_id(),
                customer_id=customer_id,
                owner_id=phone.id,
                purpose="care",
                state="planned",
                planned_at=phone.store.now(),
                notes=notes,
            )
        )
        unit.commit()
    return made.id


def a_photo(phone: Handset, seed: int, **about: Any) -> File:
    out = io.BytesIO()
    picture = Image.linear_gradient("L").rotate(seed * 30).resize((60, 40)).convert("RGB")
    picture.save(out, "JPEG", quality=60)
    with phone.store.unit() as unit:
        file = unit.attach(
            File(id=new_id(), customer_id=FIRST, media_type="image/jpeg", purpose="visit", **about),
            out.getvalue(),
        )
        unit.commit()
    return file


def _edit(phone: Handset, cls: type[Customer], record_id: str, **values: Any) -> None:
    record = phone.store.get(cls, record_id)
    assert record is not None
    with phone.store.unit() as unit:
        unit.update(record, **values)
        unit.commit()


__all__ = ["found", "lived"]

"""Who looked at a customer, on the screen: for whoever holds it, and online alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from shared import wire_looks
from shared.clock import to_wire
from shared.errors import Code, Refusal
from shared.wire_looks import LookSeen, LooksReply
from tests.mobile.ui.field import NOW, customer

ONE = customer("甲公司")


@dataclass
class Archive:
    """Stands in for the server's record of looks."""

    pages: list[list[LookSeen]] = field(default_factory=list)
    refusal: Refusal | None = None
    asked: list[tuple[str | None, str | None]] = field(default_factory=list)

    async def ask(self, call: Any) -> Any:
        if self.refusal is not None:
            raise self.refusal
        return await call(self)

    async def looks(self, customer_id: str | None, after: str | None) -> LooksReply:
        self.asked.append((customer_id, after))
        return LooksReply(looks=self.pages.pop(0) if self.pages else [])


def seen(number: int, what: str = "opened", **more: Any) -> LookSeen:
    told = {
        "id": f"look-{number}", "looked_at": to_wire(NOW - timedelta(minutes=number)),
        "staff_id": "s", "staff": "何静", "entity": "customer", "record_id": ONE.id,
        "customer_id": ONE.id,
    }  # fmt: skip
    return LookSeen(what=what, **(told | more))


async def on(open_app: Any, field_: Any, archive: Archive) -> Any:
    field_.plant(ONE)
    app, shell = await open_app(field_)
    shell.session.syncing._engine.ask = archive.ask
    return app


async def test_who_looked_stands_on_the_page_of_the_customer_by_day(field, open_app, monkeypatch):
    monkeypatch.setattr(wire_looks, "PAGE", 2)
    later = seen(2000, "unmasked", staff="陈店长")
    archive = Archive(pages=[[seen(1), seen(2, "dialled")], [later]])
    app = await on(open_app, field, archive)
    await app.go(f"/customers/{ONE.id}?show=profile")
    await app.tap("who-looked")
    await app.until(lambda: app.says("何静"))
    assert app.says("今天") and app.says("拨号")
    await app.tap("looks-more")
    await app.until(lambda: app.says("陈店长"))
    assert app.says("昨天")
    assert archive.asked == [(ONE.id, None), (ONE.id, "look-2")]
    assert not app.has("looks-more"), "a page that is not full is the last one"


async def test_ones_own_looks_say_at_whom_and_what_was_searched(field, open_app):
    search = seen(3, "searched", customer_id=None, entity="search", hits=4)
    app = await on(open_app, field, Archive(pages=[[seen(1), search]]))
    await app.go("/looks")
    await app.until(lambda: app.says("甲公司"))
    assert app.says("4 条结果") and not app.says("何静")


async def test_without_a_network_it_says_so_and_is_tried_again(field, open_app):
    archive = Archive(pages=[[seen(1)]], refusal=Refusal(Code.OFFLINE))
    app = await on(open_app, field, archive)
    await app.go(f"/customers/{ONE.id}/looks")
    await app.until(lambda: app.says("没有网络"))
    archive.refusal = None
    await app.tap("looks-retry")
    await app.until(lambda: app.says("何静"))


async def test_a_customer_that_nobody_looked_at_says_what_will_stand_there(field, open_app):
    app = await on(open_app, field, Archive())
    await app.go(f"/customers/{ONE.id}/looks")
    await app.until(lambda: app.says("还没有记录"))

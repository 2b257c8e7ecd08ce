"""Rounds through what is rarer: the first visit, waiting, refusals, conflicts, emptiness."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from shared.declare import Role
from shared.ids import new_id
from sync_server.demo.cast import CAST, PASSWORD
from sync_server.demo.load import ORGANISATION
from sync_server.services import accounts, scopes
from sync_server.services.writing import Author, Unit, write
from tools.screens import days
from tools.screens.walk import PATIENCE_MS, Walk

WRONG_PIN = "135791"
_COUNTRY_ROAD = 1_500_000  # bytes per second while the app itself is fetched
_TRICKLE = 9_000  # bytes per second while the records are
_NEEDS = {
    "zh-CN": ("想在二楼加一排陈列柜", "三月前要两组防潮展柜"),
    "en": ("Wants a row of cabinets upstairs", "Two damp-proof cabinets before March"),
}


def first_visit(walk: Walk) -> None:
    """The app's own download, an attempt without a network, and the first sync with its bar."""
    walk.line.rate = _COUNTRY_ROAD
    tab = walk.begin()
    tab.page.wait_for_function("document.getElementById('splash')?.innerText.includes('MB')")
    tab.page.wait_for_timeout(1_000)
    walk.keep("00-first-visit", tab.page.screenshot())
    walk.line.rate = None
    tab.wait_ready()
    tab.wait_offline_ready()
    walk.browser.offline()
    walk.give_name("liuyang")
    walk.wait("sign_in.offline")
    walk.scroll(-3000)
    walk.shot("01-sign-in-offline")
    walk.browser.online()
    walk.tap("sign_in.submit")
    walk.wait("secret.title")
    walk.line.rate = _TRICKLE
    walk.choose_pin()
    name = walk.t("first_sync.counting", done="\0", total="\0").split("\0")
    told = next(part.strip() for part in name if part.strip())
    tab.wait_text(told, timeout_ms=PATIENCE_MS)
    tab.page.wait_for_timeout(3_000)
    walk.shot("02-first-sync")
    walk.line.rate = None
    walk.wait_today("liuyang")


def wrong_pin(walk: Walk) -> None:
    """The lock, with a PIN that is not the one."""
    walk.sign_in("liuyang")
    walk.tab.reload()
    walk.unlock(WRONG_PIN)
    walk.tab.wait_text("9")  # tries left
    walk.shot("29-unlock-wrong-pin")


def approval(walk: Walk) -> None:
    """A device that an administrator has to let in."""

    def work(unit: Unit) -> None:
        (policy,) = unit.find("policy", version=1)
        settings = {**policy.row["settings"], "device_approval": "administrator"}
        unit.update("policy", policy.id, {"settings": settings})

    on_server(walk, work)
    walk.give_name("wangfang")
    walk.wait("enrol.title")
    walk.shot("02-approval")


def nothing_yet(walk: Walk) -> None:
    """Somebody's first day: no customers, no visits, no cases."""
    staff_id = new_id()
    with walk.live.opened() as server:
        hashed = server.hashes.make(PASSWORD)

    def work(unit: Unit) -> None:
        row = {"id": staff_id, "name": "何文", "role": Role.STORE_MANAGER.value, "active": True}
        unit.create("staff", row)
        scopes.enrol(unit, staff_id)
        unit.flush()
        accounts.add_account(
            unit.connection, org_id=ORGANISATION, staff_id=staff_id, username="hewen",
            password_hash=hashed, now=datetime.now(UTC),
        )  # fmt: skip

    on_server(walk, work)
    walk.give_name("hewen")
    walk.wait("secret.title")
    walk.choose_pin()
    walk.wait_today("何文")
    walk.shot("70-today-empty")
    for name in ("customers", "work", "callbacks"):
        walk.place(f"nav.{name}")
        walk.shot(f"71-{name}-empty")
    walk.place("nav.customers")
    walk.fill("customers.search", "xyz")
    walk.rest()
    walk.shot("72-search-empty")


def conflict(walk: Walk) -> None:
    """Two people write a customer's needs at once; one of them was offline."""
    mine, theirs = _NEEDS[walk.language]
    walk.sign_in("wangfang")
    walk.wait_chip("synced")
    walk.tab.wait_offline_ready()
    walk.place("nav.customers")
    walk.press(walk.first_customer())
    customer_id = walk.tab.page.url.rpartition("/")[2].partition("?")[0]
    walk.browser.offline()
    walk.wait_chip("offline")
    walk.tap("customer.edit")
    walk.fill("field.needs", mine)
    walk.tap("action.save")

    def work(unit: Unit) -> None:
        colleague = staff_id(unit, "chenjing")
        author = Author(staff_id=colleague, at=datetime.now(UTC))
        unit.update("customer", customer_id, {"needs": theirs}, author)

    on_server(walk, work)
    walk.browser.online()
    walk.go("/sync")
    walk.tap("sync.now")
    walk.wait("sync.conflicts")
    walk.wait_chip("synced")
    walk.scroll(-3000)
    walk.shot("54-sync-conflict")
    walk.go("/decisions")
    walk.wait("decisions.conflicts")
    walk.shot("54-decisions")
    walk.go("/sync")
    row = walk.t("sync.conflict.row", entity=walk.t("entity.customer"), field=walk.t("field.needs"))
    walk.tab.tap(row)
    walk.wait("conflict.mine")
    walk.shot("55-conflict")


def refused(walk: Walk) -> None:
    """A customer who won't sign."""
    walk.sign_in("liqiang")
    walk.tap("today.start.repair")
    for step in ("accepted", "en_route", "on_site"):
        walk.tap(f"repair.step.{step}")
    days.write_report(walk)
    walk.tap("sign.refuse")
    walk.fill("field.refused_because", _REASONS[walk.language])
    walk.shot("26-sign-off-refused")
    walk.tap("sign.refuse.do")
    if walk.control(walk.t("sign.confirm.do")).count():
        walk.tap("sign.confirm.do")
    walk.wait("sealed.refused")
    walk.shot("28-sealed-refused")


_REASONS = {
    "zh-CN": "店长不在，店员无权签字。",
    "en": "The manager was out; the assistant may not sign.",
}


def late(walk: Walk) -> None:
    """A customer handed over while the visit was written, and work that waits for a network."""
    walk.sign_in("wangfang")
    walk.wait_chip("synced")
    walk.tab.wait_offline_ready()
    walk.browser.offline()
    walk.wait_chip("offline")
    walk.tap("today.start.visit")
    walk.tap("visit.start")
    visit_id = walk.tab.page.url.rpartition("/")[2].partition("?")[0]
    walk.tap("visit.later")

    def work(unit: Unit) -> None:
        visit = unit.get("visit", visit_id)
        assert visit is not None, "the visit was on the server before"
        scopes.assign_customer(unit, visit.row["customer_id"], staff_id(unit, "liuyang"))

    on_server(walk, work)
    walk.browser.online()
    walk.go("/sync")
    walk.tap("sync.now")
    walk.wait("sync.verdict.late")
    walk.wait_chip("synced")
    walk.browser.offline()
    walk.wait_chip("offline")
    walk.go("/")
    walk.tap("today.start.visit")
    walk.tap("visit.start")
    walk.tap("visit.later")
    walk.go("/sync")
    walk.tab.wait_no_text(walk.t("visit.kept"))
    walk.shot("53-sync-waiting")
    walk.tap("sync.check")
    walk.shot("58-sync-check-attention")


def on_server(walk: Walk, work: Callable[[Unit], None]) -> None:
    with walk.live.opened() as server:
        write(server.database, ORGANISATION, datetime.now(UTC), work)


def staff_id(unit: Unit, username: str) -> str:
    """Id of one of the cast."""
    name = next(player.name for player in CAST if player.username == username)
    (staff,) = unit.find("staff", name=name)
    return staff.id

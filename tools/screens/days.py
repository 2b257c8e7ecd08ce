"""Rounds through ordinary days: a visit, a repair, a call, at phone and at desk."""

from __future__ import annotations

import math
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from tools.screens.scene import shop
from tools.screens.walk import Walk

SIGNER = "芦洋"
FOUND = {
    "zh-CN": (
        "插头内侧接线松动，后半段没有通电。",
        "重新压接端子，加热缩管固定，试运行三十分钟正常。",
    ),
    "en": (
        "A wire in the plug had come loose; the second half had no power.",
        "Crimped it anew and sleeved it. Ran for thirty minutes without fault.",
    ),
}
PARTS = ("checklist", "parts", "photos", "handover")


def account_manager(walk: Walk) -> None:
    """Sign-in, Today, customers, a customer, a visit, and what stands under More."""
    walk.sign_in("wangfang", pictures=True)
    walk.shot("03-today")
    walk.place("nav.customers")
    walk.shot("04-customers")
    walk.fill("customers.search", "gs")
    walk.shot("05-search")
    walk.tap("customers.clear")
    walk.press(walk.first_customer())
    walk.shot("06-customer-history")
    for place, part in enumerate(("profile", "contacts", "assets", "orders")):
        section(walk, part)
        walk.shot(f"07-customer-{place + 1}-{part}")
    section(walk, "profile")
    walk.scroll(3000)
    walk.press(re.compile("^" + re.escape(walk.t("consent.title"))))
    walk.shot("07-customer-5-consent")
    walk.back()
    walk.tap("customer.plan_visit")
    walk.shot("08-plan-visit")
    walk.back()
    walk.tap("customer.new_case")
    walk.shot("09-new-case")
    walk.back()
    walk.back()
    walk.place("nav.today")
    walk.tap("today.start.visit")
    walk.shot("10-visit-planned")
    walk.tap("visit.start")
    walk.shot("10-visit-started")
    walk.scroll(600)
    walk.shot("11-visit-more")
    walk.choose_files("visit.photos.add", shop("a.jpg", evening=False), shop("b.jpg", evening=True))
    thumbnail = re.compile("^" + re.escape(walk.t("visit.photo", size="\0").split("\0")[0]))
    walk.control(thumbnail).first.wait_for()
    walk.scroll(3000)
    walk.shot("12-visit-end")
    walk.press(thumbnail)
    walk.shot("13-visit-photo")
    walk.back()
    walk.back()
    walk.place("nav.more")
    walk.shot("50-more")
    walk.press(re.compile("^" + walk.t("nav.sync")))
    walk.shot("51-sync")
    walk.tap("sync.check")
    walk.shot("56-sync-check")
    walk.tap("doctor.mend.compare")
    walk.wait("doctor.mend.compare")
    walk.scroll(1200)
    walk.shot("57-sync-check-compared")
    walk.back()
    walk.back()
    walk.press(re.compile("^" + walk.t("nav.settings")))
    walk.shot("52-settings")
    walk.scroll(3000)
    walk.shot("52-settings-more")


def editing(walk: Walk) -> None:
    """The forms of a customer and of what belongs to it."""
    walk.sign_in("wangfang")
    walk.place("nav.customers")
    walk.tap("customers.add")
    walk.shot("14-new-customer")
    walk.back()
    walk.press(walk.first_customer())
    walk.tap("customer.edit")
    walk.shot("15-edit-customer")
    walk.scroll(900)
    walk.shot("15-edit-customer-more")
    walk.back()
    section(walk, "contacts")
    walk.tap("action.edit")
    walk.shot("16-edit-contact")
    walk.back()
    section(walk, "assets")
    name = walk.t("customer.asset.edit", product="\0").split("\0")[0]
    walk.press(re.compile("^" + re.escape(name)))
    walk.shot("17-edit-asset")


def section(walk: Walk, part: str) -> None:
    """Another section of a customer's page."""
    walk.press(re.compile(rf"^{walk.t(f'customer.show.{part}')}( \d+)?$"))


def technician(walk: Walk) -> None:
    """A repair from dispatch to the sealed report; then the lock, with the network cut."""
    walk.sign_in("liqiang")
    walk.place("nav.work")
    walk.shot("20-work")
    walk.place("nav.today")
    walk.tap("today.start.repair")
    walk.shot("21-repair")
    for step in ("accepted", "en_route", "on_site"):
        walk.tap(f"repair.step.{step}")
    walk.shot("22-repair-on-site")
    write_report(walk, pictures=True)
    walk.fill("field.signer_name", SIGNER)
    walk.tab.draw(walk.t("sign.pad"), [_wave(0.1), _wave(0.5)])
    walk.shot("26-sign-off")
    walk.tap("sign.do")
    walk.shot("27-sign-off-confirm")
    walk.tap("sign.confirm.do")
    walk.wait("sealed.stands")
    walk.shot("28-sealed-report")
    _pdf(walk)
    walk.go("/")
    walk.tab.wait_offline_ready()
    walk.browser.offline()
    walk.tab.reload()
    walk.shot("29-unlock")
    walk.unlock()
    walk.wait("offline.strip")
    walk.shot("30-today-offline")


def write_report(walk: Walk, *, pictures: bool = False) -> None:
    """From the repair on site to the pad of the signature."""

    def shot(name: str) -> None:
        if pictures:
            walk.shot(name)

    walk.tap("repair.step.write")
    walk.fill("report.cause.text", FOUND[walk.language][0])
    walk.fill("field.method", FOUND[walk.language][1])
    shot("23-report-diagnosis")
    for place, part in enumerate(PARTS):
        walk.tap("action.next")
        if part in ("checklist", "handover"):
            walk.say_yes()
        shot(f"24-report-{place + 1}-{part}")
    walk.tap("action.next")
    shot("25-report-preview")
    walk.tap("report.to_sign")


def _pdf(walk: Walk) -> None:
    """The PDF that the customer gets, as a viewer shows it (where poppler's tools are)."""
    with walk.tab.page.expect_download() as coming:
        walk.tap("sealed.share")
    if (viewer := shutil.which("pdftoppm")) is None:
        return
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page"
        command = [viewer, "-png", "-r", "100", "-singlefile", str(coming.value.path()), str(page)]
        subprocess.run(command, check=True)
        walk.keep("28-sealed-report-pdf", page.with_suffix(".png").read_bytes())


def _wave(left: float) -> list[tuple[float, float]]:
    return [(left + i * 0.015, 0.5 + 0.22 * math.sin(i / 2.2 + left)) for i in range(22)]


def agent(walk: Walk) -> None:
    """The queue of callbacks and one call."""
    walk.sign_in("zhaomin")
    walk.place("nav.callbacks")
    walk.shot("40-callbacks")
    walk.place("nav.today")
    walk.tap("today.start.callback")
    walk.shot("41-callback")
    walk.scroll(700)
    walk.shot("42-callback-questions")
    walk.scroll(-3000)
    walk.tap("callback.dial")
    walk.rest()
    walk.shot("43-callback-calling")
    walk.go("/callbacks")
    walk.shot("44-callbacks-calling")


def at_night(walk: Walk) -> None:
    """Today, customers and a customer in the dark theme, at desktop width."""
    walk.sign_in("wangfang")
    walk.shot("60-today")
    walk.place("nav.customers")
    walk.shot("61-customers")
    walk.press(walk.first_customer())
    walk.shot("62-customer")


def at_desk(walk: Walk) -> None:
    """The same in the light theme, and what else a wide window shows."""
    walk.sign_in("liqiang")
    walk.shot("60-today")
    walk.tap("today.start.repair")
    walk.shot("63-repair")
    walk.go("/sync")
    walk.shot("64-sync")
    walk.go("/settings")
    walk.shot("65-settings")

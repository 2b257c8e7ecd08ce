"""A ranking opened down to its formula: at the console to a person's figure and its cases, and on
the person's own phone without a network (S0 #41, #42, S4 #174)."""

from __future__ import annotations

import re

from playwright.sync_api import Page, Playwright, expect

from tests.browser.console import sign_in
from tests.e2e.people import SYNC_MS, Person
from tests.live_server import LiveServer
from tools import chromium


def test_a_ranking_opens_down_to_its_formula_at_the_console_and_offline_on_the_phone(
    manager: Person, live: LiveServer, playwright: Playwright
) -> None:
    with live.opened() as office:
        office.keep_figures()
    browser = playwright.chromium.launch(executable_path=chromium.find())
    desk = browser.new_page(locale="zh-CN", base_url=live.url)
    score = opened_at_the_console(desk, manager.name)
    browser.close()

    manager.go("/figures")
    manager.tab.wait_text("本店排名第", timeout_ms=SYNC_MS)
    manager.cut_network()
    manager.tab.tap(f"{score:.1f} 分")
    manager.tab.wait_text("各项达成度的加权平均")
    manager.tab.wait_text("× 40 %")
    manager.tab.wait_text("制度第 1 版")
    manager.tab.tap("满意度：")
    manager.tab.wait_text("÷ 回答次数")
    manager.tab.wait_text("制度第 1 版 · S0 #12, #37")


def opened_at_the_console(page: Page, person: str) -> float:
    """The store's manager goes from both rankings to what stands behind them; the person's
    score."""
    sign_in(page, "/console/ranks", "chenjing")
    first = page.get_by_role("row").nth(1)
    first.get_by_role("link").first.click()
    expect(page.get_by_text("计算方法")).to_be_visible()
    expect(page.get_by_text("此后不变")).to_be_visible()

    page.goto("/console/ranks/staff")
    row = page.get_by_role("row").filter(has_text=person)
    row.locator("summary").click()
    expect(row.get_by_text("各项达成度的加权平均")).to_be_visible()
    expect(row.get_by_text("依据第 1 版制度")).to_be_visible()
    said = row.locator("summary").inner_text()
    row.get_by_role("link").click()
    expect(page.get_by_role("heading", name=f"满意度 · {person}")).to_be_visible()
    counted = page.locator("dl.facts")
    expect(counted).to_contain_text(re.compile(r"评分之和\s*[\d,]+\s*回答次数\s*\d+"))
    expect(page.get_by_text("依据第 1 版制度")).to_be_visible()

    page.goto("/console/ranks/staff")
    page.get_by_role("row").filter(has_text="李强").get_by_role("link").click()
    expect(page.get_by_role("heading", name="问题解决率 · 李强")).to_be_visible()
    cases = page.get_by_role("table", name=re.compile("工单")).get_by_role("row")
    expect(cases.nth(1)).to_contain_text("李强")
    return float(said)

"""Figures on a phone: pictures first, opened to formula and count, offline and in both roles."""

from __future__ import annotations

from typing import Any

from shared.entities import FigureSheet
from shared.ids import derived_id
from tests.mobile.ui.field import NOW, Field

PERIODS = [
    {
        "period": "2026-11", "policy": 3,
        "figures": {"satisfaction": [1860, 20, 90], "resolution": [9, 10, 95], "later": [1, 2, 3]},
        "score": 98.3, "rank": 2, "of": 7, "grade": "excellent",
        "terms": {"resolution": [0.947, 30], "satisfaction": [1.033, 40], "later": [1.0, 30]},
    },
    {"period": "2026-10", "policy": 2, "figures": {"satisfaction": [800, 10, 90]}},
]  # fmt: skip
TRENDS = {"satisfaction": [["2026-10", 80.0], ["2026-11", 93.0]]}


def sheet(phone: Field, about: str = "own", **body: Any) -> FigureSheet:
    told = {"periods": PERIODS, "trends": TRENDS} | body
    given = derived_id("sheet", about)
    staff = phone.staff.id
    return FigureSheet(id=given, staff_id=staff, about=about, counted_at=NOW, body=told)


async def test_my_own_figures_are_there_offline_with_score_rank_and_trend(field, open_app):
    field.plant(sheet(field))
    app, _ = await open_app(field)
    await app.go("/figures")
    assert app.says("93.0 分") and app.says("不低于 90.0 分") and app.says("达标")
    assert app.says("98.3") and app.says("优秀") and app.says("本店排名第 2，共 7 人")
    assert app.says("统计于 今天 10:00")
    assert not app.has("figure-later"), "a figure of a newer server is left out"


async def test_an_old_app_reads_of_a_newer_servers_sheet_what_it_knows(field, open_app):
    longer = {
        "period": "2026-11", "policy": 3, "score": 98.3, "rank": 2, "of": 7, "grade": "excellent",
        "figures": {"satisfaction": [1860, 20, 90, "new"]},
        "terms": {"satisfaction": [1.033, 40, "new"]},
    }  # fmt: skip
    field.plant(sheet(field, periods=[longer], trends={"satisfaction": [["2026-11", 93.0, 1]]}))
    app, _ = await open_app(field)
    await app.go("/figures")
    await app.tap("standing")
    assert app.says("93.0 分") and app.says("1.033 × 40 %")


async def test_a_figure_opens_to_its_formula_and_what_was_counted(field, open_app):
    field.plant(sheet(field))
    app, _ = await open_app(field)
    await app.go("/figures")
    assert not app.says("评分之和")
    await app.tap("figure-satisfaction")
    assert app.says("评分之和") and app.says("1,860") and app.says("制度第 3 版 · S0 #12, #37")
    await app.tap("figure-satisfaction")
    assert not app.says("评分之和")


async def test_a_rank_opens_to_what_the_score_was_made_of(field, open_app):
    field.plant(sheet(field))
    app, _ = await open_app(field)
    await app.go("/figures")
    assert not app.says("加权平均")
    await app.tap("standing")
    assert app.says("加权平均") and app.says("1.033 × 40 %") and app.says("0.947 × 30 %")
    assert app.says("制度第 3 版"), "and the policy that it was held against"


async def test_another_period_and_the_stores_figures_are_a_tap_away(field, open_app):
    store = [{"period": "2026-11", "policy": 3, "figures": {"complaint_rate": [3, 60, 3]}}]
    field.plant(sheet(field), sheet(field, "store", periods=store, trends={}))
    app, _ = await open_app(field)
    await app.go("/figures")
    assert app.says("5.0 %") and app.says("未达标")
    await app.choose("about-own", True, "select")
    assert app.says("93.0 分")
    await app.choose("period-2026-10", True, "select")
    assert app.says("80.0 分") and not app.says("93.0 分")


async def test_before_any_figure_arrived_the_screen_says_what_it_is_for(field, open_app):
    emptied = FigureSheet(
        id=derived_id("sheet", "gone"), staff_id=field.staff.id, about="store", counted_at=NOW,
        body={},
    )  # fmt: skip
    field.plant(emptied)
    app, _ = await open_app(field)
    await app.go("/more")
    await app.tap("go-figures")
    assert app.says("暂无指标")

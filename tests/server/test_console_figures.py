"""Figures at the console: a store manager's own store opened down to its cases, and what an
administrator reads in their place."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from pypdf import PdfReader
from sqlalchemy import insert, select

from shared.figures import DEPARTMENT_WEIGHTS, FIGURES, Part
from shared.ids import derived_id
from shared.periods import Period, read_period
from shared.policy import DEFAULTS
from sync_server.admin.console import PAGES
from sync_server.admin.texts import catalogue
from sync_server.app import keep_reports
from sync_server.db.audit import AUDIT_ENTRY
from sync_server.db.people import STORE_REPORT
from sync_server.services import publications
from sync_server.services.rankings import departments
from sync_server.services.writing import Unit, write
from tests.server.desks import Desk, signed_in
from tests.server.figure_world import STAFF, STORES, ByHand, Rows, busy_year, sheets
from tests.server.phones import ORG, STORE, Field, staff_id

pytestmark = pytest.mark.thorough


@pytest.fixture
def field(sqlite_template: Path, tmp_path: Path) -> Iterator[Field]:
    made = Field.on_sqlite(sqlite_template, tmp_path)
    yield made
    made.close()


def counts(rows: Rows, month: str) -> dict[str, Any]:
    period = read_period(month)
    assert period is not None
    return ByHand(rows).counts(period.first_day, period.last_day, STORE)


def test_a_store_manager_opens_a_figure_down_to_its_cases(field: Field) -> None:
    rows = busy_year(field)
    desk = signed_in(field, "chen")
    assert desk.get("/console/figures?period=2026-10").status_code == 200
    for title in ("Satisfaction", "Complaint rate", "Value uplift", "How far cases came"):
        assert title in desk.text
    hand = counts(rows, "2026-10")
    share = 100 * hand["opened_resolved"] / hand["opened"]
    assert f"{share:.1f} %" in desk.text
    desk.get("/console/figures/resolution?period=2026-10")
    assert f"Of them resolved {hand['opened_resolved']} Cases opened {hand['opened']}" in desk.text
    assert "Held against policy version 1." in desk.text and "S0 #11" in desk.text
    assert f"{hand['opened']} cases" in desk.text
    ours = {r["id"] for e, r in rows if e == "customer" and r["store_id"] == STORE}
    theirs = [r for e, r in rows if e == "case" and r["customer_id"] not in ours]
    assert not any(f">{row['number']}<" in desk.page for row in theirs)
    for name in FIGURES:
        assert desk.get(f"/console/figures/{name}?period=2026-Q3").status_code == 200, name
    assert desk.get("/console/figures/happiness").status_code == 404


def test_an_administrator_reads_publications_and_no_cases(field: Field) -> None:
    rows = busy_year(field)
    desk = signed_in(field)
    desk.get("/console/figures?period=2026-10")
    assert "Published 2026-11-21 16:00; stays as it is." in desk.text
    assert "How far cases came" not in desk.text and "Report as PDF" not in desk.text
    desk.get("/console/figures/resolution?period=2026-10")
    numbers = [row["number"] for entity, row in rows if entity == "case"]
    assert not any(f">{number}<" in desk.page for number in numbers)
    assert desk.get("/console/figures/report?period=2026-10&form=pdf").status_code == 403
    desk.get("/console/ranks/staff")
    assert "ranked by the manager of their own store" in desk.text


def test_a_months_report_is_a_workbook_and_a_document_without_any_customer(field: Field) -> None:
    rows = busy_year(field)
    hand = counts(rows, "2026-10")
    desk = signed_in(field, "chen")
    book = desk.get("/console/figures/report?period=2026-10&form=xlsx")
    assert book.headers["content-disposition"] == 'attachment; filename="2026-10.xlsx"'
    told = _strings(book.content)
    paper = desk.get("/console/figures/report?period=2026-10&form=pdf")
    page = "".join(PdfReader(io.BytesIO(paper.content)).pages[0].extract_text().split())
    for name in ("Resolution rate", "Membership", "Spend (CNY)", "一号店: monthly report 2026-10"):
        assert any(name in text for text in told), name
        assert name.replace(" ", "") in page, name
    share = f"{100 * hand['opened_resolved'] / hand['opened']:.1f} %"
    assert share in told and share.replace(" ", "") in page
    for row in (row for entity, row in rows if entity == "customer"):
        assert row["name"] not in told and row["name"] + "Y" not in page
    chinese = Desk(field, language="zh-CN")
    chinese.sign_in("chen")
    again = chinese.get("/console/figures/report?period=2026-10&form=xlsx")
    assert any("问题解决率" in text for text in _strings(again.content))
    assert desk.get("/console/figures/report?form=doc").status_code == 404


def test_a_product_that_is_named_like_a_formula_stays_a_text_in_the_workbook(field: Field) -> None:
    rows = busy_year(field)
    ours = {r["id"] for e, r in rows if e == "customer" and r["store_id"] == STORE}
    order = next(
        row for entity, row in rows
        if entity == "order" and row["customer_id"] in ours
        and row["ordered_at"].startswith("2026-10-1")
    )  # fmt: skip
    named = ["=1+1", "{=1+1}", "+1", "-1", "@SUM(1)", "http://example.org", "1e5"]

    def work(unit: Unit) -> None:
        for place, name in enumerate(named):
            line = {"id": derived_id("line", name), "code": str(place), "description": name}
            line |= {"order_id": order["id"], "customer_id": order["customer_id"]}
            unit.create("order_line", line | {"quantity": 1, "unit_price_cents": 100})

    write(field.server.database, ORG, field.clock.now(), work)
    desk = signed_in(field, "chen")
    book = desk.get("/console/figures/report?period=2026-10&form=xlsx").content
    assert set(named) <= set(_strings(book))
    with zipfile.ZipFile(io.BytesIO(book)) as files:
        assert not any(b"<f>" in files.read(n) or b"<f " in files.read(n) for n in files.namelist())


def test_a_months_report_is_kept_as_it_was_made_and_taking_it_away_is_on_record(
    field: Field,
) -> None:
    busy_year(field)
    october = Period(2026 * 12 + 9, 1)
    old = {"org_id": ORG, "store_id": STORE, "month": october.first_month - 24, "form": "pdf"}
    old |= {"language": "en", "made_at": "2024-11-10T00:00:00.000Z", "body": b"old"}
    with field.server.database.write() as connection:
        connection.execute(insert(STORE_REPORT).values(**old))
    keep_reports(field.server)
    desk = signed_in(field, "chen")
    desk.get("/console/figures")
    assert "2026-10: PDF · XLSX made 2026-11-21 16:00" in desk.text and "2024" not in desk.text
    link = "/console/figures/report/2026-10?form=xlsx"
    assert link in desk.page
    book = desk.get(link).content
    assert "一号店: monthly report 2026-10" in _strings(book)
    desk.language = "zh-CN"
    assert desk.get(link.replace("xlsx", "pdf")).content.startswith(b"%PDF")
    desk.language = "en"

    def work(unit: Unit) -> None:
        customer = unit.find("customer", store_id=STORE)[0].id
        unit.create("case", {
            "id": "late", "number": "late", "customer_id": customer, "kind": "repair",
            "title": "x", "state": "new", "opened_at": "2026-10-20T08:00:00.000Z",
        })  # fmt: skip

    write(field.server.database, ORG, field.clock.now(), work)
    field.server.keep_figures()
    keep_reports(field.server)
    assert desk.get(link).content == book, "what was reported stays"
    with field.server.database.read() as connection:
        acts = connection.scalars(select(AUDIT_ENTRY.c.action)).all()
    assert acts.count("report_read") == 3
    assert desk.get("/console/figures/report/2026-09?form=pdf").status_code == 404
    assert signed_in(field).get(link).status_code == 403


def _strings(book: bytes) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(book)) as files:
        shared = ElementTree.fromstring(files.read("xl/sharedStrings.xml"))
    return ["".join(one.itertext()) for one in shared]


def test_before_anything_is_published_the_page_says_when(field: Field) -> None:
    desk = signed_in(field)
    for path in ("/console/figures", "/console/figures/uplift", "/console/ranks"):
        desk.get(path)
        assert "Nothing is published yet" in desk.text, path


def test_departments_are_ranked_by_what_is_published_down_to_the_terms(field: Field) -> None:
    busy_year(field)
    with field.server.database.read() as connection:
        newest = publications.publications(connection, ORG)[0]
    shown = newest.shown["satisfaction"]
    ranked = {one.key for one in departments(newest, DEFAULTS) if one.rank}
    assert ranked
    for name in ("gao", "chen"):
        desk = signed_in(field, name)
        desk.get("/console/ranks?period=2026-10")
        assert "1 号店" not in desk.text  # that is no store of the test's
        assert "× 40 %" in desk.text and "Grades" in desk.text
        for store in ranked:
            assert f"({shown[store].above:,} / {shown[store].below:,})" in desk.text
        store = next(iter(ranked - {""}))
        desk.get(f"/console/figures/satisfaction?period=2026-10&store={store}")
        told = f"Points given {shown[store].above:,} Answers {shown[store].below:,}"
        assert told in desk.text


def test_whether_repeat_orders_fell_is_judged_against_the_period_before(field: Field) -> None:
    rows = busy_year(field)
    shares = []
    for month in ("2026-09", "2026-10"):
        hand = counts(rows, month)
        shares.append(100 * hand["repeat_buyers"] / hand["buyers"])
    before, now = shares
    desk = signed_in(field, "chen")
    desk.get("/console/figures/repeat?period=2026-10")
    word = "fell" if now < before else "held"
    assert f"The period before: {before:.1f} %. {word}" in desk.text
    book = desk.get("/console/figures/report?period=2026-10&form=xlsx")
    assert f"{before:.1f} % · {word}" in _strings(book.content)
    desk.get("/console/figures/resolution?period=2026-10")
    assert "The period before" not in desk.text, "nobody asks that of it"


def test_head_office_reads_what_is_published_and_nothing_else(field: Field) -> None:
    """S3 #149: neither a customer, nor a store's case, nor what is not published."""
    rows = busy_year(field)
    office = {"role": "head_office"}
    write(
        field.server.database, ORG, field.clock.now(),
        lambda unit: unit.update("staff", staff_id("wu"), office),
    )  # fmt: skip
    desk = Desk(field)
    assert desk.sign_in("wu").status_code == 303
    assert desk.get("/console").headers["location"] == "/console/figures"
    allowed = ("/console/figures", "/console/ranks", "/console/account", "/console/sign-in/totp")
    for page in PAGES:
        for route in page.router.routes:
            path = re.sub(r"{\w+(:path)?}", STORE, route.path)
            if path == "/console" or path.startswith(allowed):
                continue
            ask = desk.get if "GET" in route.methods else desk.post
            assert ask(path).status_code == 403, path
    numbers = {row["number"] for entity, row in rows if entity == "case"}
    names = {row["name"] for entity, row in rows if entity == "customer"}
    for path in ("figures", "figures/resolution", f"figures/satisfaction?store={STORE}", "ranks",
                 "ranks/staff", f"figures/resolution?staff={staff_id('lin')}"):  # fmt: skip
        assert desk.get(f"/console/{path}").status_code == 200, path
        assert not any(f">{said}<" in desk.page for said in numbers | names), path
        assert "Published 2026-11-21" in desk.text or path == "ranks/staff", path
    assert desk.get("/console/figures/report?period=2026-10").status_code == 403


def test_a_hidden_figure_lifts_no_department() -> None:
    """A store whose poor retention is hidden would come first by its satisfaction alone."""
    whole, good, poor = publications.WHOLE, "good", "poor"
    shown = {name: {good: Part(95, 100), poor: Part(99, 100)} for name in DEPARTMENT_WEIGHTS}
    shown["retention"] = {good: Part(85, 100), whole: Part(1, 2)}
    month = publications.Publication(Period(24_300, 1), "", 1, shown)
    first, last = departments(month, DEFAULTS)
    assert (first.key, first.rank, first.of) == (good, 1, 1)
    assert (last.key, last.rank, last.scored, last.grade) == (poor, None, None, None)
    shown["retention"] = {whole: Part(1, 2)}  # what nobody has lifts nobody: both are compared
    assert [one.key for one in departments(month, DEFAULTS)] == [poor, good]


def test_a_ranking_opens_to_a_persons_figure_and_its_cases_alone(field: Field) -> None:
    rows = busy_year(field)
    desk = signed_in(field, "chen")
    desk.get("/console/ranks/staff?period=2026-10")
    wu = f"/console/figures/resolution?period=2026-10&staff={staff_id('wu')}"
    assert wu.replace("&", "&amp;") in desk.page
    desk.get(wu)
    assert "Resolution rate · wu" in desk.text and "Held against policy version 1." in desk.text
    told = re.search(r"Of them resolved (\d+) Cases opened (\d+)", desk.text)
    assert told is not None and 0 < int(told[2]) < counts(rows, "2026-10")["opened"]
    assert f"{int(told[2])} cases" in desk.text, "the cases are those that were counted"
    assert desk.get(f"{wu[:-36]}{staff_id('gao')}").status_code == 404
    assert desk.get(f"{wu[:-36]}{STAFF[1]}").status_code == 404


def test_staff_are_ranked_by_any_period_with_a_grade_for_the_cycle(field: Field) -> None:
    busy_year(field)
    desk = signed_in(field, "chen")
    desk.get("/console/ranks/staff?period=2026-Q4")
    ranks = desk.text
    assert "wu" in ranks and "× 30 %" in ranks
    assert any(word in ranks for word in ("Excellent", "Good", "Pass", "Fail"))
    assert desk.get("/console/ranks/staff?period=nonsense").status_code == 200


def test_figures_that_are_a_moment_old_are_in_the_page(field: Field) -> None:
    busy_year(field)
    desk = signed_in(field, "chen")
    before = _opened(desk)

    def work(unit: Unit) -> None:
        customer = unit.find("customer", store_id=STORE)[0].id
        unit.create("case", {
            "id": "late", "number": "late", "customer_id": customer, "kind": "repair",
            "title": "x", "state": "new", "opened_at": "2026-10-20T08:00:00.000Z",
        })  # fmt: skip

    write(field.server.database, ORG, field.clock.now(), work)
    assert _opened(desk) == before + 1


def _opened(desk: Desk) -> int:
    desk.get("/console/figures/resolution?period=2026-10")
    found = re.search(r"Cases opened (\d+)", desk.text)
    assert found is not None
    return int(found[1])


def test_every_figure_has_words_and_a_formula() -> None:
    for language in ("en", "zh-CN"):
        wanted = {f"figure.{name}" for name in FIGURES}
        wanted |= {f"figure.{name}.formula" for name in FIGURES}
        wanted |= {f"figure.part.{part}" for one in FIGURES.values() for part in one.parts}
        assert wanted <= catalogue(language).keys(), wanted - catalogue(language).keys()


def test_phones_are_told_their_own_figures_and_a_manager_the_stores(field: Field) -> None:
    """S4 #174, S3 #145: what the ranking page says is what a person's sheet says."""
    rows = busy_year(field)
    desk = signed_in(field, "chen")
    desk.get("/console/ranks/staff?period=2026-10")
    told = sheets(field)
    assert set(told) == {("lin", "own"), ("wu", "own"), ("chen", "store")}
    october = told["wu", "own"]["periods"][1]
    assert october["period"] == "2026-10" and f"{october['score']:.2f}" in desk.text
    store = told["chen", "store"]["periods"][1]["figures"]
    hand = counts(rows, "2026-10")
    assert store["resolution"] == [hand["opened_resolved"], hand["opened"], 95]
    customers = {row["id"] for entity, row in rows if entity == "customer"}
    assert not any(customer in str(told) for customer in customers)


def test_sheets_are_not_written_oftener_than_hourly_and_are_emptied_for_who_left(
    field: Field,
) -> None:
    busy_year(field)
    before = sheets(field)

    def work(unit: Unit) -> None:
        customer = unit.find("customer", store_id=STORE)[0].id
        visit = {
            "id": "v",
            "customer_id": customer,
            "owner_id": staff_id("wu"),
            "state": "finished",
        }
        visit |= {"purpose": "care", "planned_at": "2026-11-20T08:00:00.000Z", "satisfaction": 90}
        unit.create("visit", visit)
        unit.update("staff", staff_id("chen"), {"store_id": STORES[1]})

    write(field.server.database, ORG, field.clock.now(), work)
    field.server.keep_figures()
    assert sheets(field) == before
    field.clock.pass_by(minutes=61)
    field.server.keep_figures()
    after = sheets(field)
    assert after["wu", "own"] != before["wu", "own"]
    assert after["chen", "store"] != before["chen", "store"], "chen has another store now"

    def leaves(unit: Unit) -> None:
        unit.update("staff", staff_id("chen"), {"active": False})

    write(field.server.database, ORG, field.clock.now(), leaves)
    field.clock.pass_by(days=1)
    field.server.keep_figures()
    assert sheets(field)["chen", "store"] == {}

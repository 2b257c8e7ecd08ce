"""A store's report as a file: XLSX to work on, PDF to hand in. The same tables in both, in the
reader's language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import cast

from shared.wording import LANGUAGES
from sync_server.admin.figure_words import told
from sync_server.admin.texts import Words, words
from sync_server.services.figures import Value
from sync_server.services.kept_reports import File
from sync_server.services.store_report import StoreReport

FONT = Path(__file__).parents[2] / "mobile" / "ui" / "assets" / "fonts" / "NotoSansSC-Regular.otf"
"""The product's own font: it has what Chinese names need."""
FORMS = {
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

Cell = str | int | float | None
_WIDTH = 190.0
"""Of a page's text, in millimetres."""


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the report; the first column takes what room the others leave."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]


def report_file(report: StoreReport, t: Words, form: str) -> bytes:
    """The report in one of `FORMS`."""
    tables = tables_of(report, t)
    title = t("report.title", store=report.store, period=str(report.period))
    basis = t("report.basis", when=t.when(report.made_at), version=report.held.version)
    write = _pdf if form == "pdf" else _xlsx
    return write(title, basis, tables)


def in_every_form(report: StoreReport) -> Iterator[File]:
    """The report as it is kept: in each of `FORMS`, in each language."""
    for language in LANGUAGES:
        told = words(language, report.timezone)
        for form in FORMS:
            yield File(form, language, report_file(report, told, form))


def tables_of(report: StoreReport, words: Words) -> list[Table]:
    """What stands in the report, in words and numbers."""
    t = words
    spend = report.spend

    def heads(*names: str) -> list[str]:
        return [t(f"report.column.{name}") for name in names]

    def money(cents: int) -> float:
        return round(cents / 100, 2)

    return [
        Table(
            t("figures.title"),
            heads("figure", "value", "target", "met", "before"),
            [
                [
                    t(f"figure.{name}"),
                    told(t, one.figure, one.value),
                    told(t, one.figure, float(one.goal)),
                    t("figures.tone." + {None: "plain", True: "good", False: "warn"}[one.met]),
                    _against(t, one, report.before[name]),
                ]
                for name, one in report.values.items()
            ],
        ),
        Table(
            t("report.membership"),
            heads("what", "count"),
            [
                [t("figure.part.customers"), report.customers],
                [t("figure.part.new_customers"), report.new_customers],
                *_counted(t, report.tiers),
            ],
        ),
        Table(
            t("report.spend", currency=report.currency),
            heads("what", "amount"),
            [
                [t("report.orders"), spend.orders],
                [t("report.buyers"), spend.buyers],
                [t("report.money"), money(spend.cents)],
                [t("report.money_before"), money(spend.cents_before)],
                [t("report.money_year"), money(spend.cents_year)],
            ],
        ),
        Table(
            t("report.cases"),
            heads("kind", "opened", "resolved"),
            [[t.choice("kind", kind), *counts] for kind, counts in report.kinds.items()],
        ),
        Table(
            t("report.priorities"),
            heads("priority", "resolved", "hours"),
            [
                [
                    t.choice("priority", one.priority) or t("figures.unknown"),
                    one.resolved,
                    round(one.hours, 1),
                ]
                for one in report.priorities
            ],
        ),
        Table(
            t("report.products", currency=report.currency),
            heads("product", "pieces", "amount"),
            [[name, pieces, money(cents)] for name, pieces, cents in report.products],
        ),
        Table(
            t("ranks.staff"),
            heads("staff", "rank", "score", "grade"),
            [
                [
                    report.people.get(one.key, ""),
                    one.rank,
                    one.scored.score if one.scored is not None else None,
                    t(f"choice.grade.{one.confirmed}") if one.confirmed else None,
                ]
                for one in report.ranking
            ],
        ),
    ]


def _against(words: Words, now: Value, before: Value) -> str:
    """The period before; of what should not fall, whether it did (S2 #123)."""
    fell = now.figure.fell(now.value, before.value)
    shown = told(words, now.figure, before.value)
    if fell is None:
        return shown
    return f"{shown} · {words('figures.fell' if fell else 'figures.held')}"


def _counted(words: Words, tiers: Mapping[str, int]) -> list[list[Cell]]:
    return [[words.choice("tier", tier), count] for tier, count in tiers.items()]


def _xlsx(title: str, basis: str, tables: Sequence[Table]) -> bytes:
    import xlsxwriter  # only reports need it

    file = BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        head = book.add_format({"bold": True, "bottom": 1})
        large = book.add_format({"bold": True, "font_size": 14})
        for place, table in enumerate(tables):
            sheet = book.add_worksheet(f"{place + 1} {_sheet_name(table.title)}")
            sheet.write_string(0, 0, title, large)
            sheet.write_string(1, 0, basis)
            sheet.write_string(2, 0, table.title, head)
            for column, name in enumerate(table.columns):
                sheet.write_string(3, column, name, head)
            for row, cells in enumerate(table.rows):
                for column, cell in enumerate(cells):
                    if isinstance(cell, str):  # a name that looks like a formula is none
                        sheet.write_string(row + 4, column, cell)
                    elif cell is not None:
                        sheet.write_number(row + 4, column, cell)
            sheet.set_column(0, 0, 36)
            sheet.set_column(1, len(table.columns), 16)
    return file.getvalue()


def _sheet_name(title: str) -> str:
    """Without what a sheet's name may not have, and no longer than it may be."""
    return "".join(c for c in title if c not in "[]:*?/\\'")[:28]


def _pdf(title: str, basis: str, tables: Sequence[Table]) -> bytes:
    from fpdf import FPDF  # only reports need these
    from fpdf.fonts import TTFFont

    from shared.print_font import embeddable

    cells = [_shown(cell) for one in tables for row in (one.columns, *one.rows) for cell in row]
    used = "".join([title, basis, " …", *(one.title for one in tables), *cells])
    paper = FPDF(format="A4")
    paper.set_title(title)
    font = BytesIO(embeddable(FONT.read_bytes(), used))
    paper.fonts["noto"] = TTFFont(paper, cast(Path, font), "noto", "")  # fontTools reads it
    paper.set_margins(10, 12)
    paper.set_auto_page_break(True, 14)
    paper.add_page()
    paper.set_font("noto", size=17)
    paper.multi_cell(_WIDTH, 9, title, new_x="LMARGIN", new_y="NEXT")
    paper.set_font("noto", size=9)
    paper.set_text_color(90)
    paper.multi_cell(_WIDTH, 5, basis, new_x="LMARGIN", new_y="NEXT")
    for table in tables:
        if not table.rows:
            continue
        if paper.will_page_break(30):  # no heading alone at a page's foot
            paper.add_page()
        paper.ln(4)
        paper.set_text_color(0)
        paper.set_font("noto", size=12)
        paper.cell(_WIDTH, 8, table.title, new_x="LMARGIN", new_y="NEXT")
        paper.set_font("noto", size=9)
        rest = 32.0
        first = _WIDTH - rest * (len(table.columns) - 1)
        for place, line in enumerate([table.columns, *table.rows]):
            paper.set_text_color(90 if place == 0 else 0)
            for column, cell in enumerate(line):
                paper.cell(
                    first if column == 0 else rest,
                    6.2,
                    _fitting(paper.get_string_width, _shown(cell), first if column == 0 else rest),
                    border="B",
                    align="L" if column == 0 else "R",
                )
            paper.ln(6.2)
    return bytes(paper.output())


def _fitting(width: object, text: str, room: float) -> str:
    """As much of a text as has room in a cell."""
    assert callable(width)
    if width(text) <= room - 2:
        return text
    while text and width(text + "…") > room - 2:
        text = text[:-1]
    return text + "…"


def _shown(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return cell
    return f"{cell:,}" if isinstance(cell, int) else f"{cell:,.2f}"


__all__ = ["FORMS", "Table", "in_every_form", "report_file", "tables_of"]

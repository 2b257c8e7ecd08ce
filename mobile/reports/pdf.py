"""The repair report as a PDF, made on the device, with no network (S2 #94).

The same document and font give the same bytes, natively and in the browser, today and next year:
the only clock is the document's. fpdf2 does the file format; what stands where is decided in
`compose`, before fpdf2 is asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mobile.reports import closing, sections, tables
from mobile.reports.document import ReportDocument
from mobile.reports.flow import AIRY, BOTTOM, LEFT, RIGHT, SMALL, TIGHT, Flow
from mobile.reports.page import GREY, RULE, Line, Page, Text
from mobile.reports.paint import paint
from mobile.reports.typeface import Typeface


@dataclass(frozen=True, slots=True)
class Rendered:
    """A finished PDF: its bytes, its number of pages, and the characters shown as □ because the
    font lacks them (also listed on the last page), in the order they were met."""

    pdf: bytes
    pages: int
    missing: tuple[str, ...]


def render(document: ReportDocument, font: Path | bytes) -> bytes:
    """The report as the bytes of an A4 PDF. `font` is a TrueType or OpenType file or its bytes.

    Text that the font can't show becomes □; no text makes it fail. Raises OSError or fontTools'
    TTLibError for an unusable font, ValueError for a document whose `issued_at` has no zone.
    """
    return render_with_notes(document, font).pdf


def render_with_notes(document: ReportDocument, font: Path | bytes) -> Rendered:
    """As `render`, saying also how many pages it took and what the font could not show."""
    if document.issued_at.tzinfo is None:
        raise ValueError("issued_at needs a time zone: it is the PDF's creation date")
    typeface = Typeface.of(font, chinese=document.language.lower().startswith("zh"))
    pages = compose(document, typeface)
    return Rendered(paint(document, pages, typeface), len(pages), tuple(typeface.missing))


def compose(document: ReportDocument, typeface: Typeface) -> list[Page]:
    """Every page's marks, the footers included; set more tightly where that saves a page, so that
    no sheet carries only the last few lines."""
    flow = fill(document, typeface, AIRY)
    if len(flow.pages) > 1:
        tight = fill(document, typeface, TIGHT)
        flow = tight if len(tight.pages) < len(flow.pages) else flow
    _footers(flow, document)
    return flow.pages


def fill(document: ReportDocument, typeface: Typeface, gap: float) -> Flow:
    """The report's sections in their order, `gap` points above each heading; no footers yet."""
    labels = document.labels
    title = document.title or labels.title
    head = f"{title}{labels.between}{labels.case_number} {document.case_number}"
    flow = Flow(typeface, head, gap)
    sections.opening(flow, document)
    sections.facts(flow, document)
    sections.prose(flow, labels.fault, document.fault)
    sections.prose(flow, labels.cause, document.cause)
    sections.prose(flow, labels.method, document.method)
    sections.checklist(flow, document)
    tables.parts(flow, document)
    sections.confirmations(flow, document)
    tables.photos(flow, document)
    closing.signing(flow, document)
    closing.verification(flow, document)
    return flow


def _footers(flow: Flow, document: ReportDocument) -> None:
    """Who issued it, which case, which page of how many: known only once all pages are filled."""
    top = BOTTOM + 18
    typeface, labels, total = flow.typeface, document.labels, len(flow.pages)
    issuer = f"{document.organisation}{labels.between}{document.case_number}"
    for number, page in enumerate(flow.pages, 1):
        page.marks.append(Line(LEFT, top - 6, RIGHT, top - 6, 0.4, RULE))
        count = typeface.printable(labels.page_of.format(page=number, pages=total))
        width = typeface.width(count, SMALL)
        page.marks.append(Text(RIGHT - width, top + SMALL, count, SMALL, GREY))
        line = flow.lines(issuer, RIGHT - LEFT - width - 20, SMALL, most=1)[0]
        if line:
            page.marks.append(Text(LEFT, top + SMALL, line, SMALL, GREY))

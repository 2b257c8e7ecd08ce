"""Marks on pages into a PDF file, through fpdf2: the only module that knows fpdf2.

fpdf2 wants Pillow for reading images and for nothing else. There is no Pillow in the browser, so
photos are put into fpdf2's image cache as the JPEG streams that PDF viewers decode themselves.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import cast

from mobile.reports.document import ReportDocument
from mobile.reports.jpeg import Jpeg
from mobile.reports.page import HEIGHT, WIDTH, Box, Line, Mark, Page, Pen, Picture, Text
from mobile.reports.typeface import Typeface
from shared.print_font import embeddable

with warnings.catch_warnings():
    # Without Pillow fpdf2 warns when it is imported; here that is as it should be.
    warnings.simplefilter("ignore", UserWarning)
    from fpdf import FPDF
    from fpdf.drawing import PaintedPath
    from fpdf.drawing_primitives import DeviceRGB
    from fpdf.enums import (
        PathPaintRule,
        RenderStyle,
        StrokeCapStyle,
        StrokeJoinStyle,
        TextMode,
    )
    from fpdf.fonts import TTFFont
    from fpdf.image_datastructures import RasterImageInfo

_FAMILY = "report"
_COLOUR_SPACES = {1: "DeviceGray", 3: "DeviceRGB", 4: "DeviceCMYK"}


def paint(document: ReportDocument, pages: Sequence[Page], typeface: Typeface) -> bytes:
    """The PDF file of these pages, with the used part of the font inside and a map back to Unicode,
    so that its text can be searched and copied. `document` gives title, language, date and files.
    """
    pdf = FPDF(unit="pt", format=(WIDTH, HEIGHT))
    pdf.set_auto_page_break(False)
    pdf.set_margin(0)
    pdf.set_title(
        typeface.printable(f"{document.title or document.labels.title} {document.case_number}")
    )
    pdf.set_author(typeface.printable(document.organisation))
    pdf.set_lang(document.language)
    pdf.set_producer("Huifang")
    pdf.set_creation_date(document.issued_at)
    used = {c for page in pages for m in page.marks if isinstance(m, Text) for c in m.text}
    font = _add_font(pdf, embeddable(typeface.content, used | {" "}))
    pdf.set_font(_FAMILY, size=10)
    for page in pages:
        pdf.add_page()
        for mark in page.marks:
            _draw(pdf, mark)
    for file in document.attachments:
        if file.content:  # fpdf2 takes no empty files
            pdf.embed_file(
                bytes=file.content,
                basename=file.name,
                mime_type=file.mime_type,
                desc=file.description or file.name,
                compress=True,
            )
    made = bytes(pdf.output())
    font.close()
    return made


def _add_font(pdf: FPDF, content: bytes) -> TTFFont:
    """What `FPDF.add_font` does, for a font that is in memory and not a file. fontTools, to which
    fpdf2 passes it on, takes either."""
    font = TTFFont(pdf, cast(Path, BytesIO(content)), _FAMILY, "")
    pdf.fonts[_FAMILY] = font
    return font


def _draw(pdf: FPDF, mark: Mark) -> None:
    match mark:
        case Text():
            _text(pdf, mark)
        case Line():
            pdf.set_draw_color(*mark.ink)
            pdf.set_line_width(mark.width)
            pdf.line(mark.x1, mark.y1, mark.x2, mark.y2)
        case Box():
            _box(pdf, mark)
        case Pen():
            _pen(pdf, mark)
        case Picture():
            _picture(pdf, mark)


def _text(pdf: FPDF, mark: Text) -> None:
    pdf.set_text_color(*mark.ink)
    pdf.set_font_size(mark.size)
    if mark.weight:
        outline = mark.size * mark.weight
        with pdf.local_context(
            text_mode=TextMode.FILL_STROKE, draw_color=mark.ink, line_width=outline
        ):
            pdf.text(mark.x, mark.y, mark.text)
    else:
        pdf.text(mark.x, mark.y, mark.text)


def _box(pdf: FPDF, mark: Box) -> None:
    pdf.set_line_width(0.6)
    if mark.fill:
        pdf.set_fill_color(*mark.fill)
    if mark.border:
        pdf.set_draw_color(*mark.border)
    style = "DF" if mark.fill and mark.border else "F" if mark.fill else "D"
    pdf.rect(mark.x, mark.y, mark.width, mark.height, style=RenderStyle.coerce(style))


def _pen(pdf: FPDF, mark: Pen) -> None:
    if not mark.pieces:
        return
    path = PaintedPath(*mark.pieces[0].start)
    style = path.style
    style.paint_rule = PathPaintRule.STROKE
    style.auto_close = False
    style.stroke_color = DeviceRGB(*(part / 255 for part in mark.ink))
    style.stroke_width = mark.width
    style.stroke_cap_style = StrokeCapStyle.ROUND
    style.stroke_join_style = StrokeJoinStyle.ROUND
    for at, piece in enumerate(mark.pieces):
        if at and piece.start != mark.pieces[at - 1].end:
            path.move_to(*piece.start)
        path.curve_to(*piece.control1, *piece.control2, *piece.end)
    with pdf.drawing_context() as drawing:
        drawing.add_item(path, clone=False)


def _picture(pdf: FPDF, mark: Picture) -> None:
    """A photo turned upright about its middle, from the JPEG as it is stored."""
    name = _remember(pdf, mark.jpeg)
    sideways = mark.jpeg.turned in (90, 270)
    width, height = (mark.height, mark.width) if sideways else (mark.width, mark.height)
    x, y = mark.x + mark.width / 2, mark.y + mark.height / 2
    with pdf.rotation(-mark.jpeg.turned, x, y):
        pdf.image(name, x - width / 2, y - height / 2, width, height, alt_text=mark.alt)


def _remember(pdf: FPDF, jpeg: Jpeg) -> str:
    """Puts the photo where fpdf2 would have put it after reading it with Pillow; returns its name
    there. A photo shown twice is stored once."""
    name = f"photo-{sha256(jpeg.content).hexdigest()}"
    images = pdf.image_cache.images
    if name not in images:
        images[name] = RasterImageInfo(
            i=len(images) + 1,
            usages=0,
            data=jpeg.content,
            w=jpeg.width,
            h=jpeg.height,
            cs=_COLOUR_SPACES[jpeg.colours],
            iccp_i=None,
            dpn=jpeg.colours,
            bpc=8,
            f="DCTDecode",
            inverted=jpeg.inverted,
            dp=f"/Colors {jpeg.colours} /Columns {jpeg.width}",
        )
    return name

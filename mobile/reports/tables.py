"""The parts that were used and the photos that were taken: rows and tiles that may cross pages."""

from __future__ import annotations

from hashlib import sha256

from mobile.reports.document import Part, Photo, ReportDocument
from mobile.reports.flow import BODY, LEADING, LEFT, RIGHT, SMALL, TINY, Flow
from mobile.reports.jpeg import Jpeg, read_jpeg
from mobile.reports.page import ACCENT, GREY, PANEL, RULE, Box, Line, Picture

_SYMBOLS = {"CNY": "¥", "HKD": "HK$", "TWD": "NT$", "USD": "US$", "EUR": "€", "GBP": "£"}
_PAD = 6.0
_TILES, _TILE_GAP, _TILE_HEIGHT = 3, 12.0, 118.0


def money(cents: int, currency: str) -> str:
    """An amount as printed, e.g. ¥1,234.50; a currency without a well-known sign by its code."""
    units, rest = divmod(abs(cents), 100)
    sign = "-" if cents < 0 else ""
    return f"{sign}{_SYMBOLS.get(currency, currency + ' ')}{units:,}.{rest:02}"


def parts(flow: Flow, document: ReportDocument) -> None:
    """The parts used, with amounts and their total when there are any; the head row is repeated on
    every page."""
    labels = document.labels
    if not document.parts:
        return
    priced = [part.amount_cents for part in document.parts if part.amount_cents is not None]
    amount_width = 92.0 if priced else 0.0
    quantity_right = RIGHT - amount_width - _PAD
    code_x = quantity_right - 60 - 130

    def cells(part: Part) -> tuple[list[str], list[str], list[str]]:
        return (
            flow.lines(part.name, code_x - LEFT - 2 * _PAD, most=6),
            flow.lines(part.code, 130 - _PAD, most=6),
            flow.lines(part.quantity, 60, most=6),
        )

    def row_height(part: Part) -> float:
        return max(map(len, cells(part))) * BODY * LEADING + 7

    def head() -> None:
        flow.put(Box(LEFT, flow.y, RIGHT - LEFT, 18, fill=PANEL))
        top = flow.y + 4
        flow.text(LEFT + _PAD, top, labels.part_name, SMALL, GREY)
        flow.text(code_x, top, labels.part_code, SMALL, GREY)
        flow.text(quantity_right, top, labels.quantity, SMALL, GREY, align=1)
        if priced:
            flow.text(RIGHT - _PAD, top, labels.amount, SMALL, GREY, align=1)
        flow.y += 18

    flow.heading(labels.parts, keep=18 + row_height(document.parts[0]))
    head()
    for part in document.parts:
        height = row_height(part)
        if flow.room(height):
            head()
        top = flow.y + 4
        name, code, quantity = cells(part)
        flow.block(LEFT + _PAD, top, name)
        flow.block(code_x, top, code)
        for i, line in enumerate(quantity):
            flow.text(quantity_right, top + i * BODY * LEADING, line, align=1)
        if part.amount_cents is not None:
            amount = money(part.amount_cents, document.currency)
            flow.text(RIGHT - _PAD, top, amount, align=1)
        flow.y += height
        flow.put(Line(LEFT, flow.y, RIGHT, flow.y, 0.4, RULE))
    if priced:
        flow.room(24)
        total = money(sum(priced), document.currency)
        width = flow.typeface.width(flow.typeface.printable(total), 10.5)
        flow.text(RIGHT - _PAD - width - 12, flow.y + 6.8, labels.total, SMALL, GREY, align=1)
        flow.text(RIGHT - _PAD, flow.y + 5, total, 10.5, ACCENT, weight=0.02, align=1)
        flow.y += 22


def photos(flow: Flow, document: ReportDocument) -> None:
    """Photos three in a row, each with its name and digest; those without a picture as lines."""
    if not document.photos:
        return
    readable = [(photo, read_jpeg(photo.jpeg) if photo.jpeg else None) for photo in document.photos]
    shown = [(photo, jpeg) for photo, jpeg in readable if jpeg is not None]
    tile = (RIGHT - LEFT - _TILE_GAP * (_TILES - 1)) / _TILES
    flow.heading(document.labels.photos, keep=_TILE_HEIGHT + 40 if shown else 30)
    for start in range(0, len(shown), _TILES):
        row = shown[start : start + _TILES]
        captions = [_caption(flow, document, photo, tile) for photo, _ in row]
        height = _TILE_HEIGHT + 5 + max(map(len, captions)) * TINY * LEADING + 8
        flow.room(height)
        for i, (photo, jpeg) in enumerate(row):
            x = LEFT + i * (tile + _TILE_GAP)
            flow.put(Box(x, flow.y, tile, _TILE_HEIGHT, fill=PANEL))
            flow.put(_picture(jpeg, x, flow.y, tile, photo.caption or photo.file_name))
            flow.block(x, flow.y + _TILE_HEIGHT + 5, captions[i], TINY, GREY)
        flow.y += height
    for photo in (photo for photo, jpeg in readable if jpeg is None):
        flow.room((BODY + TINY) * LEADING)
        flow.paragraph(_described(photo, document.labels.between))
        flow.paragraph(f"SHA-256 {photo.sha256}", TINY, GREY)
        flow.y += 2


def _caption(flow: Flow, document: ReportDocument, photo: Photo, width: float) -> list[str]:
    original = photo.jpeg is not None and sha256(photo.jpeg).hexdigest() == photo.sha256.lower()
    mark = "" if original else f" ({document.labels.photo_reduced})"
    described = _described(photo, document.labels.between) + mark
    lines = flow.lines(described, width, TINY, most=5)
    return lines + flow.lines(photo.sha256, width, TINY, most=3)


def _described(photo: Photo, between: str) -> str:
    size = "" if photo.size_bytes is None else f"{max(1, round(photo.size_bytes / 1000)):,} kB"
    return between.join(word for word in (photo.caption, photo.file_name, size) if word.strip())


def _picture(jpeg: Jpeg, x: float, y: float, tile: float, alt: str) -> Picture:
    """As large as the tile allows, in its middle."""
    width, height = jpeg.upright_size
    scale = min(tile / width, _TILE_HEIGHT / height)
    shown_width, shown_height = width * scale, height * scale
    return Picture(
        x + (tile - shown_width) / 2,
        y + (_TILE_HEIGHT - shown_height) / 2,
        shown_width,
        shown_height,
        jpeg,
        alt,
    )

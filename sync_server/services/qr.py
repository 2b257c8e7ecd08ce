"""QR codes: as SVG for a page, as PNG for the app, as blocks for a terminal."""

from __future__ import annotations

import io

import segno


def as_svg(text: str) -> str:
    """An `<svg>` element without style, script or address, dark on white on any page, as wide as
    there is room."""
    return segno.make(text, micro=False, error="m").svg_inline(
        omitsize=True, light="#fff", dark="#000"
    )


def as_png(text: str) -> bytes:
    """A PNG, for who can't show an SVG."""
    written = io.BytesIO()
    segno.make(text, micro=False, error="m").save(written, kind="png", scale=6, light="#fff")
    return written.getvalue()


def as_blocks(text: str) -> str:
    """Lines of half blocks, two dots high, for a terminal with a dark or a light ground."""
    written = io.StringIO()
    segno.make(text, micro=False, error="l").terminal(out=written, compact=True)
    return written.getvalue()

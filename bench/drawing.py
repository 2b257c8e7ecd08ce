"""A small picture of measured curves, as SVG: points, lines, axes and a bound."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 720, 360, 70, 50, 20, 20
_COLOURS = ("#0b6e99", "#c2571a", "#4d7c0f", "#7c3aed")


@dataclass(frozen=True, slots=True)
class Curve:
    """Measured points (x, y) in order."""

    name: str
    points: Sequence[tuple[float, float]]


def drawn(curves: Sequence[Curve], across: str, up: str, bound: float | None = None) -> str:
    """The picture. y is logarithmic where it spans more than a hundredfold."""
    xs = [x for curve in curves for x, _ in curve.points] or [1.0]
    ys = [y for curve in curves for _, y in curve.points] + ([bound] if bound else []) or [1.0]
    low, high = min(ys), max(ys)
    steep = high > 100 * max(low, 1e-9)

    def place(x: float, y: float) -> tuple[float, float]:
        share = math.log(max(y, low) / low) / math.log(high / low) if steep else y / (high or 1.0)
        return (
            LEFT + x / (max(xs) or 1.0) * (WIDTH - LEFT - RIGHT),
            HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP),
        )

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        f'<path d="M{LEFT} {TOP}V{HEIGHT - BOTTOM}H{WIDTH - RIGHT}" fill="none" stroke="#444"/>',
    ]
    for x in (max(xs) * part / 4 for part in range(5)):
        at, _ = place(x, high)
        parts.append(_text(at, HEIGHT - BOTTOM + 16, f"{x:,.0f}", "middle"))
    marks = _decades(low, high) if steep else [high * part / 4 for part in range(5)]
    for y in marks:
        _, at = place(0, y)
        parts.append(_text(LEFT - 6, at + 4, f"{y:,.4g}", "end"))
    if bound:
        _, at = place(0, bound)
        parts.append(
            f'<path d="M{LEFT} {at:.1f}H{WIDTH - RIGHT}" stroke="#999" stroke-dasharray="5 4"/>'
        )
        parts.append(_text(WIDTH - RIGHT, at - 5, f"{bound:g}", "end"))
    for number, curve in enumerate(curves):
        colour = _COLOURS[number % len(_COLOURS)]
        spots = [place(x, y) for x, y in curve.points]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in spots)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in spots]
        parts.append(_text(LEFT + 12, TOP + 16 * (number + 1), curve.name, "start", colour))
    parts.append(_text((LEFT + WIDTH) / 2, HEIGHT - 10, across, "middle"))
    parts.append(_text(8, 12, up, "start"))
    return "\n".join([*parts, "</svg>", ""])


def _decades(low: float, high: float) -> list[float]:
    first, last = math.ceil(math.log10(low)), math.floor(math.log10(high))
    return [10.0**power for power in range(first, last + 1)]


def _text(x: float, y: float, said: str, anchor: str, colour: str = "#222") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{said}</text>'

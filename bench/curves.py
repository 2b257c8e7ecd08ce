"""A curve as a picture: both axes logarithmic, as growth is judged by its slope. Plain SVG, light
and dark."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

Points = Sequence[tuple[float, float]]

_WIDTH, _HEIGHT, _LEFT, _BELOW = 640, 360, 70, 50
_COLOURS = ("#1666c0", "#c2570c", "#2e7d32", "#7b1fa2")
_STYLE = """
  text { font: 13px sans-serif; fill: #222 } line { stroke: #8886 } .title { font-weight: bold }
  @media (prefers-color-scheme: dark) { text { fill: #ddd } }
"""


def svg(title: str, across: str, up: str, curves: Mapping[str, Points]) -> str:
    """The picture of named curves; `across` and `up` say what the axes measure. Every value is
    above 0."""
    xs = [x for points in curves.values() for x, _ in points]
    ys = [y for points in curves.values() for _, y in points]
    x_scale = _Scale(min(xs), max(xs), _LEFT, _WIDTH - 20)
    y_scale = _Scale(min(ys), max(ys), _HEIGHT - _BELOW, 60)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">',
        f"<title>{title}</title><style>{_STYLE}</style>",
        f'<text class="title" x="{_LEFT}" y="22">{title}</text>',
        f'<text x="{_LEFT}" y="42">{up}, against {across}</text>',
    ]
    for x in x_scale.ticks():
        at = x_scale.at(x)
        parts.append(f'<line x1="{at}" x2="{at}" y1="60" y2="{_HEIGHT - _BELOW}"/>')
        low = _HEIGHT - _BELOW + 20
        parts.append(f'<text x="{at}" y="{low}" text-anchor="middle">{x:,g}</text>')
    for y in y_scale.ticks():
        at = y_scale.at(y)
        parts.append(f'<line x1="{_LEFT}" x2="{_WIDTH - 20}" y1="{at}" y2="{at}"/>')
        parts.append(f'<text x="{_LEFT - 8}" y="{at + 4}" text-anchor="end">{y:,g}</text>')
    for number, (name, points) in enumerate(curves.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        line = " ".join(f"{x_scale.at(x)},{y_scale.at(y)}" for x, y in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [
            f'<circle cx="{x_scale.at(x)}" cy="{y_scale.at(y)}" r="4" fill="{colour}"/>'
            for x, y in points
        ]
        along = _LEFT + 190 * number
        parts.append(f'<text x="{along}" y="{_HEIGHT - 8}" style="fill:{colour}">{name}</text>')
    return "\n".join([*parts, "</svg>", ""])


class _Scale:
    """Where a value lies between two edges of the picture."""

    def __init__(self, least: float, most: float, begin: float, end: float) -> None:
        self._low, self._high = math.floor(math.log10(least)), math.ceil(math.log10(most))
        self._high = max(self._high, self._low + 1)
        self._begin, self._end = begin, end

    def at(self, value: float) -> float:
        share = (math.log10(value) - self._low) / (self._high - self._low)
        return round(self._begin + share * (self._end - self._begin), 1)

    def ticks(self) -> list[float]:
        return [10.0**power for power in range(self._low, self._high + 1)]

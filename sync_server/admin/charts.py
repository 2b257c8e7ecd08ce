"""Charts as SVG that the server draws: no script, and colours from the style sheet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

_LINE, _VALUE, _WIDTH, _BAR = 30, 44, 360, 18
_LABEL, _LONGEST = 88, 160
"""Room for labels, as they need it."""
_WIDE, _SLIM = 13.0, 7.2
"""How wide a letter is: of Chinese, of others."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: what it counts, how many, and its tone (``good``, ``warn``, ``alarm``)."""

    label: str
    count: int
    tone: str = ""


def bars(title: str, counted: Sequence[Bar]) -> Markup:
    """Bars across, each with its label before and its figure after it; read out by `title`, as the
    figures stand in the picture as text."""
    most = max((bar.count for bar in counted), default=0) or 1
    edge = round(min(max(_LABEL, *(_length(bar.label) + 8 for bar in counted), 0), _LONGEST))
    room = _WIDTH - edge - _VALUE
    height = _LINE * len(counted) + 8
    parts = [
        Markup('<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">').format(
            _WIDTH, height, _spoken(title, counted)
        ),
        Markup('<line class="axis" x1="{0}" y1="0" x2="{0}" y2="{1}"/>').format(edge, height),
    ]
    for place, bar in enumerate(counted):
        top = place * _LINE + 8
        length = round(room * bar.count / most)
        parts.append(
            Markup(
                '<text x="{}" y="{}" text-anchor="end">{}</text>'
                '<rect class="bar {}" x="{}" y="{}" width="{}" height="{}" rx="4"/>'
                '<text x="{}" y="{}">{}</text>'
            ).format(
                edge - 8, top + 14, _fitting(bar.label, edge - 8),
                bar.tone, edge, top, length, _BAR,
                edge + length + 6, top + 14, f"{bar.count:,}",
            )
        )  # fmt: skip
    return Markup("").join([*parts, Markup("</svg>")])


def _length(label: str) -> float:
    return sum(_WIDE if ord(letter) > 0x2E80 else _SLIM for letter in label)


def _fitting(label: str, room: float) -> str:
    """The label, cut where there is no room; read out is all of it."""
    if _length(label) <= room:
        return label
    while label and _length(label) > room - _WIDE:
        label = label[:-1]
    return f"{label.rstrip()}…"


def _spoken(title: str, counted: Sequence[Bar]) -> str:
    figures = ", ".join(f"{bar.label}: {bar.count:,}" for bar in counted)
    return f"{title}: {figures}"

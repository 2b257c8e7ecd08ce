"""Charts as SVG that the server draws: no script, and colours from the style sheet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

_LINE, _LABEL, _VALUE, _WIDTH, _BAR = 30, 88, 44, 360, 18


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
    room = _WIDTH - _LABEL - _VALUE
    height = _LINE * len(counted) + 8
    parts = [
        Markup('<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">').format(
            _WIDTH, height, _spoken(title, counted)
        ),
        Markup('<line class="axis" x1="{0}" y1="0" x2="{0}" y2="{1}"/>').format(_LABEL, height),
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
                _LABEL - 8, top + 14, bar.label,
                bar.tone, _LABEL, top, length, _BAR,
                _LABEL + length + 6, top + 14, f"{bar.count:,}",
            )
        )  # fmt: skip
    return Markup("").join([*parts, Markup("</svg>")])


def _spoken(title: str, counted: Sequence[Bar]) -> str:
    figures = ", ".join(f"{bar.label}: {bar.count:,}" for bar in counted)
    return f"{title}: {figures}"

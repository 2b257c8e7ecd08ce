"""Pictures of figures as SVG that the server draws: a trend, a funnel, a map of the week. No
script, colours from the style sheet, and each is read out as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup

_WIDTH, _HEIGHT, _EDGE = 520, 170, 34
_STEPS = 5
"""Shades of the map of the week."""
_HOURS, _CELL = 24, 19


def _svg(width: int, height: int, spoken: str, parts: Sequence[Markup]) -> Markup:
    opened = Markup('<svg class="chart wide" viewBox="0 0 {} {}" role="img" aria-label="{}">')
    return Markup("").join([opened.format(width, height, spoken), *parts, Markup("</svg>")])


def trend(
    title: str,
    points: Sequence[tuple[str, float | None, str]],
    goal: float | None = None,
    goal_word: str = "",
) -> Markup:
    """A line over time: of each point its label, its value (None leaves a gap) and its words. The
    target is a dashed line."""
    known = [value for _, value, _ in points if value is not None]
    levels = [*known, goal] if goal is not None else known
    low, high = min(levels, default=0.0), max(levels, default=1.0)
    span = (high - low) or max(abs(high), 1.0)
    low, high = low - span * 0.12, high + span * 0.12
    step = (_WIDTH - 2 * _EDGE) / max(len(points) - 1, 1)

    def across(place: int) -> float:
        return round(_EDGE + place * step, 1)

    def up(value: float) -> float:
        return round(_HEIGHT - 26 - (value - low) / (high - low) * (_HEIGHT - 50), 1)

    parts = [
        Markup('<line class="axis" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(
            _EDGE, _WIDTH - _EDGE, _HEIGHT - 22, _HEIGHT - 22
        )
    ]
    if goal is not None:
        parts.append(
            Markup(
                '<line class="goal" x1="{}" x2="{}" y1="{}" y2="{}"/>'
                '<text class="faint" x="{}" y="{}">{}</text>'
            ).format(_EDGE, _WIDTH - _EDGE, up(goal), up(goal), _EDGE, up(goal) - 4, goal_word)
        )
    for run in _runs(points):
        drawn = " ".join(f"{across(place)},{up(value)}" for place, value in run)
        parts.append(Markup('<polyline class="line" points="{}"/>').format(drawn))
    most = max(1, len(points) // 6)
    for place, (label, value, words) in enumerate(points):
        if value is not None:
            parts.append(
                Markup(
                    '<circle class="dot" cx="{}" cy="{}" r="4"><title>{}</title></circle>'
                ).format(across(place), up(value), f"{label}: {words}")
            )
        if place == len(points) - 1 and value is not None:
            parts.append(
                Markup('<text x="{}" y="{}" text-anchor="end">{}</text>').format(
                    _WIDTH - 4, up(value) - 9, words
                )
            )
        if (len(points) - 1 - place) % most == 0:
            parts.append(
                Markup(
                    '<text class="faint{}" x="{}" y="{}" text-anchor="middle">{}</text>'
                ).format(
                    # On a phone, where the text is larger, every other one has room.
                    " minor" if (len(points) - 1 - place) // most % 2 else "",
                    across(place), _HEIGHT - 5, label,
                )
            )  # fmt: skip
    spoken = ", ".join(f"{label}: {words}" for label, value, words in points if value is not None)
    return _svg(_WIDTH, _HEIGHT, f"{title}: {spoken}", parts)


def _runs(points: Sequence[tuple[str, float | None, str]]) -> list[list[tuple[int, float]]]:
    """Points that follow each other without a gap."""
    runs: list[list[tuple[int, float]]] = [[]]
    for place, (_, value, _words) in enumerate(points):
        if value is None:
            runs.append([])
        else:
            runs[-1].append((place, value))
    return [run for run in runs if len(run) > 1]


def funnel(title: str, stages: Sequence[tuple[str, int]]) -> Markup:
    """Bars that narrow from stage to stage, each with its share of the first."""
    first = max((count for _, count in stages), default=0) or 1
    parts = []
    for place, (label, count) in enumerate(stages):
        width = round((_WIDTH - 254) * count / first)
        top = place * 36 + 4
        share = f"{count:,} · {100 * count / first:.0f} %"
        parts.append(
            Markup(
                '<text x="130" y="{0}" text-anchor="end">{1}</text>'
                '<rect class="bar" x="{2}" y="{3}" width="{4}" height="26" rx="4"/>'
                '<text x="{5}" y="{0}">{6}</text>'
            ).format(
                top + 18, label, 140 + (_WIDTH - 254 - width) // 2, top, width, _WIDTH - 108, share
            )
        )
    spoken = ", ".join(f"{label}: {count:,}" for label, count in stages)
    return _svg(_WIDTH, 36 * len(stages) + 4, f"{title}: {spoken}", parts)


def week(title: str, days: Sequence[str], counts: Mapping[int, int]) -> Markup:
    """How much fell into each hour of the week: rows are `days` from Monday, columns hours; keys of
    `counts` are 24 × weekday + hour. The stronger the colour, the more; read out are the most."""
    most = max(counts.values(), default=0) or 1
    parts = [
        Markup('<text class="faint" x="{}" y="14" text-anchor="middle">{}</text>').format(
            52 + hour * _CELL + _CELL // 2, hour
        )
        for hour in range(0, _HOURS, 3)
    ]
    for day, label in enumerate(days):
        top = 18 + day * _CELL
        parts.append(
            Markup('<text x="46" y="{}" text-anchor="end">{}</text>').format(top + 14, label)
        )
        for hour in range(_HOURS):
            count = counts.get(day * _HOURS + hour, 0)
            shade = 0 if not count else 1 + min(_STEPS - 1, (count * _STEPS - 1) // most)
            parts.append(
                Markup(
                    '<rect class="heat h{}" x="{}" y="{}" width="{}" height="{}" rx="3">'
                    "<title>{}</title></rect>"
                ).format(
                    shade, 52 + hour * _CELL, top, _CELL - 2, _CELL - 2,
                    f"{label} {hour}:00 · {count:,}",
                )
            )  # fmt: skip
    busiest = sorted(counts, key=lambda key: (-counts[key], key))[:3]
    spoken = ", ".join(f"{days[k // _HOURS]} {k % _HOURS}:00: {counts[k]:,}" for k in busiest)
    return _svg(52 + _HOURS * _CELL, 22 + 7 * _CELL, f"{title}: {spoken}", parts)


__all__ = ["funnel", "trend", "week"]

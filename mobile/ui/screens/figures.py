"""Figures: one's own work, and for a store manager the store's; pictures first, each opens to its
formula and what was counted. From the vault, as last received."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import flet as ft

from mobile.ui import formats
from mobile.ui.components import frame, marks, surfaces, words
from mobile.ui.components.chips import chip
from mobile.ui.components.messages import refusal_card
from mobile.ui.hooks import use_state
from mobile.ui.state import use_query, use_shell
from mobile.ui.texts import choice, has, t
from mobile.ui.theme import GAP, PAD
from mobile.usecases.figures import PeriodTold, Sheet, Told, sheets

T = TypeVar("T")
_TALL = 72  # dp, the tallest bar of a trend


@ft.component
def FiguresScreen() -> ft.View:
    """The sheets that this phone holds, one at a time."""
    shell = use_shell()
    found = use_query(sheets, watch=("figure_sheet",))
    about, choose_about = use_state("")
    place, choose_place = use_state(0)
    opened, choose_opened = use_state("")
    title = t("nav.figures")
    if found.refusal is not None:
        return frame.screen(shell, [refusal_card(found.refusal)], title=title, place="figures")
    held = found.value or []
    if not held:
        nothing = surfaces.empty(
            ft.Icons.INSERT_CHART_OUTLINED, t("sheet.none"), t("sheet.none.text")
        )
        return frame.screen(shell, [nothing], title=title, place="figures")
    sheet = next((one for one in held if one.about == about), held[0])
    told = sheet.periods[min(place, len(sheet.periods) - 1)]

    def show_sheet(word: str) -> None:
        choose_about(word)
        choose_place(0)

    body: list[ft.Control] = [*_choosing(held, sheet, place, show_sheet, choose_place)]
    if told.score is not None:
        body.append(_standing(told, opened, choose_opened))
    body.append(
        surfaces.section(
            t(f"sheet.{sheet.about}"),
            [_figure(one, opened, choose_opened, told) for one in told.figures],
        )
    )
    when = formats.when(sheet.counted_at, shell.now())
    body.append(words.faint(t("sheet.counted", when=when)))
    return frame.screen(shell, body, title=title, place="figures")


def _choosing(
    held: Sequence[Sheet],
    sheet: Sheet,
    place: int,
    show: Callable[[str], None],
    at: Callable[[int], None],
) -> list[ft.Control]:
    rows: list[ft.Control] = []
    if len(held) > 1:
        abouts = [
            chip(
                f"about-{one.about}",
                choice("about", one.about),
                one is sheet,
                _pick(show, one.about),
            )
            for one in held
        ]
        rows.append(ft.Row(abouts, wrap=True, spacing=GAP, run_spacing=GAP))
    periods = [
        chip(f"period-{told.period}", told.period, n == place, _pick(at, n))
        for n, told in enumerate(sheet.periods)
    ]
    rows.append(ft.Row(periods, wrap=True, spacing=GAP, run_spacing=GAP))
    return rows


def _pick(choose: Callable[[T], None], value: T) -> Callable[[], None]:
    return lambda: choose(value)


def _standing(told: PeriodTold, opened: str, choose: Callable[[str], None]) -> ft.Control:
    """Score, rank and grade (S0 #42, S1 #68), opened to what the score was made of."""
    score = f"{told.score:.1f}"
    head: list[ft.Control] = [words.figure(score), words.body(t("sheet.score"))]
    says = f"{score} {t('sheet.score')}"
    if told.grade:
        head.append(marks.badge(choice("grade", told.grade), _tone(told.grade)))
        says += f", {choice('grade', told.grade)}"
    lines: list[ft.Control] = [
        ft.Row(head, spacing=GAP, wrap=True, vertical_alignment=ft.CrossAxisAlignment.CENTER)
    ]
    if told.rank:
        place = t("sheet.rank", rank=told.rank, of=told.of or 0)
        lines.append(words.body(place))
        says += f", {place}"
    if told.after and has(f"figures.after.{told.after}"):
        lines.append(words.body(t(f"figures.after.{told.after}")))
        says += f", {t(f'figures.after.{told.after}')}"
    lines.append(words.faint(t("sheet.assessed" if told.grade else "sheet.proposed")))
    inside: list[ft.Control] = [
        words.body(t("ranks.formula")),
        *(
            surfaces.pair(t(f"figure.{name}"), f"{reached:.3f} × {weight} %", selectable=False)
            for name, reached, weight in told.terms
        ),
        words.faint(t("sheet.policy", policy=told.policy)),
    ]
    return _opening("standing", lines, says, inside, opened, choose)


def _opening(
    name: str,
    head: list[ft.Control],
    says: str,
    inside: list[ft.Control],
    opened: str,
    choose: Callable[[str], None],
) -> ft.Control:
    """A card whose head opens it, and closes it again. What is inside is read out by itself."""

    def turn(_event: object) -> None:
        choose("" if opened == name else name)

    content = ft.Column(head, spacing=4, tight=True)
    parts = [surfaces.tappable(content, name, says, turn, padding=PAD)]
    if opened == name:
        shown = ft.Column(inside, spacing=4, tight=True)
        room = ft.Padding.only(left=PAD, right=PAD, bottom=PAD)
        parts.append(ft.Container(shown, padding=room))
    return surfaces.card(parts, padding=0, spacing=0)


def _tone(grade: str) -> str:
    return {"excellent": "active", "good": "strong", "fail": "error"}.get(grade, "calm")


def _figure(
    told: Told, opened: str, choose: Callable[[str], None], period: PeriodTold
) -> ft.Control:
    name = told.figure.name
    title = t(f"figure.{name}")
    value = _value(told, told.value)
    sign = "figures.at_least" if told.figure.higher else "figures.at_most"
    goal = t(sign, goal=_value(told, float(told.goal)))
    met = t("figures.tone.good" if told.met else "figures.tone.warn")
    head = ft.Row(
        [words.title(title, expand=True), marks.badge(met, "active" if told.met else "wait")]
    )
    lines: list[ft.Control] = [head, words.figure(value), words.faint(goal)]
    if len(told.trend) > 1:
        lines.append(_trend(told))
    inside: list[ft.Control] = [
        words.body(t(f"figure.{name}.formula")),
        *(
            surfaces.pair(t(f"figure.part.{part}"), f"{count:,}", selectable=False)
            for part, count in zip(told.figure.parts, told.part, strict=True)
        ),
        words.faint(t("sheet.basis", policy=period.policy, source=told.figure.source)),
    ]
    says = t("sheet.says", name=title, value=value, goal=goal, met=met)
    return _opening(f"figure-{name}", lines, says, inside, opened, choose)


def _trend(told: Told) -> ft.Control:
    """Bars from month to month; the last one is the strongest."""
    values = [value for _, value in told.trend]
    most = max([*values, float(told.goal)]) or 1.0
    bars: list[ft.Control] = []
    for place, (month, value) in enumerate(told.trend):
        last = place == len(told.trend) - 1
        bar = ft.Container(
            height=max(2.0, _TALL * max(value, 0.0) / most),
            width=28,
            border_radius=6,
            bgcolor=ft.Colors.PRIMARY if last else ft.Colors.PRIMARY_CONTAINER,
        )
        column = ft.Column(
            [bar, words.faint(month[-2:])],
            spacing=2,
            tight=True,
            horizontal_alignment=ft.CrossAxisAlignment.CENTER,
        )
        bars.append(column)
    spoken = ", ".join(f"{month}: {_value(told, value)}" for month, value in told.trend)
    return ft.Semantics(
        label=t("sheet.trend", values=spoken),
        exclude_semantics=True,
        content=ft.Row(bars, spacing=GAP, vertical_alignment=ft.CrossAxisAlignment.END),
    )


def _value(told: Told, value: float) -> str:
    return t(f"figures.value.{told.figure.unit}", value=f"{value:,.1f}")

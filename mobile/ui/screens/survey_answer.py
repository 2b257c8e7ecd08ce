"""A survey in the customer's own hands: the whole screen, and nothing else of the app (S4 #162).

It stands before the app like the lock does (`app.Root`): whatever address is opened, there is only
this, until the phone was given back and its owner has unlocked it. Nothing that was half answered
is kept: it is the customer's, who may still think better of it.
"""

from __future__ import annotations

from collections.abc import Callable

import flet as ft

from mobile.ui.components import buttons, surfaces, words
from mobile.ui.components.entry import text_entry
from mobile.ui.components.messages import confirm, refusal_card, say
from mobile.ui.hooks import use_held, use_state
from mobile.ui.state import Shell, use_query, use_shell, watch
from mobile.ui.texts import LANGUAGES, choice, language, said_in, t
from mobile.ui.theme import GAP, PAD, READING_WIDTH
from mobile.usecases.surveys import hand_in, worded
from shared.entities import Question, Survey, SurveyReply
from shared.surveys import bounds

Said = dict[str, int | str]
_POINT = 50
"""Dp of a button of a scale: eleven stand in two rows of a phone."""


@ft.component
def SurveyAnswerScreen() -> ft.View:
    """The questions in big buttons, then thanks. The two languages are a tap away."""
    shell = use_shell()
    asking = watch(shell.asking)
    found = use_query(
        lambda store: store.get(Survey, asking.survey_id), [asking.survey_id], watch=("survey",)
    )
    spoken, speak = use_state(language())
    said = use_held(Said())
    drawn, draw = use_state(0)
    done, set_done = use_state(False)
    survey = found.value

    def put(key: str, value: int | str | None, *, show: bool = True) -> None:
        shell.session.touch()
        if value is None or value == "":
            said.current.pop(key, None)
        else:
            said.current[key] = value
        if show:
            draw(drawn + 1)

    async def back() -> None:
        await _back(shell)

    async def leave() -> None:
        if not said.current or await confirm(
            shell,
            said_in(spoken, "surveys.leave"),
            said_in(spoken, "surveys.leave.text"),
            said_in(spoken, "surveys.leave.do"),
        ):
            await back()

    async def send() -> None:
        assert survey is not None
        if not said.current:
            say(shell, said_in(spoken, "surveys.nothing"))
            return
        hand_in(shell.store, survey, asking.store_id, _replies(said.current))
        said.current = {}
        set_done(True)

    if found.refusal is not None or survey is None:
        problem = [refusal_card(found.refusal)] if found.refusal is not None else []
        return _view([*problem, buttons.primary(shell, "survey-back", t("action.back"), back)])
    if done:
        own = asking.own
        thanks = surfaces.empty(
            ft.Icons.FAVORITE_BORDER,
            said_in(spoken, "surveys.thanks"),
            said_in(spoken, "surveys.thanks.own" if own else "surveys.thanks.text"),
        )
        word = said_in(spoken, "surveys.go_on" if own else "surveys.given_back")
        return _view([thanks, buttons.primary(shell, "survey-back", word, back)])
    tongues = ft.Row(
        [
            buttons.quiet(shell, f"speak-{tag}", choice("language", tag), _speaker(speak, tag))
            for tag in LANGUAGES
        ],
        alignment=ft.MainAxisAlignment.END,
    )
    title = survey.title_en if spoken.startswith("en") else survey.title_zh
    body: list[ft.Control] = [
        tongues,
        words.headline(title),
        words.faint(said_in(spoken, "surveys.anonymous")),
        *(
            _question(one, number, spoken, said.current, put)
            for number, one in enumerate(survey.questions, 1)
        ),
        buttons.primary(
            shell, "survey-send", said_in(spoken, "surveys.send"), send, icon=ft.Icons.CHECK
        ),
        buttons.quiet(shell, "survey-leave", said_in(spoken, "surveys.leave.do"), leave),
    ]
    return _view(body)


def _question(
    one: Question, number: int, spoken: str, said: Said, put: Callable[..., None]
) -> ft.Control:
    asked, options = worded(one, spoken)
    lines: list[ft.Control] = [words.title(f"{number}. {asked}")]
    limits = bounds(one)
    if limits is None:
        lines.append(
            text_entry(
                f"words-{one.key}", said_in(spoken, "surveys.words"), str(said.get(one.key, "")),
                lambda text: put(one.key, text, show=False),
                multiline=True, min_lines=3, max_length=1000,
            )
        )  # fmt: skip
        return surfaces.card(lines)
    wide = None if one.asks == "choice" else _POINT
    choices = [
        _big(one.key, points, options[points] if one.asks == "choice" else str(points), asked,
             said.get(one.key) == points, put, wide)
        for points in range(limits[0], limits[1] + 1)
    ]  # fmt: skip
    if one.asks == "choice":
        lines += choices
    else:
        lines.append(ft.Row(choices, wrap=True, spacing=GAP, run_spacing=GAP))
        lines.append(words.faint(said_in(spoken, f"surveys.ends.{one.asks}")))
    return surfaces.card(lines, spacing=12)


def _big(
    key: str,
    points: int,
    text: str,
    asked: str,
    chosen: bool,
    put: Callable[..., None],
    width: int | None,
) -> ft.Control:
    """A button of 56 dp and more, `width` dp wide or as wide as its words; a second tap takes the
    answer back."""

    def pick(_event: object) -> None:
        put(key, None if chosen else points)

    return ft.Semantics(
        label=t("report.said", about=asked, text=text),
        button=True,
        selected=chosen,
        container=True,
        exclude_semantics=True,
        on_tap=pick,
        content=ft.Container(
            words.title(
                text, color=ft.Colors.ON_PRIMARY if chosen else ft.Colors.ON_SURFACE,
                text_align=ft.TextAlign.CENTER if width else None,
            ),
            key=f"pick-{key}-{points}", ink=True, on_click=pick, border_radius=12, width=width,
            padding=ft.Padding.symmetric(horizontal=0 if width else 20, vertical=16),
            bgcolor=ft.Colors.PRIMARY if chosen else ft.Colors.SURFACE_CONTAINER_HIGH,
            border=ft.Border.all(1, ft.Colors.PRIMARY if chosen else ft.Colors.OUTLINE),
        ),
    )  # fmt: skip


def _view(body: list[ft.Control]) -> ft.View:
    column = ft.Column(
        body, spacing=PAD, tight=True, horizontal_alignment=ft.CrossAxisAlignment.STRETCH
    )
    return ft.View(
        route="/",
        controls=[
            ft.SafeArea(
                ft.Column(
                    [ft.Container(column, width=READING_WIDTH, padding=PAD)],
                    scroll=ft.ScrollMode.AUTO,
                    horizontal_alignment=ft.CrossAxisAlignment.CENTER,
                    expand=True,
                ),
                expand=True,
            )
        ],
        padding=0,
        horizontal_alignment=ft.CrossAxisAlignment.CENTER,
    )


def _replies(said: Said) -> list[SurveyReply]:
    return [
        SurveyReply(question=key, words=value)
        if isinstance(value, str)
        else SurveyReply(question=key, points=value)
        for key, value in said.items()
    ]


def _speaker(speak: Callable[[str], None], tag: str) -> Callable[[], None]:
    return lambda: speak(tag)


async def _back(shell: Shell) -> None:
    """From the customer's hands the app comes back locked, at the screen where it was."""
    own = shell.asking.own
    if not own:
        await shell.session.lock()
    shell.asking.end()

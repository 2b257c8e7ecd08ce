"""What the app says back: what was done (with undo), what was refused and what to do, and questions
before the few things that can't be undone (signing, finishing, wiping).
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import flet as ft

from mobile.ui.components import words
from mobile.ui.state import Shell
from mobile.ui.texts import error, t
from shared.errors import Code, Refusal

_log = logging.getLogger(__name__)
Handler = Callable[[Any], Awaitable[None]]


def say(shell: Shell, text: str, undo: Callable[[], Awaitable[Any] | Any] | None = None) -> None:
    """A line for a few seconds, above what stands at the bottom; with `undo`, a button that takes
    it back. It comes once the screen shows what it speaks of.
    """
    action = None
    if undo is not None:
        action = ft.SnackBarAction(label=t("action.undo"), on_click=guarded(shell, undo))
    line = ft.SnackBar(
        content=words.body(text, color=ft.Colors.ON_INVERSE_SURFACE),
        action=action,
        # With an action Flutter would leave it there for good, over the next screen's button.
        persist=False,
        duration=4000 if undo is None else 7000,
        behavior=ft.SnackBarBehavior.FLOATING,  # by the theme alone it would lie on the button
        margin=ft.Margin.only(left=16, right=16, bottom=92),
    )
    # A dialog is sent at once, a rendering at the loop's next turn. Behind that one: nobody reads
    # "finished" beside a chip that still says that nothing waits.
    asyncio.get_running_loop().call_soon(shell.page.show_dialog, line)


def say_refusal(shell: Shell, refusal: Refusal) -> None:
    """What was refused and what to do next, at the bottom of the screen."""
    meaning, remedy = error(refusal)
    say(shell, f"{meaning}\n{remedy}")


def log_fault(fault: Exception) -> None:
    """Logs an unforeseen exception by its type and place. Its text is left out: it could hold a
    customer's data.
    """
    trace = traceback.extract_tb(fault.__traceback__)
    places = " < ".join(
        f"{Path(step.filename).name}:{step.lineno}" for step in reversed(trace[-6:])
    )
    _log.error("%s at %s", type(fault).__name__, places)


def guarded(shell: Shell, action: Callable[[], Awaitable[Any] | Any]) -> Handler:
    """An event handler that runs `action` once at a time and words whatever goes wrong.

    An unforeseen exception is logged by its type alone (its text could hold a customer's data) and
    worded as a fault.
    """
    running = False

    async def handle(_event: Any = None) -> None:
        nonlocal running
        if running:
            return
        running = True
        shell.session.touch()
        try:
            result = action()
            if inspect.isawaitable(result):
                await result
        except Refusal as refusal:
            say_refusal(shell, refusal)
        except asyncio.CancelledError:
            raise
        except Exception as fault:
            log_fault(fault)
            say(shell, t("error.unforeseen"))
        finally:
            running = False

    return handle


async def confirm(
    shell: Shell, title: str, text: str, do: str, *, dangerous: bool = False, key: str = "confirm"
) -> bool:
    """Asks before something that can't be undone. True when the user tapped `do`."""
    answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def reply(value: bool) -> Callable[[Any], None]:
        def tapped(_event: Any) -> None:
            if not answer.done():
                answer.set_result(value)
                shell.page.pop_dialog()

        return tapped

    shell.page.show_dialog(
        ft.AlertDialog(
            modal=True,
            title=ft.Text(title),
            content=words.body(text),
            actions=[
                ft.TextButton(
                    t("action.cancel"), key=f"{key}-no", height=48, on_click=reply(False)
                ),
                ft.FilledButton(
                    do,
                    key=f"{key}-yes",
                    height=48,
                    on_click=reply(True),
                    bgcolor=ft.Colors.ERROR if dangerous else None,
                    color=ft.Colors.ON_ERROR if dangerous else None,
                ),
            ],
        )
    )
    return await answer


def refusal_card(problem: Refusal | Code, action: ft.Control | None = None) -> ft.Control:
    """What stands where something could not be shown: meaning, remedy, and the next step."""
    meaning, remedy = error(problem)
    return notice(ft.Icons.ERROR_OUTLINE, meaning, remedy, action, tone="error")


def notice(
    icon: ft.IconData,
    title: str,
    text: str = "",
    action: ft.Control | None = None,
    *,
    tone: str = "calm",
) -> ft.Control:
    """A box that stays: `tone` is calm, warning or error."""
    back, ink = {
        "calm": (ft.Colors.SURFACE_CONTAINER_HIGH, ft.Colors.ON_SURFACE),
        "warning": (ft.Colors.TERTIARY_CONTAINER, ft.Colors.ON_TERTIARY_CONTAINER),
        "error": (ft.Colors.ERROR_CONTAINER, ft.Colors.ON_ERROR_CONTAINER),
    }[tone]
    lines: list[ft.Control] = [words.title(title, color=ink)]
    if text:
        lines.append(words.body(text, color=ink))
    if action is not None:
        lines.append(ft.Container(action, margin=ft.Margin.only(top=8)))
    return ft.Container(
        ft.Row(
            [ft.Icon(icon, color=ink), ft.Column(lines, expand=True, spacing=4, tight=True)],
            vertical_alignment=ft.CrossAxisAlignment.START,
            spacing=12,
        ),
        bgcolor=back,
        border_radius=12,
        padding=16,
    )

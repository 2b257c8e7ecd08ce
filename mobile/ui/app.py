"""The root: what stands before the user by the session's phase, and the app behind it."""

from __future__ import annotations

import asyncio
import gc
import importlib
from typing import TYPE_CHECKING, Any

import flet as ft

from mobile.ui import texts
from mobile.ui.components.messages import log_fault
from mobile.ui.routes import NOT_FOUND, ROUTES, SCREENS, late
from mobile.ui.state import Shell, provide_shell, watch
from mobile.ui.theme import TWO_PANES
from mobile.usecases.session import Phase, Session
from shared.errors import Refusal

if TYPE_CHECKING:
    from mobile.usecases.services import Services

_GATES = {
    Phase.WELCOME: late("sign_in", "SignInScreen"),
    Phase.PENDING: late("enrol", "PendingScreen"),
    Phase.CHOOSE_SECRET: late("enrol", "ChooseSecretScreen"),
    Phase.FIRST_SYNC: late("first_sync", "FirstSyncScreen"),
    Phase.LOCKED: late("unlock", "UnlockScreen"),
    Phase.ELSEWHERE: late("unlock", "ElsewhereScreen"),
}
_SURVEY = late("survey_answer", "SurveyAnswerScreen")
IDLE_CHECK_SECONDS = 5


async def show(page: ft.Page, services: Services) -> Shell:
    """Dresses the page, draws the first screen and starts what goes on by itself. Returns the
    shell, for tests.
    """
    shell = Shell(page=page, services=services, session=Session(services))
    await _recall(shell)
    shell.dress()
    shell.window.wide = (page.width or 0) >= TWO_PANES
    page.on_resize = lambda event: _resized(shell, event)
    page.on_keyboard_event = lambda _event: shell.session.touch()
    page.on_close = lambda _event: shell.close()
    services.place.on_visible(lambda front: None if front else shell.session.write_down())
    shell.session.subscribe(lambda: _phase_changed(shell))
    # First these two: the first frame is the lock, or Today if the secret was typed meanwhile.
    await shell.session.begin()
    shell.arrival = await services.place.arrival()
    if shell.arrival is not None and shell.session.phase is Phase.LOCKED:
        shell.session.go_to_sign_in()
    await _unlock_ahead(shell, wait=False)
    page.render_views(Root, shell)
    if shell.session.phase is Phase.LOCKED:
        shell.tasks.append(page.run_task(_unlock_later, shell))
    shell.tasks.append(page.run_task(_watch_idleness, shell))
    shell.tasks.append(page.run_task(warm_up))
    shell.session.left_behind.start()
    return shell


@ft.component
def Root(shell: Shell) -> Any:
    """Renders everything anew when the look, the language or the phase changes; else only what
    changed itself.
    """
    watch(shell.display)
    watch(shell.window)
    gate, asking = watch(shell.gate), watch(shell.asking)
    return provide_shell(shell, lambda: _behind(gate.phase, bool(asking.survey_id)))


def _behind(phase: str, asked: bool) -> Any:
    if phase == Phase.OPEN and asked:
        return [_SURVEY()]
    if phase == Phase.OPEN:
        return ft.Router(ROUTES, not_found=NOT_FOUND, manage_views=True)
    if phase == Phase.STARTING:
        return [ft.View(route="/", controls=[])]
    return [_GATES[Phase(phase)]()]


async def _recall(shell: Shell) -> None:
    """The look and language chosen last; at first the device's own language."""
    saved = await shell.services.preferences.read()
    preferred = [*shell.services.place.languages(), texts.LANGUAGES[0]]
    known = [tag for tag in preferred if tag.split("-")[0] in {"zh", "en"}]
    texts.set_language(str(saved.get("language") or known[0]))
    shell.display.language = texts.language()
    shell.display.mode = str(saved.get("mode", "system"))
    shell.display.text_scale = float(saved.get("text_scale", 1.0))


async def _unlock_ahead(shell: Shell, *, wait: bool) -> None:
    """Tries the secret that was typed while the app loaded, if there is one. A wrong one is a try
    like any other: the lock then says how many are left, and what else is wrong at the next.
    """
    secret = await shell.services.place.typed_ahead(wait)
    if secret is None or shell.session.phase is not Phase.LOCKED:
        return
    try:
        await shell.session.unlock(secret)
    except Refusal:
        shell.gate.wrong_ahead += 1
    except Exception as fault:
        log_fault(fault)


async def _unlock_later(shell: Shell) -> None:
    """For whoever was still typing on the splash when the lock was drawn behind it."""
    await _unlock_ahead(shell, wait=True)
    await shell.services.place.reveal()


def _phase_changed(shell: Shell) -> None:
    session = shell.session
    if session.phase is not Phase.OPEN:
        shell.asking.end()  # locked meanwhile: whoever unlocks has the phone again
    shell.searched = ""  # whoever comes next searches anew
    if session.phase in (Phase.OPEN, Phase.WELCOME):
        asked = texts.language() if session.phase is Phase.OPEN else ""
        shell.page.run_task(shell.services.place.remember_lock, asked)
    if session.store is not None and session.phase in (Phase.OPEN, Phase.FIRST_SYNC):
        shell.use_zone()
        if session.syncing is not None:
            session.syncing.subscribe(lambda: _sync_changed(shell))
            _sync_changed(shell)
            if session.phase is Phase.OPEN:
                session.syncing.start()
    shell.gate.phase = session.phase


def _sync_changed(shell: Shell) -> None:
    syncing, store = shell.session.syncing, shell.session.store
    if syncing is None or store is None:
        return
    status = store.status()
    shell.sync.state, shell.sync.code = syncing.state, syncing.code
    shell.sync.waiting = status.unsent + status.unsent_files
    shell.sync.last_at = status.last_sync_at
    shell.sync.step = syncing.progress.step if syncing.progress else ""
    shell.sync.share = syncing.progress.share if syncing.progress else None


async def warm_up() -> None:
    """Imports what comes next while the user types the secret, a module at a time."""
    for module in (
        "mobile.usecases.opening",
        "mobile.ui.screens.today",
        *(f"mobile.ui.screens.{module}" for module, _ in SCREENS.values()),
    ):
        await asyncio.sleep(0)
        importlib.import_module(module)
    gc.freeze()  # as `bootstrap.spare_the_program`, for what has come since


def _resized(shell: Shell, event: ft.PageResizeEvent) -> None:
    shell.session.touch()
    shell.window.wide = event.width >= TWO_PANES


async def _watch_idleness(shell: Shell) -> None:
    while True:
        await asyncio.sleep(IDLE_CHECK_SECONDS)
        # A rendering that fails ends Flet's update loop; one bad card must not freeze the app.
        shell.page.session.start_updates_scheduler()  # type: ignore[no-untyped-call]  # has no types
        await shell.session.lock_if_idle()

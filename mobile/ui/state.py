"""What screens share: small observables, the shell through which they act, and the hooks that read
the store.

Observables are watched as a whole, so each is small. `Shell` is handed down in a context; it never
changes identity while a vault is open, so that reading it re-renders nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import flet as ft

from mobile.ui import formats, texts, theme
from mobile.ui.hooks import Held, use_effect, use_held, use_state, use_task
from shared.errors import Code, Refusal

if TYPE_CHECKING:
    from mobile.store.store import Store
    from mobile.usecases.arrival import Arrival
    from mobile.usecases.services import Services
    from mobile.usecases.session import Session
    from mobile.usecases.syncing import Syncing
    from shared.wire import StaffCard

T = TypeVar("T")


@ft.observable
@dataclass
class Display:
    """How the app looks. Kept in plain preferences."""

    language: str = "zh-CN"
    mode: str = "system"
    text_scale: float = 1.0


@ft.observable
@dataclass
class Window:
    """The window's width in the two steps that layouts know. Not its height: a phone's keyboard
    changes that with every field, and all screens would be drawn anew.
    """

    wide: bool = False


@ft.observable
@dataclass
class Gate:
    """Where the session stands (`Session.phase`), as the root watches it; and how many secrets
    that were typed ahead were wrong, as the lock does."""

    phase: str = "starting"
    wrong_ahead: int = 0


@ft.observable
@dataclass
class Asking:
    """A survey that stands before the app now (`screens.survey_answer`), and for which store's
    figures; `own`: whoever works here reads it out, and does not hand the phone over."""

    survey_id: str = ""
    store_id: str | None = None
    own: bool = False

    def begin(self, survey_id: str, store_id: str | None, *, own: bool) -> None:
        self.store_id, self.own = store_id, own
        self.survey_id = survey_id  # last: with it the root shows the survey

    def end(self) -> None:
        self.survey_id = ""


@ft.observable
@dataclass
class SyncState:
    """What the chip shows. `state`: synced, waiting, syncing, offline, trouble. `code` says why
    not.
    """

    state: str = "synced"
    waiting: int = 0
    last_at: datetime | None = None
    code: Code | None = None
    step: str = ""
    share: float | None = None


@dataclass(eq=False)
class Shell:
    """Everything a screen may reach. `now()` is the time by which things are shown."""

    page: ft.Page
    services: Services
    session: Session
    display: Display = field(default_factory=Display)
    window: Window = field(default_factory=Window)
    gate: Gate = field(default_factory=Gate)
    sync: SyncState = field(default_factory=SyncState)
    asking: Asking = field(default_factory=Asking)
    trail: list[str] = field(default_factory=list)
    scrolled: dict[str, float] = field(default_factory=dict)  # dp, of lists one may come back to
    searched: str = ""  # the search last put on record: coming back to its hits is none
    tasks: list[Future[Any]] = field(default_factory=list)
    arrival: Arrival | None = None  # until the sign-in has made use of it

    @property
    def store(self) -> Store:
        """The open vault's store. AssertionError outside the gate: no screen behind it can be
        there.
        """
        assert self.session.store is not None, "no vault is open"
        return self.session.store

    @property
    def syncing(self) -> Syncing:
        """The sync of the open vault."""
        assert self.session.syncing is not None, "no vault is open"
        return self.session.syncing

    @property
    def staff(self) -> StaffCard:
        """Who is working."""
        return self.store.staff()

    @property
    def role(self) -> str:
        """The role of whoever is working."""
        return self.staff.role

    def now(self) -> datetime:
        """The present moment, aware, UTC: the vault's effective time where one is open."""
        store = self.session.store
        return store.now() if store is not None else self.services.clock.now()

    def go(self, route: str) -> None:
        """Open a screen and remember the present one for `back`."""
        self.session.touch()
        here = self.page.route or "/"
        if route != here:
            self.trail = [*self.trail[-30:], here]
            self.page.navigate(route)

    def visit(self, route: str) -> None:
        """Open a place of the navigation: the trail begins anew there, and lists at their top."""
        self.trail = []
        self.scrolled = {}
        if route != (self.page.route or "/"):
            self.page.navigate(route)

    def back(self, otherwise: str = "/") -> None:
        """Return to the screen before this one; after a start in the middle, to `otherwise`."""
        self.page.navigate(self.trail.pop() if self.trail else otherwise)

    def dress(self) -> None:
        """Give page, texts and formats the chosen look and language; the root's next rendering
        shows it.
        """
        texts.set_language(self.display.language)
        theme.dress(self.page, self.display.mode, self.display.text_scale, self.display.language)
        self.page.title = texts.t("app.name")

    def speak(self, language: str) -> None:
        """Switches the language, at once and for the next start."""
        texts.set_language(language)  # before the observable tells the root to render
        self.display.language = language
        self.keep_display()

    def keep_display(self) -> None:
        """Applies what `display` says now and keeps it for the next start."""
        self.dress()
        self.page.run_task(self._write_display)

    async def _write_display(self) -> None:
        chosen, preferences = self.display, self.services.preferences
        others = await preferences.read()  # not all of them are of the display
        mine = {"language": chosen.language, "mode": chosen.mode, "text_scale": chosen.text_scale}
        await preferences.write({**others, **mine})

    async def close(self) -> None:
        """Locks the vault and ends what runs by itself: when the window goes."""
        for task in self.tasks:
            task.cancel()
        await self.session.left_behind.stop()
        await self.session.lock()

    def use_zone(self) -> None:
        """Show times in the zone of the organisation that signed in."""
        formats.set_zone(self.staff.timezone)


_shell: ft.ContextProvider[Any] = ft.create_context(None)
provide_shell = _shell


def use_shell() -> Shell:
    """The shell, inside any component below the root."""
    shell = ft.use_context(_shell)
    assert isinstance(shell, Shell), "use_shell() outside the app"
    return shell


W = TypeVar("W")


def watch(observable: W) -> W:
    """Render this component anew whenever the observable changes (a hook: never inside an `if`)."""
    return ft.use_state(observable)[0]


@dataclass(frozen=True, slots=True)
class Read(Generic[T]):
    """What `use_query` found: a value, or the refusal that stood in its way."""

    value: T | None
    refusal: Refusal | None = None


_SCOPE = frozenset({"bucket", "lease"})
"""What changes for every screen at once: rows that came or went with a grant, reading suspended."""


def use_query(
    read: Callable[[Store], T], deps: Sequence[Any] = (), watch: Collection[str] = ()
) -> Read[T]:
    """Reads the store now, and again after each commit that touches an entity named in `watch`
    (default: any).

    The store answers at once from its encrypted file, so there is no waiting state: the first
    rendering has the value. A refusal is returned, not raised. `deps` are what `read` depends on
    beside the store.
    """
    shell = use_shell()
    version, set_version = use_state(0)
    unsubscribe: Held[Callable[[], None] | None] = use_held(None)
    names = frozenset(watch)

    def begin() -> None:
        def touched(records: Collection[tuple[str, str]]) -> None:
            if not names or any(entity in names or entity in _SCOPE for entity, _ in records):
                set_version(lambda old: old + 1)

        unsubscribe.current = shell.store.subscribe(touched)

    def end() -> None:
        if unsubscribe.current:
            unsubscribe.current()

    use_effect(begin, [], end)

    def run() -> Read[T]:
        try:
            return Read(read(shell.store))
        except Refusal as refusal:
            return Read(None, refusal)

    return ft.use_memo(run, [*deps, version, id(shell.store)])


def use_now(every_seconds: float = 30) -> datetime:
    """The present moment, rendered anew as time passes: for countdowns and "5 min ago"."""
    shell = use_shell()
    now, set_now = use_state(shell.now())

    async def tick() -> None:
        while True:
            await asyncio.sleep(every_seconds)
            set_now(shell.now())

    use_task(tick, [])
    return now


def use_until(moment: datetime, every_seconds: float = 30) -> datetime:
    """As `use_now`; by the second in the last minutes, and rendered anew when `moment` comes."""
    shell = use_shell()
    now, set_now = use_state(shell.now())

    async def tick() -> None:
        while True:
            left = (moment - shell.now()).total_seconds()
            if left <= 0:
                set_now(shell.now())
                return
            await asyncio.sleep(min(left, 1 if left < 600 else every_seconds))
            set_now(shell.now())

    use_task(tick, [moment])
    return now

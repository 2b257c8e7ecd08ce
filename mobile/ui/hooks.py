"""Flet's hooks with types that a checker can follow. Positional like all hooks: never inside an
`if`.

`use_state` begins with a value, `use_maybe` with None, `use_held` gives a box whose change renders
nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Generic, ParamSpec, Protocol, TypeVar, cast

import flet as ft

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S")
S_in = TypeVar("S_in", contravariant=True)


class Setter(Protocol[S_in]):
    """Sets a state and renders its component anew. A function is called with the state as it is
    now.
    """

    def __call__(self, value: S_in | Callable[[Any], S_in]) -> None: ...


@dataclass(eq=False, slots=True)
class Held(Generic[S]):
    """A value that lives as long as its component."""

    current: S


def use_state(initial: S | Callable[[], S]) -> tuple[S, Setter[S]]:
    """A state and its setter."""
    return cast("tuple[S, Setter[S]]", ft.use_state(initial))


def use_maybe(_kind: type[S]) -> tuple[S | None, Setter[S | None]]:
    """A state that may be missing, and is at first."""
    return cast("tuple[S | None, Setter[S | None]]", ft.use_state(None))


def use_held(initial: S) -> Held[S]:
    """A box for what is typed or running."""
    make: Any = lambda: Held(initial)  # noqa: E731 - a ref takes a callable as its maker
    return cast("Held[S]", ft.use_ref(make).current)


def use_effect(
    begin: Callable[[], Any | Awaitable[Any]],
    deps: Sequence[Any],
    end: Callable[[], Any] | None = None,
) -> None:
    """Runs `begin` after the first rendering and whenever `deps` change; `end` before that and when
    it goes.
    """
    ft.use_effect(begin, deps, cleanup=end)


def use_task(work: Callable[[], Coroutine[Any, Any, None]], deps: Sequence[Any]) -> None:
    """Runs `work` as a task for as long as the component is shown."""
    task: Held[asyncio.Task[None] | None] = use_held(None)

    def begin() -> None:
        task.current = asyncio.ensure_future(work())

    def end() -> None:
        if task.current is not None:
            task.current.cancel()

    use_effect(begin, deps, end)


def keyed(key: str, component: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """A component with an identity of its own: another key is another component."""
    return cast("Callable[..., R]", component)(*args, key=key, **kwargs)

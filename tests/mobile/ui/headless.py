"""Drives the app's component tree with no client, no Flutter and no browser.

The only file that imports Flet's private names (`Session`, `Connection`, `_context_page`): Flet is
pinned, and a new version is met here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import datetime, time
from typing import Any

import flet as ft
import msgpack
from flet.controls.context import _context_page
from flet.messaging.connection import Connection
from flet.messaging.protocol import (
    InvokeMethodRequestBody,
    configure_encode_object_for_msgpack,
)
from flet.messaging.session import Session
from flet.pubsub.pubsub_hub import PubSubHub

_ENCODE = configure_encode_object_for_msgpack(ft.BaseControl)


class _Client(Connection):
    """Stands in for Flutter: keeps what was sent."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self.loop = loop
        self.pubsubhub = PubSubHub(loop=loop)
        self.page_url = "http://app.test"
        self.sent: list[Any] = []
        self.packed: list[bytes] = []
        self.asked: list[InvokeMethodRequestBody] = []

    def send_message(self, message: Any) -> None:
        # Encoding is part of the protocol: Flet notes what the client knows while it encodes.
        self.packed.append(msgpack.packb([message.action, message.body], default=_ENCODE))
        self.sent.append(message)
        if isinstance(message.body, InvokeMethodRequestBody):
            self.asked.append(message.body)


class Headless:
    """One page. Make it inside a running loop, render into `page`, then act and look."""

    def __init__(self, *, width: float = 412, height: float = 915) -> None:
        self._client = _Client(asyncio.get_running_loop())
        self._session = Session(self._client)
        self.page: ft.Page = self._session.page
        self.page.width, self.page.height, self.page.route = width, height, "/"
        _context_page.set(self.page)
        msgpack.packb(self._session.get_page_patch(), default=_ENCODE)

    async def until(self, holds: Callable[[], object], turns: int = 20_000) -> None:
        """Lets the loop turn until `holds()`; fails with what is on the screen when it never does.

        Turns, not time: work in threads (key stretching) gets its share through the short waits.
        """
        for turn in range(turns):
            self._raise_crash()
            while self._client.asked:
                await self._answer(self._client.asked.pop(0))
            if holds():
                return
            await asyncio.sleep(0 if turn % 20 else 0.002)
        raise AssertionError(f"never came to hold; on the screen: {sorted(self.texts())}")

    async def settle(self) -> None:
        """Lets everything that is ready run, and does what the app asked of its client."""
        for _ in range(30):
            await asyncio.sleep(0)
        self._raise_crash()
        while self._client.asked:
            await self._answer(self._client.asked.pop(0))

    async def _answer(self, asked: InvokeMethodRequestBody) -> None:
        """As the client would: a route that is pushed comes back as a change of route."""
        self._session.handle_invoke_method_results(asked.control_id, asked.call_id, None, None)
        if asked.name == "push_route":
            await self.go(asked.args["route"])

    def controls(self) -> Iterator[ft.BaseControl]:
        """Everything that hangs in the tree now: views and open dialogs."""
        yield from _below(self.page.views)
        for dialog in self.page._dialogs.controls:
            if dialog.open:
                yield from _below(dialog)

    def find(self, key: str) -> Any:
        """The visible control with this key."""
        found = [c for c in self.controls() if getattr(c, "key", None) == key]
        assert found, f"no control {key!r}; keys: {sorted(self.keys())}"
        return found[-1]

    def has(self, key: str) -> bool:
        return key in self.keys()

    def keys(self) -> set[str]:
        return {str(c.key) for c in self.controls() if getattr(c, "key", None)}

    def texts(self) -> set[str]:
        """All words on the screen."""
        return {c.value for c in self.controls() if isinstance(c, ft.Text) and c.value}

    def says(self, part: str) -> bool:
        """Whether some text on the screen contains `part`."""
        return any(part in text for text in self.texts())

    def ever_said(self, part: str) -> bool:
        """Whether `part` was sent to the client at any time, be it for one frame."""
        return any(part.encode() in packed for packed in self._client.packed)

    def came(self, part: str) -> int:
        """Which of the messages to the client was the first with `part`."""
        found = (
            place for place, packed in enumerate(self._client.packed) if part.encode() in packed
        )
        place = next(found, None)
        assert place is not None, f"{part!r} never came; on the screen: {sorted(self.texts())}"
        return place

    async def tap(self, key: str) -> None:
        await self._event(key, "click", None)

    async def type(self, key: str, text: str) -> None:
        """Types into a field, as the client reports it: the value, then the event."""
        self.report(key, text)
        await self.tell(key, text)

    def report(self, key: str, value: Any) -> None:
        """The first half of a keystroke or a choice: the new value, its event still on its way."""
        self._session.apply_patch(self.find(key)._i, {"value": value})

    async def tell(self, key: str, value: Any, event: str = "change") -> None:
        """The other half: its event."""
        await self._event(key, event, value)

    async def undo(self) -> None:
        """Taps the button of the line at the bottom."""
        bar = self._dialog(ft.SnackBar)
        self._running = asyncio.ensure_future(
            self._session.dispatch_event(bar.action._i, "click", None)
        )
        await self.settle()

    async def pick_day(self, key: str, day: datetime) -> None:
        """Opens the calendar of a field and chooses a day in it."""
        await self.tap(key)
        calendar = self._dialog(ft.DatePicker)
        self._session.apply_patch(calendar._i, {"value": day})
        await self._session.dispatch_event(calendar._i, "change", day)
        await self.settle()

    async def pick_time(self, at: time) -> None:
        """Chooses on the clock that opened after a calendar."""
        clock = self._dialog(ft.TimePicker)
        self._session.apply_patch(clock._i, {"value": at})
        await self._session.dispatch_event(clock._i, "change", at)
        await self.settle()

    def _dialog(self, kind: type[Any]) -> Any:
        """The open dialog of this kind that came last."""
        found = [d for d in self.page._dialogs.controls if isinstance(d, kind) and d.open]
        assert found, f"no {kind.__name__} is open; on the screen: {sorted(self.texts())}"
        return found[-1]

    async def submit(self, key: str) -> None:
        """The enter key in a field."""
        await self._event(key, "submit", self.find(key).value)

    async def choose(self, key: str, value: Any, event: str = "change") -> None:
        """Sets a dropdown, switch, checkbox or segmented button."""
        control = self.find(key)
        name = "value"
        if isinstance(control, (ft.SegmentedButton, ft.Chip)):
            name = "selected"
        elif isinstance(control, (ft.NavigationBar, ft.NavigationRail)):
            name = "selected_index"
        self._session.apply_patch(control._i, {name: value})
        await self._event(key, event, value)

    async def scroll(self, key: str, *, pixels: float, end: float) -> None:
        """A list has been scrolled to `pixels` of the `end` that it can be scrolled to."""
        await self._event(
            key,
            "scroll",
            {
                "event_type": "update", "pixels": pixels, "min_scroll_extent": 0,
                "max_scroll_extent": end, "viewport_dimension": 700, "scroll_delta": 10,
            },
        )  # fmt: skip

    async def go(self, route: str) -> None:
        """Follows an address, as the browser's own back and forward do."""
        self._session.apply_page_patch({"route": route})
        await self._session.dispatch_event(self.page._i, "route_change", {"route": route})
        await self.settle()

    async def resize(self, width: float, height: float) -> None:
        self.page.width, self.page.height = width, height
        await self._session.dispatch_event(
            self.page._i, "resize", {"width": width, "height": height}
        )
        await self.settle()

    async def _event(self, key: str, name: str, data: Any) -> None:
        # Not awaited: a handler may wait for another tap (a confirmation).
        self._running = asyncio.ensure_future(
            self._session.dispatch_event(self.find(key)._i, name, data)
        )
        await self.settle()
        if self._running.done():
            self._running.result()

    def _raise_crash(self) -> None:
        task = self._session._Session__updates_task
        if task is not None and task.done() and not task.cancelled() and task.exception():
            raise AssertionError("rendering failed") from task.exception()
        crashes = [m for m in self._client.sent if "CRASHED" in str(getattr(m, "action", ""))]
        assert not crashes, f"the session crashed: {crashes[0].body}"


def _below(value: Any) -> Iterator[ft.BaseControl]:
    if isinstance(value, (list, tuple)):
        for one in value:
            yield from _below(one)
    elif type(value).__name__ == "Component":
        yield from _below(value._b)
    elif isinstance(value, ft.BaseControl) and getattr(value, "visible", True):
        yield value
        for name, inner in vars(value).items():
            if name.startswith("_") or name in {"parent", "page", "data"}:
                continue
            if isinstance(inner, (ft.BaseControl, list, tuple)):
                yield from _below(inner)
        for inner in getattr(value, "_values", {}).values():
            if isinstance(inner, (ft.BaseControl, list, tuple)):
                yield from _below(inner)

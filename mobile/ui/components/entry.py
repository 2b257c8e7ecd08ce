"""The text fields of all screens. What is typed lives with a field's owner (a `Form`, a box), so
that a keystroke costs no rendering; and no rendering costs a keystroke (L1).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from weakref import ref

import flet as ft

from mobile.ui.hooks import Held


def text_entry(
    key: str, label: str, text: str, tell: Callable[[str], object], **more: Any
) -> Entry:
    """A field with its owner's `text`; `tell` is called with the text of each keystroke, and may
    leave the screen as it is. `error`, `multiline`, `max_length` … are handed through.
    """
    more.setdefault("border", ft.OutlineInputBorder(border_radius=12))
    return Entry(
        key=key, label=label, value=text, on_change=lambda event: tell(_typed(event)), **more
    )


def entry(key: str, label: str, typed: Held[str], **more: Any) -> Entry:
    """A field bound to the box `typed`."""

    def tell(text: str) -> None:
        typed.current = text

    return text_entry(key, label, typed.current, tell, **more)


def secret_entry(key: str, label: str, typed: Held[str], **more: Any) -> Entry:
    """A PIN or passphrase: hidden, with an eye to show it, never corrected or learnt by the
    keyboard.
    """
    return entry(
        key,
        label,
        typed,
        password=True,
        can_reveal_password=True,
        autocorrect=False,
        enable_suggestions=False,
        enable_ime_personalized_learning=False,
        **more,
    )


class Entry(ft.TextField):
    """Flet's text field, which keeps what was typed and is not yet told. Get one from above.

    The client reports a keystroke twice: the field's new text, and then the event that tells its
    owner. Drawn in between with what its owner knows, the field would lose that keystroke, and the
    next one would be typed onto the older text. So each drawing is handed the one before (Flet
    carries `data` over to it), and leaves standing whatever the owner has yet to hear of.
    """

    def before_update(self) -> None:
        known: _Known | None = self.data
        if known is None:
            self.data = _Known(ref(self), self.value or "")
            return
        before = known.drawn()
        if before is None or (before.value or "") == known.told:
            known.told = self.value or ""
        else:
            self.value = before.value
        known.drawn = ref(self)

    def before_event(self, e: ft.ControlEvent) -> bool:
        if e.name == "change":
            self.data.told = _typed(e)
        return True


@dataclass(eq=False, slots=True)
class _Known:
    """A field as it was last drawn, and the text by which its owner goes: given by it, or told."""

    drawn: ref[ft.TextField]
    told: str


def _typed(event: ft.Event[Any]) -> str:
    """The text of one keystroke; the field itself may be further."""
    return str(event.data or "")

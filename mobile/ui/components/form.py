"""Forms that follow from an entity's declaration: limits, choices, required fields, and a draft
saved as one types.

form = use_form(shell, Visit, draft=f"visit/{visit.id}", start=write(visit), about=("visit",
visit.id)) body = [form.field("notes"), form.field("satisfaction"), form.saved_line()]

    def finish() -> None:
        if form.complete(required=("notes",)):
            with shell.store.unit() as unit:
                unit.update(visit, **form.changes(), state="finished")
                unit.discard_draft(form.draft_key)
                unit.commit()
            form.done()

Values are in wire form throughout (`shared.codec`): what a draft stores and what `unit.update`
takes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

import flet as ft

from mobile.store.drafts import OF
from mobile.ui.components import words
from mobile.ui.components.messages import say_refusal
from mobile.ui.hooks import Held, keyed, use_effect, use_held
from mobile.ui.state import Shell, watch
from mobile.ui.texts import error, t
from mobile.usecases.drafting import as_seen
from shared.codec import check, write
from shared.declare import Entity, Record, entity_of
from shared.errors import Refusal

SAVE_AFTER_SECONDS = 0.4
R = TypeVar("R", bound=Record)


@ft.observable
@dataclass(eq=False)
class FormState:
    """What makes a form's fields render anew: an error came or went, a choice was made."""

    version: int = 0


@ft.observable
@dataclass(eq=False)
class Kept:
    """Whether the draft on this phone holds all that was typed. Apart from `FormState`, so that
    typing renders no field.
    """

    saved: bool = False


@dataclass(eq=False)
class Form:
    """What is being written. Get one from `use_form`; it lives as long as its screen."""

    shell: Shell
    entity: Entity
    draft_key: str
    start: Mapping[str, Any]
    about: tuple[str, str] | None
    values: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    typed: dict[str, str] = field(default_factory=dict)  # of fields whose text is not their value
    unreadable: dict[str, str] = field(default_factory=dict)
    state: FormState = field(default_factory=FormState)
    kept: Kept = field(default_factory=Kept)
    _saving: asyncio.Task[None] | None = None
    _dirty: bool = False
    _typed_at: datetime | None = None
    _done: bool = False

    def get(self, name: str) -> Any:
        """The present value of a field, in wire form; None when it is empty."""
        return self.values.get(name)

    def set(self, name: str, value: Any, *, render: bool = True) -> None:
        """A field's new value (None or "" clears it). Its draft is saved a moment later."""
        self.shell.session.touch()
        if value in ("", []):
            value = None
        self.values[name] = value
        self.unreadable.pop(name, None)
        self.typed.pop(name, None)
        if self.errors.pop(name, None) or render:
            self.state.version += 1
        self._dirty = True
        if self.shell.session.store is not None:
            self._typed_at = self.shell.store.now()
        self.kept.saved = False
        if self._saving is None or self._saving.done():
            self._saving = asyncio.ensure_future(self._save_soon())

    def refuse(self, name: str, text: str) -> None:
        """Says at a field that what stands there can't be read as its value; until it can, the form
        is not complete.
        """
        self.errors[name] = self.unreadable[name] = text
        self.state.version += 1

    def changes(self) -> dict[str, Any]:
        """The declared fields that differ from where the form began, ready for `unit.update`."""
        return {
            name: value
            for name, value in self.values.items()
            if name in self.entity.fields and value != self.start.get(name)
        }

    def complete(self, required: Iterable[str] = ()) -> bool:
        """Whether everything holds and nothing in `required` is empty or blank; the faults are
        shown at their fields.
        """
        self.errors = dict(self.unreadable)
        for name, value in self.changes().items():
            if value is not None:
                try:
                    check(self.entity, {name: value})
                except Refusal as refusal:
                    self.errors[name] = error(refusal)[0]
        for name in required:
            value = self.values.get(name)
            if value in (None, []) or (isinstance(value, str) and not value.strip()):
                self.errors[name] = t("form.required")
        self.state.version += 1
        return not self.errors

    def field(self, name: str, **more: Any) -> ft.Control:
        """The editor that follows from the field's declaration. `more` goes to it (`label`, `hint`,
        `lines`).
        """
        return keyed(f"field-{name}", FieldEditor, self, name, more)

    def saved_line(self) -> ft.Control:
        """Says that the draft is on this phone, whenever it is."""
        return SavedLine(self)

    def save(self) -> None:
        """Stores the draft now. Refusals (a full disk) are shown, not raised: typing goes on."""
        if not self._dirty or self._done or self.shell.session.store is None:
            return
        try:
            # Dated when it was typed: a page that slept stores it long after, and access may have
            # ended meanwhile.
            self.shell.store.save_draft(
                self.draft_key, self._draft(), about=self.about, typed_at=self._typed_at
            )
            self._dirty = False
            self.kept.saved = True
        except Refusal as refusal:
            say_refusal(self.shell, refusal)

    def _draft(self) -> dict[str, Any]:
        """What differs from the start. A cleared field is kept as "": drafts leave out nulls."""
        found = {
            name: "" if value is None else value
            for name, value in self.values.items()
            if value != self.start.get(name)
        }
        if self.about is not None and self.about[0] != self.entity.name:
            found[OF] = self.entity.name
        return found

    def done(self) -> None:
        """What was written has become a record: nothing is saved any more. Discard the draft in the
        unit.
        """
        self._done = True

    def give_up(self) -> None:
        """Its author wants none of it: neither the draft nor what was typed last is kept."""
        self.done()
        self.shell.store.discard_draft(self.draft_key)

    async def _save_soon(self) -> None:
        await asyncio.sleep(SAVE_AFTER_SECONDS)
        self.save()


def use_form(
    shell: Shell,
    cls: type,
    *,
    draft: str,
    start: Mapping[str, Any],
    about: tuple[str, str] | None = None,
) -> Form:
    """A form over the fields of `cls` (a hook). It begins with the saved draft laid over `start`.

    `about` is the record it is about: its draft is hidden while that may not be read.
    """

    def begin() -> Form:
        form = Form(shell, entity_of(cls), draft, dict(start), about)
        saved = shell.store.draft(draft) or {}
        form.values = {**start, **{n: None if v == "" else v for n, v in saved.items()}}
        form.kept.saved = form.values != dict(start)
        return form

    form: Form = ft.use_memo(begin, [draft])
    leave: Held[Callable[[], None] | None] = use_held(None)

    def opened() -> None:
        leave.current = shell.session.before_closing(form.save)

    def left() -> None:
        form.save()
        if leave.current is not None:
            leave.current()

    use_effect(opened, [draft], left)
    return form


def use_correction(shell: Shell, record: R, names: Iterable[str], *, draft: str) -> tuple[Form, R]:
    """A form over the fields `names` of a record that is there, and the record as its author saw it
    (a hook): what `Unit.update` wants to be told.
    """
    cls, start = type(record), write(record)
    about = (entity_of(cls).name, record.id)
    form = use_form(shell, cls, draft=draft, start=start, about=about)
    return form, as_seen(cls, record.id, names, form.start, form.values)


@ft.component
def FieldEditor(form: Form, name: str, more: dict[str, Any]) -> ft.Control:
    """One field of a form. Typing renders nothing; errors and choices render it anew."""
    watch(form.state)
    from mobile.ui.components.fields import editor  # the editors are imported with the first form

    return editor(form, form.entity.fields[name], **more)


@ft.component
def SavedLine(form: Form) -> ft.Control:
    """ "Draft saved on this phone", while that is so to the last letter (L1)."""
    kept = watch(form.kept)
    return ft.Row(
        [
            ft.Icon(ft.Icons.CHECK, size=16, color=ft.Colors.ON_SURFACE_VARIANT),
            words.faint(t("form.draft_saved")),
        ],
        opacity=1 if kept.saved else 0,  # its room stays: nothing moves under a thumb
        spacing=4,
    )

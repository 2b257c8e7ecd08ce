"""A visit that goes on: what is said is written down here and kept as it is typed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import flet as ft

from mobile.ui import formats
from mobile.ui.components import buttons, surfaces, words
from mobile.ui.components.form import Form
from mobile.ui.components.messages import confirm, notice, say
from mobile.ui.hooks import use_state
from mobile.ui.screens.customer import checks
from mobile.ui.screens.customer.choosing import ChooseRecord
from mobile.ui.screens.visit.photos import Photos
from mobile.ui.screens.visit.place import Place
from mobile.ui.screens.visit.planned import Cancelling
from mobile.ui.screens.visit.questions import Questions, Scale
from mobile.ui.screens.visit.seen import Seen, head
from mobile.ui.state import Shell, use_now, watch
from mobile.ui.texts import choice, label, t
from mobile.ui.theme import GAP
from mobile.usecases import visits
from mobile.usecases.drafting import as_seen
from shared.entities import Visit
from shared.errors import Refusal


@dataclass(eq=False)
class Writing:
    """What is being written about one visit, and how it ends. Lives as long as the screen."""

    shell: Shell
    form: Form
    restored: bool  # it began with a draft that was left behind
    seen: Seen | None = None
    ended: bool = False

    def look_at(self, seen: Seen) -> None:
        """What is shown now; the first time, what the author finds before they change it."""
        self.seen = seen
        as_seen(Visit, seen.visit.id, visits.WRITTEN, self.form.start, self.form.values)

    @property
    def visit(self) -> Visit:
        """The visit as it is now, with what is typed about as the author found it: so a change
        that came meanwhile is not taken for one that they had seen.
        """
        assert self.seen is not None, "nothing is shown yet"
        now, form = self.seen.visit, self.form
        found = as_seen(Visit, now.id, visits.WRITTEN, form.start, form.values)
        return replace(now, **{name: getattr(found, name) for name in visits.WRITTEN})

    async def finish(self) -> None:
        """Asks first: this can't be undone. What is lacking is said at its field and at once."""
        shell, form = self.shell, self.form
        lacking = visits.missing(self.visit, form.changes())
        holds = form.complete(required=lacking)
        if lacking or not holds:
            names = [label(name) for name in (*lacking, *form.errors)]
            say(shell, t("visit.lacking", fields=t("visit.comma").join(dict.fromkeys(names))))
            return
        asked = confirm(shell, t("visit.finish.ask"), t("visit.finish.text"), t("visit.finish"))
        if not await asked:
            return
        done = visits.finish(shell.store, self.visit, form.changes(), formats.zone())
        form.done()
        self.ended = True
        if done.following is None:
            say(shell, t("visit.finished"))
        else:
            when = formats.when(done.following.planned_at, shell.now())
            say(shell, t("visit.finished.next", when=when))

    def later(self) -> None:
        """Back to where one came from; nothing is lost."""
        assert self.seen is not None, "nothing is shown yet"
        self.leave()
        say(self.shell, t("visit.kept" if self.ended else "visit.kept.draft"))
        self.shell.back(self.seen.back)

    def leave(self) -> None:
        """Hands what was written to the record, so that it travels even if nobody comes back here.
        What does not fit yet stays a draft. Harmless twice, and when the vault is shut.
        """
        open_ = self.shell.session.store is not None and self.seen is not None
        if self.ended or not open_ or self.visit.state != "started":
            return
        try:
            if changes := self.form.changes():
                visits.keep(self.shell.store, self.visit, changes)
            self.form.done()
            self.ended = True
        except Refusal:
            self.form.save()


@ft.component
def UnderWay(shell: Shell, seen: Seen, writing: Writing) -> ft.Control:
    """Where, what was said, what was asked, and what comes next."""
    use_now(60)  # how long it has been going on
    form = writing.form
    body: list[ft.Control] = [head(shell, seen)]
    if writing.restored:
        body.append(notice(ft.Icons.HISTORY_EDU, t("visit.restored"), t("visit.restored.text")))
    body += [
        Place(shell, seen, form),
        About(shell, form, seen),
        _learned(form),
        Questions(form),
        *checks.along(shell, seen),
        Photos(shell, seen),
        _next(form),
        form.saved_line(),
        Cancelling(shell, seen),
    ]
    return stacked(*body, spacing=16)


def stacked(*controls: ft.Control, spacing: int = GAP) -> ft.Control:
    """One below the other, each as wide as there is room."""
    return ft.Column(
        list(controls),
        spacing=spacing,
        tight=True,
        horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
    )


@ft.component
def About(shell: Shell, form: Form, seen: Seen) -> ft.Control:
    """Purpose, channel and contact: settled mostly when the visit was planned, so one line until
    they are to be changed.
    """
    watch(form.state)
    open_, set_open = use_state(False)
    contacts = [(contact.id, contact.name) for contact in seen.contacts]
    if open_:
        chosen = ChooseRecord(form, "contact_id", contacts)
        fields = stacked(form.field("purpose"), form.field("channel"), chosen)
        return surfaces.section(t("visit.section.about"), [fields])
    said = (
        choice("purpose", form.get("purpose")),
        choice("channel", form.get("channel")),
        dict(contacts).get(str(form.get("contact_id")), ""),
    )
    change = buttons.quiet(shell, "about", t("visit.about.change"), lambda: set_open(True))
    return surfaces.section(
        t("visit.section.about"), [words.body(" · ".join(one for one in said if one))], change
    )


def _learned(form: Form) -> ft.Control:
    fields = stacked(
        form.field("notes", lines=5, hint=t("visit.notes.hint")),
        form.field("needs_found", lines=3),
        form.field("preferences_found", lines=2),
        Scale(form, "satisfaction"),
    )
    return surfaces.section(t("visit.section.learned"), [fields])


def _next(form: Form) -> ft.Control:
    fields = stacked(
        form.field("next_step", lines=2, hint=t("visit.next.hint")), form.field("next_step_on")
    )
    return surfaces.section(t("visit.section.next"), [fields])

"""Sync: what is only on this phone, what the server received, what is backed up; what waits and
why; conflicts.
"""

from __future__ import annotations

import flet as ft

from mobile.store.status import Status
from mobile.store.store import Store
from mobile.ui import formats
from mobile.ui.components import buttons, frame, marks, surfaces, words
from mobile.ui.components.messages import notice, refusal_card
from mobile.ui.state import Shell, use_now, use_query, use_shell, watch
from mobile.ui.texts import error, label, t
from mobile.ui.theme import GAP
from mobile.usecases.outbox import WaitingChange, waiting_changes
from mobile.usecases.syncing import Exchange
from shared.declare import ENTITIES
from shared.entities import Conflict
from shared.errors import Code

_SHOWN_FIELDS = 4


@ft.component
def SyncScreen() -> ft.View:
    """Opens from the chip. Readable without a network, and while reading records is suspended."""
    shell = use_shell()
    watch(shell.sync)
    use_now()  # "5 min ago" grows old
    status = use_query(lambda store: store.status())
    changes = use_query(waiting_changes)
    conflicts = use_query(lambda store: store.conflicts(), watch=("conflict",))
    body: list[ft.Control] = [Progress(shell)]
    if status.value is not None:
        body += _standing(shell, status.value)
    body += _attention(shell, [c for c in changes.value or [] if c.verdict])
    if conflicts.value:
        body.append(_conflicts(shell, conflicts.value))
    body.append(_waiting(shell, [c for c in changes.value or [] if not c.verdict]))
    if shell.syncing.exchanges:
        rows = [_exchange(one) for one in reversed(shell.syncing.exchanges)]
        body.append(surfaces.section(t("sync.exchanges"), [surfaces.card(rows)]))
    return frame.screen(
        shell,
        body,
        title=t("sync.title"),
        place="sync" if shell.window.wide else "",
        back=None if shell.window.wide else "/",
        bottom=[
            buttons.secondary(
                shell,
                "doctor",
                t("sync.check"),
                lambda: shell.go("/sync/doctor"),
                icon=ft.Icons.HEALTH_AND_SAFETY_OUTLINED,
            ),
            buttons.primary(
                shell,
                "sync-now",
                t("sync.running" if shell.sync.state == "syncing" else "sync.now"),
                shell.syncing.now,
                icon=ft.Icons.SYNC,
                disabled=shell.sync.state == "syncing",
            ),
        ],
    )


@ft.component
def Progress(shell: Shell) -> ft.Control:
    """State and time of the last sync; while one runs, how far it is."""
    sync = watch(shell.sync)
    now = use_now()
    lines: list[ft.Control] = [words.title(t(f"sync.state.{sync.state}"))]
    if sync.step:
        lines += [
            ft.ProgressBar(value=sync.share, bar_height=6, border_radius=3),
            words.faint(t(f"sync.step.{sync.step}")),
        ]
    last = formats.ago(sync.last_at, now) if sync.last_at else t("sync.never")
    lines.append(words.faint(t("sync.last", when=last)))
    return surfaces.card(lines)


def _standing(shell: Shell, status: Status) -> list[ft.Control]:
    """Three words for three things: saved here, received, backed up."""
    figures = (
        ("saved", status.unsent, ft.Icons.SMARTPHONE),
        ("received", status.received, ft.Icons.CLOUD_DONE_OUTLINED),
        ("backed_up", status.backed_up, ft.Icons.INVENTORY_2_OUTLINED),
    )
    cells: list[ft.Control] = [
        ft.Container(
            ft.Column(
                [
                    ft.Icon(icon, color=ft.Colors.PRIMARY),
                    words.figure(str(count), key=f"count-{name}"),
                    words.label(t(f"sync.{name}"), text_align=ft.TextAlign.CENTER),
                ],
                horizontal_alignment=ft.CrossAxisAlignment.CENTER,
                spacing=2,
                tight=True,
            ),
            expand=True,
            padding=12,
            border_radius=12,
            bgcolor=ft.Colors.SURFACE_CONTAINER_HIGH,
            tooltip=t(f"sync.{name}.text"),
        )
        for name, count, icon in figures
    ]
    as_tall_as_any = ft.CrossAxisAlignment.STRETCH
    found: list[ft.Control] = [
        ft.Row(cells, spacing=GAP, intrinsic_height=True, vertical_alignment=as_tall_as_any)
    ]
    if status.unsent_files:
        found.append(words.faint(t("sync.photos", count=status.unsent_files)))
    if status.sealed_bytes:
        found.append(words.faint(t("sync.copies", size=formats.size(status.sealed_bytes))))
    if status.suspended is not None:
        found.append(refusal_card(status.suspended))
    elif shell.sync.code is not None and shell.sync.code is not Code.OFFLINE:
        found.append(refusal_card(shell.sync.code))
    if status.lease_ends_at is not None:
        until = formats.when(status.lease_ends_at, shell.now())
        found.append(words.faint(t("sync.lease", when=until)))
    if status.update_wanted:
        found.append(refusal_card(Code.APP_OUTDATED))
    return found


def _attention(shell: Shell, concerning: list[WaitingChange]) -> list[ft.Control]:
    """Outcomes that their author must see: nothing is refused silently (L1)."""
    if not concerning:
        return []
    rows: list[ft.Control] = []
    for change in concerning:
        why = error(Code.of(change.code))[0] if change.code else ""
        verdict = f"sync.verdict.{_verdict(change)}"
        text = f"{_headline(change)}\n{t(f'{verdict}.text')}\n{why}".strip()
        seen = buttons.tonal(
            shell, f"seen-{change.number}", t("sync.seen"), _dismissing(shell.store, change.number)
        )
        rows.append(
            notice(
                ft.Icons.INFO_OUTLINE,
                t(verdict),
                text,
                seen,
                tone="error" if change.verdict == "rejected" else "warning",
            )
        )
    return [surfaces.section(t("sync.attention"), rows)]


def _verdict(change: WaitingChange) -> str:
    """What waits for its record on a restored server needs no manager."""
    waits = change.verdict == "quarantined" and change.code == Code.RECORD_MISSING.key
    return "awaiting" if waits else str(change.verdict)


def _dismissing(store: Store, number: int) -> buttons.Action:
    return lambda: store.dismiss(number)


def _conflicts(shell: Shell, conflicts: list[Conflict]) -> ft.Control:
    rows: list[ft.Control] = [
        surfaces.line(
            f"conflict-{one.id}",
            t("sync.conflict.row", entity=t(f"entity.{one.entity}"), field=label(one.field)),
            _going(shell, f"/decisions/{one.id}"),
            icon=ft.Icons.CALL_SPLIT,
            text=formats.when(one.found_at, shell.now()),
        )
        for one in conflicts
    ]
    return surfaces.section(
        t("sync.conflicts"), [surfaces.card(rows)], marks.badge(str(len(conflicts)), "error")
    )


def _going(shell: Shell, route: str) -> buttons.Action:
    return lambda *_: shell.go(route)


def _waiting(shell: Shell, changes: list[WaitingChange]) -> ft.Control:
    if not changes:
        return surfaces.empty(
            ft.Icons.CLOUD_DONE_OUTLINED, t("sync.waiting.none"), t("sync.waiting.none.text")
        )
    rows: list[ft.Control] = []
    for change in changes:
        why = error(Code.of(change.code))[0] if change.code else t("sync.waiting.reason.new")
        fields = t("sync.comma").join(label(name) for name in change.fields[:_SHOWN_FIELDS])
        what = t("sync.waiting.create") if change.created else fields
        retry = buttons.icon(
            shell, f"retry-{change.number}", ft.Icons.REFRESH, t("action.retry"), shell.syncing.now
        )
        when = formats.ago(change.made_at, shell.now())
        rows.append(
            surfaces.line(
                f"waiting-{change.number}",
                _headline(change),
                icon=ft.Icons.CLOUD_UPLOAD_OUTLINED,
                text=f"{what} · {when}\n{why}",
                trailing=retry,
            )
        )
    count = marks.badge(str(len(changes)))
    return surfaces.section(t("sync.waiting"), [surfaces.card(rows)], count)


def _headline(change: WaitingChange) -> str:
    entity = t(f"entity.{ENTITIES[change.entity].name}")
    return t("sync.waiting.row", entity=entity, who=change.who) if change.who else entity


def _exchange(one: Exchange) -> ft.Control:
    done = t("sync.exchange.done", sent=one.sent, received=one.received)
    icon = ft.Icons.CHECK if one.code is None else ft.Icons.CLOUD_OFF_OUTLINED
    return ft.Row(
        [
            ft.Icon(icon, size=18, color=ft.Colors.ON_SURFACE_VARIANT),
            words.faint(formats.time(one.at)),
            words.faint(done if one.code is None else error(one.code)[0], expand=True),
        ],
        spacing=GAP,
    )

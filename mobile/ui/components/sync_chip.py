"""The chip that always says how things stand with the server, and the strip shown while there is no
network.
"""

from __future__ import annotations

import flet as ft

from mobile.ui import formats
from mobile.ui.components import words
from mobile.ui.state import Shell, use_now, watch
from mobile.ui.texts import t

_ICONS = {
    "synced": ft.Icons.CLOUD_DONE_OUTLINED,
    "waiting": ft.Icons.CLOUD_UPLOAD_OUTLINED,
    "syncing": ft.Icons.SYNC,
    "offline": ft.Icons.CLOUD_OFF_OUTLINED,
    "trouble": ft.Icons.SYNC_PROBLEM,
}


@ft.component
def SyncChip(shell: Shell) -> ft.Control:
    """State, number waiting and time of the last sync; a tap opens what waits."""
    sync = watch(shell.sync)
    now = use_now(60)
    last = formats.ago(sync.last_at, now) if sync.last_at else t("sync.never")
    says = t("sync.chip", state=t(f"sync.state.{sync.state}"), waiting=sync.waiting, last=last)
    inside: list[ft.Control] = [ft.Icon(_ICONS[sync.state], size=20)]
    if sync.waiting:
        inside.append(words.label(str(sync.waiting)))
    if shell.window.wide:
        inside.append(words.label(f"{t(f'sync.state.{sync.state}')} · {last}"))
    elif sync.last_at:
        inside.append(words.label(formats.time(sync.last_at)))
    return ft.Semantics(
        label=says,
        button=True,
        container=True,
        exclude_semantics=True,
        on_tap=lambda _: shell.go("/sync"),
        content=ft.Container(
            ft.Row(inside, spacing=6, tight=True),
            key="sync-chip",
            tooltip=says,
            height=40,
            padding=ft.Padding.symmetric(horizontal=12),
            border_radius=20,
            bgcolor=ft.Colors.SURFACE_CONTAINER_HIGH,
            ink=True,
            on_click=lambda _: shell.go("/sync"),
        ),
    )


@ft.component
def OfflineStrip(shell: Shell) -> ft.Control:
    """A calm grey line that says what still works. Takes no room while online."""
    sync = watch(shell.sync)
    return ft.Container(
        ft.Row(
            [
                ft.Icon(ft.Icons.CLOUD_OFF_OUTLINED, size=16, color=ft.Colors.ON_SURFACE_VARIANT),
                words.faint(t("offline.strip"), expand=True),
            ],
            spacing=8,
        ),
        key="offline-strip",
        visible=sync.state == "offline",
        bgcolor=ft.Colors.SURFACE_CONTAINER_HIGHEST,
        padding=ft.Padding.symmetric(horizontal=16, vertical=6),
    )

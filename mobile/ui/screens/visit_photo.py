"""One photo of a visit, as large as the screen; pinch to look closer."""

from __future__ import annotations

import flet as ft

from mobile.ui import formats
from mobile.ui.components import buttons, frame, privacy, surfaces
from mobile.ui.components.messages import refusal_card
from mobile.ui.hooks import use_maybe
from mobile.ui.screens.customer.looking import use_look
from mobile.ui.state import use_query, use_shell
from mobile.ui.texts import t
from shared.entities import File
from shared.errors import Code


@ft.component
def VisitPhotoScreen() -> ft.View:
    """A photo that is not on this phone says so, and is fetched when asked for."""
    shell = use_shell()
    params = ft.use_route_params()
    file_id, back = params["file_id"], f"/visits/{params['visit_id']}"
    found = use_query(lambda store: store.get(File, file_id), [file_id], ("file",))
    file = found.value
    kept = use_query(
        lambda store: store.blob(file.sha256) if file else None, [file and file.sha256], ("file",)
    )
    fetched, set_fetched = use_maybe(bytes)
    recorded, unrecorded = use_look(shell, "file", file_id, file.customer_id if file else None)
    title = t("visit.photo.title")
    if unrecorded is not None or file is None:
        problem = unrecorded or found.refusal or Code.RECORD_MISSING
        return frame.screen(shell, [refusal_card(problem)], title=title, back=back)
    if not recorded:
        return frame.screen(shell, [surfaces.skeleton(1)], title=title, back=back)
    data = kept.value or fetched

    async def fetch() -> None:
        set_fetched(await shell.syncing.file(file))

    if data is None:
        ask = buttons.tonal(
            shell, "fetch", t("visit.photo.fetch"), fetch, icon=ft.Icons.CLOUD_DOWNLOAD_OUTLINED
        )
        away = surfaces.empty(
            ft.Icons.CLOUD_OUTLINED, t("visit.photo.away"), t("visit.photo.away.text"), ask
        )
        return frame.screen(shell, [away], title=title, back=back)
    says = t("visit.photo", size=formats.size(file.bytes))
    return frame.screen(
        shell,
        ft.InteractiveViewer(
            ft.Image(src=data, fit=ft.BoxFit.CONTAIN, semantics_label=says), expand=True
        ),
        title=f"{title} · {formats.size(file.bytes)}",
        back=back,
        scroll=False,
        full_width=True,
        overlay=privacy.watermark(shell),
    )

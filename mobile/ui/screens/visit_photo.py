"""One photo of a visit, as large as the screen; pinch to look closer."""

from __future__ import annotations

import flet as ft

from mobile.ui import formats
from mobile.ui.components import frame, privacy, surfaces
from mobile.ui.components.messages import refusal_card
from mobile.ui.screens.customer.looking import use_look
from mobile.ui.state import use_query, use_shell
from mobile.ui.texts import t
from shared.entities import File
from shared.errors import Code


@ft.component
def VisitPhotoScreen() -> ft.View:
    """A photo that is not on this phone says so."""
    shell = use_shell()
    params = ft.use_route_params()
    found = use_query(lambda store: store.get(File, params["file_id"]), [params["file_id"]])
    file, back = found.value, f"/visits/{params['visit_id']}"

    recorded, unrecorded = use_look(
        shell, "file", params["file_id"], file.customer_id if file else None
    )
    if unrecorded is not None or file is None:
        problem = unrecorded or found.refusal or Code.RECORD_MISSING
        return frame.screen(shell, [refusal_card(problem)], title=t("entity.file"), back=back)
    if not recorded:
        return frame.screen(shell, [surfaces.skeleton(1)], title=t("entity.file"), back=back)
    data = shell.store.blob(file.sha256)
    if data is None:
        away = surfaces.empty(
            ft.Icons.CLOUD_OUTLINED, t("visit.photo.away"), t("visit.photo.away.text")
        )
        return frame.screen(shell, [away], title=t("entity.file"), back=back)
    says = t("visit.photo", size=formats.size(file.bytes))
    return frame.screen(
        shell,
        ft.InteractiveViewer(
            ft.Image(src=data, fit=ft.BoxFit.CONTAIN, semantics_label=says), expand=True
        ),
        title=f"{t('entity.file')} · {formats.size(file.bytes)}",
        back=back,
        scroll=False,
        full_width=True,
        overlay=privacy.watermark(shell),
    )

"""Signing: what is signed stands beside the pad, and one confirmation seals it (S2 #95, L6).

Strokes and names are drafted as they come, so that a kill or a turned phone costs nothing.
"""

from __future__ import annotations

from typing import Any

import flet as ft

from mobile.ui import formats
from mobile.ui.components import buttons, frame, surfaces, words
from mobile.ui.components.chips import chips
from mobile.ui.components.entry import text_entry
from mobile.ui.components.messages import confirm, notice, refusal_card
from mobile.ui.hooks import keyed, use_held, use_state
from mobile.ui.screens.customer.looking import use_look
from mobile.ui.screens.report.content import summary
from mobile.ui.screens.report_pdf import SIGNER_ROLES
from mobile.ui.screens.sign_off.ink import recalled
from mobile.ui.screens.sign_off.pad import Pad, PadState, pad_state
from mobile.ui.screens.sign_off.refusing import Refusing
from mobile.ui.state import Shell, use_query, use_shell, watch
from mobile.ui.texts import choice, label, t
from mobile.ui.theme import GAP, PAD
from mobile.usecases.repairs import Job, Repairs
from mobile.usecases.report_writing import ReportWriting
from mobile.usecases.sign_off import SignOff, draft_key
from shared.entities import Report
from shared.errors import Code

_CROWDED = 1.5  # text size from which the fields scroll with the summary, so that the pad has room
_BESIDE = 600  # dp of width from which the summary stands beside the pad


@ft.component
def SignOffScreen() -> ft.View:
    """Only a complete report is signed; an incomplete one leads back to what is missing."""
    shell = use_shell()
    case_id = ft.use_route_params()["case_id"]
    found = use_query(
        lambda store: Repairs(store).job(case_id), [case_id], watch=("case", "report")
    )
    title, back = t("sign.title"), f"/cases/{case_id}/report"
    job = found.value
    open_report = job.open_report if job else None
    recorded, unrecorded = use_look(
        shell,
        "report",
        open_report.id if open_report else "",
        open_report.customer_id if open_report else None,
    )
    if job is None or job.open_report is None or unrecorded is not None:
        problem = found.refusal or unrecorded or Code.REPORT_SEALED
        return frame.screen(shell, [refusal_card(problem)], title=title, back=f"/cases/{case_id}")
    if not recorded:
        return frame.screen(shell, [surfaces.skeleton()], title=title, back=back)
    writing = ReportWriting(shell.store)
    if writing.missing_to_sign(job.open_report) or writing.unsaid(job.open_report):
        to_report = buttons.tonal(shell, "to-report", t("sign.to_report"), lambda: shell.go(back))
        missing = notice(ft.Icons.EDIT_NOTE, t("sign.incomplete"), action=to_report, tone="warning")
        return frame.screen(shell, [missing], title=title, back=back)
    return keyed(f"sign-{job.open_report.id}", Signing, shell, job, job.open_report)


def sign_off(shell: Shell) -> SignOff:
    """The use case with this device's key."""
    profile = shell.session.profile
    return SignOff(shell.store, shell.services.keys, profile.device_id if profile else "")


@ft.component
def Signing(shell: Shell, job: Job, report: Report) -> ft.View:
    """The pad with everything around it."""
    watch(shell.window)
    key = draft_key(report.id)
    draft: dict[str, Any] = ft.use_memo(lambda: shell.store.draft(key) or {}, [key])
    pad: PadState = ft.use_memo(lambda: pad_state(recalled(draft)), [key])
    name = use_held(str(draft.get("name") or _likely_signer(job)))
    role, set_role = use_state(str(draft.get("role") or ""))
    lacking, set_lacking = use_state("")
    refusing, set_refusing = use_state(False)
    busy, set_busy = use_state(False)

    def keep(chosen: str | None = None) -> None:
        said = {"name": name.current, "role": role if chosen is None else chosen}
        about = ("report", report.id)
        shell.store.save_draft(key, {**pad.ink.drafted(), **said}, about=about)

    def choose(word: str) -> None:
        set_role(word)
        keep(word)

    def named(text: str) -> None:
        name.current = text
        keep()

    pad.ink.on_stroke = keep

    async def sign() -> None:
        missing = "name" if not name.current.strip() else "" if pad.ink.signed else "pad"
        set_lacking(missing)
        if missing or not await _sure(shell):
            return
        set_busy(True)
        try:
            ink = pad.ink
            strokes, aspect = ink.strokes, round(ink.aspect or 1.0, 4)
            signed = await sign_off(shell).sign(report, strokes, aspect, name.current, role or None)
        finally:
            set_busy(False)
        _leave(shell, signed)

    async def refuse(reason: str) -> None:
        if await _sure(shell):
            _leave(shell, await sign_off(shell).refuse(report, reason, name.current))

    title, back = t("sign.title"), f"/cases/{job.case.id}/report"
    if refusing:
        asked = keyed("refusing", Refusing, shell, refuse, lambda: set_refusing(False))
        return frame.screen(shell, [asked], title=title, back=back)
    fields = _fields(name.current, named, role, choose, lacking == "name")
    body = _laid_out(shell, job, report, pad, fields, lacking == "pad")
    return frame.screen(
        shell,
        ft.Container(body, padding=PAD, expand=True),
        title=title,
        back=back,
        bottom=[
            buttons.secondary(shell, "refuse", t("sign.refuse"), lambda: set_refusing(True)),
            buttons.primary(
                shell, "sign", t("sign.do"), sign, icon=ft.Icons.LOCK_OUTLINE, disabled=busy
            ),
        ],
        scroll=False,
        full_width=True,
    )


def _likely_signer(job: Job) -> str:
    if job.contact is not None:
        return str(job.contact.name)
    person = job.customer is not None and job.customer.kind != "company"
    return str(job.customer.name) if job.customer is not None and person else ""


async def _sure(shell: Shell) -> bool:
    return await confirm(shell, t("sign.confirm"), t("sign.confirm.text"), t("sign.confirm.do"))


def _leave(shell: Shell, signed: Report) -> None:
    """To the sealed report; the way back does not lead to the pad."""
    shell.visit(f"/reports/{signed.id}")


def _laid_out(
    shell: Shell, job: Job, report: Report, pad: PadState, fields: ft.Control, empty: bool
) -> ft.Control:
    """Beside each other where the window is wide or lies on its side, else above."""
    now = shell.now()
    words_ = [*summary(job, report), words.faint(t("sign.at", when=formats.when(now, now)))]
    crowded = shell.display.text_scale >= _CROWDED
    read = ft.Column(
        [*words_, fields] if crowded else words_,
        spacing=GAP,
        scroll=ft.ScrollMode.AUTO,
        expand=True,
        horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
    )
    drawing = ft.Column(
        [_tools(shell, pad, empty), keyed("pad", Pad, pad)],
        spacing=GAP,
        expand=True,
        horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
    )
    width, height = shell.page.width or 0, shell.page.height or 0
    if width >= _BESIDE and (width > height or shell.window.wide):
        left = read if crowded else ft.Column([read, fields], spacing=GAP, expand=True)
        return ft.Row(
            [ft.Container(left, width=min(360, width * 0.4)), ft.Container(drawing, expand=True)],
            spacing=PAD,
            expand=True,
            vertical_alignment=ft.CrossAxisAlignment.STRETCH,
        )
    return ft.Column(
        [
            ft.Container(read, expand=3),
            ft.Divider(height=1),
            *([] if crowded else [fields]),
            ft.Container(drawing, expand=5),
        ],
        spacing=GAP,
        expand=True,
        horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
    )


def _fields(name: str, named: Any, role: str, choose: Any, lacking: bool) -> ft.Control:
    roles = [(word, choice("signer_role", word)) for word in SIGNER_ROLES]
    return ft.Column(
        [
            text_entry(
                "signer-name",
                label("signer_name"),
                name,
                named,
                max_length=80,
                counter="",
                dense=True,
                error=t("form.required") if lacking else None,
            ),
            chips("role", roles, role or None, lambda word: choose(word or "")),
        ],
        spacing=4,
        tight=True,
        horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
    )


def _tools(shell: Shell, pad: PadState, empty: bool) -> ft.Control:
    def undo() -> None:
        pad.ink.undo()
        pad.redraw()

    def clear() -> None:
        pad.ink.clear()
        pad.redraw()

    ink = ft.Colors.ERROR if empty else ft.Colors.ON_SURFACE_VARIANT
    ask = words.faint(t("sign.here"), color=ink)
    said = ft.Column([words.body(t("sign.statement")), ask], spacing=0, tight=True, expand=True)
    return ft.Row(
        [
            said,
            buttons.icon(shell, "pad-undo", ft.Icons.UNDO, t("sign.undo"), undo),
            buttons.icon(shell, "pad-clear", ft.Icons.DELETE_OUTLINE, t("sign.clear"), clear),
        ],
        spacing=GAP,
    )

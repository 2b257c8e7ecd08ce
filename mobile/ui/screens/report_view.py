"""A sealed report: what was signed, by whom, and the proof that it still says so; as a PDF for the
customer.
"""

from __future__ import annotations

import flet as ft
import flet.canvas as cv

from mobile.store.store import Store
from mobile.ui import formats
from mobile.ui.components import buttons, frame, marks, privacy, surfaces, words
from mobile.ui.components.messages import notice, refusal_card, say
from mobile.ui.hooks import keyed, use_effect, use_maybe, use_state, use_task
from mobile.ui.screens.case.steps import write
from mobile.ui.screens.report.content import content
from mobile.ui.screens.report_pdf import share, warm_up
from mobile.ui.screens.sign_off.pad import strokes_shapes
from mobile.ui.screens.sign_off.page import sign_off
from mobile.ui.state import Shell, use_query, use_shell
from mobile.ui.texts import choice, label, t
from mobile.usecases.repairs import Job, Repairs
from mobile.usecases.sign_off import callback_of
from shared.declare import Role
from shared.entities import Callback, Report, Signature
from shared.errors import Code, Refusal

_DEVICE_DIGITS = 12  # of its id, at the end: what comes before is a time
_PAD_WIDTH = 280.0  # dp of the signature as it is shown


@ft.component
def ReportViewScreen() -> ft.View:
    """Looked at on record; a report that is still being written is not shown here."""
    shell = use_shell()
    report_id = ft.use_route_params()["report_id"]
    recorded, set_recorded = use_state(False)
    unrecorded, set_unrecorded = use_maybe(Refusal)
    found = use_query(
        lambda store: sealed(store, report_id),
        [report_id],
        watch=("report", "case", "callback", "file"),
    )

    def record() -> None:
        if found.value is None:
            return
        try:
            report = found.value[1]
            privacy.record_look(shell, "report", report_id, report.customer_id, "opened")
            set_recorded(True)
        except Refusal as refusal:
            set_unrecorded(refusal)

    use_effect(record, [report_id, found.value is None])
    title, refusal = t("entity.report"), found.refusal or unrecorded
    if refusal is not None:
        return frame.screen(shell, [refusal_card(refusal)], title=title, back="/cases")
    if found.value is None or not recorded:
        return frame.screen(shell, [surfaces.skeleton()], title=title, back="/cases")
    return keyed(f"sealed-{report_id}", Sealed, shell, *found.value)


def sealed(store: Store, report_id: str) -> tuple[Job, Report, Callback | None]:
    """Refuses `record_missing` where no such signed report may be read."""
    report = store.get(Report, report_id)
    if report is None or report.signature is None:
        raise Refusal(Code.RECORD_MISSING, entity="report")
    return Repairs(store).job(report.case_id), report, callback_of(store, report)


@ft.component
def Sealed(shell: Shell, job: Job, report: Report, callback: Callback | None) -> ft.View:
    """The seal is verified on this device each time, without a network."""
    stands, set_stands = use_maybe(bool)
    busy, set_busy = use_state(False)
    use_task(warm_up, [report.id])

    async def verify() -> None:
        set_stands(await sign_off(shell).verify(report))

    use_task(verify, [report.id])

    async def hand_over() -> None:
        set_busy(True)
        try:
            await share(shell, job, report)
            say(shell, t("sealed.shared"))
        finally:
            set_busy(False)

    seal = report.signature
    assert seal is not None
    proof: list[ft.Control] = [_verdict(stands), _signature(shell, seal)]
    if callback is not None:
        proof.append(_callback(shell, callback))
    written = content(shell, job, report)
    body: list[ft.Control] = [*proof, *written]
    if shell.window.wide:
        body = [surfaces.columns(proof, written)]
    if busy:
        body.insert(0, ft.ProgressBar(semantics_label=t("sealed.rendering")))
        body.insert(1, words.faint(t("sealed.rendering")))
    return frame.screen(
        shell,
        body,
        title=t("report.of_case", number=job.case.number),
        back=f"/cases/{job.case.id}",
        bottom=[*_amend(shell, job), buttons.primary(
            shell, "share", t("sealed.share"), hand_over, icon=ft.Icons.PICTURE_AS_PDF_OUTLINED,
            disabled=busy,
        )],
        broad=True,
        overlay=privacy.watermark(shell),
    )  # fmt: skip


def _amend(shell: Shell, job: Job) -> list[ft.Control]:
    """A correction is a report of its own beside this one (L6)."""
    if shell.role != Role.TECHNICIAN:
        return []
    return [
        buttons.secondary(
            shell, "amend", t("sealed.amend"), lambda: write(shell, job), icon=ft.Icons.EDIT_NOTE
        )
    ]


def _verdict(stands: bool | None) -> ft.Control:
    if stands is None:
        return notice(ft.Icons.HOURGLASS_EMPTY, t("sealed.checking"))
    if stands:
        return notice(ft.Icons.VERIFIED, t("sealed.stands"), t("sealed.stands.text"))
    return notice(ft.Icons.GPP_BAD, t("sealed.broken"), t("sealed.broken.text"), tone="error")


def _signature(shell: Shell, seal: Signature) -> ft.Control:
    lines: list[ft.Control] = []
    if seal.refused_because:
        lines += [
            words.title(t("sealed.refused")),
            surfaces.pair(label("refused_because"), seal.refused_because),
        ]
    else:
        lines.append(_drawn(seal))
    who = " · ".join(p for p in (seal.signer_name, choice("signer_role", seal.signer_role)) if p)
    if who:
        lines.append(surfaces.pair(label("signer_name"), who))
    when = formats.when(seal.signed_at, shell.now())
    lines += [
        surfaces.pair(label("signed_at"), when),
        surfaces.pair(label("content_hash"), grouped(seal.content_hash)),
        surfaces.pair(label("device_id"), grouped(seal.device_id[-_DEVICE_DIGITS:])),
    ]
    return surfaces.card(lines)


def grouped(hexadecimal: str) -> str:
    """A fingerprint in groups of four, so that two people can compare it aloud."""
    return " ".join(hexadecimal[at : at + 4] for at in range(0, len(hexadecimal), 4))


def _drawn(seal: Signature) -> ft.Control:
    """The strokes as they were set, in the pad's own shape."""
    scale = _PAD_WIDTH / 1000
    strokes = [
        [(x * scale, y * scale) for x, y in zip(s.points[::2], s.points[1::2], strict=True)]
        for s in seal.strokes
    ]
    height = _PAD_WIDTH / (seal.aspect or 2.5)
    return ft.Semantics(
        label=t("sealed.signature", name=seal.signer_name or ""),
        container=True,
        content=ft.Container(
            cv.Canvas(shapes=strokes_shapes(strokes), width=_PAD_WIDTH, height=height),
            key="signature",
            width=_PAD_WIDTH,
            height=height,
            border=ft.Border.all(1, ft.Colors.OUTLINE_VARIANT),
            border_radius=8,
            bgcolor=ft.Colors.SURFACE_CONTAINER_LOWEST,
        ),
    )


def _callback(shell: Shell, callback: Callback) -> ft.Control:
    when = formats.when(callback.next_attempt_at or callback.due_at, shell.now())
    return surfaces.card(
        [
            ft.Row(
                [
                    ft.Icon(ft.Icons.PHONE_CALLBACK_OUTLINED),
                    words.body(t("repair.callback", when=when), expand=True),
                    marks.state(callback.state),
                ]
            )
        ]
    )

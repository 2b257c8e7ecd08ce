"""Welcome and sign-in: the one time that the app needs a network."""

from __future__ import annotations

import flet as ft

from mobile.ui.components import buttons, frame, words
from mobile.ui.components.chips import pick_one
from mobile.ui.components.entry import entry, secret_entry
from mobile.ui.components.messages import guarded, notice, refusal_card
from mobile.ui.hooks import Held, use_effect, use_held, use_maybe, use_state
from mobile.ui.state import Shell, use_shell
from mobile.ui.texts import LANGUAGES, choice, language, t
from mobile.usecases.arrival import Arrival
from shared.errors import Code, Refusal


@ft.component
def SignInScreen() -> ft.View:
    """Server, user name, password, and a code where a second factor is wanted. In the browser the
    server is the one that the app came from, and the company's own sign-in may stand in the
    password's place: it sends the browser back with a ticket.
    """
    shell = use_shell()
    profile, place = shell.session.profile, shell.services.place
    server = use_held(place.origin or (profile.server_url if profile else ""))
    username, password, factor = use_held(""), use_held(""), use_held("")
    brought = use_held(shell.arrival or Arrival())
    refusal, set_refusal = use_maybe(Refusal)
    busy, set_busy = use_state(False)
    missing, set_missing = use_state(False)
    wanted, set_wanted = use_state(False)
    company, set_company = use_state("")
    arrived = brought.current

    async def submit() -> None:
        by_ticket = bool(brought.current.ticket)
        asked = (server,) if by_ticket else (server, username, password)
        complete = all(ref.current.strip() for ref in (*asked, *((factor,) if wanted else ())))
        set_missing(not complete)
        set_refusal(None)
        if not complete:
            return
        set_busy(True)
        platform = t(f"platform.{place.platform}")
        device = t("sign_in.device", user=username.current.strip(), platform=platform)
        try:
            await shell.session.sign_in(
                server.current.strip(),
                username.current,
                password.current,
                platform if by_ticket else device,
                second_factor=factor.current,
                enrolment_code=brought.current.enrolment_code,
                ticket=brought.current.ticket,
            )
        except Refusal as refused:
            if refused.code is Code.SECOND_FACTOR_WANTED:
                set_wanted(True)
            else:
                _spent(brought, refused)
                set_refusal(refused)
            factor.current = ""
        finally:
            set_busy(False)

    async def begin() -> None:
        shell.arrival = None  # this page makes use of it, once
        if arrived.failed is not None:
            set_refusal(Refusal(arrived.failed))
        if arrived.ticket:
            await submit()
        if place.origin:
            set_company(await shell.session.company_sign_in(place.origin) or "")

    async def leave() -> None:
        set_refusal(None)
        set_busy(True)
        try:
            await shell.session.leave_for_company(place.origin)
        except Refusal as refused:
            set_refusal(refused)
            set_busy(False)

    use_effect(begin, [])
    send = guarded(shell, submit)
    controls: list[ft.Control] = [
        _brand(shell),
        words.headline(t("sign_in.title")),
        words.body(t("sign_in.text"), color=ft.Colors.ON_SURFACE_VARIANT),
    ]
    if shell.session.wiped:
        controls.append(refusal_card(Code.DEVICE_WIPED))
    if not shell.services.files.storage.durable:
        controls.append(refusal_card(Code.STORAGE_NOT_DURABLE))
    if arrived.enrolment_code:
        controls.append(notice(ft.Icons.QR_CODE_2, t("sign_in.arrived.code")))
    if arrived.ticket and busy:
        controls.append(notice(ft.Icons.VERIFIED_USER_OUTLINED, t("sign_in.arrived.ticket")))
    if not arrived.ticket:
        if not place.origin:
            controls.append(
                entry(
                    "server",
                    t("sign_in.server"),
                    server,
                    hint_text=t("sign_in.server.hint"),
                    keyboard_type=ft.KeyboardType.URL,
                )
            )
        controls += [
            entry(
                "username",
                t("sign_in.username"),
                username,
                autofocus=True,
                autofill_hints=[ft.AutofillHint.USERNAME],
                autocorrect=False,
            ),
            secret_entry("password", t("sign_in.password"), password, on_submit=send),
        ]
    if wanted:
        controls += [
            words.body(t("sign_in.second_factor.text")),
            entry(
                "second-factor",
                t("sign_in.second_factor"),
                factor,
                autofocus=True,
                autofill_hints=[ft.AutofillHint.ONE_TIME_CODE],
                autocorrect=False,
                on_submit=send,
            ),
        ]
    if missing:
        controls.append(words.body(t("sign_in.missing"), color=ft.Colors.ERROR))
    if refusal is not None:
        controls.append(_refused(refusal))
    said = t("sign_in.continue" if arrived.ticket else "sign_in.submit")
    controls.append(
        buttons.primary(shell, "sign-in", said, submit, icon=ft.Icons.LOGIN, disabled=busy)
    )
    if busy:
        controls.append(ft.ProgressBar(semantics_label=said))
    if company and not arrived.ticket:
        name = t("sign_in.company", name=company)
        controls += [
            words.faint(t("sign_in.or"), text_align=ft.TextAlign.CENTER),
            buttons.secondary(
                shell, "company", name, leave, icon=ft.Icons.BADGE_OUTLINED, disabled=busy
            ),
        ]
    if profile is not None and profile.vault:
        back = shell.session.back_to_lock
        controls.append(buttons.quiet(shell, "back-to-lock", t("sign_in.back"), back))
    return frame.plain(controls)


def _spent(brought: Held[Arrival], refused: Refusal) -> None:
    """What can't be used again is forgotten, so that the page offers the other ways."""
    if refused.code in (Code.TOKEN_INVALID, Code.ENROLMENT_CODE_INVALID):
        brought.current = Arrival()


def _refused(refusal: Refusal) -> ft.Control:
    """Elsewhere work goes on without a network; here it can't begin."""
    if refusal.code is Code.OFFLINE:
        return notice(ft.Icons.CLOUD_OFF_OUTLINED, t("sign_in.offline"), t("sign_in.offline.text"))
    return refusal_card(refusal)


def _brand(shell: Shell) -> ft.Control:
    """Name and what it is for, and the language: someone who can't read this page must be able to
    change it.
    """

    mark = ft.Container(
        ft.Icon(ft.Icons.PUBLISHED_WITH_CHANGES, color=ft.Colors.ON_PRIMARY, size=28),
        bgcolor=ft.Colors.PRIMARY,
        border_radius=14,
        padding=12,
    )
    name = ft.Column(
        [words.headline(t("app.name"), color=ft.Colors.PRIMARY), words.faint(t("app.tagline"))],
        spacing=0,
        tight=True,
        expand=True,
    )
    names = ft.Row([mark, name], spacing=16)
    known = [(tag, choice("language", tag)) for tag in LANGUAGES]
    languages = pick_one("language", known, language(), shell.speak)
    return ft.Column([names, languages], spacing=16, tight=True)

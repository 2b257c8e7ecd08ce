"""The second factor of whoever is signed in: set up here, its recovery codes shown once, taken off
here. Needs a network, and says so where there is none.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeVar

import flet as ft

from mobile.ui import formats
from mobile.ui.components import buttons, frame, marks, surfaces, words
from mobile.ui.components.entry import entry, secret_entry
from mobile.ui.components.messages import notice, refusal_card, say
from mobile.ui.hooks import Held, use_held, use_maybe, use_state, use_task
from mobile.ui.state import Shell, use_shell
from mobile.ui.texts import t
from mobile.ui.theme import PAD
from shared.clock import from_wire
from shared.errors import Code, Refusal
from shared.wire_second_factor import BegunReply, SecondFactorState

T = TypeVar("T")
_AWAY = frozenset({Code.OFFLINE, Code.CUT_SHORT})
_QR = 220


@ft.component
def SecondFactorScreen() -> ft.View:
    """Off: the password begins it. Begun: the authenticator learns it and shows a first code. On:
    new recovery codes, or off again.
    """
    shell = use_shell()
    state, set_state = use_maybe(SecondFactorState)
    begun, set_begun = use_maybe(BegunReply)
    codes, set_codes = use_maybe(list)
    refusal, set_refusal = use_maybe(Refusal)
    asked, ask = use_state(0)
    password, code = use_held(""), use_held("")

    async def answered(call: Callable[[], Awaitable[T]]) -> T | None:
        """What the server says; None where it refused, which is then on the screen."""
        set_refusal(None)
        try:
            found = await call()
        except Refusal as refused:
            set_refusal(refused)
            return None
        finally:
            code.current = ""
        return found

    async def load() -> None:
        peer_says = shell.syncing.ask
        set_state(await answered(lambda: peer_says(lambda peer: peer.second_factor())))

    async def begin() -> None:
        said = password.current
        password.current = ""
        ask_peer = shell.syncing.ask
        set_begun(await answered(lambda: ask_peer(lambda p: p.begin_second_factor(said))))

    async def confirm() -> None:
        shown = code.current
        ask_peer = shell.syncing.ask
        found = await answered(lambda: ask_peer(lambda p: p.confirm_second_factor(shown)))
        if found is not None:
            set_begun(None)
            set_codes(found)

    async def renew() -> None:
        shown = code.current
        ask_peer = shell.syncing.ask
        set_codes(await answered(lambda: ask_peer(lambda p: p.renew_recovery_codes(shown))))

    async def end() -> None:
        said, shown = password.current, code.current
        password.current = ""
        ask_peer = shell.syncing.ask

        async def ended() -> bool:
            await ask_peer(lambda p: p.end_second_factor(said, shown))
            return True

        if await answered(ended):
            say(shell, t("factor.ended"))
            ask(asked + 1)

    def kept() -> None:
        set_codes(None)
        ask(asked + 1)

    use_task(load, [asked])
    body: list[ft.Control] = []
    if refusal is not None and refusal.code in _AWAY:
        retry = buttons.tonal(shell, "factor-retry", t("action.retry"), lambda: ask(asked + 1))
        text = t("factor.offline.text")
        body.append(notice(ft.Icons.CLOUD_OFF_OUTLINED, t("factor.offline"), text, retry))
    elif refusal is not None:
        body.append(refusal_card(refusal))
    if codes is not None:
        body.append(_codes(shell, codes, kept))
    elif begun is not None:
        body.append(
            surfaces.card(
                [
                    *_learning(begun),
                    _code(code),
                    buttons.primary(shell, "factor-confirm", t("factor.confirm"), confirm),
                ],
                spacing=PAD,
            )
        )
    elif state is not None and state.enrolled_at is None:
        body.append(
            surfaces.card(
                [
                    words.body(t("factor.what")),
                    secret_entry("factor-password", t("sign_in.password"), password),
                    buttons.primary(shell, "factor-begin", t("factor.begin"), begin),
                ],
                spacing=PAD,
            )
        )
    elif state is not None and state.enrolled_at is not None:
        body += [
            _on(from_wire(state.enrolled_at), state.recovery_codes_left, shell.now()),
            surfaces.card(
                [
                    words.body(t("factor.change")),
                    _code(code),
                    buttons.tonal(shell, "factor-renew", t("factor.renew"), renew),
                    secret_entry("factor-password", t("sign_in.password"), password),
                    buttons.danger(shell, "factor-end", t("factor.end"), end),
                ],
                spacing=PAD,
            ),
        ]
    elif refusal is None:
        body.append(surfaces.skeleton(2))
    return frame.screen(shell, body, title=t("factor.title"), back="/settings")


def _code(code: Held[str]) -> ft.Control:
    return entry(
        "factor-code",
        t("sign_in.second_factor"),
        code,
        autocorrect=False,
        autofill_hints=[ft.AutofillHint.ONE_TIME_CODE],
    )


def _learning(begun: BegunReply) -> list[ft.Control]:
    """A picture for another device's camera; on this one, a link and the secret itself."""
    png = b64decode(begun.qr_png)
    picture = ft.Image(src=png, width=_QR, height=_QR, semantics_label=t("factor.qr"))
    return [
        words.body(t("factor.learn")),
        ft.Row([picture], alignment=ft.MainAxisAlignment.CENTER),
        words.faint(t("factor.by_hand")),
        ft.Text(begun.secret, selectable=True, weight=ft.FontWeight.W_600),
        ft.TextButton(
            t("factor.open"),
            key="factor-open",
            icon=ft.Icons.OPEN_IN_NEW,
            url=ft.Url(begun.uri, target=ft.UrlTarget.SELF),
        ),
    ]


def _codes(shell: Shell, codes: list[str], kept: Callable[[], None]) -> ft.Control:
    text = ft.Text("\n".join(codes), selectable=True, weight=ft.FontWeight.W_600)
    return surfaces.card(
        [
            words.title(t("factor.codes")),
            words.body(t("factor.codes.text")),
            text,
            buttons.primary(shell, "factor-kept", t("factor.codes.kept"), kept),
        ],
        spacing=PAD,
    )


def _on(since: datetime, left: int, now: datetime) -> ft.Control:
    tone = "wait" if left < 4 else "calm"
    return surfaces.card(
        [
            ft.Row(
                [
                    marks.badge(t("factor.on"), "active"),
                    marks.badge(t("factor.left", count=left), tone),
                ]
            ),
            words.body(t("factor.since", when=formats.when(since, now))),
        ]
    )

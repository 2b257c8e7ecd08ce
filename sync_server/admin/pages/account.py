"""One's own account: a second factor set up, its recovery codes shown once, and taken off again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from markupsafe import Markup
from starlette.responses import Response

from shared.declare import text
from sync_server.admin.forms import Form, filled, submit
from sync_server.admin.page import WITH_HEAD_OFFICE, Page, Visiting
from sync_server.admin.visit import Visit
from sync_server.services.passwords import LONGEST_PASSWORD
from sync_server.services.qr import as_svg
from sync_server.services.second_factors import Begun
from sync_server.services.typed_codes import LONGEST_TYPED

PAGE = Page("account", group="access", roles=WITH_HEAD_OFFICE)
router = PAGE.router()


@dataclass(frozen=True, slots=True, kw_only=True)
class Password:
    """One's password, once more: a page may be left open."""

    password: str = text(4 * LONGEST_PASSWORD, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """A code of the authenticator, or a recovery code."""

    shown: str = text(LONGEST_TYPED, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Both:
    """What it takes to sign in without a second factor from now on."""

    password: str = text(4 * LONGEST_PASSWORD, required=True)
    shown: str = text(LONGEST_TYPED, required=True)


@router.get("")
def account(visit: Visiting) -> Response:
    return _begin_form(visit, filled(Password), 200)


@router.post("/begin")
def begin(visit: Visiting) -> Response:
    """Shows the secret, in the answer itself: it stands at no address."""
    return submit(visit, Password, partial(_begun, visit), partial(_begin_form, visit))


@router.post("/confirm")
def confirm(visit: Visiting) -> Response:
    return submit(visit, Code, partial(_confirmed, visit), partial(_code_form, visit, None))


@router.get("/recovery")
def recovery(visit: Visiting) -> Response:
    return _recovery_form(visit, filled(Code), 200)


@router.post("/recovery")
def renew(visit: Visiting) -> Response:
    return submit(visit, Code, partial(_renewed, visit), partial(_recovery_form, visit))


@router.get("/end")
def ending(visit: Visiting) -> Response:
    return _end_form(visit, filled(Both), 200)


@router.post("/end")
def end(visit: Visiting) -> Response:
    return submit(visit, Both, partial(_ended, visit), partial(_end_form, visit))


def _begun(visit: Visit, asked: Password) -> Response:
    made = visit.server.own_account.begin_second_factor(visit.caller, asked.password)
    return _code_form(visit, made, filled(Code), 200)


def _confirmed(visit: Visit, asked: Code) -> Response:
    return _codes(visit, visit.server.own_account.confirm_second_factor(visit.caller, asked.shown))


def _renewed(visit: Visit, asked: Code) -> Response:
    return _codes(visit, visit.server.own_account.renew_recovery_codes(visit.caller, asked.shown))


def _ended(visit: Visit, asked: Both) -> Response:
    visit.server.own_account.end_second_factor(visit.caller, asked.password, asked.shown)
    return visit.done(PAGE.path, "account.ended")


def _codes(visit: Visit, codes: Sequence[str]) -> Response:
    return visit.show("account_codes.html", codes=codes)


def _begin_form(visit: Visit, form: Form[Password], status: int) -> Response:
    state = visit.server.own_account.second_factor(visit.caller)
    return visit.show("account.html", status=status, form=form, state=state)


def _code_form(visit: Visit, made: Begun | None, form: Form[Code], status: int) -> Response:
    """After a wrong code the secret is not shown again: the authenticator has it, or one begins
    anew."""
    form.raw.clear()
    picture = Markup(as_svg(made.uri)) if made else None
    return visit.show("account_confirm.html", status=status, form=form, made=made, picture=picture)


def _recovery_form(visit: Visit, form: Form[Code], status: int) -> Response:
    form.raw.clear()
    return visit.show("account_recovery.html", status=status, form=form)


def _end_form(visit: Visit, form: Form[Both], status: int) -> Response:
    form.raw.clear()
    return visit.show("account_end.html", status=status, form=form)

"""The code page: what stands between a right password and the console for whoever has a second
factor."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from starlette.responses import RedirectResponse, Response

from shared.declare import text
from sync_server.admin.forms import Form, filled, submit
from sync_server.admin.page import WITH_HEAD_OFFICE, Page, Visiting
from sync_server.admin.visit import COOKIE, HOME, Visit
from sync_server.services.console_sessions import SECOND_FACTOR
from sync_server.services.typed_codes import LONGEST_TYPED

PAGE = Page("totp", roles=WITH_HEAD_OFFICE, wanted=SECOND_FACTOR)
router = PAGE.router()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A code of the authenticator, or a recovery code."""

    shown: str = text(LONGEST_TYPED, required=True)


@router.get("")
def ask(visit: Visiting) -> Response:
    return _form(visit, filled(Shown), 200)


@router.post("")
def shown(visit: Visiting) -> Response:
    return submit(visit, Shown, partial(_accepted, visit), partial(_form, visit))


def _accepted(visit: Visit, asked: Shown) -> Response:
    visit.server.own_account.show_second_factor(visit.caller, asked.shown)
    fresh = visit.server.console.fulfil(visit.cookie, visit.who)
    response = RedirectResponse(HOME, 303)
    visit.keep(response, COOKIE, fresh)
    return response


def _form(visit: Visit, form: Form[Shown], status: int) -> Response:
    form.raw.clear()
    return visit.show("totp.html", status=status, form=form)

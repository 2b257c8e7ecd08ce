"""Someone's sign-in, for administrators: a code that lets their next device in, a second factor
taken off, an identity of the company's provider linked."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from markupsafe import Markup
from starlette.responses import RedirectResponse, Response

from shared.declare import text
from shared.errors import Code, Refusal
from sync_server.admin.forms import Form, filled, submit
from sync_server.admin.page import Page, Visiting
from sync_server.admin.visit import Visit
from sync_server.services import accounts
from sync_server.services.company_sign_in import ProviderSettings
from sync_server.services.identity_links import LONGEST, link, linked, unlink
from sync_server.services.letting_in import invite, take_factor_off
from sync_server.services.qr import as_svg

PAGE = Page("let_in", group="access", path="/console/let-in")
router = PAGE.router()


@dataclass(frozen=True, slots=True, kw_only=True)
class Whose:
    """Whose sign-in it is about."""

    username: str = text(accounts.LONGEST_USERNAME, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Linked:
    """What the company's provider says of them."""

    identity: str = text(LONGEST, required=True)


@router.get("")
def ask(visit: Visiting) -> Response:
    return _ask_form(visit, filled(Whose), 200)


@router.post("")
def find(visit: Visiting) -> Response:
    return submit(visit, Whose, partial(_found, visit), partial(_ask_form, visit))


@router.get("/{staff_id}")
def person(staff_id: str, visit: Visiting) -> Response:
    return _person(visit, staff_id, filled(Linked), 200)


@router.post("/{staff_id}/code")
def code(staff_id: str, visit: Visiting) -> Response:
    """Shows the code in the answer itself: it stands at no address."""
    codes, base = visit.server.sessions.codes, _base(visit)
    with visit.server.database.write() as connection:
        account = accounts.known_staff(connection, visit.org_id, staff_id)
        made = invite(connection, codes, account, base, visit.now, visit.caller)
    picture = Markup(as_svg(made.link))
    return visit.show("let_in_code.html", account=account, made=made, picture=picture)


@router.post("/{staff_id}/factor-off")
def factor_off(staff_id: str, visit: Visiting) -> Response:
    factors = visit.server.sessions.factors
    with visit.server.database.write() as connection:
        account = accounts.known_staff(connection, visit.org_id, staff_id)
        take_factor_off(connection, factors, account, visit.now, visit.caller)
    return visit.done(f"{PAGE.path}/{staff_id}", "let_in.factor_off.done")


@router.post("/{staff_id}/identity")
def identity(staff_id: str, visit: Visiting) -> Response:
    return submit(
        visit, Linked, partial(_linked, visit, staff_id), partial(_person, visit, staff_id)
    )


@router.post("/{staff_id}/identity-off")
def identity_off(staff_id: str, visit: Visiting) -> Response:
    issuer = _provider(visit).issuer
    with visit.server.database.write() as connection:
        account = accounts.known_staff(connection, visit.org_id, staff_id)
        unlink(connection, account, issuer, visit.now, visit.caller)
    return visit.done(f"{PAGE.path}/{staff_id}", "let_in.identity_off.done")


def _found(visit: Visit, asked: Whose) -> Response:
    with visit.server.database.read() as connection:
        account = accounts.by_username(connection, asked.username)
    if account is None or account.org_id != visit.org_id:
        raise Refusal(Code.RECORD_MISSING, field="username")
    return RedirectResponse(f"{PAGE.path}/{account.staff_id}", 303)


def _linked(visit: Visit, staff_id: str, asked: Linked) -> Response:
    provider = _provider(visit)
    with visit.server.database.write() as connection:
        account = accounts.known_staff(connection, visit.org_id, staff_id)
        said = asked.identity
        link(connection, account, provider.issuer, provider.claim, said, visit.now, visit.caller)
    return visit.done(f"{PAGE.path}/{staff_id}", "let_in.identity.done")


def _ask_form(visit: Visit, form: Form[Whose], status: int) -> Response:
    return visit.show("let_in.html", status=status, form=form)


def _person(visit: Visit, staff_id: str, form: Form[Linked], status: int) -> Response:
    company = visit.server.company
    with visit.server.database.read() as connection:
        account = accounts.known_staff(connection, visit.org_id, staff_id)
        state = visit.server.sessions.factors.state(connection, visit.org_id, staff_id)
        identity_now = (
            linked(connection, visit.org_id, staff_id, company.settings.issuer) if company else None
        )
    return visit.show(
        "let_in_person.html",
        status=status,
        form=form,
        account=account,
        state=state,
        company=company.settings if company else None,
        identity=identity_now,
    )


def _provider(visit: Visit) -> ProviderSettings:
    if visit.server.company is None:
        raise Refusal(Code.NOT_FOUND)
    return visit.server.company.settings


def _base(visit: Visit) -> str:
    """Where phones find the app."""
    public = visit.server.settings.public_url
    return public or f"{visit.request.url.scheme}://{visit.request.url.netloc}"

"""The page behind a store's public address, at ``/c/<secret>``, where customers write to it (S4
#177): no sign-in, no script, no cookie, nothing shown but the form and at last a number.

As with surveys (`answering`), logs and metrics name the route, never the address, and whoever asks
is counted in memory for a minute.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import partial

from anyio import to_thread
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from shared.declare import choice, text
from shared.ids import random_id
from sync_server.admin.answering import passer_by
from sync_server.admin.forms import Form, filled, submit
from sync_server.admin.page import ConsoleRoute, form_of
from sync_server.admin.visit import Visit, address_of
from sync_server.services import entrances
from sync_server.services.answer_pace import AnswerPace

HOME = "/c"
router = APIRouter(prefix=HOME, route_class=ConsoleRoute, include_in_schema=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What a customer writes. `once` is the page's own: sent twice it is one message."""

    kind: str = choice(*entrances.KINDS, required=True)
    name: str = text(80, required=True)
    phone: str = text(40, required=True)
    title: str = text(160, required=True)
    description: str | None = text(2000)
    once: str = text(36, required=True)


@router.get("/{token}")
def ask(token: str, request: Request) -> Response:
    """The form."""
    begun = filled(Message, {"kind": entrances.KINDS[0], "once": random_id()})
    return _form(passer_by(request), token, begun, 200)


@router.post("/{token}")
async def take(token: str, request: Request) -> Response:
    """One message."""
    sent = await form_of(request)
    return await to_thread.run_sync(_taken, replace(passer_by(request), form=sent), token)


def _taken(visit: Visit, token: str) -> Response:
    return submit(visit, Message, partial(_kept, visit, token), partial(_form, visit, token))


def _kept(visit: Visit, token: str, message: Message) -> Response:
    database = visit.server.database
    entrance = entrances.behind(database, token)
    pace: AnswerPace = visit.request.app.state.entrance_pace
    pace.spend(database, entrance.org_id, address_of(visit.request), visit.now)
    said = {name: value or "" for name, value in asdict(message).items() if name != "once"}
    number = entrances.take(database, token, said, message.once, visit.now)
    return visit.show("entered.html", base=visit.request.url.path, number=number)


def _form(visit: Visit, token: str, form: Form[Message], status: int) -> Response:
    entrance = entrances.behind(visit.server.database, token)
    return visit.show(
        "enter.html", status=status, base=visit.request.url.path, store=entrance.store, form=form
    )

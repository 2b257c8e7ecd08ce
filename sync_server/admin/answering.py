"""The page behind a survey's link, at ``/s/<secret>``: no sign-in, no script, no cookie, and
nothing kept of who opens it (S4 #162).

The secret stands in the address, as it does on a poster's QR code: logs and metrics name the route,
never the address (`routes.guard`). An address (an IP) is counted in memory for a minute, so that
nobody answers a thousand times, and stored nowhere.
"""

from __future__ import annotations

from dataclasses import replace

from anyio import to_thread
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from shared.errors import Code, Refusal
from shared.wording import LANGUAGES
from sync_server.admin import survey_form
from sync_server.admin.page import ConsoleRoute, form_of
from sync_server.admin.texts import words
from sync_server.admin.visit import Visit, address_of, stranger
from sync_server.services import surveys
from sync_server.services.answer_pace import AnswerPace

HOME = "/s"
router = APIRouter(prefix=HOME, route_class=ConsoleRoute, include_in_schema=False)


@router.get("/{token}")
def ask(token: str, request: Request) -> Response:
    """The questions."""
    return _questions(passer_by(request), token, 200)


@router.post("/{token}")
async def take(token: str, request: Request) -> Response:
    """One answer."""
    sent = await form_of(request)
    return await to_thread.run_sync(_taken, replace(passer_by(request), form=sent), token)


def _taken(visit: Visit, token: str) -> Response:
    database = visit.server.database
    org_id, survey = surveys.behind(database, token, visit.now)
    pace: AnswerPace = visit.request.app.state.answer_pace
    pace.spend(database, org_id, address_of(visit.request), visit.now)
    said = survey_form.replies(visit.form, survey.questions)
    if not said:
        return _questions(visit, token, 422)
    surveys.answer(database, token, said, visit.now)
    return visit.show("answered.html", base=visit.request.url.path)


def _questions(visit: Visit, token: str, status: int) -> Response:
    _org, survey = surveys.behind(visit.server.database, token, visit.now)
    return visit.show(
        "answer.html",
        status=status,
        base=visit.request.url.path,
        survey=survey,
        questions=[
            (one, *survey_form.worded(one, visit.words.language)) for one in survey.questions
        ],
        field_of=survey_form.field_of,
        said_words={
            one.key: str(visit.form.get(survey_form.field_of(one), "")) for one in survey.questions
        },
    )


def passer_by(request: Request) -> Visit:
    """Somebody with a link, in the language that they chose. Refuses what no link looks like."""
    visit = stranger(request)
    chosen = request.query_params.get("lang", "")
    if chosen in LANGUAGES:
        visit = replace(visit, words=words(chosen))
    if len(request.path_params.get("token", "")) > 64:
        raise Refusal(Code.NOT_FOUND)
    return visit

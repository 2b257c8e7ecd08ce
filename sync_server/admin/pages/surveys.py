"""Surveys: made with a preview, ended, handed out by link, and what they say (S4 #162)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import quote

from markupsafe import Markup
from sqlalchemy import Connection, select
from starlette.responses import Response

from shared.codec import read
from shared.declare import Role, boolean, choice, day, integer, reference, text
from shared.entities import Question, Survey
from shared.entities.survey import SURVEY_SUBJECTS
from shared.errors import Code, Refusal
from shared.ids import new_id
from shared.suppression import ALL
from shared.wording import LANGUAGES
from sync_server.admin import survey_form
from sync_server.admin.charts import Bar, bars
from sync_server.admin.forms import Form, filled, submit
from sync_server.admin.links import public_link
from sync_server.admin.page import WITH_MANAGERS, Page, Visiting
from sync_server.admin.pictures import trend
from sync_server.admin.texts import words
from sync_server.admin.visit import Visit
from sync_server.db.records import RECORDS
from sync_server.services import satisfaction_drops, survey_results, surveys
from sync_server.services.accounts import policy_of
from sync_server.services.calendars import zone_of
from sync_server.services.qr import as_svg
from sync_server.services.satisfaction_drops import Fallen
from sync_server.services.survey_results import Month

PAGE = Page("surveys", group="work", roles=WITH_MANAGERS)
router = PAGE.router()
_STORE = RECORDS["store"].c


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyForm:
    """A new survey, but for its questions, which are rows beside it (`survey_form`). `id`: of the
    preview that it comes from."""

    title_zh: str = text(120, required=True)
    title_en: str = text(120, required=True)
    subject: str = choice(*SURVEY_SUBJECTS, required=True)
    store_id: str | None = reference("store")
    open_from: Any = day(required=True)
    open_until: Any = day(required=True)
    step: str | None = choice("preview", "store", "edit")
    id: str | None = text(36)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinksForm:
    """Links to hand out."""

    store_id: str | None = reference("store")
    once: bool | None = boolean()
    count: int = integer(1, surveys.MOST_LINKS, required=True)


@router.get("")
def listed(visit: Visiting) -> Response:
    """Every survey, open or over."""
    with visit.server.database.read() as connection:
        every = surveys.surveys_of(connection, visit.org_id)
        answers = survey_results.answers_so_far(connection, visit.org_id)
        stores = dict(_stores(connection, visit))
        today = visit.now.astimezone(zone_of(connection, visit.org_id)).date()
        fell = satisfaction_drops.fallen(connection, visit.org_id, visit.now)
        policy = policy_of(connection, visit.org_id, visit.now)
    fell = [one for one in fell if surveys.concerns(visit.caller, one.survey)]
    return visit.show(
        "surveys.html",
        found=[one for one in every if surveys.concerns(visit.caller, one)],
        answers=answers,
        stores=stores,
        today=today,
        may=_may(visit),
        fell=[_fell(visit, one, stores) for one in fell if one.group == ALL or one.group in stores],
        policy=policy,
    )


@router.get("/new")
def new(visit: Visiting) -> Response:
    """The form."""
    _administrator(visit)
    return _form(visit, filled(SurveyForm), 200)


@router.post("/new")
def add(visit: Visiting) -> Response:
    """What it would look like; then, confirmed, the survey."""
    _administrator(visit)
    beside = survey_form.names()
    return submit(visit, SurveyForm, partial(_done, visit), partial(_form, visit), beside)


@router.get("/{survey_id}")
def results(survey_id: str, visit: Visiting) -> Response:
    """What it says: the month and the group that were asked for, or the last and the widest."""
    return _results(visit, survey_id, filled(LinksForm, {"count": 1}), 200)


@router.post("/{survey_id}/end")
def end(survey_id: str, visit: Visiting) -> Response:
    """Nobody new is asked."""
    _administrator(visit)
    surveys.end(visit.server.database, visit.caller, survey_id, visit.now)
    return visit.done(f"{PAGE.path}/{survey_id}", "surveys.ended")


@router.post("/{survey_id}/links")
def links(survey_id: str, visit: Visiting) -> Response:
    """Shows the links in the answer itself: they stand at no address, and are kept nowhere."""
    again = partial(_results, visit, survey_id)
    return submit(visit, LinksForm, partial(_made, visit, survey_id), again)


def _made(visit: Visit, survey_id: str, asked: LinksForm) -> Response:
    tokens = surveys.make_links(
        visit.server.database, visit.caller, survey_id, asked.store_id, visit.now,
        once=bool(asked.once), count=asked.count,
    )  # fmt: skip
    made = [public_link(visit, f"/s/{token}") for token in tokens]
    with visit.server.database.read() as connection:
        survey = surveys.survey_for(connection, visit.caller, survey_id)
    shown = [(link, Markup(as_svg(link))) for link in made]
    return visit.show("survey_links.html", survey=survey, links=shown, once=bool(asked.once))


def _done(visit: Visit, asked: SurveyForm) -> Response:
    form: Form[SurveyForm] = Form(SurveyForm)
    form.read(visit.form, visit.words.zone, survey_form.names())
    if asked.step == "edit":
        return _form(visit, form, 200)
    names = ("title_zh", "title_en", "subject", "store_id", "open_from", "open_until")
    fields = {name: getattr(asked, name) for name in names}
    fields["questions"] = survey_form.questions(visit.form)
    row = surveys.check_new(fields)
    if asked.step == "store":
        made = surveys.make(visit.server.database, visit.caller, fields, visit.now, asked.id)
        return visit.done(f"{PAGE.path}/{made}", "surveys.made", title=_title(visit, asked))
    survey = read(Survey, {"id": "", **row})
    return visit.show(
        "survey_preview.html",
        survey=survey,
        languages={
            tag: [(one, *survey_form.worded(one, tag)) for one in survey.questions]
            for tag in LANGUAGES
        },
        tongues={tag: words(tag) for tag in LANGUAGES},
        field_of=survey_form.field_of,
        again=[(n, v) for n, v in visit.form.items() if n not in ("step", "form_token", "id")],
        id=new_id(),  # whatever is sent from this preview is one survey
    )


def _form(visit: Visit, form: Form[SurveyForm], status: int) -> Response:
    with visit.server.database.read() as connection:
        stores = _stores(connection, visit)
    return visit.show(
        "survey_new.html",
        status=status,
        form=form,
        stores=stores,
        rows=survey_form.rows(visit.form if form.raw else None),
        cells=survey_form,
    )


def _results(visit: Visit, survey_id: str, form: Form[LinksForm], status: int) -> Response:
    with visit.server.database.read() as connection:
        survey = surveys.survey_for(connection, visit.caller, survey_id)
        months = survey_results.months_of(connection, visit.org_id, survey, visit.now)
        stores = _stores(connection, visit)
        group = _group(visit, {store_id for store_id, _ in stores})
        asked = visit.asked.get("month", "")
        last = months[-1] if months else None
        month = next((one for one in months if str(one.period) == asked), last)
        written = (
            survey_results.words_of(connection, visit.org_id, survey, month, group) if month else {}
        )
        once, many = surveys.links_left(connection, visit.org_id, survey_id)
        policy = policy_of(connection, visit.org_id, visit.now)
        so_far = survey_results.answers_so_far(connection, visit.org_id).get(survey_id, 0)
        today = visit.now.astimezone(zone_of(connection, visit.org_id)).date()
    return visit.show(
        "survey.html",
        status=status,
        survey=survey,
        form=form,
        stores=stores,
        groups=[(ALL, visit.words("surveys.all_stores")), *stores],
        group=group,
        months=months,
        month=month,
        answers=month.answers.get(group) if month else None,
        shown=[_shown(visit, one, months, month, group) for one in survey.questions],
        written=written,
        once=once,
        many=many,
        so_far=so_far,
        least=policy.survey_least_answers,
        settle=policy.figures_settle_days,
        open=survey.open_until >= today,
        may=_may(visit),
    )


def _shown(
    visit: Visit, one: Question, months: list[Month], month: Month | None, group: str
) -> dict[str, Any]:
    """A question with its picture: how often each answer was given, its score, and the trend."""
    asked, options = survey_form.worded(one, visit.words.language)
    counts = month.told.get(one.key, {}).get(group) if month else None
    picture = None
    if counts and options:
        picture = bars(asked, [Bar(label, counts.get(points, 0)) for points, label in options])
    scores = [(str(each.period), each.score(one, group)) for each in months]
    points = [(name, value, "–" if value is None else f"{value:.0f}") for name, value in scores]
    return {
        "question": one,
        "asked": asked,
        "picture": picture,
        "score": month.score(one, group) if month else None,
        "count": sum(counts.values()) if counts else None,
        "trend": trend(asked, points) if sum(v is not None for _, v in scores) > 1 else None,
    }


def _fell(visit: Visit, one: Fallen, stores: Mapping[str, str]) -> tuple[str, str]:
    """A warning in words, and where it is shown."""
    asked, _ = survey_form.worded(one.question, visit.words.language)
    group = visit.words("surveys.all_stores") if one.group == ALL else stores[one.group]
    said = visit.words(
        "surveys.fell", kind=one.drop.kind.upper(), group=group, month=str(one.period),
        before=f"{one.drop.before:.0f}", after=f"{one.drop.after:.0f}", question=asked,
    )  # fmt: skip
    return said, f"{PAGE.path}/{one.survey.id}?month={one.period}&group={quote(one.group)}"


def _group(visit: Visit, stores: set[str]) -> str:
    """The group that was asked for: of a store manager their own store or all together."""
    asked = visit.asked.get("group", "")
    return asked if asked in stores else ALL


def _stores(connection: Connection, visit: Visit) -> list[tuple[str, str]]:
    rows = connection.execute(
        select(_STORE.id, _STORE.name)
        .where(_STORE.org_id == visit.org_id, visit.in_store(_STORE.id))
        .order_by(_STORE.name, _STORE.id)
    )
    return [(store_id, name) for store_id, name in rows]


def _title(visit: Visit, survey: SurveyForm) -> str:
    return survey.title_en if visit.words.language.startswith("en") else survey.title_zh


def _may(visit: Visit) -> bool:
    return visit.caller.role is Role.ADMINISTRATOR


def _administrator(visit: Visit) -> None:
    if not _may(visit):
        raise Refusal(Code.ROLE_NOT_ALLOWED)


__all__ = ["PAGE", "router"]

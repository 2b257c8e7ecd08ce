"""What customers say: how often and which share by topic, and the taxonomy itself (S0 #28, #29; S2
#97)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from starlette.responses import Response

from shared.declare import Role, boolean, integer, text
from shared.errors import Code, Refusal
from shared.wording import LANGUAGES
from sync_server.admin.charts import Bar, bars
from sync_server.admin.forms import Form, filled, submit
from sync_server.admin.page import WITH_MANAGERS, Page, Visiting
from sync_server.admin.texts import Words
from sync_server.admin.visit import Visit
from sync_server.services.feedback_figures import Topic, keep_topic, shares, topics

PAGE = Page("feedback", group="work", roles=WITH_MANAGERS)
router = PAGE.router()
PERIODS = (30, 90, 365)
_CHINESE, _ENGLISH = LANGUAGES
_MOST_IN_CHART = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicForm:
    """A topic in both languages, and who has how long for it."""

    key: str = text(80, required=True)
    title_zh: str = text(80, required=True)
    title_en: str = text(80, required=True)
    department_zh: str | None = text(80)
    department_en: str | None = text(80)
    workdays: int = integer(0, 250, required=True)
    retired: bool | None = boolean()


@router.get("")
def feedback(visit: Visiting) -> Response:
    """Figures of a period; a store manager's are of their own store."""
    asked = visit.asked.get("days", "")
    days = int(asked) if asked in map(str, PERIODS) else PERIODS[1]
    manager = visit.caller.role is Role.STORE_MANAGER
    store = (visit.caller.store_id or "") if manager else None
    with visit.server.database.read() as connection:
        since = visit.now - timedelta(days=days)
        found = shares(connection, visit.org_id, since, visit.now, store_id=store)
        known = {one.key: one for one in topics(connection, visit.org_id)}
    titles = {row.topic: titled(visit.words, known.get(row.topic), row.topic) for row in found.rows}
    shown = [Bar(titles[row.topic], row.count) for row in found.rows if row.count is not None]
    return visit.show(
        "feedback.html",
        found=found,
        titles=titles,
        departments={key: worded(visit.words, one.department) for key, one in known.items()},
        chart=bars(visit.words("feedback.frequency"), shown[:_MOST_IN_CHART]),
        periods=PERIODS,
        days=days,
        topics=[(one, titled(visit.words, one, one.key)) for one in known.values()],
        edits=not manager,
    )


@router.get("/topics/{key}")
def topic(key: str, visit: Visiting) -> Response:
    """One topic's form; `new` for another one."""
    _check_edits(visit)
    with visit.server.database.read() as connection:
        found = next((one for one in topics(connection, visit.org_id) if one.key == key), None)
    if found is None and key != "new":
        raise Refusal(Code.RECORD_MISSING, entity="reference")
    values = {
        "key": found.key,
        "title_zh": found.title.get(_CHINESE),
        "title_en": found.title.get(_ENGLISH),
        "department_zh": found.department.get(_CHINESE),
        "department_en": found.department.get(_ENGLISH),
        "workdays": found.workdays,
        "retired": "on" if found.retired else "",
    } if found else {"workdays": 3}  # fmt: skip
    return _form(visit, key, filled(TopicForm, values), 200)


@router.post("/topics/{key}")
def keep(key: str, visit: Visiting) -> Response:
    """What was filled in becomes the topic."""
    _check_edits(visit)

    def done(asked: TopicForm) -> Response:
        if key not in ("new", asked.key):
            raise Refusal(Code.FIELD_INVALID, field="topic.key", wanted=key)
        made = Topic(
            key=asked.key.strip(),
            title={_CHINESE: asked.title_zh, _ENGLISH: asked.title_en},
            department={
                _CHINESE: asked.department_zh or "", _ENGLISH: asked.department_en or "",
            },
            workdays=asked.workdays,
            retired=bool(asked.retired),
        )  # fmt: skip
        keep_topic(visit.server.database, visit.caller, made, visit.now, new=key == "new")
        return visit.done(PAGE.path, "feedback.kept")

    return submit(visit, TopicForm, done, partial(_form, visit, key))


def _check_edits(visit: Visit) -> None:
    if visit.caller.role is not Role.ADMINISTRATOR:
        raise Refusal(Code.ROLE_NOT_ALLOWED, role=visit.caller.role)


def _form(visit: Visit, key: str, form: Form[TopicForm], status: int) -> Response:
    return visit.show("feedback_topic.html", status=status, key=key, form=form)


def titled(words: Words, topic: Topic | None, key: str) -> str:
    """What a topic is called here; its key where it is not known."""
    return worded(words, topic.title) if topic and topic.title else key


def worded(words: Words, texts: object) -> str:
    """The text in the visitor's language, or in the first that there is one in."""
    found = dict(texts) if isinstance(texts, dict) else {}
    return str(found.get(words.language) or next(iter(found.values()), ""))


__all__ = ["PAGE", "router", "titled", "worded"]

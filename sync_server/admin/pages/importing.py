"""Import into an organisation that has no customers yet: a dry run first, with what would be passed
over by line."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO, Literal

from starlette.datastructures import UploadFile
from starlette.responses import Response

from shared.declare import choice
from shared.errors import Code, Refusal
from sync_server.admin.forms import Form, filled, submit
from sync_server.admin.page import Page, Visiting
from sync_server.admin.visit import Visit
from sync_server.importing import load
from sync_server.importing.source import ImportReport

PAGE = Page("import", group="system")
router = PAGE.router()


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportForm:
    """Beside the two files: whether to write, or only to look."""

    step: str = choice("look", "write", required=True)


@dataclass(frozen=True, slots=True)
class Sent:
    """A file of the form, as the importers read one. It lies under no name, so that nothing of it
    is left where the server is killed meanwhile."""

    name: str
    file: BinaryIO

    def open(self, _mode: Literal["rb"], /) -> BinaryIO:
        """To be read once."""
        return self.file


@dataclass(frozen=True, slots=True)
class Passed:
    """So many rows passed over for one reason, and the first lines; none for what was refused only
    when it was put together."""

    reason: str
    count: int
    lines: list[int]


@router.get("")
def form(visit: Visiting) -> Response:
    """The form, where there is nothing yet that an import could meet."""
    return _page(visit, filled(ImportForm), 200)


@router.post("")
def take(visit: Visiting) -> Response:
    """What the files would bring, or, with `step` write, the import: all of it or nothing."""
    return submit(visit, ImportForm, partial(_taken, visit), partial(_page, visit))


def _taken(visit: Visit, asked: ImportForm) -> Response:
    retail, incidents = _sent(visit, "retail"), _sent(visit, "incidents")
    if retail is None:
        raise Refusal(Code.FIELD_REQUIRED, field="import.retail")
    try:
        sources = load.read_sources(visit.org_id, retail, incidents, _silent)
    except Refusal as refusal:
        return _unreadable(visit, refusal)
    if asked.step == "write":
        written = load.import_into(visit.server.database, visit.caller, sources, visit.now, _silent)
        return visit.done(
            PAGE.path, "import.done", customers=written["customer"], count=written.total()
        )
    would = load.dry_run(visit.org_id, sources)
    return _page(visit, filled(ImportForm), 200, sources, would)


def _sent(visit: Visit, name: str) -> Sent | None:
    sent = visit.form.get(name)
    return Sent(name, sent.file) if isinstance(sent, UploadFile) and sent.filename else None


def _unreadable(visit: Visit, refusal: Refusal) -> Response:
    form = filled(ImportForm)
    told = refusal.details
    where = visit.words("import.line", line=told["line"]) if "line" in told else ""
    missing = visit.words("import.missing", columns=told["missing"]) if "missing" in told else ""
    form.problem = (visit.words.error(refusal)[0], missing or where)
    return _page(visit, form, 422)


def _page(
    visit: Visit,
    form: Form[ImportForm],
    status: int,
    sources: load.Sources | None = None,
    would: Counter[str] | None = None,
) -> Response:
    with visit.server.database.read() as connection:
        filled_already = load.has_customers(connection, visit.org_id)
    reports = (
        {"retail": sources.retail_report, "incidents": sources.cases_report} if sources else {}
    )
    return visit.show(
        "import.html",
        status=status,
        form=form,
        filled_already=filled_already,
        would=sorted((would or {}).items()),
        reports={name: (one.rows, _passed(one)) for name, one in reports.items() if one.rows},
        megabytes=visit.server.settings.max_body_bytes // 10**6,
    )


def _passed(report: ImportReport) -> list[Passed]:
    return [
        Passed(reason, count, [line for line in report.lines[reason] if line])
        for reason, count in report.skipped.most_common()
    ]


def _silent(_what: str, _share: float) -> None:
    """A page has no bar: what is imported in one request is done or not."""


__all__ = ["PAGE", "router"]

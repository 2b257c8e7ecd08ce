"""The weekly sample of looks, and its review (S4 #157)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import partial

from starlette.responses import Response

from shared.declare import choice, text
from shared.errors import Code, Refusal
from sync_server.admin.forms import Form, submit
from sync_server.admin.page import WITH_MANAGERS, Page, Visiting
from sync_server.admin.visit import Visit
from sync_server.services import accounts, look_listing, look_samples

PAGE = Page("reviews", group="access", roles=WITH_MANAGERS)
router = PAGE.router()


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What the reviewer says of one look."""

    verdict: str = choice(*look_samples.VERDICTS, required=True)
    note: str | None = text(look_samples.LONGEST_NOTE)


@router.get("")
def samples(visit: Visiting) -> Response:
    """Each week's sample: how much waits, and what is overdue."""
    with visit.server.database.read() as connection:
        found = look_samples.samples(connection, visit.caller, visit.now)
    return visit.show("reviews.html", samples=found)


@router.get("/{sample_id}")
def sample(sample_id: str, visit: Visiting) -> Response:
    """One week's looks to review, those that wait first."""
    return _sample(visit, sample_id)


@router.post("/{sample_id}/{look_id}")
def review(sample_id: str, look_id: str, visit: Visiting) -> Response:
    """Fine, or a question."""
    return submit(
        visit, Review, partial(_reviewed, visit, sample_id, look_id),
        partial(_sample, visit, sample_id, look_id),
    )  # fmt: skip


def _reviewed(visit: Visit, sample_id: str, look_id: str, said: Review) -> Response:
    look_samples.review(
        visit.server.database, visit.caller, look_id, said.verdict, said.note, visit.now
    )
    return visit.done(f"{PAGE.path}/{sample_id}", f"reviews.said.{said.verdict}")


def _sample(
    visit: Visit,
    sample_id: str,
    wrong_id: str = "",
    form: Form[Review] | None = None,
    status: int = 200,
) -> Response:
    with visit.server.database.read() as connection:
        weeks = {one.id: one for one in look_samples.samples(connection, visit.caller, visit.now)}
        if sample_id not in weeks:
            raise Refusal(Code.RECORD_MISSING)
        looks = look_samples.chosen(connection, visit.caller, sample_id)
        people = {one.staff_id for one in looks}
        names = accounts.staff_names(connection, visit.org_id, people)
        ids = {one.customer_id for one in looks if one.customer_id}
        customers = look_listing.names_held(connection, visit.caller, ids, visit.now)
    return visit.show(
        "review.html",
        status=status,
        sample=weeks[sample_id],
        looks=looks,
        people=names,
        customers=customers,
        by_person=Counter(one.staff_id for one in looks),
        wrong_id=wrong_id,
        form=form or Form(Review),
    )

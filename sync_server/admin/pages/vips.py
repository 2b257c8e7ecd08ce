"""The service of VIPs: staffing by their number, how the quarter stands, and the manager's plan for
it and what came of it (S2 #79, #80). Counts alone (S3 #149)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from starlette.responses import Response

from shared.declare import Role, integer, text
from shared.errors import Code, Refusal
from shared.periods import Period, period_of
from sync_server.admin.figure_words import asked_period
from sync_server.admin.forms import Form, filled, submit
from sync_server.admin.page import WITH_MANAGERS, Page, Visiting
from sync_server.admin.visit import Visit
from sync_server.services import rankings, vip_service
from sync_server.services.accounts import policy_of

PAGE = Page("vips", group="work", roles=WITH_MANAGERS)
router = PAGE.router()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanForm:
    """`base`: the version that was read, 0 for none."""

    plan: str = text(4000, required=True)
    evaluation: str | None = text(4000)
    base: int = integer(0, 10**6, required=True)


@router.get("")
def vips(visit: Visiting) -> Response:
    """A manager's own store; of all stores the staffing alone for administrators."""
    return _page(visit, None, 200)


@router.post("")
def write(visit: Visiting) -> Response:
    """One more version of the plan."""
    if visit.caller.role is not Role.STORE_MANAGER:
        raise Refusal(Code.ROLE_NOT_ALLOWED)
    return submit(visit, PlanForm, partial(_written, visit), partial(_page, visit))


def _written(visit: Visit, asked: PlanForm) -> Response:
    period = _quarter(visit)
    vip_service.write_plan(
        visit.server.database, visit.caller, period, plan=asked.plan, evaluation=asked.evaluation,
        base=asked.base, now=visit.now,
    )  # fmt: skip
    return visit.done(f"{PAGE.path}?period={period}", "vips.written")


def _quarter(visit: Visit) -> Period:
    asked = asked_period(visit.asked, visit.now, visit.words.zone)
    return period_of(min(asked.last_day, visit.today), "quarter")


def _page(visit: Visit, form: Form[PlanForm] | None, status: int) -> Response:
    manages = visit.caller.role is Role.STORE_MANAGER
    store, period = visit.caller.store_id or "", _quarter(visit)
    with visit.server.database.read() as connection:
        policy = policy_of(connection, visit.org_id, visit.now)
        staffed = vip_service.staffing(connection, visit.org_id, policy)
        stores = rankings.store_names(connection, visit.org_id)
        names = rankings.names(connection, visit.org_id)
        standing = plans = None
        if manages:
            staffed = [one for one in staffed if one.store_id == store]
            zone = visit.words.zone
            standing = vip_service.standing(
                connection, visit.org_id, store, period, visit.now, zone
            )
            plans = vip_service.plans(connection, visit.org_id, store, period)
    last = plans[0] if plans else None
    if form is None:
        form = filled(
            PlanForm,
            {
                "plan": last.plan if last else "",
                "evaluation": last.evaluation if last else "",
                "base": str(last.version if last else 0),
            },
        )
    elif form.problem and last:  # written over an older version: what is newer stands below now
        form.raw["base"] = str(last.version)
    after = period.before(-1)
    return visit.show(
        "vips.html",
        status=status,
        form=form,
        manages=manages,
        # Head count is no secret; how many VIPs a store has is, where they are few.
        staffed=[(one, manages or not one.few) for one in staffed],
        standing=standing,
        plans=plans,
        stores=stores,
        names=names,
        period=period,
        nearby={
            "before": period.before(),
            "after": after if after.first_day <= visit.today else None,
            "kinds": (),
        },
        policy=policy,
    )


__all__ = ["PAGE", "router"]

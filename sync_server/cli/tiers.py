"""`huifang tiers …`: what the rules do by night, now."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from sync_server.cli.terminal import opened, out, settings_with
from sync_server.cli.users import only_organisation
from sync_server.services import cadence_plans, tier_rules, tier_spread
from sync_server.services.accounts import policy_of

app = typer.Typer(help="Tiers of customers, and visits by tier.", no_args_is_help=True)

Organisation = Annotated[str | None, typer.Option(help="Id, if there are several.")]


@app.command()
def propose(
    everyone: Annotated[
        bool, typer.Option("--all", help="Look at every customer, moved or not.")
    ] = False,
    organisation: Organisation = None,
) -> None:
    """Look at the customers who may have moved, and propose levels to the panel."""
    with opened(settings_with()) as server:
        org_id, now = organisation or only_organisation(server), server.clock.now()
        done = tier_rules.propose(server.database, org_id, now, all_customers=everyone)
    out.print(
        f"{done.looked} customers looked at, {done.proposed} levels proposed, "
        f"{done.withdrawn} proposals withdrawn."
    )


@app.command()
def plan(organisation: Organisation = None) -> None:
    """Plan the visits that the tiers ask for."""
    with opened(settings_with()) as server:
        org_id, now = organisation or only_organisation(server), server.clock.now()
        done = cadence_plans.plan_all(server.database, org_id, now)
    out.print(f"{done.made} visits planned, {done.changed} changed.")


@app.command()
def show(organisation: Organisation = None) -> None:
    """How customers are spread over the levels that hold, and what the best of them bring."""
    with opened(settings_with()) as server:
        org_id, now = organisation or only_organisation(server), server.clock.now()
        with server.database.read() as connection:
            policy = policy_of(connection, org_id, now)
            since = now - timedelta(days=policy.tier_period_days)
            held = tier_spread.levels(connection, org_id)
            classes = tier_spread.industries(connection, org_id, policy)
            money = tier_spread.money(connection, org_id, since, now)
    for axis, found in held.items():
        told = ", ".join(f"{word or 'none'} {count}" for word, count in found.items())
        out.print(f"{axis}: {told}", markup=False)
    shown = {word or "none": "few" if count is None else count for word, count in classes.items()}
    told = ", ".join(f"{word} {count}" for word, count in shown.items())
    out.print(f"industry: {told}", markup=False)
    out.print(
        f"{money.buyers} buyers, {money.orders} orders; the top fifth ({money.top_buyers}) brings "
        f"{money.top_permille / 10} % of the money."
    )

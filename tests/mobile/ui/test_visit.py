"""A visit from the customer's page to its end, on a phone without a network."""

from __future__ import annotations

from shared.entities import Visit
from tests.mobile.ui.field import customer


async def test_a_visit_begins_on_the_customers_page_and_ends_with_what_was_said(field, open_app):
    acme = customer("甲公司")
    field.plant(acme)
    field.place.up = False
    app, shell = await open_app(field)

    await app.go("/customers")
    await app.tap(f"open-{acme.id}")
    assert app.says("甲公司")
    await app.tap("start-visit")
    await app.type("notes", "新设备运转正常")
    await app.choose("no-position-no_signal", True, "select")
    await app.tap("finish")
    await app.tap("confirm-yes")

    (visit,) = shell.store.find(Visit, customer_id=acme.id)
    assert (visit.state, visit.notes) == ("finished", "新设备运转正常")
    assert app.says("新设备运转正常") and not app.has("finish")

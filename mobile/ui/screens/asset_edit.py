"""A thing that stands with a customer: a new one, or changes to one that is known (S2 #99)."""

from __future__ import annotations

import flet as ft

from mobile.ui.components import buttons, frame, surfaces
from mobile.ui.components.form import use_form
from mobile.ui.components.messages import refusal_card, say
from mobile.ui.hooks import keyed
from mobile.ui.screens.customer.looking import use_look
from mobile.ui.state import Shell, use_query, use_shell
from mobile.ui.texts import t
from mobile.usecases import customer_records
from mobile.usecases.drafting import as_seen
from shared.codec import write
from shared.entities import Asset
from shared.errors import Code


@ft.component
def EditAssetScreen() -> ft.View:
    """`/customers/<id>/assets/new` for a new one."""
    shell = use_shell()
    params = ft.use_route_params()
    customer_id, asset_id = params["customer_id"], params["asset_id"]
    found = use_query(lambda store: store.get(Asset, asset_id), [asset_id], ("asset",))
    new = asset_id == "new"
    title, back = t("entity.asset"), f"/customers/{customer_id}"
    recorded, unrecorded = use_look(
        shell, "asset", asset_id, found.value.customer_id if found.value else None
    )
    refusal = found.refusal or unrecorded
    if refusal is not None or (found.value is None and not new):
        problem = refusal or Code.RECORD_MISSING
        return frame.screen(shell, [refusal_card(problem)], title=title, back=back)
    if not recorded and not new:
        return frame.screen(shell, [surfaces.skeleton()], title=title, back=back)
    return keyed(f"asset {asset_id}", Editing, shell, customer_id, found.value)


@ft.component
def Editing(shell: Shell, customer_id: str, asset: Asset | None) -> ft.View:
    """`asset` is None for a new one."""
    form = use_form(
        shell,
        Asset,
        draft=customer_records.asset_draft(customer_id, asset.id if asset else None),
        start=write(asset) if asset else {},
        about=("customer", customer_id),
    )
    back = f"/customers/{customer_id}?show=assets"
    fields = customer_records.asset_fields(shell.role)

    seen = None
    if asset is not None:
        seen = as_seen(Asset, asset.id, fields, form.start, form.values)

    def save() -> None:
        if form.complete(required=("product",)):
            customer_records.save_asset(shell.store, customer_id, seen, form.changes())
            form.done()
            say(shell, t("customer.saved"))
            shell.back(back)

    return frame.screen(
        shell,
        [*(form.field(name) for name in fields), form.saved_line()],
        title=asset.product if asset else t("customer.asset.add"),
        back=back,
        bottom=[buttons.primary(shell, "save", t("action.save"), save, icon=ft.Icons.CHECK)],
    )

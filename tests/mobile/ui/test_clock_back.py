"""A clock that is set back ends the reading of records (L5), not the drawing of what shows them:
whatever refused while it is drawn would freeze the app."""

from __future__ import annotations

from datetime import timedelta

from shared.declare import Role
from tests.mobile.ui.field import NOW, Field, customer
from tests.mobile.ui.headless import Headless
from tests.mobile.ui.repair_field import RepairField
from tests.mobile.ui.test_sync_screen import conflict
from tests.mobile.ui.test_tiers import proposed


async def set_back(phone: Field, app: Headless, shell) -> None:
    """The clock goes back by hours, and all that is on the screen is drawn anew."""
    phone.clock.move(-timedelta(hours=5))
    shell.gate.wrong_ahead += 1  # which the root watches
    await app.settle()


async def test_the_work_list_stands_when_the_clock_is_set_back(tmp_path, open_app):
    phone = RepairField(tmp_path)
    phone.case()
    app, shell = await open_app(phone)
    await app.go("/cases")
    await set_back(phone, app, shell)
    assert app.says("指针不走")


async def test_the_inbox_stands_when_the_clock_is_set_back(field_of, open_app):
    phone = field_of(Role.STORE_MANAGER)
    acme = customer("甲公司", tier="mid")
    phone.plant(acme, proposed(acme), conflict(acme, phone, resolution="kept", updated_at=NOW))
    app, shell = await open_app(phone)
    await app.go("/decisions")
    await set_back(phone, app, shell)
    assert app.says("未采用：年度保养") and app.has(f"tier-{proposed(acme).id}")

"""Rounds through access that ends and is asked for again, who looked, and the second factor."""

from __future__ import annotations

import re
import time
from base64 import b32decode
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from sqlalchemy import select

from shared.clock import to_wire
from shared.ids import new_id
from sync_server.db.sign_in import SECOND_FACTOR
from sync_server.demo.cast import PASSWORD
from sync_server.demo.load import ORGANISATION
from sync_server.services import tier_rules
from sync_server.services.writing import Unit
from tools.screens.edges import on_server, staff_id
from tools.screens.walk import Walk

_REASONS = {
    "zh-CN": "客户请我半小时后再打，窗口快到了。",
    "en": "They asked me to call again in half an hour.",
}
_LEFT = timedelta(seconds=6)
"""Of access, when the office shortens it: time to hear of it."""


def ending(walk: Walk) -> None:
    """A callback whose window ends while it is open, and the agent who asks for more."""
    walk.sign_in("zhaomin")
    walk.wait_chip("synced")
    walk.tap("today.start.callback")
    walk.fill("field.notes", _REASONS[walk.language])
    call = walk.tab.page.url.rpartition("/")[2].partition("?")[0]
    walk.shot("45-callback-draft")

    def work(unit: Unit) -> None:
        for grant in unit.find("grant", staff_id=staff_id(unit, "zhaomin"), purpose="callback"):
            unit.update("grant", grant.id, {"expires_at": to_wire(datetime.now(UTC) + _LEFT)})

    on_server(walk, work)
    walk.wait("access.ended")
    walk.shot("45-callback-ended")
    walk.go(f"/ask/callback/{call}")
    walk.fill("ask.reason", _REASONS[walk.language])
    walk.shot("46-ask")
    walk.tap("ask.send")
    walk.wait_chip("synced")
    walk.go(f"/ask/callback/{call}")
    walk.shot("46-asked")


def deciding(walk: Walk) -> None:
    """A store manager reads who asks and why, and who looked at a customer."""

    def work(unit: Unit) -> None:
        asker = staff_id(unit, "zhaomin")
        manager = staff_id(unit, "chenjing")
        (shop,) = {one.row["store_id"] for one in unit.find("staff", id=manager)}
        customers = unit.find("customer", store_id=shop)
        for customer, hours in zip(customers, (1, 24), strict=False):
            now = to_wire(datetime.now(UTC))
            row = {"id": new_id(), "staff_id": asker, "customer_id": customer.id}
            row |= {"subject": "customer", "subject_id": customer.id, "asked_at": now}
            unit.create("access_request", row | {"hours": hours, "reason": _REASONS[walk.language]})

    on_server(walk, work)
    walk.sign_in("chenjing")
    walk.wait_chip("synced")
    walk.shot("47-today-manager")
    walk.go("/decisions")
    walk.wait("wishes.title")
    walk.shot("47-decisions")
    walk.press(walk.t("wishes.refuse"))
    walk.shot("48-decisions-refuse")
    walk.tap("action.cancel")
    walk.press(walk.t("wishes.approve"))
    walk.wait_chip("synced")
    walk.shot("48-decisions-approved")
    walk.place("nav.customers")
    walk.press(walk.first_customer())
    customer_id = walk.tab.page.url.rpartition("/")[2].partition("?")[0]
    walk.go("/sync")
    walk.tap("sync.now")
    walk.wait_chip("synced")
    walk.go(f"/customers/{customer_id}/looks")
    walk.shot("49-looks")
    walk.go("/looks")
    walk.shot("49-looks-own")
    walk.go(f"/customers/{customer_id}/consent")
    walk.shot("49-consent")
    _levels(walk)


def second_factor(walk: Walk) -> None:
    """Set up, with its recovery codes."""
    walk.sign_in("liqiang")
    walk.wait_chip("synced")
    walk.go("/settings/second-factor")
    walk.fill("sign_in.password", PASSWORD)
    walk.shot("59-second-factor")
    walk.tap("factor.begin")
    walk.wait("factor.confirm")
    walk.shot("59-second-factor-learn")
    with walk.live.opened() as server, server.database.read() as connection:
        secret = str(connection.execute(select(SECOND_FACTOR.c.secret)).scalar_one())
    walk.fill("sign_in.second_factor", _code(secret))
    walk.tap("factor.confirm")
    walk.wait("factor.codes")
    walk.shot("59-second-factor-codes")
    walk.tap("factor.codes.kept")
    walk.wait("factor.on")
    walk.shot("59-second-factor-on")


def _code(secret: str) -> str:
    """What an authenticator would show for it now."""
    return TOTP(b32decode(secret), 6, SHA1(), 30).generate(int(time.time())).decode()


def _levels(walk: Walk) -> None:
    """The rules look, and what they propose comes to the manager's phone."""
    with walk.live.opened() as office:
        tier_rules.propose(office.database, ORGANISATION, office.clock.now())
    walk.go("/decisions")
    walk.wait("panel.waiting")
    walk.shot("49-levels")
    walk.press(re.compile(re.escape(walk.t("choice.axis.vip"))))
    walk.wait("panel.why")
    walk.shot("49-level")

"""No screen shows a whole number, mail or postal address before someone asks for it; a form that
has to is an unmasking on record (S4 #156). Every screen of the app is walked through."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import flet as ft
import pytest

from mobile.ui.routes import SCREENS
from mobile.ui.state import Shell
from shared.declare import Role
from shared.entities import Asset, Callback, Case, Conflict, Contact, Report
from shared.ids import derived_id
from tests.mobile.ui.field import NOW, Field, customer, visit
from tests.mobile.ui.headless import Headless
from tests.mobile.ui.written import looks

pytestmark = pytest.mark.thorough

PHONES = ("13812345678", "13987654321")
MAILS = ("wang.fang@example.com", "li.na@example.com")
PLACES = ("示例路 7 弄 12 号 302 室", "备用大道 99 号 B 座 5 层")
SECRETS = (*PHONES, *MAILS, *PLACES)
ONE = customer("甲公司", phone=PHONES[0], email=MAILS[0], address=PLACES[0], city="")
SHOWS_WHOLE = {"customers/:customer_id/edit", "customers/:customer_id/contacts/:contact_id",
               "customers/:customer_id/case", "cases/:case_id/another",
               "decisions/:conflict_id", "sync/conflicts/:conflict_id"}  # fmt: skip
"""Forms, and the choice between two values: each says so on record."""


def planted(field: Field) -> dict[str, str]:
    """One record of each kind, and the ids that addresses name."""
    person = Contact(
        id=derived_id("person"), customer_id=ONE.id, name="李娜", phone=PHONES[1], email=MAILS[1]
    )
    thing = Asset(id=derived_id("thing"), customer_id=ONE.id, product="挂钟", serial="SN-1")
    call_at = NOW + timedelta(hours=1)
    meeting = visit(ONE, field.staff, NOW + timedelta(hours=2), contact_id=person.id)
    case = Case(
        id=derived_id("case"), number="R1", customer_id=ONE.id, contact_id=person.id,
        asset_id=thing.id, kind="repair", title="指针不走", state="on_site", opened_at=NOW,
        assignee_id=field.staff.id, place=PLACES[1],
    )  # fmt: skip
    call = Callback(
        id=derived_id("call"), customer_id=ONE.id, kind="care", state="planned", due_at=call_at,
        assignee_id=field.staff.id, window_ends_at=NOW + timedelta(days=2),
    )  # fmt: skip
    report = Report(
        id=derived_id("report"), case_id=case.id, customer_id=ONE.id, author_id=field.staff.id,
        cause="接线松动", method="重新接线",
    )  # fmt: skip
    dispute = Conflict(
        id=derived_id("dispute"), customer_id=ONE.id, entity="customer", record_id=ONE.id,
        field="address", kept_value=PLACES[0], other_value=PLACES[1], found_at=NOW,
    )  # fmt: skip
    field.plant(ONE, person, thing, meeting, case, call, report, dispute)
    return {
        ":customer_id": ONE.id, ":contact_id": person.id, ":asset_id": thing.id,
        ":visit_id": meeting.id, ":case_id": case.id, ":callback_id": call.id,
        ":report_id": report.id, ":conflict_id": dispute.id, ":file_id": derived_id("none"),
    }  # fmt: skip


def everything(app: Headless) -> str:
    """All that stands in the tree, what only a screen reader says and where links lead included."""
    said = [str(text) for text in app.texts()]
    for control in app.controls():
        for name in ("value", "label", "tooltip", "hint_text", "url", "semantics_label"):
            found: Any = getattr(control, name, None)
            if isinstance(found, ft.Url):
                found = found.url
            if isinstance(found, str):
                said.append(found)
    return "\n".join(said)


@pytest.mark.parametrize(
    "role",
    [Role.ACCOUNT_MANAGER, Role.TECHNICIAN, Role.CALLBACK_AGENT, Role.STORE_MANAGER],
)
async def test_no_screen_shows_what_is_masked_before_it_is_asked_for(
    role: Role, field_of: Callable[[Role], Field], open_app: Any
) -> None:
    field = field_of(role)
    ids = planted(field)
    app, shell = await open_app(field)
    walked, unmasked = 0, 0
    for pattern in ("", *SCREENS):
        path = "/".join(ids.get(part, part) for part in pattern.split("/"))
        before = len(unmaskings(shell))
        sections = ("",)
        if pattern == "customers/:customer_id":
            sections = ("", *(f"?show={s}" for s in ("profile", "contacts", "assets", "orders")))
        for section in sections:
            await app.go(f"/{path}{section}")
            await app.settle()
            shown = [secret for secret in SECRETS if secret in everything(app)]
            recorded = len(unmaskings(shell)) - before
            assert not shown or (pattern in SHOWS_WHOLE and recorded), (pattern, section, shown)
            walked, unmasked = walked + 1, unmasked + bool(shown)
    assert walked > len(SCREENS) and unmasked


def unmaskings(shell: Shell) -> list[Any]:
    return [look for look in looks(shell) if look[1] == "unmasked"]


async def test_an_address_is_shown_when_asked_for_and_that_is_on_record(
    field: Field, open_app: Any
) -> None:
    planted(field)
    app, shell = await open_app(field)
    await app.go(f"/customers/{ONE.id}")
    assert not app.says(PLACES[0]) and app.says("示例路 7 …")
    await app.tap("address-show")
    await app.until(lambda: app.says(PLACES[0]))
    assert unmaskings(shell) == [("customer", "unmasked")]


async def test_only_what_was_asked_for_can_be_selected_and_never_a_whole_screen(
    field: Field, open_app: Any
) -> None:
    planted(field)
    app, _ = await open_app(field)
    for section in ("history", "profile", "contacts", "assets", "orders"):
        await app.go(f"/customers/{ONE.id}?show={section}")
        assert not [c for c in app.controls() if isinstance(c, ft.SelectionArea)]
        held = [c for c in app.controls() if isinstance(c, ft.Text) and c.selectable]
        assert not [c.value for c in held if "•" in str(c.value) or str(c.value).endswith("…")]

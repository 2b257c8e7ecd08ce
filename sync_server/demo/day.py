"""The demo organisation's working day: what stands in the agendas on the day on which it is loaded.

Customers, orders, products and the older cases are real data, moved in time; the visits, the open
repairs and the callbacks of this day are written here, over those customers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from shared.clock import to_wire
from shared.ids import derived_id

Rows = Iterator[tuple[str, dict[str, Any]]]

FAULTS = (
    ("指针不走", "换过电池仍然不走，闹铃正常。", "high"),
    ("灯串只亮一半", "靠近插头的一半正常，另一半完全不亮。", "moderate"),
    ("开机后有异响", "运行约十分钟后出现周期性的咔嗒声。", "moderate"),
    ("接触不良，时亮时灭", "轻碰底座后恢复，过几分钟又灭。", "high"),
    ("外壳开裂", "到货时已有裂纹，客户要求更换。", "low"),
    ("走时每天慢十分钟", "店里三台同批次，只有这一台不准。", "low"),
    ("插头发热", "连续使用一小时后插头烫手，已停用。", "critical"),
    ("定时功能失灵", "设定后不触发，手动开关正常。", "moderate"),
)
FOUND = (
    ("客户希望下季度提前备货，圣诞款最受欢迎。", "喜欢上午十点以后见面，微信联系最快。", 92),
    ("库存周转变慢，想先少量补货，对新款灯具感兴趣。", "由店长决定，采购只负责下单。", 84),
    ("对上次到货破损不满意，已说明包装改进办法。", "要求发货前拍照确认。", 71),
    ("计划开第二家店，需要陈列建议和首批清单。", "希望有专人对接安装。", 95),
)
PURPOSES = ("experience", "business", "satisfaction", "news", "care", "industry")


@dataclass(frozen=True, slots=True)
class Moment:
    """The day on which the demo is loaded."""

    now: datetime
    zone: ZoneInfo

    def at(self, days: int, hour: int, minute: int = 0) -> str:
        """A local time of day, `days` from today, on the wire."""
        day = (self.now.astimezone(self.zone) + timedelta(days=days)).date()
        return to_wire(datetime.combine(day, time(hour, minute), self.zone).astimezone(UTC))

    def ago(self, **span: float) -> str:
        return to_wire(self.now - timedelta(**span))


def visits(owner: str, customers: Sequence[str], moment: Moment) -> Rows:
    """Visits of one account manager: some weeks of finished ones, one overdue, the rest of today
    and tomorrow."""
    liked = int(owner[-2:], 16) % 13 - 6  # nobody's customers are as content as another's
    for place, customer in enumerate(customers[:12]):
        needs, preferences, points = FOUND[place % len(FOUND)]
        days = 6 + place * 5
        yield (
            "visit",
            {
                "id": derived_id(owner, "past visit", customer),
                "created_at": moment.ago(days=days + 3),
                "customer_id": customer,
                "owner_id": owner,
                "purpose": PURPOSES[place % len(PURPOSES)],
                "channel": "on_site" if place % 3 else "phone",
                "state": "finished",
                "planned_at": moment.at(-days, 10),
                "started_at": moment.at(-days, 10, 4),
                "finished_at": moment.at(-days, 10, 47),
                "minutes": 45,
                "needs_found": needs,
                "preferences_found": preferences,
                "satisfaction": min(points + liked, 100),
                "no_position_because": "not_wanted",
            },
        )
    ahead = [
        moment.at(-1, 15, 30),
        moment.ago(minutes=20),
        to_wire(moment.now + timedelta(hours=1, minutes=30)),
        to_wire(moment.now + timedelta(hours=4)),
        moment.at(1, 10),
        moment.at(2, 14, 30),
    ]
    for place, (customer, planned) in enumerate(zip(customers[12:], ahead, strict=False)):
        yield (
            "visit",
            {
                "id": derived_id(owner, "coming visit", customer),
                "created_at": moment.ago(days=2),
                "customer_id": customer,
                "owner_id": owner,
                "purpose": PURPOSES[place % len(PURPOSES)],
                "channel": "on_site",
                "state": "planned",
                "planned_at": planned,
                "minutes": 45,
            },
        )


def open_repair(
    organisation: str, number: str, customer: dict[str, Any], asset: str, place: int, moment: Moment
) -> Rows:
    """One repair that came in over the last days and has an appointment today or tomorrow."""
    title, description, priority = FAULTS[place % len(FAULTS)]
    opened = moment.ago(hours=5 + place * 7)
    case = derived_id(organisation, "open repair", number)
    appointment = (
        moment.now + timedelta(hours=place * 2 - 2) if place < 4 else moment.now + timedelta(days=1)
    )
    yield (
        "case",
        {
            "id": case,
            "created_at": opened,
            "number": number,
            "customer_id": customer["id"],
            "contact_id": customer["contact_id"],
            "asset_id": asset,
            "store_id": customer["store_id"],
            "kind": "repair",
            "title": title,
            "description": description,
            "place": customer["address"],
            "priority": priority,
            "channel": "phone",
            "state": "new",
            "opened_at": opened,
            "appointment_at": to_wire(appointment),
        },
    )
    yield (
        "case_event",
        {
            "id": derived_id(case, "opened"),
            "created_at": opened,
            "case_id": case,
            "customer_id": customer["id"],
            "kind": "moved",
            "happened_at": opened,
            "to_state": "new",
        },
    )


def callback(
    organisation: str, case: dict[str, Any] | None, customer: str, place: int, moment: Moment
) -> Rows:
    """One call that is due: after a repair, or a care call where there is no case."""
    hours = (-20, -2, 0.5, 3, 26, 30)[place % 6]
    row: dict[str, Any] = {
        "id": derived_id(organisation, "callback due", customer, str(place)),
        "created_at": moment.ago(days=2),
        "customer_id": customer,
        "kind": "care",
        "state": "scheduled",
        "due_at": to_wire(moment.now + timedelta(hours=hours)),
    }
    if case is not None:
        row |= {"case_id": case["id"], "kind": "after_repair"}
    yield "callback", row

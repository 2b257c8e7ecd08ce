"""Countries of the retail source as stores, with their Chinese names; and who works there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from shared.declare import Role
from shared.ids import derived_id
from sync_server.importing.people import person, stable_number

_CHINESE = {
    "United Kingdom": "英国",
    "Germany": "德国",
    "France": "法国",
    "Spain": "西班牙",
    "Belgium": "比利时",
    "Switzerland": "瑞士",
    "Portugal": "葡萄牙",
    "Italy": "意大利",
    "Finland": "芬兰",
    "Austria": "奥地利",
    "Norway": "挪威",
    "Australia": "澳大利亚",
    "Netherlands": "荷兰",
    "Channel Islands": "海峡群岛",
    "Denmark": "丹麦",
    "Japan": "日本",
    "Cyprus": "塞浦路斯",
    "Sweden": "瑞典",
    "Poland": "波兰",
    "Greece": "希腊",
    "Canada": "加拿大",
    "Unspecified": "其他",
    "USA": "美国",
    "EIRE": "爱尔兰",
    "Israel": "以色列",
    "United Arab Emirates": "阿联酋",
    "Bahrain": "巴林",
    "Malta": "马耳他",
    "Lithuania": "立陶宛",
    "Iceland": "冰岛",
    "Singapore": "新加坡",
    "Lebanon": "黎巴嫩",
    "Saudi Arabia": "沙特阿拉伯",
    "Czech Republic": "捷克",
    "Brazil": "巴西",
    "European Community": "欧盟",
    "RSA": "南非",
}

CUSTOMERS_PER_MANAGER = 80
"""How many customers an account manager of an imported organisation looks after."""


@dataclass(frozen=True, slots=True)
class Member:
    """A member of staff to be, and the store where they work."""

    id: str
    name: str
    role: Role
    store_id: str
    team: str | None = None


def store_id(organisation: str, country: str) -> str:
    return derived_id(organisation, "store", country)


def store_name(country: str) -> str:
    """Its Chinese name; a country that the table lacks keeps its own."""
    return f"{_CHINESE.get(country, country)}店"


def staff_of_stores(
    organisation: str, customers: Mapping[str, str], per_manager: int = CUSTOMERS_PER_MANAGER
) -> list[Member]:
    """For each store a manager, a callback agent, and account managers by its number of customers.

    `customers` maps each customer of the source to their country.
    """
    counts: dict[str, int] = {}
    for country in customers.values():
        counts[country] = counts.get(country, 0) + 1
    members = []
    for country, count in counts.items():
        members.append(_member(organisation, Role.STORE_MANAGER, country, 0))
        members.append(_member(organisation, Role.CALLBACK_AGENT, country, 0))
        for place in range(-(-count // per_manager)):
            members.append(_member(organisation, Role.ACCOUNT_MANAGER, country, place))
    return members


def technicians(organisation: str, groups: Mapping[str, str], country: str) -> list[Member]:
    """One technician for each resolver of the incident source; `groups` maps them to their
    group."""
    home = store_id(organisation, country)
    return [
        Member(
            derived_id(organisation, "technician", resolver),
            person("technician", resolver).name,
            Role.TECHNICIAN,
            home,
            group or None,
        )
        for resolver, group in groups.items()
    ]


def owner_of(managers: Iterable[Member], customer: str) -> Member:
    """The account manager who looks after a customer: the same one in every run."""
    ordered = sorted(managers, key=lambda m: m.id)
    return ordered[stable_number("owner", customer) % len(ordered)]


def _member(organisation: str, role: Role, country: str, place: int) -> Member:
    source = (role.value, country, str(place))
    return Member(
        derived_id(organisation, *source),
        person(*source).name,
        role,
        store_id(organisation, country),
    )

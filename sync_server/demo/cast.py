"""Who can sign in to the demo organisation. The names and the one password are invented and
public."""

from __future__ import annotations

from dataclasses import dataclass

from shared.declare import Role

PASSWORD = "huifang-demo"


@dataclass(frozen=True, slots=True)
class Player:
    """One account: `store` is the country of the store, `place` which of its people of that
    role."""

    username: str
    name: str
    role: Role
    store: str
    place: int = 0


CAST = (
    Player("wangfang", "王芳", Role.ACCOUNT_MANAGER, "United Kingdom", 0),
    Player("liuyang", "刘洋", Role.ACCOUNT_MANAGER, "United Kingdom", 1),
    Player("liqiang", "李强", Role.TECHNICIAN, "United Kingdom", 0),
    Player("sunlei", "孙磊", Role.TECHNICIAN, "United Kingdom", 1),
    Player("zhaomin", "赵敏", Role.CALLBACK_AGENT, "United Kingdom", 0),
    Player("chenjing", "陈静", Role.STORE_MANAGER, "United Kingdom", 0),
    Player("zhoujie", "周杰", Role.ACCOUNT_MANAGER, "Germany", 0),
    Player("wumei", "吴梅", Role.CALLBACK_AGENT, "Germany", 0),
    Player("huangbo", "黄波", Role.STORE_MANAGER, "Germany", 0),
    Player("hanxue", "韩雪", Role.HEAD_OFFICE, "United Kingdom", 0),
    Player("admin", "管理员", Role.ADMINISTRATOR, "United Kingdom", 0),
)

"""Invented people: the same name for the same source id on every machine and in every run.

No source has a personal name in it. Names come from Faker's zh_CN word lists, drawn with a
generator seeded by the source's own id, so that a customer keeps their name however much is
imported and in whatever order.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache

from faker import Faker


@dataclass(frozen=True, slots=True)
class InventedPerson:
    name: str
    phone: str


@dataclass(frozen=True, slots=True)
class InventedCompany:
    name: str
    address: str
    city: str
    person: InventedPerson


@lru_cache(maxsize=1)
def _faker() -> Faker:
    return Faker("zh_CN", use_weighting=False)


def stable_number(*parts: str) -> int:
    """The same 64-bit number for the same parts, on every machine."""
    return int.from_bytes(hashlib.blake2b("/".join(parts).encode(), digest_size=8).digest())


def person(*source_id: str) -> InventedPerson:
    """Name and phone. The phone begins with 1990, which no operator has given out, so that
    nobody is ever called."""
    fake = _faker()
    fake.seed_instance(stable_number("person", *source_id))
    return InventedPerson(fake.name(), f"1990{stable_number('phone', *source_id) % 10**7:07d}")


def company(*source_id: str) -> InventedCompany:
    """A company with its address and the person who answers for it."""
    fake = _faker()
    fake.seed_instance(stable_number("company", *source_id))
    name, city = fake.company(), f"{fake.city_name()}市"
    number = stable_number("house", *source_id) % 900 + 1
    address = f"{city}{fake.district()}区{fake.street_name()}{number}号"
    return InventedCompany(name, address, city, person(*source_id))

"""Who is in the simulation, and how one tells whose bytes are whose.

Every customer has three marks that stand nowhere else: one that the office wrote into what a case
shows too, one that only the whole customer shows, and one that phones write. A byte of a customer
on a phone is found by its mark.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from shared.ids import derived_id

SURVEY = derived_id("sim", "survey")
NORTH, SOUTH = derived_id("sim", "north"), derived_id("sim", "south")

PEOPLE = {
    "lin": ("account_manager", NORTH),
    "he": ("account_manager", NORTH),
    "sun": ("account_manager", SOUTH),
    "wu": ("technician", NORTH),
    "cai": ("callback_agent", NORTH),
    "chen": ("store_manager", NORTH),
}
PHONES = {
    "lin-1": "lin",
    "lin-2": "lin",
    "he-1": "he",
    "sun-1": "sun",
    "wu-1": "wu",
    "cai-1": "cai",
    "chen-1": "chen",
}
"""Phone → who carries it; one person has two."""

CUSTOMERS = 5
HOLDERS = ("lin", "lin", "he", "he", "sun")

# In either case: what the search box looks in is folded.
MARK = re.compile(r"(?P<kind>[OWA])-MARK-(?P<customer>[0-9a-f]{12})", re.IGNORECASE)


def staff_id(name: str) -> str:
    return derived_id("sim", "staff", name)


def customer_id(number: int) -> str:
    return derived_id("sim", "customer", str(number))


def case_id(number: int) -> str:
    return derived_id("sim", "case", str(number))


def asset_id(number: int) -> str:
    return derived_id("sim", "asset", str(number))


def mark(kind: str, customer: str) -> str:
    """`O`: the office wrote it, cases show it; `W`: only whole customers show it; `A`: an author
    on a phone wrote it."""
    return f"{kind}-MARK-{customer.replace('-', '')[-12:]}"


@dataclass(frozen=True, slots=True)
class Found:
    """One mark in some bytes: its kind, and the end of its customer's id."""

    kind: str
    customer: str


def marks_in(text: str) -> set[Found]:
    return {Found(m["kind"].upper(), m["customer"].lower()) for m in MARK.finditer(text)}


def tail(customer: str) -> str:
    """The end of a customer's id, as marks name it."""
    return customer.replace("-", "")[-12:]

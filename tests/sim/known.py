"""For each mutant the shortest story that notices it: lived in every test run."""

from __future__ import annotations

from tests.sim.line import FAULTS
from tests.sim.trade import WORKS
from tests.sim.world import Step

TWO = ["he-1", "lin-1"]
HE, LIN, LIN_2 = 0, 1, 2
THEIRS = 2
"""A customer of he's."""


def writes(phone: int, what: str, a: int = 1, b: int = 1) -> Step:
    """`a` and `b` as `work.Desk` has them."""
    return Step("someone_writes", (phone, a, list(WORKS).index(what) + (b - a) * len(WORKS)))


def fails(phone: int, fault: str, place: int = 0) -> Step:
    return Step("a_request_fails", (phone, FAULTS.index(fault), place))


def syncs(phone: int) -> Step:
    return Step("someone_syncs", (phone, 0, 0))


def given_to(holder: int) -> Step:
    """The office gives he's customer to lin (0) or to he (1)."""
    return Step("a_customer_is_reassigned", (THEIRS, holder, 0))


def killed_while_pulling(writes: int) -> list[Step]:
    """Something new comes in, and the phone dies at its n-th write of that sync."""
    office = Step("the_office_writes", (0, 0, 1))
    return [office, Step("a_phone_will_be_killed", (LIN, writes, 0)), syncs(LIN)]


PASSES = Step("a_request_passes", (0, 0, 0))
BACKUP = Step("a_backup_is_taken")
RESTORE = Step("an_older_backup_is_restored")
A_VISIT = writes(LIN, "a_visit")

KNOWN: dict[str, tuple[list[str], list[Step]]] = {
    "dedupe": (TWO, [A_VISIT, fails(LIN, "reply lost")]),
    "cursor before page": (TWO, [s for n in range(3, 12) for s in killed_while_pulling(n)]),
    "number for every outcome": (TWO, [writes(LIN, "written_by_another_version"), syncs(LIN)]),
    "grant ids used again": (TWO, [given_to(0), given_to(1), given_to(0)]),
    "drop not applied": (TWO, [given_to(0)]),
    "scope not checked per page": (
        TWO,
        [
            given_to(0),
            Step("someone_starts_a_sync", (LIN, 0, 0)),
            PASSES,
            PASSES,
            PASSES,
            given_to(1),
            PASSES,
        ],
    ),
    "retention": (TWO, [A_VISIT, syncs(LIN), Step("an_app_is_restarted", (LIN, 0, 0))]),
    "epoch ignored": (TWO, [BACKUP, A_VISIT, syncs(LIN), RESTORE]),
    "checksum ignored": (TWO, [BACKUP, RESTORE]),
    "hold broken": (TWO, [BACKUP, given_to(0), syncs(LIN), RESTORE]),
    "late work rejected": (TWO, [writes(HE, "a_customer_edited"), given_to(0), given_to(0)]),
    "base versions ignored": (
        [*TWO, "lin-2"],
        [
            writes(LIN, "a_customer_edited"),
            writes(LIN_2, "a_customer_edited"),
            syncs(LIN),
            syncs(LIN_2),
        ],
    ),
    "sealed copy skipped": (TWO, [A_VISIT, Step("a_pin_is_forgotten", (LIN, 0, 0))]),
    "commit not durable": (TWO, [A_VISIT, Step("a_phone_is_killed", (LIN, 0, 1))]),
    "overlay lost": (TWO, [A_VISIT]),
}

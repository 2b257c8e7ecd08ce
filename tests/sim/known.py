"""For each mutant the shortest story that notices it (`python -m tests.sim.mutants --write`)."""

from __future__ import annotations

KNOWN: dict[str, tuple[int, list[str], list[tuple[str, tuple[int, int, int]]]]] = {
    "dedupe": (
        1000001,
        ["he-1", "lin-1", "wu-1"],
        [("someone_writes", (691, 598, 63)), ("a_request_fails", (712, 246, 828))],
    ),
    "cursor before page": (
        1000003,
        ["chen-1", "he-1", "lin-1", "lin-2", "wu-1"],
        [
            ("someone_writes", (223, 397, 810)),
            ("someone_writes", (295, 17, 443)),
            ("a_request_fails", (488, 885, 226)),
        ],
    ),
    "number for every outcome": (
        1000012,
        ["he-1", "lin-1", "lin-2", "sun-1", "wu-1"],
        [("someone_writes", (545, 268, 985))],
    ),
    "grant ids used again": (
        1000025,
        ["cai-1", "he-1", "lin-1", "lin-2", "sun-1"],
        [
            ("a_customer_is_reassigned", (49, 700, 922)),
            ("a_user_is_deactivated", (437, 864, 192)),
            ("a_user_is_let_in_again", (941, 43, 435)),
        ],
    ),
    "drop not applied": (
        1000000,
        ["chen-1", "lin-1", "lin-2"],
        [("a_customer_is_reassigned", (995, 770, 277))],
    ),
    "late work rejected": (
        1000000,
        ["chen-1", "lin-1", "lin-2"],
        [("someone_writes", (257, 301, 871)), ("a_customer_is_reassigned", (275, 729, 15))],
    ),
    "checksum ignored": (
        1000001,
        ["he-1", "lin-1", "wu-1"],
        [
            ("a_backup_is_taken", (972, 359, 54)),
            ("an_older_backup_is_restored", (94, 206, 508)),
        ],
    ),
}

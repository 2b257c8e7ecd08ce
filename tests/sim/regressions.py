"""Stories that once broke a law: what was wrong, and the fewest steps with which it showed.

Steps and not seeds, because a seed means other steps once a kind of step is added. They are
lived in every test run (`python -m tests.sim.regressions`).
"""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass

from tests.sim import run, template
from tests.sim.known import A_VISIT, BACKUP, LIN, PASSES, RESTORE, TWO, writes
from tests.sim.soak import scratch
from tests.sim.world import Step


@dataclass(frozen=True)
class Regression:
    """`wrong` says what was wrong with the product then."""

    wrong: str
    phones: list[str]
    steps: list[Step]


CHEN = 0
"""Where the manager's phone is the first of those that take part."""


def _to(name: str, *numbers: int) -> Step:
    a, b, c = (*numbers, 0, 0, 0)[:3]
    return Step(name, (a, b, c))


REGRESSIONS = (
    Regression(
        "a device of another epoch was not told which of its grants had ended before the restore:"
        " what they covered stayed in its vault for good",
        ["cai-1", "lin-1", "wu-1"],
        [_to("a_case_is_dispatched", 0, 1), BACKUP, RESTORE],
    ),
    Regression(
        "a customer made by someone who was deactivated before it arrived was rejected for good",
        TWO,
        [writes(LIN, "a_new_customer"), _to("a_user_is_deactivated", 0, 0)],
    ),
    Regression(
        "a sealed log with more changes than one push may have was refused as a whole",
        TWO,
        [
            writes(LIN, "several_visits", 3, 3),
            writes(LIN, "several_visits", 3, 3),
            _to("a_pin_is_forgotten", LIN),
        ],
    ),
    Regression(
        "where one grant on a customer went and another came in one reply, work that was not sent"
        " yet was hidden from its author until it was",
        TWO,
        [
            *(_to("a_customer_is_reassigned", customer, 1) for customer in (0, 1)),
            *(_to("a_grant_for_some_time", customer, 3, 1) for customer in (0, 1)),
            _to("someone_starts_a_sync", LIN),
            A_VISIT,
            PASSES,
            PASSES,
        ],
    ),
    Regression(
        "a photo whose record a restored server had lost was asked for before the record was sent"
        " again: the sync failed, and only the next one succeeded",
        ["chen-1", "he-1", "lin-1", "lin-2", "wu-1"],
        [
            BACKUP,
            writes(701, "a_photo", 46, 59),
            _to("a_request_passes", 626, 661, 424),
            _to("a_request_fails", 683, 892, 283),
            RESTORE,
        ],
    ),
    Regression(
        "a photo that went with its sealed copy at the end of a sync could be read with the"
        " vault's old key until the next one",
        ["he-1", "lin-1", "lin-2"],
        [
            writes(692, "a_photo", 747, 791),
            _to("a_request_passes", 341, 895, 679),
            _to("a_device_is_judged", 806, 357, 799),
            _to("someone_syncs", 620, 979, 289),
            _to("a_backup_is_taken", 552, 500, 451),
        ],
    ),
    Regression(
        "rows that a feed had brought into a bucket before its first fetch outlived a restore that"
        " had lost them: the bucket was fetched in the round in which they had come",
        ["chen-1", "lin-1", "sun-1"],
        [
            writes(771, "two_records_at_once", 886, 903),
            _to("a_customer_is_reassigned", 454, 793, 25),
            writes(444, "a_case_goes_on", 714, 719),
            BACKUP,
            _to("a_request_passes", 735, 389, 139),
            _to("the_office_writes", 204, 400, 181),
            _to("a_request_passes", 118, 799, 903),
            _to("a_request_passes", 596, 367, 982),
            _to("a_request_passes", 325, 220, 424),
            RESTORE,
        ],
    ),
    Regression(
        "of two moves of a case that were made after their author's access had ended, the first"
        " waited as a conflict and the second was refused, since it did not follow what stood",
        ["he-1", "lin-1", "lin-2", "sun-1"],
        [
            _to("a_user_is_deactivated", 385, 218, 367),
            writes(936, "a_case_goes_on", 749, 803),
            writes(640, "a_case_goes_on", 137, 166),
        ],
    ),
    Regression(
        "a photo that came while its record waited in quarantine was verified only when the server"
        " next kept house, long after a manager had released the record",
        ["lin-1", "lin-2", "sun-1", "wu-1"],
        [
            _to("a_grant_is_revoked", 425, 204, 938),
            writes(456, "a_photo", 794, 808),
            _to("someone_syncs", 744, 864, 219),
            _to("a_manager_decides", 304, 967, 391),
        ],
    ),
    Regression(
        "an edit of a case that a restored server had lost was refused for good, since it came"
        " before the phone that had opened the case sent it again",
        ["chen-1", "sun-1", "wu-1"],
        [
            _to("a_backup_is_taken", 71, 550, 904),
            writes(206, "a_case", 276, 288),
            _to("a_request_fails", 917, 796, 559),
            _to("someone_syncs", 139, 987, 842),
            _to("an_older_backup_is_restored", 796, 111, 268),
            writes(124, "a_case_goes_on", 941, 976),
        ],
    ),
    Regression(
        "a question to an expert who had left when it arrived was rejected for good",
        TWO,
        [writes(LIN, "a_question"), _to("a_user_is_deactivated", 1, 0)],
    ),
    Regression(
        "a case given to a technician who had left when that arrived kept nothing of the change",
        ["chen-1", "lin-1"],
        [
            *(_to("a_case_is_dispatched", case, 1) for case in range(3)),
            _to("someone_syncs", CHEN),
            writes(CHEN, "a_case_is_given", 1, 2),
            _to("a_user_is_deactivated", 3, 0),
        ],
    ),
    Regression(
        "an accepted plan whose owner had lost the customer when it arrived was rejected for good",
        ["chen-1", "lin-1"],
        [
            writes(CHEN, "a_plan"),
            *(_to("a_customer_is_reassigned", customer, customer < 2) for customer in range(4)),
        ],
    ),
    Regression(
        "a vote that knew nothing of a dispute was taken for a second look, and rejected as early",
        ["chen-1", "lin-1"],
        [*(_to("the_panel_settles", n, 1, 1) for n in range(2)), writes(CHEN, "a_vote", 1, 2)],
    ),
    Regression(
        "a vote from a seat that its author had lost when it arrived was rejected for good",
        ["chen-1", "lin-1"],
        [_to("the_panel_settles", 0, 0, 0), writes(CHEN, "a_vote", 1, 2)],
    ),
    Regression(
        "a new case that was given to a technician had two versions by one change",
        ["cai-1", "chen-1", "lin-1", "sun-1", "wu-1"],
        [writes(261, "a_case", 336, 339), writes(691, "a_case_is_given", 284, 293)],
    ),
)


def main() -> int:
    folder, failed = scratch(), 0
    try:
        with run.small_world():
            made = template.make(folder)
            for once in REGRESSIONS:
                story = run.tell(made, 0, steps=once.steps, phones=once.phones)
                if story.broken is not None:
                    failed += 1
                    print(f"{once.wrong}\n{story.told()}\n")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{len(REGRESSIONS) - failed} of {len(REGRESSIONS)} hold")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

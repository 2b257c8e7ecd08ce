"""Stories that once broke a law: what was wrong, and the fewest steps with which it showed.

Steps and not seeds alone, because a seed means other steps once a kind of step is added. They are
lived in every test run (`python -m tests.sim.regressions`).
"""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass

from tests.sim import run, template
from tests.sim.soak import scratch
from tests.sim.world import Step

Steps = list[tuple[str, tuple[int, int, int]]]


@dataclass(frozen=True)
class Regression:
    """`wrong` says what was wrong with the product then."""

    wrong: str
    seed: int
    phones: list[str]
    steps: Steps


REGRESSIONS = (
    Regression(
        "a device of another epoch was not told which of its grants had ended before the restore:"
        " what they covered stayed in its vault for good",
        1000017,
        ["cai-1", "lin-1", "lin-2", "sun-1", "wu-1"],
        [
            ("a_case_is_dispatched", (652, 735, 296)),
            ("a_backup_is_taken", (773, 957, 560)),
            ("an_older_backup_is_restored", (821, 503, 163)),
        ],
    ),
)


def main() -> int:
    folder, failed = scratch(), 0
    try:
        with run.small_world():
            made = template.make(folder)
            for once in REGRESSIONS:
                steps = [Step(name, numbers) for name, numbers in once.steps]
                story = run.tell(made, once.seed, steps=steps, phones=once.phones)
                if story.broken is not None:
                    failed += 1
                    print(f"{once.wrong}\n{story.told()}\n")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{len(REGRESSIONS) - failed} of {len(REGRESSIONS)} hold")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

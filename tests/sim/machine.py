"""The same world with Hypothesis as the one who chooses: a state machine whose rules are the steps.

It looks for steps that break a law and, when it finds some, leaves out and simplifies until only
what is needed is left. `python -m tests.sim.machine` runs a few; `HYPOTHESIS_PROFILE=search` more.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from tests.sim import run, template
from tests.sim.cast import PHONES
from tests.sim.soak import scratch
from tests.sim.steps import KINDS
from tests.sim.world import Step

EXAMPLES = 1000 if os.environ.get("HYPOTHESIS_PROFILE") == "search" else 15
NAMES = st.sampled_from(sorted(PHONES))
NUMBER = st.integers(0, 999)
_made: list[template.Template] = []


class Machine(RuleBasedStateMachine):
    """Collects what happens and lives it in the end: a law that breaks on the way breaks then."""

    def __init__(self) -> None:
        super().__init__()
        self.phones: list[str] = []
        self.steps: list[Step] = []

    @initialize(phones=st.lists(NAMES, min_size=3, max_size=5, unique=True))
    def people_go_to_work(self, phones: list[str]) -> None:
        self.phones = sorted(phones)

    def teardown(self) -> None:
        story = run.tell(_made[0], 0, steps=self.steps, phones=self.phones)
        if story.broken is not None:
            raise AssertionError(story.told()) from story.broken


def _rule(name: str) -> Callable[..., Any]:
    @rule(a=NUMBER, b=NUMBER, c=NUMBER)
    def happens(self: Machine, a: int, b: int, c: int) -> None:
        self.steps.append(Step(name, (a, b, c)))

    return happens


for _name in KINDS:
    setattr(Machine, _name, _rule(_name))


def main() -> None:
    folder = scratch()
    chosen = settings(
        max_examples=EXAMPLES,
        stateful_step_count=40,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    try:
        with run.small_world():
            _made.append(template.make(folder))
            run_state_machine_as_test(Machine, settings=chosen)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()

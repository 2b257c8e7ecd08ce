"""The day: three people work offline, the network returns, and a fourth of another store looks on.

Lived through once for the suites that ask about it; it judges nothing but that the work could be
done. What each saw, entered and was sent is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from playwright.sync_api import Page, Playwright, Worker

from sync_server.demo.load import ZONE
from tests.e2e.calling import Called, call_back
from tests.e2e.evidence import Evidence
from tests.e2e.people import Person, at_work
from tests.e2e.repairing import Repaired, repair
from tests.e2e.template import Template
from tests.e2e.visiting import Visited, visit
from tests.live_server import LiveServer

MANAGER, TECHNICIAN, AGENT, STRANGER = "wangfang", "liqiang", "zhaomin", "zhoujie"
_ASK = "fetch('/healthz', { cache: 'no-store' }).then(() => 'answered', () => 'refused')"


@dataclass
class Day:
    """How it went. Each browser profile lies in `profiles` under its user name.

    By user name: `cut` what page, worker and service worker said when they asked for something
    offline, `strayed` the paths that were asked for all the same, `unsent` how much waited before
    the network returned, `standing` the sync screen after it.
    """

    profiles: Path
    evidence: Evidence
    people: dict[str, Person] = field(default_factory=dict)
    cut: dict[str, tuple[str, ...]] = field(default_factory=dict)
    strayed: dict[str, list[str]] = field(default_factory=dict)
    unsent: dict[str, int] = field(default_factory=dict)
    standing: dict[str, str] = field(default_factory=dict)
    visited: Visited | None = None
    repaired: Repaired | None = None
    called: Called | None = None


@contextmanager
def a_day(
    playwright: Playwright, template: Template, live: LiveServer, folder: Path
) -> Iterator[Day]:
    """The people stay at their devices until the end, online, on Today or where they stopped.
    The stranger's device is new: it is asked about every byte that it was ever sent."""
    day = Day(folder, Evidence(live))
    with ExitStack() as devices:

        def come(username: str) -> Person:
            at = template.on_today(playwright, folder / username, live, username)
            day.people[username] = devices.enter_context(at)
            return day.people[username]

        manager, technician, agent = come(MANAGER), come(TECHNICIAN), come(AGENT)
        for person in (manager, technician, agent):
            _leave_the_network(person, day)
        in_three_days = datetime.now(ZONE).date() + timedelta(days=3)
        day.visited = visit(manager, in_three_days)
        day.repaired = repair(technician)
        day.called = call_back(agent)
        for person in (manager, technician, agent):
            _return_to_the_network(person, day)
        stranger = at_work(playwright, folder / STRANGER, live, STRANGER)
        day.people[STRANGER] = devices.enter_context(stranger)
        day.people[STRANGER].enter()
        yield day


def _leave_the_network(person: Person, day: Day) -> None:
    person.cut_network()
    person.way.heard.clear()
    person.restart()
    page = person.tab.page
    asked: tuple[Page | Worker, ...] = (
        page,
        *page.workers,
        *person.browser.context.service_workers,
    )
    day.cut[person.username] = tuple(one.evaluate(_ASK) for one in asked)


def _return_to_the_network(person: Person, day: Day) -> None:
    day.unsent[person.username] = person.waiting()
    day.strayed[person.username] = [one.path for one in person.way.heard]
    person.browser.online()
    person.wait_synced()
    person.go("/sync")
    person.tab.wait_text("没有等待上传的内容")
    day.standing[person.username] = person.tab.all_text()

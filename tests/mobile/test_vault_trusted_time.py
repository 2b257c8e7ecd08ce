"""L4, honest about time: turning the clock back helps no one, and a wrong clock locks no one out
for good.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import apsw
import pytest

from mobile.store.pool import MemoryDisk, MemoryFiles
from mobile.store.trusted_time import Reading, TimeMemory, TrustedClock, after_server_spoke, behind
from mobile.store.vault import close_vault, open_vault, transaction
from shared.errors import Code, Refusal

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HOUR, MINUTE, DAY = timedelta(hours=1), timedelta(minutes=1), timedelta(days=1)


@dataclass
class Phone:
    """A phone whose clock a person can set, and the vault on it."""

    wall: datetime = START
    since_boot: timedelta = timedelta(minutes=7)
    boots: int = 0
    vault: apsw.Connection = field(default_factory=lambda: apsw.Connection(":memory:"))

    def now(self) -> datetime:
        return self.wall

    def monotonic_ms(self) -> int:
        return int(self.since_boot.total_seconds() * 1000)

    def passes(self, time: timedelta) -> None:
        self.wall += time
        self.since_boot += time

    def started(self) -> TrustedClock:
        """The app started anew: monotonic time begins again, as it does after a reload."""
        self.boots += 1
        self.since_boot = timedelta()
        return TrustedClock(self, f"boot-{self.boots}", self.vault, tolerance=5 * MINUTE)


@pytest.fixture
def phone() -> Phone:
    return Phone()


def suspended(clock: TrustedClock) -> bool:
    try:
        clock.refuse_reading_if_set_back()
    except Refusal as refusal:
        assert refusal.code is Code.CLOCK_BEHIND
        return True
    return False


def test_with_an_honest_clock_time_is_the_wall_clocks(phone: Phone) -> None:
    clock = phone.started()
    assert clock.now() == START
    phone.passes(HOUR)
    assert clock.now() == START + HOUR
    assert not suspended(clock)


def test_a_clock_set_back_stops_reading_but_time_does_not_go_back(phone: Phone) -> None:
    clock = phone.started()
    clock.now()
    phone.wall -= DAY
    assert clock.now() == START
    with pytest.raises(Refusal) as caught:
        clock.refuse_reading_if_set_back()
    assert caught.value.details["minutes"] == 24 * 60


def test_a_clock_set_back_before_a_restart_is_still_noticed(phone: Phone) -> None:
    phone.started().now()
    phone.wall -= DAY
    clock = phone.started()
    assert clock.now() == START
    assert suspended(clock)


def test_a_few_minutes_of_drift_are_forgiven(phone: Phone) -> None:
    clock = phone.started()
    clock.now()
    phone.wall -= 5 * MINUTE
    assert not suspended(clock)
    phone.wall -= timedelta(seconds=1)
    assert suspended(clock)


def test_after_the_servers_word_time_runs_on_though_the_wall_clock_is_set_back(
    phone: Phone,
) -> None:
    clock = phone.started()
    clock.server_said(START)
    phone.passes(HOUR)
    phone.wall -= 3 * HOUR
    phone.passes(HOUR)
    assert clock.now() == START + 2 * HOUR
    assert suspended(clock)


def test_a_sync_lets_a_phone_with_a_slow_clock_work_on(phone: Phone) -> None:
    phone.started().server_said(START)
    phone.wall -= DAY
    clock = phone.started()
    assert suspended(clock)
    clock.server_said(START + HOUR)
    assert not suspended(clock)
    phone.passes(HOUR)
    assert clock.now() == START + 2 * HOUR
    assert not suspended(clock)
    phone.wall -= HOUR
    assert suspended(clock)


def test_what_a_sync_forgave_is_not_forgiven_after_a_restart(phone: Phone) -> None:
    """Else a clock set back, one sync and a cut network would stop time for good."""
    phone.wall -= 30 * DAY
    clock = phone.started()
    clock.server_said(START)
    assert not suspended(clock)
    assert suspended(phone.started())


def test_the_judgement_itself_forgives_only_within_one_run_of_the_app() -> None:
    slow = Reading(START - DAY, monotonic_ms=0, boot="one")
    memory = after_server_spoke(TimeMemory(), START, slow)
    assert behind(slow, memory) == timedelta(0)
    assert behind(Reading(START - DAY, monotonic_ms=0, boot="two"), memory) == DAY


def test_a_clock_once_set_years_ahead_is_corrected_by_the_next_sync(phone: Phone) -> None:
    clock = phone.started()
    phone.wall += 2000 * DAY
    clock.now()
    phone.wall -= 2000 * DAY
    assert suspended(clock)
    clock.server_said(START)
    assert clock.now() == START
    assert not suspended(phone.started())


def test_an_old_reply_played_again_turns_nothing_back(phone: Phone) -> None:
    clock = phone.started()
    clock.server_said(START + HOUR)
    clock.server_said(START)
    assert clock.now() == START + HOUR
    assert phone.started().now() == START + HOUR


def test_the_highest_time_is_written_once_a_minute_and_when_the_app_is_put_away(
    phone: Phone,
) -> None:
    clock = phone.started()
    clock.now()
    written = phone.vault.total_changes()
    phone.passes(timedelta(seconds=59))
    clock.now()
    assert phone.vault.total_changes() == written
    clock.store()
    phone.wall -= DAY
    assert phone.started().now() == START + timedelta(seconds=59)


def test_asking_the_time_inside_a_transaction_neither_breaks_nor_loses_it(phone: Phone) -> None:
    clock = phone.started()
    with pytest.raises(KeyError), transaction(phone.vault):
        assert clock.now() == START
        raise KeyError
    clock.now()
    phone.wall -= DAY
    assert phone.started().now() == START


async def test_a_full_disk_keeps_no_one_from_the_time() -> None:
    disk = MemoryDisk()
    files = MemoryFiles(disk=disk)
    await files.claim("lin")
    phone = Phone(vault=open_vault(files, "lin", bytes(32)))
    clock = phone.started()
    disk.room = disk.used()
    with pytest.raises(Refusal) as caught:
        clock.server_said(START)
    assert caught.value.code is Code.DISK_FULL
    assert clock.now() == START
    phone.passes(HOUR)
    assert clock.now() == START + HOUR
    close_vault(phone.vault)

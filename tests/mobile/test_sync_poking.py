"""What a stream of hints says, and when a lost one is opened again: pure, and by a clock that only
the test moves."""

from __future__ import annotations

import heapq
import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobile.sync.poking import (
    FIRST_BACK,
    LONGEST_BACK,
    ComeBack,
    Events,
    Hint,
    Patience,
    Said,
)
from mobile.sync.scheduler import Scheduler
from shared.errors import Code, Refusal

STREAM = (
    b"retry: 1500\n\n"
    b'event: changed\ndata: {"seq":7,"spread_ms":0}\n\n'
    b": a comment\n\nevent: of a later version\ndata: {}\n\n"
    b'event: changed\r\ndata: {"seq":null,"spread_ms":2500,"more":1}\r\n\r\n'
    b"event: changed\ndata: no json\n\n"
    b'event: changed\ndata: {"seq":"x"}\n\n'
    b"retry: soon\n\n"
)
SAID: list[Said] = [ComeBack(1.5), Hint(7), Hint(None, 2.5)]


@given(st.lists(st.integers(0, len(STREAM)), max_size=20))
def test_a_stream_says_the_same_however_it_is_cut(cuts: list[int]) -> None:
    heard: list[Said] = []
    events = Events(heard.append)
    edges = [0, *sorted(cuts), len(STREAM)]
    for begin, end in zip(edges, edges[1:], strict=False):
        events.feed(STREAM[begin:end])
    assert heard == SAID


def test_what_is_no_event_stream_is_given_up() -> None:
    with pytest.raises(Refusal) as refused:
        Events(lambda _said: None).feed(b"<" * 20_000)
    assert refused.value.code is Code.CUT_SHORT


def test_the_first_stream_is_opened_at_once_and_a_lost_one_not() -> None:
    patience = Patience(random.Random(1))
    assert patience.wait(0.0) == 0.0
    patience.lost(0.0)
    assert patience.wait(0.0) > 0.0
    patience.anew(1.0)
    assert patience.wait(1.0) == 0.0


@given(st.integers(0, 40), st.integers())
def test_a_stream_that_cannot_be_opened_is_tried_ever_more_rarely(times: int, seed: int) -> None:
    patience = Patience(random.Random(seed))
    for _ in range(times + 1):
        patience.lost(100.0)
    most = min(LONGEST_BACK, FIRST_BACK * 2.0**times)
    assert most / 2 <= patience.wait(100.0) <= most
    patience.heard(Hint(1))
    patience.lost(100.0)
    assert patience.wait(100.0) <= FIRST_BACK


def test_phones_that_were_refused_together_do_not_come_together() -> None:
    waits = set()
    for seed in range(20):
        patience = Patience(random.Random(seed))
        patience.lost(0.0)
        patience.lost(0.0)
        waits.add(patience.wait(0.0))
    assert len(waits) == 20


def test_the_server_is_given_the_time_it_asked_for() -> None:
    patience = Patience(random.Random(1))
    patience.lost(0.0, retry_after=120.0)
    assert patience.wait(0.0) >= 120.0
    patience.heard(ComeBack(45.0))
    patience.lost(0.0)
    assert patience.wait(0.0) == 45.0
    patience.heard(ComeBack(1e9))
    patience.lost(0.0)
    assert patience.wait(0.0) <= LONGEST_BACK


PHONES = 2000
DOWN = 1000.0


@pytest.mark.parametrize("seconds", [0.5, 4.0, 15.0, 60.0])
def test_a_restarted_server_does_not_meet_all_phones_at_once(seconds: float) -> None:
    """Two thousand phones in virtual time: their streams die together, and what was written
    meanwhile concerns every tenth."""
    dice = random.Random(seconds)
    patience = [Patience(random.Random(n)) for n in range(PHONES)]
    timetables = [Scheduler(random.Random(n)) for n in range(PHONES)]
    tries: list[tuple[float, int]] = []
    for phone in range(PHONES):
        timetables[phone].finished(DOWN - dice.uniform(0, 300), None)
        # What `Hub.back_ms` says to each of so many, at the last heartbeat or at the end.
        patience[phone].heard(ComeBack(dice.uniform(0.5, PHONES * 0.015)))
        patience[phone].lost(DOWN)
        heapq.heappush(tries, (DOWN + patience[phone].wait(DOWN), phone))
    opened: Counter[int] = Counter()
    syncs: Counter[int] = Counter()
    while tries:
        now, phone = heapq.heappop(tries)
        if now < DOWN + seconds:
            patience[phone].lost(now)
            heapq.heappush(tries, (now + patience[phone].wait(now), phone))
            continue
        opened[int(now)] += 1
        if phone % 10 == 0:
            timetables[phone].poked(now)
        syncs[int(now + timetables[phone].due(now))] += 1
    assert opened.total() == PHONES and max(opened) < DOWN + 30 + 3 * seconds
    assert max(opened.values()) <= PHONES / 10
    assert max(syncs.values()) <= PHONES / 50

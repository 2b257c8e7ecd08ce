"""Whatever someone does to the phone's clock: nothing that ended is readable again, and nobody who
holds a customer is kept from writing (L4, L1)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import apsw
from hypothesis import given, settings
from hypothesis import strategies as st

from mobile.store.meta import DEVICE_ID, STAFF
from mobile.store.store import Store
from mobile.store.trusted_time import TrustedClock
from shared.clock import to_wire
from shared.entities import Customer
from shared.errors import Refusal
from shared.rows import RowLine, body_text
from shared.wire import Lease, LeaseGrant, PullHeader, Trailer
from tests.mobile.store_world import ME, MORNING, an_id, customer

TIMED, OWN = customer("限时"), customer("自己的")
ENDS = MORNING + timedelta(hours=6)
LAG = timedelta(minutes=1)
"""How far the highest time on disk may lie behind the one in memory."""


@dataclass
class Phone:
    """One vault, its clocks, and the true time, which only the test knows."""

    true: datetime = MORNING
    wall: datetime = MORNING
    since_boot: timedelta = timedelta()
    boots: int = 0
    unseen: timedelta = timedelta()
    """What may have passed since the server last spoke without the app being able to know."""
    vault: apsw.Connection = field(default_factory=lambda: apsw.Connection(":memory:"))

    def __post_init__(self) -> None:
        self.start()
        self.store.parts.meta.put(STAFF, {"id": ME, "name": "赵敏", "role": "callback_agent"})
        self.store.parts.meta.put(DEVICE_ID, an_id("device"))
        self.sync()
        lines = [
            RowLine(f"customer:{row['id']}", "customer", row["id"], 1, body_text(row))
            for row in (TIMED, OWN)
        ]
        fetch = self.store.inbound.next_fetch()
        assert fetch is not None
        self.store.inbound.fetched(fetch, Trailer(rows=2), lines)

    def now(self) -> datetime:
        return self.wall

    def monotonic_ms(self) -> int:
        return int(self.since_boot / timedelta(milliseconds=1))

    # ── what happens to it ────────────────────────────────────────────────────────────────

    def start(self) -> None:
        self.boots += 1
        self.since_boot = timedelta()
        self.clock = TrustedClock(self, f"boot-{self.boots}", self.vault, timedelta(minutes=5))
        self.store = Store(self.vault, self.clock)
        self.store.inbound.end_expired()

    def passes(self, minutes: int) -> None:
        time = timedelta(minutes=minutes)
        self.true += time
        self.wall += time
        self.since_boot += time
        self.clock.now()

    def set_clock(self, minutes: int) -> None:
        self.wall += timedelta(minutes=minutes)

    def killed(self, minutes: int) -> None:
        """The app is gone for so long, without a chance to write anything down."""
        time = timedelta(minutes=minutes)
        self.true += time
        self.wall += time
        self.unseen += time + LAG
        self.start()

    def sync(self, _minutes: int = 0) -> None:
        """The server, whose clock is true, says what this person may read from now on."""
        grants = [self._grant(OWN, None)]
        if self.true < ENDS:
            grants.append(self._grant(TIMED, ENDS))
        now = to_wire(self.true)
        lease = Lease(
            organisation_id="o", device_id=an_id("device"), staff_id=ME, role="callback_agent",
            epoch="e", issued_at=now, ends_at=to_wire(self.true + timedelta(hours=72)),
            grants_digest="", grants=grants,
        )  # fmt: skip
        self.clock.server_said(self.true)
        header = PullHeader(epoch="e", cursor=1, more=False, server_time=now, backed_up_to=0)
        self.store.inbound.pulled(header, lease, ())
        self.store.inbound.end_expired()
        self.unseen = timedelta()

    def _grant(self, row: dict[str, Any], ends: datetime | None) -> LeaseGrant:
        return LeaseGrant(
            id=an_id("grant", row["id"]), bucket=f"customer:{row['id']}", purpose="callback",
            role="account_manager", not_before=to_wire(MORNING),
            expires_at=ends and to_wire(ends),
        )  # fmt: skip

    # ── what must hold ────────────────────────────────────────────────────────────────────

    def reads(self, row: dict[str, Any]) -> bool:
        try:
            return self.store.get(Customer, row["id"]) is not None
        except Refusal:
            return False

    def check(self, gone: bool) -> bool:
        """All that is promised at this moment; whether what ended has gone by now."""
        readable = self.reads(TIMED)
        if self.true >= ENDS + self.unseen:
            assert not readable, "it ended, and the app could know"
        if gone:
            assert not readable, "what had ended came back"
        seen = Customer(id=OWN["id"], name=OWN["name"])
        with self.store.unit() as unit:  # whatever the clock says
            unit.update(seen, needs=f"{self.true} {self.wall}")
            unit.commit()
        held = "SELECT count(*) FROM held_grant WHERE id = ?"
        grant_id = an_id("grant", TIMED["id"])
        return gone or self.vault.execute(held, (grant_id,)).get == 0


HOURS = st.integers(-14, 14).map(lambda hours: hours * 60)  # a time zone set by hand
STEP = st.one_of(
    st.tuples(st.just("passes"), st.integers(0, 400)),
    st.tuples(st.just("set_clock"), st.integers(-6000, 6000)),
    st.tuples(st.just("set_clock"), st.integers(-5, 5)),
    st.tuples(st.just("set_clock"), HOURS),
    st.tuples(st.just("killed"), st.integers(0, 300)),
    st.tuples(st.just("sync"), st.just(0)),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(STEP, max_size=14))
def test_no_clock_brings_back_what_ended_and_none_keeps_anyone_from_writing(
    steps: list[tuple[str, int]],
) -> None:
    phone = Phone()
    assert phone.reads(TIMED) and phone.reads(OWN)
    gone = phone.check(False)
    for what, minutes in steps:
        if what == "sync" and phone.true < ENDS:
            # The server's word corrects a clock that was wrong: it is there again, by right.
            gone = False
        getattr(phone, what)(minutes)
        gone = phone.check(gone)


def test_a_clock_set_back_by_a_little_again_and_again_stops_no_time() -> None:
    phone = Phone()
    phone.killed(0)  # offline from here on
    for _ in range(100):
        phone.passes(4)
        phone.set_clock(-4)
        phone.check(False)
    assert phone.true >= ENDS and not phone.reads(TIMED)

"""The panel's part in the tiers, on a phone (S1 #51, #52, S2 #78): which changes wait for the seats
that this person sits in, and what they say of them. Works without a network.

A phone holds the proposals of the customers that its user may see, and no others; whether a word
takes effect, and with which other seats, the server says when it arrives.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from mobile.usecases.outbox import staff_name
from shared.clock import from_wire
from shared.entities import TierProposal
from shared.states import OPEN_PROPOSAL_STATES
from shared.tiers import seats_of, seats_wanted, second_look_at

if TYPE_CHECKING:
    from mobile.store.store import Store

_COLUMNS = ("id", "axis", "state", "seats", "disputed_by", "disputed_at", "proposed_at")
_FIRST = frozenset({"value", "vip"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where one proposal stands. `seats`: each that is asked for, and whether it has confirmed.
    `mine`: whether it waits for this person now; `ready_at` says from when, where they disputed it
    themselves."""

    seats: tuple[tuple[str, bool], ...]
    mine: bool
    ready_at: datetime | None
    disputed_by: str


def waiting(store: Store) -> list[str]:
    """Ids of the proposals that wait for a seat of this person's: those that move visits and
    service (`_FIRST`) before the others, the oldest first; none for who sits in no seat."""
    seats = _my_seats(store)
    if not seats:
        return []
    now, me = store.now(), store.staff().id
    found = []
    for state in OPEN_PROPOSAL_STATES:
        for row in store.columns(TierProposal, _COLUMNS, state=state):
            one, axis, is_in, sat, by, at, proposed = row
            done = frozenset(json.loads(sat or "[]"))
            since = from_wire(at) if at else None
            if _waits(store, seats & seats_wanted(axis), is_in, done, by == me, since, now):
                found.append((axis not in _FIRST, proposed, one))
    return [one for *_, one in sorted(found)]


def standing(store: Store, one: TierProposal) -> Standing:
    """Where a proposal stands, and whether this person may say something of it."""
    wanted, me = seats_wanted(one.axis), one.disputed_by == store.staff().id
    mine, since = _my_seats(store) & wanted, one.disputed_at
    ready = second_look_at(since, store.policy()) if me and since else None
    return Standing(
        seats=tuple((seat, seat in one.seats) for seat in sorted(wanted)),
        mine=_waits(store, mine, one.state, frozenset(one.seats), me, since, store.now()),
        ready_at=ready if one.state == "disputed" and mine else None,
        disputed_by=staff_name(store, one.disputed_by),
    )


def decide(store: Store, one: TierProposal, verdict: str, note: str | None) -> int:
    """Says ``confirmed``, ``disputed`` (with a note that gives the reason) or, at the second look,
    ``withdrawn``; returns the change's number, for `decisions.undo`. `one` is what its reader saw.
    """
    number = store.parts.outbox.next_number()
    with store.unit() as unit:
        said = {"note": note.strip()} if note and note.strip() else {}
        unit.update(one, state=verdict, **said)
        unit.discard_draft(draft_key(one))
        unit.commit()
    return number


def draft_key(one: TierProposal) -> str:
    """Under which a reason that is being written is kept."""
    return f"tier/{one.id}"


def _my_seats(store: Store) -> frozenset[str]:
    me = store.staff()
    return seats_of(store.policy(), me.id, me.role)


def _waits(
    store: Store,
    mine: frozenset[str],
    state: str,
    done: frozenset[str],
    disputed_myself: bool,
    disputed_at: datetime | None,
    now: datetime,
) -> bool:
    """Whether it waits for one of the seats `mine`. What this phone has just disputed has no time
    yet, and waits for nobody here."""
    if not mine - done or state not in OPEN_PROPOSAL_STATES:
        return False
    if state == "proposed":
        return True
    if disputed_at is None:
        return False
    return not disputed_myself or now >= second_look_at(disputed_at, store.policy())

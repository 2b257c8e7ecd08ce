"""How many wrong passwords are taken, per user name and per address."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, case, delete, update

from shared.clock import to_wire
from shared.errors import Code, Refusal
from sync_server.db.accounts import SIGN_IN_TRY, upsert


@dataclass(frozen=True, slots=True)
class TryLimits:
    """Tries within `window`, from the first of them on."""

    per_user: int
    per_address: int
    window: timedelta


class Counted(NamedTuple):
    """What became of a try. `first_refused`: refusals by name or by address begin with it; the
    others of the same window say nothing new."""

    allowed: bool
    first_refused: bool


@dataclass(frozen=True, slots=True)
class Tries:
    """Counts tries. A try is written down before it is judged, so that a crowd of them at once
    counts as well; a right password takes its own back.

    Whoever knows a user name can thereby keep its owner from signing in anew for a while, but
    never from working: a device that is signed in goes on.
    """

    secret: bytes
    limits: TryLimits

    def count(self, connection: Connection, username: str, address: str, now: datetime) -> Counted:
        """Write one try down. Not allowed where there were too many: the password is not even
        looked at."""
        user = self._add(connection, self._mark("user", username), now) - self.limits.per_user
        place = self._add(connection, self._mark("address", address), now) - self.limits.per_address
        return Counted(allowed=max(user, place) <= 0, first_refused=1 in (user, place))

    def forgive(self, connection: Connection, username: str, address: str) -> None:
        """The password was right: the user's tries begin anew, the address gets this one back."""
        connection.execute(
            delete(SIGN_IN_TRY).where(SIGN_IN_TRY.c.mark == self._mark("user", username))
        )
        connection.execute(
            update(SIGN_IN_TRY)
            .where(SIGN_IN_TRY.c.mark == self._mark("address", address))
            .values(tries=SIGN_IN_TRY.c.tries - 1)
        )

    def sweep(self, connection: Connection, now: datetime) -> None:
        """Forget what is too old to count."""
        since = to_wire(now - self.limits.window)
        connection.execute(delete(SIGN_IN_TRY).where(SIGN_IN_TRY.c.since < since))

    def refusal(self) -> Refusal:
        return Refusal(Code.TOO_MANY_TRIES, minutes=int(self.limits.window.total_seconds() // 60))

    def _add(self, connection: Connection, mark: str, now: datetime) -> int:
        fresh = upsert(connection, SIGN_IN_TRY).values(mark=mark, since=to_wire(now), tries=1)
        over = SIGN_IN_TRY.c.since < to_wire(now - self.limits.window)
        added = fresh.on_conflict_do_update(
            index_elements=["mark"],
            set_={
                "since": case((over, fresh.excluded.since), else_=SIGN_IN_TRY.c.since),
                "tries": case((over, 1), else_=SIGN_IN_TRY.c.tries + 1),
            },
        )
        return int(connection.execute(added.returning(SIGN_IN_TRY.c.tries)).scalar_one())

    def _mark(self, kind: str, value: str) -> str:
        # Keyed, so that the table is no list of user names and addresses.
        text = f"sign-in try\0{kind}\0{value}".encode("utf-8", "surrogatepass")
        return hmac.new(self.secret, text, hashlib.sha256).hexdigest()

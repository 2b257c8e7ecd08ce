"""The store of one opened vault: the one door through which use cases read and write.

Synchronous and for one thread. Reading goes through the gate (L4), writing through units of work
(L1); what the sync engine does to it is in `inbound`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

import apsw

from mobile.store import catalogue, credentials, schema
from mobile.store.blobs import Blobs, Upload
from mobile.store.commits import Commits, Listener
from mobile.store.drafts import Draft, Drafts
from mobile.store.gate import Gate, TrustedTime
from mobile.store.inbound import Inbound
from mobile.store.meta import STAFF, Meta
from mobile.store.outbox import Outbox, Waiting
from mobile.store.records import Records, Shown
from mobile.store.search import SearchHit, search
from mobile.store.status import Status, status
from mobile.store.unit import Parts, Unit
from shared.clock import to_wire
from shared.declare import Record
from shared.entities import Conflict, Reference
from shared.errors import Code, Refusal
from shared.messages import parse
from shared.policy import Policies, PolicySettings
from shared.wire import StaffCard, TokenReply
from shared.workdays import Workdays

R = TypeVar("R", bound=Record)


class Store:
    """Everything a use case asks of the vault. All reading refuses `lease_ended` and
    `clock_behind`."""

    def __init__(self, db: apsw.Connection, time: TrustedTime) -> None:
        """`db` is an opened vault (`open_vault`), or any APSW connection in tests."""
        schema.prepare(db)
        meta = Meta(db)
        gate = Gate(db, meta, time)
        self.parts = Parts(
            db=db,
            meta=meta,
            gate=gate,
            time=time,
            commits=Commits(db),
            records=Records(db, gate),
            outbox=Outbox(db, meta),
            blobs=Blobs(db, self._readable),
            drafts=Drafts(db, self._readable),
        )
        self.inbound = Inbound(self.parts)

    # ── reading ───────────────────────────────────────────────────────────────────────────

    def get(self, cls: type[R], record_id: str) -> R | None:
        """The record, or None where there is none that may be read."""
        return self.parts.records.get(cls, record_id)

    def find(
        self,
        cls: type[R],
        *,
        newest_first: bool = False,
        limit: int = -1,
        offset: int = 0,
        **where: Any,
    ) -> list[R]:
        """Records whose fields equal `where`, by their entity's time; see `Records.find`."""
        return self.parts.records.find(
            cls, newest_first=newest_first, limit=limit, offset=offset, **where
        )

    def columns(
        self, cls: type[Record], names: Sequence[str], **where: Any
    ) -> list[tuple[Any, ...]]:
        """Some fields of many records, in wire form; see `Records.columns`."""
        return self.parts.records.columns(cls, names, **where)

    def count(self, cls: type[Record], **where: Any) -> int:
        """How many `find` would give."""
        return self.parts.records.count(cls, **where)

    def agenda(self, cls: type[R], *, until: datetime | None = None, limit: int = -1) -> list[R]:
        """Open visits, cases or callbacks by time, the earliest first."""
        return self.parts.records.agenda(cls, until=until, limit=limit)

    def row(self, entity: str, record_id: str) -> Shown | None:
        """A record's row, with the number of the server's row beneath and whether changes wait on
        it."""
        return self.parts.records.row(entity, record_id)

    def pending(self, cls: type[Record]) -> frozenset[str]:
        """Ids of the records of this kind on which changes wait."""
        return self.parts.records.pending(cls)

    def search(self, text: str, limit: int = 8) -> list[SearchHit]:
        """At most `limit` hits of each kind, grouped by kind, the best first."""
        parts = self.parts
        return search(parts.db, parts.gate, parts.records, text, limit)

    def blob(self, sha256: str) -> bytes | None:
        """A file's content, if it is on this device and its record may be read."""
        self.parts.gate.open()
        return self.parts.blobs.get(sha256)

    def conflicts(self) -> list[Conflict]:
        """Conflicts that nobody has resolved yet, the oldest first."""
        return self.find(Conflict, resolution=None)

    def access_ends(self, entity: str, record_id: str) -> datetime | None:
        """When a record that is shown now will no longer be; None while no end is set."""
        return self.parts.gate.access_ends(entity, record_id)

    def suspended(self) -> Code | None:
        """Why nothing is readable now (`lease_ended`, `clock_behind`), or None."""
        return self.parts.gate.suspended()

    # ── writing ───────────────────────────────────────────────────────────────────────────

    def unit(self) -> Unit:
        """``with store.unit() as unit: …; unit.commit()``; without the commit nothing has
        happened."""
        return Unit(self.parts, self.policy())

    def draft(self, key: str) -> Draft | None:
        """The draft as last saved, or None; also None while the record it is about may not be
        read."""
        self.parts.gate.settle()
        return self.parts.drafts.get(key)

    def save_draft(
        self,
        key: str,
        draft: Draft,
        *,
        about: tuple[str, str] | None = None,
        typed_at: datetime | None = None,
    ) -> None:
        """Store a draft durably. `about` names the (entity, id) whose end of grant hides it too;
        `typed_at` when the last of it was written, in effective time, where that was before now."""
        now = self.parts.time.now()
        at = to_wire(now if typed_at is None else min(typed_at, now))
        with self.parts.commits.begin():
            self.parts.drafts.save(key, draft, at, about)

    def discard_draft(self, key: str) -> None:
        """Remove a draft; harmless when there is none."""
        with self.parts.commits.begin():
            self.parts.drafts.discard(key)

    def drafts(self, prefix: str = "") -> list[str]:
        """Keys of drafts, the latest first."""
        self.parts.gate.settle()
        return self.parts.drafts.keys(prefix)

    def dismiss(self, number: int) -> None:
        """The author has seen the outcome of their change `number`."""
        with self.parts.commits.begin() as touched:
            self.parts.outbox.dismiss(number)
            touched.add(("outbox", str(number)))

    # ── what is going on ──────────────────────────────────────────────────────────────────

    def waiting(self) -> list[Waiting]:
        """Changes that wait, and outcomes their author should see. The author's own work: never
        hidden."""
        return self.parts.outbox.waiting()

    def waiting_files(self) -> list[Upload]:
        """Photos and documents that the server has not verified yet, and why not."""
        return self.parts.blobs.unsent()

    def status(self) -> Status:
        """Counts and times for the sync chip."""
        return status(self.parts.db, self.parts.meta, self.parts.gate)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """`listener` is called after each commit with the (entity, id) pairs it touched; returns
        how to stop."""
        return self.parts.commits.subscribe(listener)

    # ── who this is ───────────────────────────────────────────────────────────────────────

    def begin(self, reply: TokenReply) -> None:
        """Make the vault that of the person who signed in on this device: card, server keys,
        tokens. Also after signing in again. Nothing that is stored is touched."""
        credentials.keep(self.parts, reply)

    # ── the organisation ──────────────────────────────────────────────────────────────────

    def now(self) -> datetime:
        """Effective time (L4, L8): what screens compare due times with."""
        return self.parts.time.now()

    def policy(self, at: datetime | None = None) -> PolicySettings:
        """The policy that holds now, or held at another time: a clock keeps the one under which it
        began."""
        return catalogue.policy(self.parts.records, at or self.parts.time.now())

    def policies(self) -> Policies:
        """Every version of the policy, for whoever asks for many moments."""
        return catalogue.policies(self.parts.records)

    def calendar(self) -> Workdays:
        """The working-day calendar."""
        return catalogue.calendar(self.parts.records)

    def currency(self) -> str | None:
        """The currency of amounts that are typed on this device."""
        return catalogue.currency(self.parts.records)

    def references(self, name: str) -> list[Reference]:
        """The entries of one catalogue in their order."""
        return catalogue.references(self.parts.records, name)

    def staff(self) -> StaffCard:
        """Whose vault this is. Refuses `sign_in_required` before the first sign-in."""
        card = self.parts.meta.get(STAFF)
        if card is None:
            raise Refusal(Code.SIGN_IN_REQUIRED)
        return parse(StaffCard, card)

    def _readable(self, entity: str, record_id: str) -> bool:
        return self.parts.records.unguarded(entity, record_id) is not None

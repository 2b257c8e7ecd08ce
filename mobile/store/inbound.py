"""What comes in from the server, and how it is stored: each reply in one transaction, position
included (design §5).

The cursor moves with the page that it stands behind, never before it. Only what a signed lease
names is dropped; a set of grants that is empty or can't be made out means: hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mobile.store import arrivals, overlay, receipts, sealed_copies
from mobile.store.blobs import Upload
from mobile.store.case_numbers import add_block, numbers_left
from mobile.store.handing_over import hand_over
from mobile.store.holdings import Holdings
from mobile.store.meta import (
    BACKED_UP_TO,
    CURSOR,
    EPOCH,
    GRANTS_DIGEST,
    LAST_SYNC_AT,
    LEASE,
    OUTBOX_EPOCH,
    REKEY_DUE,
    REPAIRED,
    RETURNED,
    UPDATE_WANTED,
)
from mobile.store.outbox import Touched
from mobile.store.unit import Parts
from shared.clock import to_wire
from shared.errors import Code
from shared.ids import new_id
from shared.rows import DIGEST_MASK, RowLine
from shared.wire import Checksum, Lease, PullHeader, PushReply, Trailer

_COUNTED = """
    b.complete AND EXISTS (SELECT 1 FROM held_grant g WHERE g.bucket = b.no AND g.listed)
"""
"""Buckets whose rows the server counts as well: whole, and named by the lease."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where this device stands: what it tells the server before it asks for more."""

    epoch: str | None
    cursor: int
    grants_digest: str
    case_numbers_left: int


@dataclass(frozen=True, slots=True)
class Fetch:
    """The next snapshot request: buckets that are not whole yet, and where the first of them goes
    on."""

    buckets: tuple[str, ...]
    after: tuple[str, str, str] | None


class Inbound:
    """The storing half of a sync over an open vault's parts."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.holdings = Holdings(parts.db)

    def position(self) -> Position:
        """The present position."""
        meta = self._parts.meta
        return Position(
            epoch=meta.get(EPOCH),
            cursor=meta.get(CURSOR, 0),
            grants_digest=meta.get(GRANTS_DIGEST) or self.holdings.digest(),
            case_numbers_left=numbers_left(meta),
        )

    def pushed(self, reply: PushReply) -> None:
        """Settle the outcomes of a push. A new epoch first makes everything unsent that was not
        backed up."""
        with self._parts.commits.begin() as touched:
            touched |= self._epoch_seen(reply.epoch)
            touched |= self._parts.outbox.settle(reply.outcomes)
            # Only where the screen changes: what was applied stays laid over until its row comes.
            self._refresh(self._parts.outbox.uncovered(reply.outcomes))
            self._backed_up(reply.backed_up_to)

    def epoch_changed(self, epoch: str) -> None:
        """The server was restored from a backup: everything that this had not is unsent again."""
        with self._parts.commits.begin() as touched:
            touched |= self._epoch_seen(epoch)

    def held_back(self, number: int, code: Code) -> None:
        """Change `number` was refused as it is, with nothing stored: its author sees why it
        waits."""
        with self._parts.commits.begin() as touched:
            self._parts.outbox.hold(number, code.key)
            touched.add(("outbox", str(number)))

    def pulled(self, header: PullHeader, lease: Lease | None, lines: Sequence[RowLine]) -> None:
        """Store one pull reply: grants, drops, rows, cursor and all that follows. `lease` is the
        one whose signature was checked, or None where the reply brought none that holds."""
        parts = self._parts
        before = parts.meta.get(CURSOR, 0)
        settled = self._outcomes_between(before, header.cursor)
        # What only says that nothing happened may come again after a power cut.
        quiet = not lines and not settled and self._is_quiet(header, lease)
        with parts.commits.begin(durable=not quiet) as touched:
            touched |= self._epoch_seen(header.epoch)
            if header.epoch != parts.meta.get(EPOCH):
                self.holdings.fetch_anew(None)
                parts.meta.put(EPOCH, header.epoch)
            if lease is not None:
                self._take_lease(lease, touched)
            if header.fetch:
                self.holdings.fetch_anew(header.fetch)
            if header.cursor != before:
                parts.meta.put(CURSOR, header.cursor)
            rows = arrivals.store(parts.db, self.holdings, lines) if lines else set()
            if header.case_numbers is not None:
                add_block(parts.meta, header.case_numbers)
            parts.meta.put(UPDATE_WANTED, header.outdated or None)
            regained = self._laid_over() if lease is not None and lease.grants else set()
            self._refresh(settled | regained | self._with_changes(rows))
            self._backed_up(header.backed_up_to)
            touched |= rows | settled
            touched |= self._files_verified(rows)
        if lease is not None:
            if lease.drops or lease.grants is not None:
                parts.gate.changed()
            else:
                parts.gate.renewed()

    def _is_quiet(self, header: PullHeader, lease: Lease | None) -> bool:
        """Whether the reply's header brings nothing but later times."""
        if lease is not None and (lease.drops or lease.grants is not None or not lease.active):
            return False
        return (
            header.epoch == self._parts.meta.get(EPOCH)
            and not header.fetch
            and header.case_numbers is None
        )

    def fetched(self, fetch: Fetch, trailer: Trailer, lines: Iterable[RowLine]) -> None:
        """Store one snapshot page and where the next begins; buckets that it ends are whole from
        then on. On disk with the last of them: a power cut before that costs pages that the server
        sends again, and never half a page."""
        with self._parts.commits.begin(durable=trailer.after is None) as touched:
            rows = arrivals.store(self._parts.db, self.holdings, lines)
            gone = self.holdings.advance(fetch.buckets, trailer.after)
            self._refresh(self._with_changes(rows | gone))
            touched |= rows | gone

    def next_fetch(self, without: Iterable[str] = ()) -> Fetch | None:
        """What is still to be fetched, the begun bucket first; None when all held buckets are
        whole."""
        buckets, after = self.holdings.to_fetch(frozenset(without))
        return Fetch(buckets, after) if buckets else None

    def checksum(self) -> Checksum:
        """Over all rows of whole buckets, from the rows themselves (L5): those of buckets in which
        none came, changed or went since they were last counted need no second look."""
        db = self._parts.db
        known = db.execute("SELECT rows, digest FROM temp.whole_sum").get
        if known is None:
            db.execute(
                "INSERT INTO temp.bucket_sum"
                " SELECT b.no, count(s.digest), coalesce(sum(s.digest), 0)"
                " FROM bucket b LEFT JOIN server_row s ON s.bucket = b.no"
                f" WHERE {_COUNTED} AND b.no NOT IN (SELECT no FROM temp.bucket_sum) GROUP BY b.no"
            )
            known = db.execute(
                "INSERT INTO temp.whole_sum"
                " SELECT coalesce(sum(s.rows), 0), coalesce(sum(s.digest), 0)"
                " FROM bucket b CROSS JOIN temp.bucket_sum s ON s.no = b.no"
                f" WHERE {_COUNTED} RETURNING rows, digest"
            ).get
        rows, digest = known
        return Checksum(rows=rows, digest=digest & DIGEST_MASK)

    def differing(self, checksums: Mapping[str, list[int]]) -> list[str]:
        """Whole buckets whose rows are not those that the server counted."""
        own = {
            name: [rows, digest & DIGEST_MASK]
            for name, rows, digest in self._parts.db.execute(
                "SELECT b.name, count(s.id), coalesce(sum(s.digest), 0) FROM bucket b"
                f" LEFT JOIN server_row s ON s.bucket = b.no WHERE {_COUNTED} GROUP BY b.no"
            )
        }
        return sorted(n for n, have in own.items() if n in checksums and have != list(checksums[n]))

    def repair(self, buckets: Iterable[str]) -> None:
        """Fetch these buckets anew; what they show now stays until the new rows are all there."""
        wrong = list(buckets)
        with self._parts.commits.begin():
            self.holdings.fetch_anew(wrong)
            at = to_wire(self._parts.time.now())
            self._parts.meta.put(REPAIRED, {"at": at, "buckets": len(wrong)})

    def unsent_files(self) -> list[Upload]:
        """Files that the server has not verified yet."""
        blobs = self._parts.blobs
        if doubles := blobs.doubles():
            with self._parts.commits.begin():
                for sha256, file_id in doubles:
                    blobs.announce_as(sha256, file_id)
        return blobs.unsent()

    def uploaded(self, sha256: str, sent: int, address: str) -> None:
        """The server has `sent` bytes of a file."""
        with self._parts.commits.begin():
            self._parts.blobs.progress(sha256, sent, address)

    def upload_verified(self, sha256: str) -> None:
        """The server took the last part: it has the whole, and its hash is right."""
        file_id = self._parts.blobs.file_of(sha256)
        with self._parts.commits.begin() as touched:
            self._parts.blobs.verified(sha256)
            touched.add(("file", file_id))

    def keep_file(self, file_id: str, media_type: str, data: bytes) -> None:
        """A file's content came from the server: it lies in the vault from now on."""
        with self._parts.commits.begin() as touched:
            self._parts.blobs.add(file_id, media_type, data, verified=True)
            touched.add(("file", file_id))

    def copies_verified(self) -> None:
        """At the end of a sync: files that the server has by now wait for the backup that reaches
        to the present number."""
        meta = self._parts.meta
        known = sealed_copies.known(meta)
        if not known:
            return
        with self._parts.commits.begin():
            for file_id in known:
                if self._parts.blobs.of(file_id) is not False:  # None: forgotten, as it was sent
                    sealed_copies.verified(meta, file_id, meta.get(CURSOR, 0))

    def copy_removed(self, file_id: str) -> None:
        """The sealed copy of a file is gone: the server has backed it up."""
        meta = self._parts.meta
        with self._parts.commits.begin():
            sealed_copies.removed(meta, file_id)
            if self._parts.blobs.forget_unreferenced(but=sealed_copies.known(meta)):
                meta.put(REKEY_DUE, new_id())

    def upload_held(self, sha256: str, code: Code) -> None:
        """A file was refused; it is tried again at the next sync."""
        with self._parts.commits.begin():
            self._parts.blobs.held(sha256, code.key)

    def finished(self) -> None:
        """A sync came to its end."""
        now = to_wire(self._parts.time.now())
        with self._parts.commits.begin(durable=False) as touched:
            self._parts.meta.put(LAST_SYNC_AT, now)
            touched.add(("sync", "finished"))

    def end_expired(self) -> list[str]:
        """Delete everything of grants that have ended by effective time; returns the buckets that
        went.

        Unsent work stays in the outbox, and what was half written joins it (L1). The vault is due
        for a new key then (`rekey_due`), and a receipt is to be signed.
        """
        expired = self.holdings.expired(self._parts.gate.settle())
        if not expired:
            return []
        with self._parts.commits.begin() as touched:
            gone = self._end(expired, touched)
            self._grants_changed()
        self._parts.gate.changed()
        return list(gone)

    def end_all(self) -> None:
        """Delete everything that any grant showed, before the vault itself goes: what was half
        written is in the outbox then, and can be sealed."""
        held = list(self.holdings.grant_ids())
        with self._parts.commits.begin() as touched:
            self._end(held, touched)
            self._grants_changed()
        self._parts.gate.changed()

    def give_back(self, grant_ids: Sequence[str]) -> None:
        """Delete what these grants showed, as at their end, though they run: their holder needs
        them no more. A server that has not heard of it yet may go on naming them in vain."""
        with self._parts.commits.begin() as touched:
            self._end(list(grant_ids), touched)
            known = self._parts.meta.get(RETURNED, [])
            self._parts.meta.put(RETURNED, sorted({*known, *grant_ids}))
            self._grants_changed()
        self._parts.gate.changed()

    def rekey_due(self) -> object:
        """The last deletion that waits for a new vault key, by a name of its own: until then what
        was deleted is readable in copies of the file (L4). None where nothing waits."""
        return self._parts.meta.get(REKEY_DUE)

    def rekeyed(self, due: object) -> None:
        """The vault was re-keyed after the deletion `due`. If more was deleted since, while the
        new key was being kept, that and its receipt wait for a key of their own."""
        meta, at = self._parts.meta, to_wire(self._parts.time.now())
        if meta.get(REKEY_DUE) != due:
            return
        with self._parts.commits.begin():
            meta.put(REKEY_DUE, None)
            receipts.rekeyed(meta, at)

    def receipts_kept(self, ids: Iterable[str]) -> None:
        """The server has these receipts."""
        with self._parts.commits.begin():
            receipts.forget(self._parts.meta, ids)

    # ── within a transaction ──────────────────────────────────────────────────────────────

    def _take_lease(self, lease: Lease, touched: set[Touched]) -> None:
        if lease.drops:
            self._end([drop.grant_id for drop in lease.drops], touched)
        if lease.grants is not None:
            returned = set(self._parts.meta.get(RETURNED, ()))
            self.holdings.take(g for g in lease.grants if g.id not in returned)
            if returned:
                still = sorted(returned & {g.id for g in lease.grants})
                self._parts.meta.put(RETURNED, still or None)
            touched.add(("grant", ""))
        if lease.drops or lease.grants is not None:
            self._grants_changed()
        self._parts.meta.put(
            LEASE,
            {
                "issued_at": lease.issued_at,
                "ends_at": lease.ends_at if lease.active else lease.issued_at,
                "role": lease.role,
                "active": lease.active,
            },
        )

    def _grants_changed(self) -> None:
        self._parts.meta.put(GRANTS_DIGEST, self.holdings.digest())

    def _end(self, grant_ids: Sequence[str], touched: set[Touched]) -> tuple[str, ...]:
        """Ends grants: what was half written goes into the outbox, the rows go, a receipt is due.
        Returns the buckets that went."""
        bare = [no for no, _ in self.holdings.bare_without(grant_ids)]
        touched |= hand_over(self._parts, bare)
        gone = self.holdings.end(grant_ids)
        at = to_wire(self._parts.time.now())
        receipts.due(self._parts.meta, grant_ids, gone, at)
        self._dropped(gone.buckets, touched)
        return gone.buckets

    def _dropped(self, buckets: Sequence[str], touched: set[Touched]) -> None:
        if not buckets:
            return
        self._parts.blobs.forget_unreferenced(but=sealed_copies.known(self._parts.meta))
        self._parts.meta.put(REKEY_DUE, new_id())
        touched |= {("bucket", name) for name in buckets}

    def _epoch_seen(self, epoch: str) -> set[Touched]:
        known = self._parts.meta.get(OUTBOX_EPOCH)
        if known == epoch:
            return set()
        self._parts.meta.put(OUTBOX_EPOCH, epoch)
        if known is None:
            return set()
        again = self._parts.outbox.send_again()
        self._parts.blobs.send_again(sealed_copies.lost(self._parts.meta))
        self._refresh(again)
        return again

    def _backed_up(self, number: int) -> None:
        if number != self._parts.meta.get(BACKED_UP_TO):
            self._parts.meta.put(BACKED_UP_TO, number)
        if self._parts.outbox.forget_backed_up():
            # The last trace of work on what is held no more, its photos with it.
            self._parts.blobs.forget_unreferenced(but=sealed_copies.known(self._parts.meta))
            self._parts.meta.put(REKEY_DUE, new_id())

    def _outcomes_between(self, before: int, cursor: int) -> set[Touched]:
        return set(
            self._parts.db.execute(
                "SELECT DISTINCT entity, record_id FROM outbox"
                " WHERE verdict IS NOT NULL AND seq > ? AND seq <= ?",
                (before, cursor),
            )
        )

    def _files_verified(self, rows: set[Touched]) -> set[Touched]:
        """Files whose bytes the server has checked, as their rows now say."""
        if not any(entity == "file" for entity, _ in rows):
            return set()
        return {("file", file_id) for file_id in self._parts.blobs.settle_verified()}

    def _laid_over(self) -> set[Touched]:
        """Records with changes that their author should see. A bucket that went with one grant
        and came with the next lost what lay over it."""
        return set(
            self._parts.db.execute(
                "SELECT DISTINCT entity, record_id FROM outbox WHERE verdict IS NULL OR seq > ?",
                (self._parts.meta.get(CURSOR, 0),),
            )
        )

    def _with_changes(self, rows: set[Touched]) -> set[Touched]:
        """Those of `rows` on which changes may lie."""
        if not rows:
            return set()
        return rows & set(self._parts.db.execute("SELECT entity, record_id FROM outbox"))

    def _refresh(self, records: Iterable[Touched]) -> None:
        overlay.refresh(self._parts.db, records)

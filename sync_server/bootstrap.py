"""The one place that wires the server: real parts by default, fakes as arguments in tests."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from shared.clock import Clock
from sync_server.db.base import Database
from sync_server.db.limits import Limits
from sync_server.db.sealing import KeyRing
from sync_server.importing.founding import add_later_catalogues
from sync_server.services import (
    audit_keeping,
    cadence_plans,
    churn_scoring,
    figure_facts,
    figure_sheets,
    look_samples,
    look_watch,
    publications,
    satisfaction_drops,
    tier_rules,
)
from sync_server.services.backup_manifest import newest_age
from sync_server.services.backups import back_up, behind
from sync_server.services.company_sign_in import CompanySignIn, ProviderSettings
from sync_server.services.console_sessions import ConsoleSessions
from sync_server.services.enrolment_codes import EnrolmentCodes
from sync_server.services.file_store import FileStore
from sync_server.services.files import Files
from sync_server.services.old_requests import adopt_requests
from sync_server.services.orphans import sweep_orphans
from sync_server.services.own_account import OwnAccount
from sync_server.services.pace import Pace
from sync_server.services.password_tries import PasswordTries
from sync_server.services.passwords import HashCost, PasswordHashes
from sync_server.services.proof import SeenInMemory, SeenProofs
from sync_server.services.retention import sweep_retention
from sync_server.services.second_factors import SecondFactors
from sync_server.services.seen_proofs import SeenInTable
from sync_server.services.server_keys import ServerKeys, keys_at, read_keys
from sync_server.services.sessions import Sessions
from sync_server.services.sweeping import sweep_case_buckets
from sync_server.services.tickets import Tickets
from sync_server.services.tokens import AccessTokens
from sync_server.services.tries import Tries, TryLimits
from sync_server.services.web_files import WebFiles
from sync_server.settings import SQLITE_FILE, Settings

HOUSEKEEPING_SECONDS = 60


class SystemClock:
    """The machine's own time."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic_ms(self) -> int:
        return time.monotonic_ns() // 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Everything that routes and commands need. Made by `build`, closed by whoever made it."""

    settings: Settings
    clock: Clock
    keys: ServerKeys
    database: Database
    hashes: PasswordHashes
    sessions: Sessions
    own_account: OwnAccount
    console: ConsoleSessions
    company: CompanySignIn | None
    web: WebFiles
    files: Files

    def clear_away(self) -> None:
        """Forget unfinished uploads and tries whose time is over; verify files whose record came
        late; delete bytes that are nobody's; empty the buckets of cases that are over; bring old
        requests, and texts that are new, to the phones; take up a key that was added. Harmless at
        any time, and from several processes."""
        self.database.ring.look_for_more()
        self.files.sweep()
        self.files.meet_records()
        sweep_orphans(self.database, self.files.store, self.clock.now())
        sweep_case_buckets(self.database, self.clock.now())
        adopt_requests(self.database, self.clock.now())
        add_later_catalogues(self.database, self.clock.now())
        with self.database.write() as connection:
            self.sessions.passwords.tries.sweep(connection, self.clock.now())
            self.sessions.codes.sweep(connection, self.clock.now())
            self.console.sweep(connection, self.clock.now())

    def watch_looks(self) -> None:
        """Look for unusual reading, draw the week's sample if it is due, and let old entries of the
        audit log go. Harmless at any time, and from several processes."""
        now = self.clock.now()
        look_watch.watch(self.database, now)
        look_samples.draw_due(self.database, now)
        audit_keeping.let_old_go(self.database, now)

    def keep_figures(self) -> None:
        """Bring the facts of figures up to date with what was written, publish the months that
        have settled, and tell phones. Harmless at any time, and from several processes."""
        figure_facts.keep_figures(self.database, self.clock.now())
        publications.publish_due(self.database, self.clock.now())
        figure_sheets.tell_due(self.database, self.clock.now())

    def run_rules(self) -> None:
        """What the night's rules do: see who may leave, propose tiers, plan visits by those that
        hold, and tell of what fell in surveys. Harmless at any time, and from several
        processes."""
        rules = (
            churn_scoring.score_due,
            tier_rules.propose_due,
            cadence_plans.plan_due,
            satisfaction_drops.tell_due,
        )
        with ExitStack() as night:  # what fails is told of, and keeps none from its turn
            for rule in reversed(rules):
                night.callback(rule, self.database, self.clock.now())

    def keep_to_retention(self) -> None:
        """Erase what is older than the policy allows, part by part. Harmless at any time."""
        ledger = self.settings.backup_dir
        while sweep_retention(self.database, self.files.store, ledger, self.clock.now()):
            pass

    def back_up_if_due(self) -> None:
        """Take a backup where the settings ask for one, the last is old enough, and it would
        hold more."""
        folder = self.settings.backup_dir
        if folder is None:
            return
        now = self.clock.now()
        age = newest_age(folder, now)
        due = age is None or age >= timedelta(minutes=self.settings.backup_minutes)
        if due and behind(self.database):
            back_up(self.database, self.settings.files_path, folder, now)

    def close(self) -> None:
        """Give the database's connections back. Harmless twice."""
        self.database.close()


def build(
    settings: Settings | None = None,
    *,
    clock: Clock | None = None,
    keys: ServerKeys | None = None,
    database: Database | None = None,
) -> Server:
    """The server's parts. Makes the key file at the first start; touches no table."""
    settings = settings or Settings()
    clock = clock or SystemClock()
    keys = keys or keys_at(settings.keys_path)
    database = database or open_database(settings, keys)
    hashes = PasswordHashes(
        HashCost(memory_kib=settings.password_memory_kib, iterations=settings.password_iterations)
    )
    passwords = PasswordTries(database, hashes, _tries(settings, keys))
    factors = SecondFactors(keys.lookup)
    console = ConsoleSessions(database=database, clock=clock, passwords=passwords, factors=factors)
    return Server(
        settings=settings,
        clock=clock,
        keys=keys,
        database=database,
        hashes=hashes,
        sessions=_sessions(settings, clock, keys, database, passwords, factors),
        own_account=OwnAccount(database, clock, passwords, factors),
        console=console,
        company=_company(settings, keys),
        files=Files(
            database,
            FileStore(settings.files_path, database.ring),
            clock,
            timedelta(days=settings.upload_days),
        ),
        web=WebFiles(settings.web_path, settings.data_dir / "web-gzip"),
    )


def open_database(settings: Settings, keys: ServerKeys) -> Database:
    """The database of the settings; an SQLite file is made if need be, for its owner alone to
    read."""
    if settings.database is None:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        # SQLite gives its journals the mode of the database.
        os.close(os.open(settings.data_dir / SQLITE_FILE, os.O_CREAT | os.O_RDWR, 0o600))
    limits = Limits(connections=settings.connections)
    ring = KeyRing(keys.data, keys.lookup, lambda: read_keys(settings.keys_path).data)
    return Database(settings.database_url, ring, limits=limits)


def _sessions(
    settings: Settings,
    clock: Clock,
    keys: ServerKeys,
    database: Database,
    passwords: PasswordTries,
    factors: SecondFactors,
) -> Sessions:
    started_at = clock.now()
    # SQLite means one process, which can remember for itself; several share what they saw.
    in_memory = None if database.is_postgres else SeenInMemory(started_at)
    seen: SeenProofs = in_memory or SeenInTable(database, started_at)
    return Sessions(
        database=database,
        clock=clock,
        passwords=passwords,
        factors=factors,
        codes=EnrolmentCodes(keys.lookup),
        tickets=Tickets(keys.token, timedelta(hours=settings.ticket_hours)),
        tokens=AccessTokens(keys.token, settings.access_life),
        seen=seen,
        pace=Pace(settings.requests_per_device, clock),
        keys=keys.public,
        proof_window=settings.proof_window,
        refresh_life=timedelta(days=settings.refresh_days),
        proofs_from=in_memory.started_at if in_memory else None,
    )


def _tries(settings: Settings, keys: ServerKeys) -> Tries:
    limits = TryLimits(
        per_user=settings.sign_in_tries,
        per_address=settings.sign_in_tries_per_address,
        window=timedelta(minutes=settings.sign_in_minutes),
    )
    return Tries(keys.lookup, limits)


def _company(settings: Settings, keys: ServerKeys) -> CompanySignIn | None:
    if settings.oidc_issuer is None or settings.oidc_client_id is None:
        return None
    provider = ProviderSettings(
        issuer=settings.oidc_issuer,
        client_id=settings.oidc_client_id,
        client_secret=settings.oidc_client_secret,
        claim=settings.oidc_claim,
        name=settings.oidc_name,
    )
    return CompanySignIn(provider, keys.token, keys.lookup)

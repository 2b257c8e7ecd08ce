"""Signing in, staying signed in, and knowing who sends a request.

Three facts are asked for together: something the person knows (a password, at sign-in only), a
device that an administrator approved, and that device's key, proved anew with every request.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, select

from shared import wire
from shared.clock import Clock, to_wire
from shared.declare import Role
from shared.errors import Code, Refusal
from sync_server.db.accounts import ACCOUNT, DEVICE
from sync_server.db.base import Database
from sync_server.db.records import RECORDS
from sync_server.db.sealing import ring_of
from sync_server.services import accounts, audit, devices, refresh_tokens
from sync_server.services.audit import Action
from sync_server.services.caller import Caller
from sync_server.services.passwords import PasswordHashes
from sync_server.services.proof import Proof, SeenProofs, check_proof, use_once
from sync_server.services.tokens import AccessClaims, AccessTokens
from sync_server.services.tries import Tries

_SCHEME = "dpop "
_STAFF = RECORDS["staff"]


@dataclass(frozen=True, slots=True)
class Sent:
    """What a request says of itself: method, address as devices know it, two headers, and whence
    it came."""

    method: str
    url: str
    authorization: str | None
    proof: str | None
    address: str


@dataclass(frozen=True, slots=True)
class Standing:
    """Who calls, and what bars them from all but handing in their work and hearing what to drop."""

    caller: Caller
    barred: Code | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sessions:
    """The parts that signing in needs. Keeps no state of its own: any process serves any device."""

    database: Database
    clock: Clock
    hashes: PasswordHashes
    tokens: AccessTokens
    tries: Tries
    seen: SeenProofs
    keys: wire.ServerKeys
    proof_window: timedelta
    refresh_life: timedelta
    proofs_from: datetime | None = None  # see `SeenInMemory`

    def sign_in(self, asked: wire.SignInRequest, sent: Sent) -> wire.TokenReply:
        """Password and proof in, tokens out; a device that waits for approval gets none.

        Refuses PROOF_INVALID, TOO_MANY_TRIES, SIGN_IN_FAILED (the same, and as late, for a name
        that nobody has), USER_INACTIVE and DEVICE_BLOCKED, these two only after the right password.
        """
        now = self.clock.now()
        self._prove(sent, now, device_key=asked.device_key)
        account = self._judged(asked, sent.address, now)
        with self.database.write() as connection:
            self.tries.forgive(connection, accounts.spelled(asked.username), sent.address)
            policy = accounts.policy_of(connection, account.org_id, now)
            if not account.active:
                barred: Code | None = Code.USER_INACTIVE
            else:
                device = devices.enrol(
                    connection,
                    org_id=account.org_id,
                    staff_id=account.staff_id,
                    device_key=asked.device_key,
                    name=asked.device_name,
                    platform=asked.platform,
                    app_version=asked.app_version,
                    approved=policy.device_approval == "automatic",
                    now=now,
                )
                barred = Code.DEVICE_BLOCKED if device.state == devices.BLOCKED else None
            if barred is None:
                told = self._reply(connection, account, device, now)
                _note_sign_in(connection, account, device, sent.address, now)
                return told
            _note_refused(connection, account, barred, sent.address, now)
        raise Refusal(barred)

    def refresh(self, asked: wire.RefreshRequest, sent: Sent) -> wire.TokenReply:
        """New tokens for a refresh token, which is used up by it.

        What is sent twice is judged by `refresh_tokens.follow`. Deactivated users and blocked
        devices go on being answered, so that their work comes in and the device hears what to drop;
        whatever else they ask for is refused.
        """
        now = self.clock.now()
        proof = self._prove(sent, now)
        with self.database.write() as connection:
            token = refresh_tokens.look_up(connection, asked.refresh_token, now)
            account = accounts.by_staff(connection, token.org_id, token.staff_id)
            device = devices.find(connection, token.org_id, token.device_id)
            if account is None or device.thumbprint != proof.thumbprint:
                raise Refusal(Code.PROOF_INVALID, reason="key")
            if refresh_tokens.follow(connection, token, now):
                return self._reply(connection, account, device, now, follows=token)
            who = _who(account, sent.address, device.id)
            audit.note(connection, who, Action.TOKEN_REUSED, now=now, result=Code.TOKEN_INVALID)
        raise Refusal(Code.TOKEN_INVALID)  # outside: the family's end is committed

    def standing(self, sent: Sent) -> Standing:
        """Who sent a request. Refuses SIGN_IN_REQUIRED, TOKEN_…, PROOF_INVALID and
        DEVICE_UNKNOWN."""
        claims = self.proven(sent)
        with self.database.read() as connection:
            return _from(sent.address, standing_of(connection, claims))

    def proven(self, sent: Sent) -> AccessClaims:
        """Whose token and proof a request carries, whatever has become of them since: that is for
        `standing_of` to say. Refuses SIGN_IN_REQUIRED, TOKEN_… and PROOF_INVALID."""
        now = self.clock.now()
        header = sent.authorization or ""
        if header[: len(_SCHEME)].lower() != _SCHEME:
            raise Refusal(Code.SIGN_IN_REQUIRED)
        token = header[len(_SCHEME) :].strip()
        claims = self.tokens.read(token, now)
        proof = self._prove(sent, now, access_token=token)
        if proof.thumbprint != claims.thumbprint:
            raise Refusal(Code.PROOF_INVALID, reason="key")
        return claims

    def device_standing(self, device_id: str, sent: Sent) -> Standing:
        """Whose device sends a request without a token: the proof alone says so. Refuses
        PROOF_INVALID and DEVICE_UNKNOWN. For what shows nobody anything."""
        proof = self._prove(sent, self.clock.now())
        with self.database.read() as connection:
            owner = connection.execute(
                select(DEVICE.c.org_id, DEVICE.c.staff_id).where(
                    DEVICE.c.id == device_id, DEVICE.c.thumbprint == proof.thumbprint
                )
            ).first()
            if owner is None:
                raise Refusal(Code.DEVICE_UNKNOWN)
            who = owner.org_id, owner.staff_id, device_id, proof.thumbprint
            return _from(sent.address, _standing(connection, *who))

    def _judged(self, asked: wire.SignInRequest, address: str, now: datetime) -> accounts.Account:
        username = accounts.spelled(asked.username)
        with self.database.write() as connection:
            allowed = self.tries.count(connection, username, address, now)
            account = accounts.by_username(connection, username)
        if not allowed:
            raise self.tries.refusal()
        # Outside of any transaction: it takes a tenth of a second by intention.
        if not self.hashes.matches(asked.password, account.password if account else None):
            with self.database.write() as connection:
                _note_failed(connection, username, account, address, now)
            raise Refusal(Code.SIGN_IN_FAILED)
        assert account is not None  # nobody has no password
        if self.hashes.outdated(account.password):
            account = replace(account, password=self.hashes.make(asked.password))
            with self.database.write() as connection:
                accounts.set_password(connection, account, account.password, now)
        return account

    def _prove(
        self,
        sent: Sent,
        now: datetime,
        *,
        access_token: str | None = None,
        device_key: str | None = None,
    ) -> Proof:
        proof = check_proof(
            sent.proof,
            method=sent.method,
            url=sent.url,
            now=now,
            window=self.proof_window,
            access_token=access_token,
            not_before=self.proofs_from,
        )
        if device_key is not None and proof.device_key != device_key:
            raise Refusal(Code.PROOF_INVALID, reason="key")
        use_once(proof, self.seen, now=now, window=self.proof_window)
        return proof

    def _reply(
        self,
        connection: Connection,
        account: accounts.Account,
        device: devices.Device,
        now: datetime,
        follows: Row[Any] | None = None,
    ) -> wire.TokenReply:
        told = wire.TokenReply(
            device_id=device.id,
            device_state=device.state,
            staff=accounts.staff_card(connection, account),
            keys=self.keys,
            server_time=to_wire(now),
        )
        if device.state == devices.PENDING:
            return told
        refresh = refresh_tokens.give(
            connection, device, now=now, life=self.refresh_life, follows=follows
        )
        claims = AccessClaims(
            org_id=account.org_id,
            staff_id=account.staff_id,
            role=account.role,
            device_id=device.id,
            thumbprint=device.thumbprint,
        )
        return replace(
            told,
            access_token=self.tokens.issue(claims, now),
            expires_in=int(self.tokens.life.total_seconds()),
            refresh_token=refresh,
        )


def _who(account: accounts.Account, address: str, device_id: str | None = None) -> audit.Actor:
    staff_id, org_id = account.staff_id, account.org_id
    return audit.Actor(
        org_id=org_id, via="api", staff_id=staff_id, device_id=device_id, address=address
    )


def _note_sign_in(
    connection: Connection,
    account: accounts.Account,
    device: devices.Device,
    address: str,
    now: datetime,
) -> None:
    who, subject = _who(account, address, device.id), ("device", device.id)
    if device.enrolled_at == to_wire(now):
        audit.note(
            connection, who, Action.DEVICE_ENROLLED, now=now, subject=subject, state=device.state
        )
    audit.note(connection, who, Action.SIGNED_IN, now=now, subject=subject, state=device.state)


def _note_refused(
    connection: Connection, account: accounts.Account, why: Code, address: str, now: datetime
) -> None:
    who, subject = _who(account, address), ("staff", account.staff_id)
    audit.note(connection, who, Action.SIGN_IN_REFUSED, now=now, subject=subject, result=why)


def _note_failed(
    connection: Connection,
    username: str,
    account: accounts.Account | None,
    address: str,
    now: datetime,
) -> None:
    """Nobody knows who that was. The name is kept as a keyed mark: some type their password
    there."""
    org_id = account.org_id if account else audit.whose_chain(connection)
    name = ring_of(connection.dialect).mark("user name", username.encode("utf-8", "replace"))
    audit.note(
        connection,
        audit.Actor(org_id=org_id, via="api", address=address),
        Action.SIGN_IN_REFUSED,
        now=now,
        subject=("staff", account.staff_id) if account else None,
        result=Code.SIGN_IN_FAILED,
        name=name[:16],
    )


def _from(address: str, who: Standing) -> Standing:
    return replace(who, caller=replace(who.caller, address=address))


def standing_of(connection: Connection, claims: AccessClaims) -> Standing:
    """What has become of who was proven to send a request. Refuses DEVICE_UNKNOWN."""
    return _standing(
        connection, claims.org_id, claims.staff_id, claims.device_id, claims.thumbprint
    )


_STANDING = (
    select(
        DEVICE.c.key,
        DEVICE.c.state,
        DEVICE.c.thumbprint,
        ACCOUNT.c.active,
        _STAFF.c.role,
        _STAFF.c.store_id,
    )
    .join(
        ACCOUNT,
        and_(ACCOUNT.c.org_id == DEVICE.c.org_id, ACCOUNT.c.staff_id == DEVICE.c.staff_id),
    )
    .join(_STAFF, and_(_STAFF.c.org_id == DEVICE.c.org_id, _STAFF.c.id == DEVICE.c.staff_id))
    .where(DEVICE.c.org_id == bindparam("org"), DEVICE.c.id == bindparam("device"))
    .where(DEVICE.c.staff_id == bindparam("staff"))
)
"""Built once: every request asks it."""


def _standing(
    connection: Connection, org_id: str, staff_id: str, device_id: str, thumbprint: str
) -> Standing:
    """As the database has it now: a role or a block takes effect at once, not when a token ends."""
    asked = {"org": org_id, "device": device_id, "staff": staff_id}
    row = connection.execute(_STANDING, asked).first()
    if row is None or row.thumbprint != thumbprint:
        raise Refusal(Code.DEVICE_UNKNOWN)
    barred = {devices.PENDING: Code.DEVICE_PENDING, devices.BLOCKED: Code.DEVICE_BLOCKED}.get(
        row.state, None if row.active else Code.USER_INACTIVE
    )
    caller = Caller(
        org_id=org_id,
        staff_id=staff_id,
        role=Role(row.role),
        device_id=device_id,
        device_key=row.key,
        store_id=row.store_id,
        active=barred is None,
    )
    return Standing(caller, barred)

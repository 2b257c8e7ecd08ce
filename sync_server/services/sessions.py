"""Signing in, staying signed in, and knowing who sends a request.

Asked for together: something the person knows (a password, or what the company's own sign-in
says; at sign-in only), of some a second factor, a device that an administrator approved, and that
device's key, proved anew with every request.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, select

from shared import wire
from shared.clock import Clock, from_wire, to_wire
from shared.declare import Role
from shared.errors import Code, Refusal
from sync_server.db.accounts import ACCOUNT, DEVICE
from sync_server.db.base import Database
from sync_server.db.records import RECORDS
from sync_server.services import accounts, audit, devices, refresh_tokens
from sync_server.services.alarms import raise_for_device
from sync_server.services.audit import Action
from sync_server.services.caller import Caller
from sync_server.services.company_sign_in import Identity
from sync_server.services.enrolment_codes import EnrolmentCodes
from sync_server.services.identity_links import account_of
from sync_server.services.pace import Pace
from sync_server.services.password_tries import PasswordTries
from sync_server.services.proof import Proof, SeenProofs, check_proof, use_once
from sync_server.services.second_factors import SecondFactors, Shown, due, shut_out
from sync_server.services.sign_in_audit import (
    actor,
    note_code_used,
    note_recovery_code,
    note_refused,
    note_sign_in,
    note_stranger,
)
from sync_server.services.tickets import Ticket, Tickets
from sync_server.services.tokens import AccessClaims, AccessTokens

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


@dataclass(frozen=True, slots=True)
class _Known:
    """Whose sign-in it is, whether a second factor was shown before, and whether this try is
    counted."""

    account: accounts.Account
    second_factor: bool
    counted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Sessions:
    """The parts that signing in needs. Keeps no state of its own: any process serves any device."""

    database: Database
    clock: Clock
    passwords: PasswordTries
    factors: SecondFactors
    codes: EnrolmentCodes
    tickets: Tickets
    tokens: AccessTokens
    seen: SeenProofs
    pace: Pace
    keys: wire.ServerKeys
    proof_window: timedelta
    refresh_life: timedelta
    proofs_from: datetime | None = None  # see `SeenInMemory`

    def sign_in(self, asked: wire.SignInRequest, sent: Sent) -> wire.TokenReply:
        """Password (or ticket) and proof in, tokens out; a device that waits for approval gets a
        ticket, with which it asks again.

        Refuses PROOF_INVALID, TOO_MANY_TRIES, SIGN_IN_FAILED (the same, and as late, for a name
        that nobody has) or TOKEN_INVALID for a ticket; after the right password SECOND_FACTOR_…,
        and after all of it USER_INACTIVE, ENROLMENT_CODE_INVALID and DEVICE_BLOCKED.
        """
        now = self.clock.now()
        proof = self._prove(sent, now, device_key=asked.device_key)
        known = self._identified(asked, proof.thumbprint, sent.address, now)
        account = known.account
        second_factor = self._second_factor(known, asked.second_factor, sent.address, now)
        with self.database.write() as connection:
            if known.counted:
                # Only now: a right password alone must not buy new guesses at the code.
                self.passwords.forgive(connection, account, sent.address)
            policy = accounts.policy_of(connection, account.org_id, now)
            lacking = due(policy, account.role) and not second_factor
            if not account.active:
                barred: Code | None = Code.USER_INACTIVE
            elif shut_out(connection, self.factors, account, now):
                barred = Code.SECOND_FACTOR_UNSET
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
                if device.state == devices.PENDING and asked.enrolment_code:
                    device = self._let_in(connection, device, asked.enrolment_code, now)
                    note_code_used(connection, account, device, sent.address, now)
                barred = Code.DEVICE_BLOCKED if device.state == devices.BLOCKED else None
            if barred is None:
                reply = self._reply(connection, account, device, now)
                if device.state == devices.PENDING:
                    ticket = self._ticket(device, second_factor, now)
                    reply = replace(reply, ticket=ticket)
                if asked.ticket is None or device.state == devices.APPROVED:
                    note_sign_in(connection, account, device, sent.address, now)
                return replace(reply, second_factor_due=lacking)
            note_refused(connection, account, barred, sent.address, now)
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
            who = actor(account, sent.address, device.id)
            # Two hold the device's key and this token: the device, or its storage, was copied.
            raise_for_device(connection, device, "device_copied", now)
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

    def proven_device(self, device_key: str, sent: Sent) -> str:
        """The thumbprint of a device that nobody has signed in on yet. Refuses PROOF_INVALID."""
        return self._prove(sent, self.clock.now(), device_key=device_key).thumbprint

    def ticket_for(self, identity: Identity, address: str) -> str:
        """A ticket for whoever the company's provider vouched for, on the device that began.
        Refuses IDENTITY_UNKNOWN. Whatever else is asked at a sign-in is asked when it is used."""
        now = self.clock.now()
        with self.database.write() as connection:
            account = account_of(connection, identity)
            if account is not None:
                ticket = Ticket(
                    org_id=account.org_id,
                    staff_id=account.staff_id,
                    thumbprint=identity.bound_to,
                    second_factor=False,
                    issued_at=now,
                )
                return self.tickets.issue(ticket)
            note_stranger(connection, Code.IDENTITY_UNKNOWN, address, now)
        raise Refusal(Code.IDENTITY_UNKNOWN)

    def _identified(
        self, asked: wire.SignInRequest, thumbprint: str, address: str, now: datetime
    ) -> _Known:
        if asked.ticket is None:
            account = self.passwords.judged(asked.username, asked.password, address, now)
            return _Known(account, second_factor=False, counted=True)
        ticket = self.tickets.read(asked.ticket, thumbprint, now)
        with self.database.read() as connection:
            found = accounts.by_staff(connection, ticket.org_id, ticket.staff_id)
            # A new password ends what was identified by the old one.
            if found is None or _before(ticket.issued_at, found.password_at):
                raise Refusal(Code.TOKEN_INVALID)
            guess = not ticket.second_factor and self.factors.wanted(connection, found)
        if guess:
            self.passwords.count(found, address, now)
        return _Known(found, ticket.second_factor, counted=guess)

    def _second_factor(self, known: _Known, typed: str | None, address: str, now: datetime) -> bool:
        """Whether a second factor was shown, now or before. In a transaction of its own: a wrong
        code is on record, and a right one used up, whatever becomes of the rest."""
        if known.second_factor:
            return True
        with self.database.write() as connection:
            shown = self.factors.judge(connection, known.account, typed, now)
            if shown is Shown.WRONG:
                note_refused(connection, known.account, Code.SECOND_FACTOR_WRONG, address, now)
            elif shown is Shown.RECOVERY_CODE:
                note_recovery_code(connection, known.account, address, now)
        return shown.accepted()

    def _let_in(
        self, connection: Connection, device: devices.Device, code: str, now: datetime
    ) -> devices.Device:
        """Approves a device for the code that it brought."""
        made_by = self.codes.use(connection, device, code, now)
        devices.decide(connection, device, devices.APPROVED, now=now, decided_by=made_by)
        return devices.find(connection, device.org_id, device.id)

    def _ticket(self, device: devices.Device, second_factor: bool, now: datetime) -> str:
        return self.tickets.issue(
            Ticket(
                org_id=device.org_id,
                staff_id=device.staff_id,
                thumbprint=device.thumbprint,
                second_factor=second_factor,
                issued_at=now,
            )
        )

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
        # After the signature: nobody uses up what another device may ask.
        self.pace.spend(proof.thumbprint)
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


def _before(issued_at: datetime, password_at: str) -> bool:
    """Tickets count whole seconds."""
    return issued_at < from_wire(password_at).replace(microsecond=0)


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
        DEVICE.c.heard_at,
        and_(DEVICE.c.wipe_ordered_at.is_not(None), DEVICE.c.wiped_at.is_(None)).label("wipe"),
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
        wipe=bool(row.wipe),
        heard_at=row.heard_at,
    )
    return Standing(caller, barred)

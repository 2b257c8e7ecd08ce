"""Every refusal that a person or a machine can meet: one table, one exception.

The table is the only place where a code, its HTTP status and the advice that goes with it are
written. `docs/errors.md` is generated from it, the server's error bodies carry the code, and the
app words it through its catalogues (`error.<code>`), so that a screen never shows a stack trace.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class Advice:
    """What one code means: HTTP status (0 = never crosses the wire), meaning, and what to do
    next."""

    status: int
    meaning: str
    remedy: str


class Code(Enum):
    """Codes are stable: old apps know them. Add at the end of a group; never rename or reuse."""

    # What someone sent
    MALFORMED = Advice(
        400, "The request could not be read.", "Update the app; report it if it repeats."
    )
    UNKNOWN_FIELD = Advice(422, "A field is not part of this record.", "Update the app.")
    UNKNOWN_ENTITY = Advice(422, "No such kind of record.", "Update the app.")
    FIELD_REQUIRED = Advice(422, "A required field is empty.", "Fill it in and finish again.")
    FIELD_TOO_LONG = Advice(
        422, "A text is longer than its limit.", "Shorten it; the draft is kept."
    )
    FIELD_INVALID = Advice(
        422, "A value does not fit its field.", "Correct the value; the draft is kept."
    )
    FIELD_NOT_YOURS = Advice(
        403, "Your role may not write this field.", "Ask someone whose role may."
    )
    RECORD_TOO_LARGE = Advice(
        413, "The record is larger than the limit.", "Move long text into a file."
    )
    BATCH_TOO_LARGE = Advice(
        413, "Too many changes in one request.", "The app sends them in smaller parts."
    )
    RECORD_MISSING = Advice(404, "There is no such record.", "Synchronise and look again.")
    RECORD_EXISTS = Advice(
        409, "A record with this id is already there.", "Nothing to do: it is stored."
    )
    MOVE_NOT_ALLOWED = Advice(
        409, "This state does not follow the present one.", "Look at the current state."
    )
    SECOND_LOOK_EARLY = Advice(
        409,
        "A dispute gets its second look from somebody else, or another day.",
        "Ask another member of the panel, or come back tomorrow.",
    )
    REPORT_SEALED = Advice(409, "A signed report never changes.", "Write an amendment beside it.")
    SEAL_BROKEN = Advice(
        422, "The report differs from what was signed.", "Keep the phone; call support."
    )
    CHANGE_ID_REUSED = Advice(
        409, "A change id came again with other content.", "Keep the phone; call support."
    )

    CUSTOMER_ERASED = Advice(
        409, "This customer was erased.", "Nothing can be kept about them any more."
    )
    PREVIEW_OUTDATED = Advice(
        409, "Something changed since the preview.", "Look at it again, then confirm."
    )

    # Who someone is
    SIGN_IN_REQUIRED = Advice(401, "Nobody is signed in.", "Sign in.")
    SIGN_IN_FAILED = Advice(
        401, "Name or password is wrong.", "Try again, or ask for a new password."
    )
    TOKEN_EXPIRED = Advice(401, "The access token has ended.", "The app fetches a new one.")
    TOKEN_INVALID = Advice(401, "The access token is not valid here.", "Sign in again.")
    PROOF_INVALID = Advice(
        401, "The device's proof of its key does not hold.", "Check the device's clock."
    )
    DEVICE_PENDING = Advice(
        403, "This device waits for approval.", "Ask an administrator to approve it."
    )
    DEVICE_BLOCKED = Advice(403, "This device was blocked.", "Ask an administrator.")
    DEVICE_WIPED = Advice(
        403, "An administrator ordered this device to be emptied.", "Ask an administrator."
    )
    DEVICE_UNKNOWN = Advice(403, "This device is not enrolled.", "Sign in online once.")
    USER_INACTIVE = Advice(403, "This user is no longer active.", "Ask an administrator.")
    TOO_MANY_TRIES = Advice(429, "Too many tries.", "Wait a little and try again.")
    SECOND_FACTOR_WANTED = Advice(
        401,
        "This account signs in with a second factor.",
        "Enter the code of the authenticator app, or a recovery code.",
    )
    SECOND_FACTOR_WRONG = Advice(
        401, "The code is wrong or was used already.", "Wait for the next code and enter that."
    )
    SECOND_FACTOR_UNSET = Advice(
        403,
        "This role signs in with a second factor, and none is set up.",
        "Set it up on a device that is signed in, or ask an administrator.",
    )
    ENROLMENT_CODE_INVALID = Advice(
        403,
        "The enrolment code is wrong, used or too old.",
        "Sign in without it and wait for approval, or ask for a new code.",
    )
    LAST_ADMINISTRATOR = Advice(
        409,
        "Nobody would be left who can administer.",
        "Make someone else an administrator first.",
    )
    IDENTITY_UNKNOWN = Advice(
        403,
        "No account here belongs to this identity.",
        "Ask an administrator to link it, or sign in with a password.",
    )
    PROVIDER_FAILED = Advice(
        424,
        "The company's sign-in did not answer as it should.",
        "Try again, or sign in with a password.",
    )
    FORM_STALE = Advice(
        403, "This form was not sent by a page of this session.", "Load the page and send it again."
    )
    TOO_MANY_REQUESTS = Advice(
        429, "This device or address asks too often.", "The app waits as long as it is told."
    )

    # What someone may see
    OUT_OF_SCOPE = Advice(
        403, "No grant covers this.", "Ask the customer's holder, or for a grant."
    )
    GRANT_ENDED = Advice(403, "The time of this access is over.", "Ask for more time.")
    ROLE_NOT_ALLOWED = Advice(403, "Your role may not do this.", "Ask someone whose role may.")
    LEASE_ENDED = Advice(0, "This phone has been away too long.", "Connect once; nothing is lost.")
    CLOCK_BEHIND = Advice(0, "The clock was set back.", "Set the clock, or connect once.")
    CONSENT_REFUSED = Advice(
        0, "The customer does not agree to this.", "Plan what they ask for, or ask them anew."
    )

    # Files
    FILE_TOO_LARGE = Advice(413, "The file is larger than the limit.", "Take a smaller photo.")
    FILE_NOT_IMAGE = Advice(
        422, "This is not a picture that can be read.", "Choose a JPEG, PNG or WebP."
    )
    FILE_HAS_POSITION = Advice(
        422,
        "The picture says where it was taken.",
        "Take it with the app; the visit names the place.",
    )
    FILE_HASH_WRONG = Advice(422, "The file arrived damaged.", "The app sends it again.")
    FILE_INCOMPLETE = Advice(409, "Parts of the file are missing.", "The app goes on sending.")

    # The way between
    OFFLINE = Advice(0, "There is no connection.", "Go on working; it is sent later.")
    CUT_SHORT = Advice(
        0, "The connection broke half-way.", "The app tries again from where it was."
    )
    SERVER_FAULT = Advice(500, "The server failed.", "Go on working; the app tries again.")
    SERVER_BUSY = Advice(503, "The server is busy.", "The app tries again in a moment.")
    APP_OUTDATED = Advice(426, "This app is too old to receive.", "Update it; sending still works.")
    EPOCH_CHANGED = Advice(
        409, "The server was restored from a backup.", "The app sends its work again."
    )
    NOT_FOUND = Advice(404, "There is nothing at this address.", "Check the address.")

    # The phone's own store
    WRONG_SECRET = Advice(
        0, "The PIN or passphrase is wrong.", "Try again; the tries left are shown."
    )
    VAULT_DESTROYED = Advice(
        0, "Too many wrong tries: the key is gone.", "Sign in online; sealed work is kept."
    )
    VAULT_WRONG_KEY = Advice(
        0, "The key does not open this store.", "Sign in online on this device."
    )
    VAULT_LOCKED_ELSEWHERE = Advice(
        0, "The app is open in another tab.", "Close it there, or take over."
    )
    VAULT_NEWER = Advice(
        0, "A newer version of the app wrote this store.", "Update the app; nothing was changed."
    )
    VAULT_DAMAGED = Advice(
        0, "The store on this phone is damaged.", "Call support; sealed work is kept."
    )
    DISK_FULL = Advice(
        507, "There is no room left.", "Free some space; what was saved stays saved."
    )
    STORAGE_NOT_DURABLE = Advice(0, "This browser keeps nothing.", "Leave private browsing.")
    SECRET_TOO_SHORT = Advice(
        0, "The PIN is too short.", "Use at least six digits, or a passphrase."
    )

    # Import and command line
    ROW_MALFORMED = Advice(
        0, "A row of the file can't be read.", "It is skipped; its line is in the report."
    )
    FILE_UNREADABLE = Advice(0, "The file can't be read.", "Check the path and the format.")

    @property
    def key(self) -> str:
        """The code as it stands on the wire and in the catalogues, e.g. ``field_too_long``."""
        return self.name.lower()

    @property
    def status(self) -> int:
        """HTTP status of a reply that carries this code."""
        return self.value.status

    @classmethod
    def of(cls, key: str) -> Code:
        """The code for a wire key; one that this version does not know reads as a server fault."""
        return cls.__members__.get(key.upper(), cls.SERVER_FAULT)


_A_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,59}")


def repeatable(name: object) -> str:
    """A field's name that came from outside, as details may repeat it: what is no name is a
    question mark, for it may be anything, somebody's data or half a character."""
    text = str(name)
    return text if _A_NAME.fullmatch(text) else "?"


class Refusal(Exception):
    """Something was refused for a reason in the table.

    `details` are safe to log and to show (field names, limits, counts): never a customer's data, a
    key or a token.
    """

    def __init__(self, code: Code, **details: str | int | float | bool) -> None:
        self.code = code
        self.details = details
        super().__init__(f"{code.key}: {code.value.meaning}" + (f" {details}" if details else ""))

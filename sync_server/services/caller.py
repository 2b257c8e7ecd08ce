"""Who calls: what every service is told of the person and the device behind a request."""

from __future__ import annotations

from dataclasses import dataclass

from shared.declare import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """An authenticated caller. Made by the route's dependency, or by hand in tests.

    `active` False (a deactivated user, a blocked device) is no reason to turn a push or a pull
    away: the push waits in quarantine or is judged by the grant it was written under (L1), and
    the pull brings the lease that says what to drop (L4). `device_key` is the raw Ed25519 public
    key, base64url without padding. `via` (api or console) and `address` are for the audit log;
    the console has neither device nor key. `heard_at` is when the device was last noted to have
    been heard of (`contacts`); None: there is no device to note it for. `wipe`: an administrator
    ordered that its vault be destroyed, and it has not said yet that it is.
    """

    org_id: str
    staff_id: str
    role: Role
    device_id: str
    device_key: str
    store_id: str | None = None
    active: bool = True
    wipe: bool = False
    via: str = "api"
    address: str = ""
    heard_at: str | None = None

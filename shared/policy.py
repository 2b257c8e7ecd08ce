"""Every number that a rule has: the organisation's policy as data, with its defaults and their
sources.

A policy has a version and the time from which it holds; the server sends it as records of entity
`policy`, and both sides read it through `policy_at`. Settings that a version leaves out keep their
defaults, and settings that this code does not know yet are ignored, so that an old phone outlives a
new policy.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySettings:
    """Units stand in the names. `S0 #17` names the requirement whose number a setting holds."""

    # Leases and devices (design §4)
    lease_hours: int = 72  # between 4 h and 14 days
    clock_tolerance_minutes: int = 5
    max_secret_tries: int = 10
    min_pin_digits: int = 6
    max_drop_percent: int = 30
    device_approval: str = "administrator"  # or "automatic"
    idle_lock_minutes: int = 10
    enrolment_code_minutes: int = 15  # S3 #146
    # Roles that should sign in with a second factor, with blanks between (S2 #102). They are told
    # so until they have set one up; where `totp_strict`, they can't sign in anew without one.
    totp_required_roles: str = "administrator"
    totp_strict: bool = False
    console_idle_minutes: int = 30  # after which someone signs in to the console anew
    console_session_hours: int = 12  # the same, however busy they are

    # Grants
    case_grant_days_after_close: int = 7
    callback_window_hours_before: int = 24
    callback_window_hours_after: int = 72  # S3 #151: timed grant
    access_hours: int = 24  # what is asked for, unless one says otherwise (S3 #149, #151)
    longest_access_hours: int = 72  # of one request or extension

    # Who looked at whom, and who reviews it (S4 #156, #157)
    look_sample_percent: int = 5  # of each person's looks of a week
    look_sample_least: int = 2  # and at least so many of each person's
    look_review_days: int = 7  # within which a week's sample is reviewed
    look_alert_customers_per_hour: int = 30
    look_hours_from: int = 7  # o'clock, local: when work begins
    look_hours_until: int = 21  # and ends
    look_alert_outside_hours: int = 3  # customers a day, without a reason near
    look_alert_unplanned: int = 20  # customers a day with no visit, case or callback near
    look_plan_days: int = 7  # how near that is
    audit_days: int = 1826  # how long the audit log is kept

    # First classification from a year's amount and frequency (S0 #7, S1 #45, #50)
    tier_high_cents: int = 300_000
    tier_high_orders: int = 6
    tier_mid_cents: int = 75_000
    tier_mid_orders: int = 2

    # Visits by tier, in days (S0 #20, #21, #22)
    visit_every_days_high: int = 30
    visit_every_days_mid: int = 91
    visit_every_days_low: int = 182
    visit_minutes: int = 45
    verify_contacts_days: int = 30  # S0 #5
    review_needs_days: int = 91  # S0 #6

    # Service clocks
    response_minutes: int = 10  # S0 #10
    general_answer_minutes: int = 5  # S0 #14
    expert_answer_hours: int = 24  # S0 #15
    complaint_contact_hours: int = 24  # S0 #16
    resolution_workdays: int = 3  # S0 #17
    repair_resolution_workdays: int = 3  # S4 #167

    # Callbacks
    complaint_callback_days: int = 7  # S0 #18, from resolution
    repair_callback_days: int = 2  # S2 #96
    callback_retry_hours: int = 4
    callback_max_attempts: int = 5
    satisfied_from_points: int = 80

    # Limits
    max_photo_bytes: int = 25_000_000
    max_document_bytes: int = 250_000_000  # recordings and documents
    photo_long_edge_px: int = 2048
    photo_quality_percent: int = 82
    max_record_bytes: int = 256_000
    max_push_changes: int = 2000
    case_number_block: int = 50
    # Bytes that no record names: as long as the server reads a late device's changes (protocol).
    orphan_file_days: int = 731
    retention_days: int = 3650  # the server keeps the record (S2 #100, #103)

    def tier_of(self, spend_cents: int, orders: int) -> str:
        """The tier that a year's amount and frequency propose (S0 #7); a panel decides (S1 #51)."""
        if spend_cents >= self.tier_high_cents and orders >= self.tier_high_orders:
            return "high"
        if spend_cents >= self.tier_mid_cents and orders >= self.tier_mid_orders:
            return "mid"
        return "low"

    def most_bytes(self, media_type: str) -> int:
        """How long a file of a kind may be."""
        photo = media_type.startswith("image/")
        return self.max_photo_bytes if photo else self.max_document_bytes

    def visit_every(self, tier: str | None) -> timedelta:
        """How often a customer of a tier is visited (S0 #20–#22); one without a tier counts as
        low."""
        days = {"high": self.visit_every_days_high, "mid": self.visit_every_days_mid}
        return timedelta(days=days.get(tier or "", self.visit_every_days_low))


DEFAULTS = PolicySettings()
_TYPES = {f.name: type(getattr(DEFAULTS, f.name)) for f in fields(PolicySettings)}


def settings_from(data: Mapping[str, Any]) -> PolicySettings:
    """Defaults with `data` laid over; unknown names and values of another type are passed over."""
    known = {
        name: value
        for name, value in data.items()
        if name in _TYPES and type(value) is _TYPES[name]
    }
    return replace(DEFAULTS, **known)


def policy_at(
    versions: Iterable[tuple[datetime, Mapping[str, Any]]], moment: datetime
) -> PolicySettings:
    """The settings that hold at `moment`: of the versions (holds_from, settings), the last that
    had begun."""
    begun = [(since, data) for since, data in versions if since <= moment]
    return settings_from(max(begun, key=lambda v: v[0])[1]) if begun else DEFAULTS

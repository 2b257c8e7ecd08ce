"""Every number that a rule has: the organisation's policy as data, with its defaults and their
sources.

A policy has a version and the time from which it holds; the server sends it as records of entity
`policy`, and both sides read it through `policy_at`. Settings that a version leaves out keep their
defaults, and settings that this code does not know yet are ignored, so that an old phone outlives a
new policy.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import Any

from shared.codec import check
from shared.declare import Entity, Field, Role, boolean, choice, fields_of, integer, text
from shared.errors import Code, Refusal
from shared.flows import CASE_KINDS, DEFAULT_FLOWS, Flow, parse_flow
from shared.ids import is_id
from shared.states import TIERS

GROUPS = (
    "leases",
    "signing_in",
    "access",
    "looks",
    "tiers",
    "loyalty",
    "churn",
    "vip",
    "panel",
    "visits",
    "clocks",
    "flows",
    "callbacks",
    "figures",
    "people",
    "surveys",
    "files",
    "limits",
)
"""In which the settings are shown, in this order."""

UNITS = (
    "minutes", "hours", "days", "workdays", "tries", "digits", "percent", "oclock", "customers",
    "looks", "orders", "points", "bytes", "pixels", "changes", "numbers", "cents", "times",
    "visits", "answers", "months",
)  # fmt: skip


VISIT_CHANNELS = ("on_site", "phone", "email")


@dataclass(frozen=True, slots=True)
class Setting:
    """What a form, the check and the docs need of a setting beside its bounds. `unit` is one of
    `UNITS`, empty for words and switches; `source` is where its number comes from."""

    group: str
    unit: str = ""
    source: str = ""


_SETTING = "setting"


def _number(default: int, low: int, high: int, group: str, unit: str, source: str = "") -> Any:
    """A whole number within [low, high]."""
    return _declared(default, integer(low, high, required=True), Setting(group, unit, source))


def _switch(default: bool, group: str, source: str = "") -> Any:
    return _declared(default, boolean(), Setting(group, "", source))


def _word(default: str, words: tuple[str, ...], group: str, source: str = "") -> Any:
    """One of `words`."""
    return _declared(default, choice(*words, required=True), Setting(group, "", source))


def _roles(default: str, group: str, source: str = "") -> Any:
    """Roles, with blanks between."""
    return _declared(default, text(200), Setting(group, "", source))


def _flow(kind: str, source: str) -> Any:
    """A flow's nodes, one a line (`shared.flows`)."""
    return _declared(DEFAULT_FLOWS[kind], text(1000, required=True), Setting("flows", "", source))


def _text(default: str, limit: int, group: str, source: str = "") -> Any:
    """Words with blanks between."""
    return _declared(default, text(limit), Setting(group, "", source))


def _seat(group: str, source: str, role: Role = Role.STORE_MANAGER) -> Any:
    """Who may sit there: roles, or ids of staff, with blanks between."""
    return _text(role.value, 400, group, source)


def _declared(default: Any, of: Any, setting: Setting) -> Any:
    return field(default=default, metadata={**of.metadata, _SETTING: setting})


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySettings:
    """Each with its default, its bounds, the group that it is shown in and its unit. `S0 #17` names
    the requirement whose number a setting holds. Their words are in the console's catalogues:
    ``field.<name>`` and ``policy.what.<name>``."""

    # Leases and devices (design §4)
    lease_hours: int = _number(72, 4, 336, "leases", "hours", "S3 #151")
    clock_tolerance_minutes: int = _number(5, 1, 60, "leases", "minutes")
    case_number_block: int = _number(50, 5, 10_000, "leases", "numbers")
    device_approval: str = _word(
        "administrator", ("administrator", "automatic"), "leases", "S3 #146"
    )
    enrolment_code_minutes: int = _number(15, 1, 1440, "leases", "minutes", "S3 #146")

    # Signing in, and how long it holds
    max_secret_tries: int = _number(10, 3, 20, "signing_in", "tries", "S3 #152")
    min_pin_digits: int = _number(6, 4, 12, "signing_in", "digits", "S3 #152")
    idle_lock_minutes: int = _number(10, 1, 240, "signing_in", "minutes", "S2 #102")
    console_idle_minutes: int = _number(30, 1, 480, "signing_in", "minutes", "S2 #102")
    console_session_hours: int = _number(12, 1, 72, "signing_in", "hours", "S2 #102")
    # Roles that should sign in with a second factor. They are told so until they have set one up;
    # where `totp_strict`, they can't sign in anew without one.
    totp_required_roles: str = _roles("administrator", "signing_in", "S2 #102")
    totp_strict: bool = _switch(False, "signing_in", "S2 #102")

    # Grants: what is asked for unless one says otherwise, and the most of one request or extension
    case_grant_days_after_close: int = _number(7, 0, 365, "access", "days", "S2 #103")
    callback_window_hours_before: int = _number(24, 0, 336, "access", "hours", "S3 #151")
    callback_window_hours_after: int = _number(72, 1, 336, "access", "hours", "S3 #151")
    access_hours: int = _number(24, 1, 336, "access", "hours", "S3 #149, #151")
    longest_access_hours: int = _number(72, 1, 336, "access", "hours", "S3 #149, #151")

    # Who looked at whom, and who reviews it
    look_sample_percent: int = _number(5, 0, 100, "looks", "percent", "S4 #157")
    look_sample_least: int = _number(2, 0, 100, "looks", "looks", "S4 #157")
    look_review_days: int = _number(7, 1, 90, "looks", "days", "S4 #157")
    look_alert_customers_per_hour: int = _number(
        30, 1, 10_000, "looks", "customers", "S4 #156, #157"
    )
    look_hours_from: int = _number(7, 0, 23, "looks", "oclock", "S4 #157")
    look_hours_until: int = _number(21, 1, 24, "looks", "oclock", "S4 #157")
    look_alert_outside_hours: int = _number(3, 1, 10_000, "looks", "customers", "S4 #157")
    look_alert_unplanned: int = _number(20, 1, 10_000, "looks", "customers", "S4 #156, #157")
    look_plan_days: int = _number(7, 0, 90, "looks", "days", "S4 #156")
    audit_days: int = _number(1826, 365, 7305, "looks", "days", "S4 #157")

    # First classification from a year's amount and frequency
    tier_high_cents: int = _number(300_000, 0, 10**12, "tiers", "cents", "S0 #7, S1 #45, #50")
    tier_high_orders: int = _number(6, 0, 10**6, "tiers", "orders", "S0 #7, S1 #45, #50")
    tier_mid_cents: int = _number(75_000, 0, 10**12, "tiers", "cents", "S0 #7, S1 #45, #50")
    tier_mid_orders: int = _number(2, 0, 10**6, "tiers", "orders", "S0 #7, S1 #45, #50")

    tier_period_days: int = _number(365, 30, 1096, "tiers", "days", "S0 #7, S1 #45")
    # Profit where the business system tells it reaches a level as well; what is to be expected, or
    # how purchases grow, lifts by one level.
    tier_high_profit_cents: int = _number(100_000, 0, 10**12, "tiers", "cents", "S0 #7")
    tier_mid_profit_cents: int = _number(25_000, 0, 10**12, "tiers", "cents", "S0 #7")
    tier_forecast_cents: int = _number(300_000, 0, 10**12, "tiers", "cents", "S0 #7")
    tier_growth_percent: int = _number(100, 1, 10_000, "tiers", "percent", "S1 #45")

    # Loyalty and where a customer stands
    loyal_repeat_percent: int = _number(80, 0, 100, "loyalty", "percent", "S0 #31")
    referrer_percent: int = _number(30, 0, 100, "loyalty", "percent", "S0 #32")
    satisfied_complaints_percent: int = _number(5, 0, 100, "loyalty", "percent", "S0 #33")
    # The mean that a customer gave in calls about their cases; 0: it does not count.
    loyal_satisfaction_points: int = _number(80, 0, 100, "loyalty", "points", "S0 #12, S1 #49")
    silence_gaps: int = _number(3, 1, 100, "loyalty", "times", "S1 #48")
    silence_orders: int = _number(3, 2, 1000, "loyalty", "orders", "S1 #48")
    new_customer_days: int = _number(90, 1, 1096, "loyalty", "days", "S4 #159")
    dormant_days: int = _number(90, 1, 1096, "loyalty", "days", "S4 #159")
    lost_days: int = _number(270, 1, 3660, "loyalty", "days", "S4 #159")
    # Classes of industry, each with words by which it is known: name/word/word.
    industries: str = _text(
        "制造/工厂/加工/manufactur 批发/贸易/wholesale 零售/门店/retail 建筑/装修/construction "
        "餐饮/酒店/hotel 医疗/医院/health 教育/学校/school 物流/运输/logistics 科技/软件/software",
        400, "loyalty", "S4 #154",
    )  # fmt: skip
    first_cities: str = _text("北京 上海 广州 深圳", 400, "loyalty", "S4 #158")
    second_cities: str = _text(
        "成都 重庆 杭州 武汉 苏州 西安 南京 长沙 天津 郑州 东莞 无锡 宁波 青岛 合肥 佛山 沈阳 "
        "昆明 济南 大连 福州 厦门 哈尔滨 长春 石家庄 南昌 贵阳 南宁 太原 温州",
        400, "loyalty", "S4 #158",
    )  # fmt: skip

    # Who may leave, and what is done about it
    churn_days: int = _number(90, 30, 366, "churn", "days", "S1 #47")
    churn_below_percent: int = _number(40, 1, 99, "churn", "percent", "S1 #47")
    churn_fall_percent: int = _number(50, 1, 100, "churn", "percent", "S1 #48")
    churn_step_percent: int = _number(5, 1, 50, "churn", "percent", "S1 #47")
    satisfaction_drop_points: int = _number(15, 1, 100, "churn", "points", "S4 #164")
    plan_tiers: str = _text("high mid", 40, "churn", "S1 #65")
    plan_days: int = _number(14, 1, 366, "churn", "days", "S1 #65")

    # VIP: any one of four criteria
    vip_spend_cents: int = _number(500_000, 0, 10**12, "vip", "cents", "S2 #73")
    vip_single_cents: int = _number(100_000, 0, 10**12, "vip", "cents", "S2 #74")
    vip_orders: int = _number(4, 1, 10**6, "vip", "orders", "S2 #74")
    vip_half_year_days: int = _number(182, 30, 366, "vip", "days", "S2 #75")
    vip_half_year_orders: int = _number(6, 1, 10**6, "vip", "orders", "S2 #75")
    vip_forecast_cents: int = _number(500_000, 0, 10**12, "vip", "cents", "S2 #76")
    vip_referrals: int = _number(1, 1, 10**6, "vip", "customers", "S2 #77")

    # The panel that confirms or disputes: who sits in each of its seats
    panel_sales: str = _seat("panel", "S1 #51")
    panel_marketing: str = _seat("panel", "S1 #51")
    panel_service: str = _seat("panel", "S1 #51, S2 #78")
    second_look_hours: int = _number(24, 0, 720, "panel", "hours", "S1 #52")
    upheld_days: int = _number(90, 0, 1096, "panel", "days", "S1 #52")
    panel_grades: str = _seat("panel", "S1 #68", Role.ADMINISTRATOR)

    # Visits by tier
    visit_every_days_high: int = _number(30, 1, 1096, "visits", "days", "S0 #20")
    visit_every_days_mid: int = _number(91, 1, 1096, "visits", "days", "S0 #21")
    visit_every_days_low: int = _number(182, 1, 1096, "visits", "days", "S0 #22")
    visit_minutes: int = _number(45, 5, 480, "visits", "minutes", "S0 #20")
    visits_per_day: int = _number(6, 1, 50, "visits", "visits", "S0 #20")
    visit_hours_from: int = _number(9, 0, 23, "visits", "oclock", "S0 #20")
    visit_channel_high: str = _word("on_site", VISIT_CHANNELS, "visits", "S0 #20, S2 #104")
    visit_channel_mid: str = _word("on_site", VISIT_CHANNELS, "visits", "S0 #21, S2 #104")
    visit_channel_low: str = _word("phone", VISIT_CHANNELS, "visits", "S0 #22, S2 #104")
    verify_contacts_days: int = _number(30, 1, 1096, "visits", "days", "S0 #5")
    review_needs_days: int = _number(91, 1, 1096, "visits", "days", "S0 #6")

    # Service clocks
    response_minutes: int = _number(10, 1, 10_080, "clocks", "minutes", "S0 #10")
    general_answer_minutes: int = _number(5, 1, 10_080, "clocks", "minutes", "S0 #14")
    expert_answer_hours: int = _number(24, 1, 720, "clocks", "hours", "S0 #15")
    complaint_contact_hours: int = _number(24, 1, 720, "clocks", "hours", "S0 #16")
    resolution_workdays: int = _number(3, 1, 250, "clocks", "workdays", "S0 #17")
    update_workdays: int = _number(2, 1, 250, "clocks", "workdays", "S2 #90")
    repair_resolution_workdays: int = _number(3, 1, 250, "clocks", "workdays", "S4 #167")

    # The flow of each kind of case: its nodes with owner, limit and escalation
    flow_enquiry: str = _flow("enquiry", "S4 #165, #166, #167")
    flow_complaint: str = _flow("complaint", "S4 #166, #167, #179")
    flow_repair: str = _flow("repair", "S4 #165, #166, #167")
    flow_return: str = _flow("return", "S4 #165, #166, #167")
    flow_exchange: str = _flow("exchange", "S4 #165, #166, #167")

    # Who comes first of those that wait
    vip_first: bool = _switch(True, "flows", "S1 #55, S2 #86")
    queue_by: str = _word("time", ("time", "priority"), "flows", "S2 #86")

    # Callbacks: a complaint's and a repair's count from the resolution
    complaint_callback_days: int = _number(7, 0, 90, "callbacks", "days", "S0 #18")
    repair_callback_days: int = _number(2, 0, 90, "callbacks", "days", "S2 #96")
    callback_retry_hours: int = _number(4, 1, 336, "callbacks", "hours", "S2 #96")
    callback_max_attempts: int = _number(5, 1, 50, "callbacks", "tries", "S2 #96")
    satisfied_from_points: int = _number(80, 0, 100, "callbacks", "points", "S0 #12")

    # Figures: targets, what ranks are made of, and where grades begin (in points of a score)
    target_satisfaction_points: int = _number(90, 1, 100, "figures", "points", "S0 #12, #37")
    target_satisfied_percent: int = _number(90, 1, 100, "figures", "percent", "S2 #121")
    target_complaint_percent: int = _number(3, 1, 100, "figures", "percent", "S0 #38")
    target_response_minutes: int = _number(10, 1, 10_080, "figures", "minutes", "S0 #10, S2 #124")
    target_resolution_percent: int = _number(95, 1, 100, "figures", "percent", "S0 #11")
    target_timeliness_percent: int = _number(95, 1, 100, "figures", "percent", "S2 #122")
    target_retention_percent: int = _number(80, 1, 100, "figures", "percent", "S0 #39")
    target_uplift_percent: int = _number(10, 1, 1000, "figures", "percent", "S0 #40")
    target_repeat_percent: int = _number(80, 1, 100, "figures", "percent", "S0 #31, S2 #123")
    target_referral_percent: int = _number(30, 1, 100, "figures", "percent", "S0 #32, S2 #123")
    target_churn_percent: int = _number(20, 1, 100, "figures", "percent", "S1 #66")
    attainment_cap_percent: int = _number(120, 100, 1000, "figures", "percent", "S0 #41")
    weight_department_satisfaction: int = _number(40, 0, 100, "figures", "percent", "S0 #41")
    weight_department_complaints: int = _number(20, 0, 100, "figures", "percent", "S0 #41")
    weight_department_retention: int = _number(20, 0, 100, "figures", "percent", "S0 #41")
    weight_department_uplift: int = _number(20, 0, 100, "figures", "percent", "S0 #41")
    weight_staff_response: int = _number(30, 0, 100, "figures", "percent", "S0 #42")
    weight_staff_resolution: int = _number(30, 0, 100, "figures", "percent", "S0 #42")
    weight_staff_satisfaction: int = _number(40, 0, 100, "figures", "percent", "S0 #42")
    grade_every: str = _word("quarter", ("quarter", "year"), "figures", "S1 #67")
    grade_excellent_from: int = _number(95, 1, 1000, "figures", "points", "S1 #68")
    grade_good_from: int = _number(85, 1, 1000, "figures", "points", "S1 #68")
    grade_pass_from: int = _number(70, 1, 1000, "figures", "points", "S1 #68")
    fails_until_review: int = _number(2, 1, 20, "figures", "times", "S1 #69")
    figures_settle_days: int = _number(7, 0, 90, "figures", "days", "S3 #145")
    report_keep_months: int = _number(24, 1, 240, "figures", "months", "S3 #145")

    # Trainings: how often a store holds them, and by when what a fail calls for is done
    training_every_days: int = _number(7, 1, 366, "people", "days", "S0 #9")
    lecture_every_days: int = _number(31, 1, 366, "people", "days", "S0 #9")
    fail_training_days: int = _number(30, 1, 366, "people", "days", "S1 #69")
    review_days: int = _number(14, 1, 366, "people", "days", "S1 #69")
    vips_per_agent: int = _number(50, 1, 10**6, "people", "customers", "S2 #79")
    vips_per_technician: int = _number(100, 1, 10**6, "people", "customers", "S2 #79")

    # Anonymous surveys, and by how much a group's figure may fall before someone is told
    survey_least_answers: int = _number(5, 5, 100, "surveys", "answers", "S4 #162")
    csat_drop_percent: int = _number(10, 1, 100, "surveys", "percent", "S4 #164")
    nps_drop_points: int = _number(15, 1, 200, "surveys", "points", "S4 #164")
    survey_link_answers: int = _number(20, 1, 1000, "surveys", "answers", "S4 #162")
    # What people wrote, after the month in which they did: as long as results are shown.
    survey_words_days: int = _number(396, 62, 3660, "surveys", "days", "S4 #162")

    # What customers write by themselves: from one address in a minute, to one store in a day
    entrance_messages: int = _number(3, 1, 1000, "limits", "times", "S4 #177")
    entrance_daily: int = _number(200, 1, 100_000, "limits", "times", "S4 #177")

    # Files, and how long things are kept
    max_photo_bytes: int = _number(25_000_000, 1_000_000, 10**9, "files", "bytes")
    max_document_bytes: int = _number(250_000_000, 1_000_000, 10**10, "files", "bytes")
    photo_long_edge_px: int = _number(2048, 480, 8192, "files", "pixels")
    photo_quality_percent: int = _number(82, 30, 100, "files", "percent")
    # Bytes that no record names: as long as the server reads a late device's changes (protocol).
    orphan_file_days: int = _number(731, 31, 7305, "files", "days")
    # A server's clock that leaps ahead by more makes all deleting by time wait.
    clock_leap_days: int = _number(31, 2, 366, "files", "days")
    clock_leap_wait_days: int = _number(7, 1, 90, "files", "days")
    retention_days: int = _number(3650, 31, 36_525, "files", "days", "S2 #100, #103")

    # Limits of what devices send
    max_record_bytes: int = _number(256_000, 16_000, 1_000_000, "limits", "bytes")
    max_push_changes: int = _number(2000, 10, 10_000, "limits", "changes")

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

    def flow(self, kind: str) -> Flow:
        """The nodes of a kind of case (S4 #166, #167). A kind, or a way of writing them, that is
        newer than this code goes by the defaults."""
        texts = {
            "enquiry": self.flow_enquiry,
            "complaint": self.flow_complaint,
            "return": self.flow_return,
            "exchange": self.flow_exchange,
        }
        try:
            return parse_flow(texts.get(kind, self.flow_repair))
        except ValueError:
            return parse_flow(DEFAULT_FLOWS.get(kind, DEFAULT_FLOWS["repair"]))

    def visit_channel(self, tier: str | None) -> str:
        """How a customer of a tier is met when their visit falls due (S0 #20–#22)."""
        channels = {"high": self.visit_channel_high, "mid": self.visit_channel_mid}
        return channels.get(tier or "", self.visit_channel_low)

    def visit_every(self, tier: str | None) -> timedelta:
        """How often a customer of a tier is visited (S0 #20–#22); one without a tier counts as
        low."""
        days = {"high": self.visit_every_days_high, "mid": self.visit_every_days_mid}
        return timedelta(days=days.get(tier or "", self.visit_every_days_low))


DEFAULTS = PolicySettings()
FIELDS: Mapping[str, Field] = fields_of(PolicySettings)
"""Every setting's kind and bounds, by name."""

SETTINGS: Mapping[str, Setting] = {
    f.name: f.metadata[_SETTING] for f in fields(PolicySettings) if _SETTING in f.metadata
}
"""Every setting's group, unit and source, by name."""

FLOWS = tuple(f"flow_{kind}" for kind in CASE_KINDS)
"""The settings that hold a flow each."""

NOT_IN_USE: frozenset[str] = frozenset()
"""Settings whose rules are still to be built. They can be set; the console says that nothing obeys
them yet."""

_TYPES = {f.name: type(getattr(DEFAULTS, f.name)) for f in fields(PolicySettings)}
_ENTITY = Entity(name="policy", cls=PolicySettings, fields=FIELDS)
SEATS = ("panel_sales", "panel_marketing", "panel_service", "panel_grades")
"""The settings that name the panel's people."""

_NOT_ABOVE = (
    ("tier_mid_cents", "tier_high_cents"),
    ("tier_mid_orders", "tier_high_orders"),
    ("tier_mid_profit_cents", "tier_high_profit_cents"),
    ("dormant_days", "lost_days"),
    ("access_hours", "longest_access_hours"),
    ("look_hours_from", "look_hours_until"),
    ("grade_pass_from", "grade_good_from"),
    ("grade_good_from", "grade_excellent_from"),
    ("visit_every_days_high", "visit_every_days_mid"),
    ("visit_every_days_mid", "visit_every_days_low"),
)
"""Pairs of settings of which the first may be no more than the second."""


def check_settings(changed: Mapping[str, Any], before: PolicySettings) -> PolicySettings:
    """The policy with `changed` laid over `before`, or the refusal (`UNKNOWN_FIELD`,
    `FIELD_INVALID`, `FIELD_REQUIRED`) of the first setting that is unknown, out of its bounds, or
    at odds with another."""
    # What is cleared is empty words, or a switch that is off.
    values = {
        name: _TYPES[name]() if value is None else value
        for name, value in check(_ENTITY, changed).items()
    }
    made = replace(before, **values)
    known = set(Role)
    if not known.issuperset(made.totp_required_roles.split()):
        raise _unfit("totp_required_roles", " ".join(sorted(known)))
    for name in FLOWS:
        try:
            parse_flow(getattr(made, name))
        except ValueError as wrong:
            raise _unfit(name, str(wrong)) from None
    for name in SEATS:
        if any(word not in known and not is_id(word) for word in getattr(made, name).split()):
            raise _unfit(name, " ".join(sorted(known)))
    if not set(TIERS).issuperset(made.plan_tiers.split()):
        raise _unfit("plan_tiers", " ".join(TIERS))
    for less, more in _NOT_ABOVE:
        limit = getattr(made, more)
        if getattr(made, less) > limit:
            raise _unfit(less if less in values else more, f"{less} <= {more}")
    return made


def _unfit(name: str, wanted: str) -> Refusal:
    return Refusal(Code.FIELD_INVALID, field=f"policy.{name}", wanted=wanted)


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


@dataclass(frozen=True, slots=True)
class HeldPolicy:
    """The settings that held at some moment, and the number of their version; 0 for the defaults
    before the first."""

    version: int
    settings: PolicySettings


class Policies:
    """Every version of the policy, read once, for whoever asks for many moments: each clock runs
    under the one that held when it began."""

    def __init__(self, versions: Iterable[tuple[int, datetime, Mapping[str, Any]]] = ()) -> None:
        """`versions` as (number, holds_from, settings), in any order. Of those that begin at one
        time the first holds: later ones are copies (a version that was withdrawn)."""
        self._begun: list[datetime] = []
        self._held: list[HeldPolicy] = []
        for number, since, data in sorted(versions, key=lambda v: (v[1], v[0])):
            if self._begun[-1:] != [since]:
                self._begun.append(since)
                self._held.append(HeldPolicy(number, settings_from(data)))

    def at(self, moment: datetime) -> HeldPolicy:
        """What held at `moment`."""
        place = bisect_right(self._begun, moment)
        return self._held[place - 1] if place else HeldPolicy(0, DEFAULTS)

"""Who gets to see what, by role and by work (the table in design §4), and how it ends.

Every function here may be called twice with the same effect as once, and writes through the
caller's unit.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from shared.access import REF_BUCKETS
from shared.clock import from_wire, to_wire
from shared.declare import Role
from shared.errors import Code, Refusal
from shared.ids import new_id
from shared.policy import PolicySettings
from shared.states import OPEN_CASE_STATES
from sync_server.services import churn_plans
from sync_server.services.erasing import is_erased
from sync_server.services.grants import NOT_REVOKED, end_of, issue, revoke, revoke_all
from sync_server.services.writing import SERVER, Author, Held, Unit

Lost = dict[str, set[str]]
"""Ids of the customers that each person (staff id) holds no more."""


def enrol(unit: Unit, staff_id: str) -> None:
    """What everyone of a role holds: their own `user:` bucket, the catalogues, the figures for
    head office, and for a store manager the customers of the store."""
    staff = _staff(unit, staff_id)
    role = staff.row["role"]
    for bucket in role_buckets(unit.org_id, staff_id, role):
        issue(unit, staff_id, bucket, "role", role)
    if role == Role.STORE_MANAGER and staff.row.get("store_id"):
        held = {
            g.row["bucket"]: [g]
            for g in unit.find("grant", staff_id=staff_id, **NOT_REVOKED)
            if g.row["purpose"] == "store"
        }
        for customer in unit.find("customer", store_id=staff.row["store_id"], erased_at=None):
            bucket = f"customer:{customer.id}"
            issue(unit, staff_id, bucket, "store", role, among=held.get(bucket, ()))


def role_buckets(org_id: str, staff_id: str, role: str) -> tuple[str, ...]:
    """Buckets that someone holds by role alone, for as long as they are active."""
    own = (f"user:{staff_id}", *REF_BUCKETS)
    return (*own, f"agg:{org_id}") if role == Role.HEAD_OFFICE else own


def assign_customer(
    unit: Unit,
    customer_id: str,
    staff_id: str,
    *,
    by: str | None = None,
    reason: str | None = None,
) -> None:
    """Gives one customer; see `assign_customers`."""
    assign_customers(unit, [customer_id], staff_id, by=by, reason=reason)


def assign_customers(
    unit: Unit,
    customer_ids: Sequence[str],
    staff_id: str,
    *,
    by: str | None = None,
    reason: str | None = None,
) -> Lost:
    """Gives customers to an account manager (or a store manager). The holders before lose them as
    `reassigned`; if a store changes with it, so do the store managers. Reads in a few statements,
    however many customers; says which customers each person lost."""
    staff = _staff(unit, staff_id)
    role, store = staff.row["role"], staff.row.get("store_id")
    if role not in {Role.ACCOUNT_MANAGER, Role.STORE_MANAGER}:
        raise Refusal(Code.ROLE_NOT_ALLOWED, role=role)
    unit.load("customer", customer_ids)
    customers = [_needed(unit, "customer", customer_id) for customer_id in customer_ids]
    if any(is_erased(customer) for customer in customers):
        raise Refusal(Code.CUSTOMER_ERASED)
    standing = _standing_grants(unit, customer_ids)
    given = _standing_assignments(unit, "customer", customer_ids)
    lost: Lost = {}
    for customer in customers:
        bucket = f"customer:{customer.id}"
        among = standing.setdefault(bucket, [])
        for grant in among:
            if grant.row["purpose"] == "assignment" and grant.row["staff_id"] != staff_id:
                revoke(unit, grant, "reassigned")
                lost.setdefault(grant.row["staff_id"], set()).add(customer.id)
        fields = {"owner_id": staff_id, "store_id": store or customer.row.get("store_id")}
        unit.update("customer", customer.id, fields)
        among_given = given.get(customer.id, [])
        _hand_over(unit, among_given, "customer", customer.id, customer.id, staff_id, by, reason)
        among.append(
            issue(
                unit,
                staff_id,
                bucket,
                "assignment",
                role,
                granted_by=by,
                reason=reason,
                among=_not_revoked(among),
            )
        )
    by_store: dict[str | None, list[str]] = {}
    for customer in customers:
        by_store.setdefault(customer.row.get("store_id"), []).append(customer.id)
    for store_id, ids in by_store.items():
        for manager, theirs in _give_to_store(unit, ids, store_id, standing).items():
            lost.setdefault(manager, set()).update(theirs)
    gone = {who: ids for who, ids in lost.items() if who != staff_id}
    churn_plans.hand_on(unit, customer_ids, gone, staff_id)
    return gone


def give_to_store(unit: Unit, customer_ids: Sequence[str], store_id: str | None) -> Lost:
    """The customers' store managers hold them, and no other store's do; says what each lost."""
    return _give_to_store(unit, customer_ids, store_id, _standing_grants(unit, customer_ids))


def _give_to_store(
    unit: Unit, customer_ids: Sequence[str], store_id: str | None, standing: dict[str, list[Held]]
) -> Lost:
    managers = unit.find("staff", store_id=store_id, role=Role.STORE_MANAGER.value)
    keep = {m.id for m in managers if m.row.get("active") is not False} if store_id else set()
    lost: Lost = {}
    for customer_id in customer_ids:
        bucket = f"customer:{customer_id}"
        among = standing.get(bucket, [])
        for grant in among:
            if grant.row["purpose"] == "store" and grant.row["staff_id"] not in keep:
                revoke(unit, grant, "reassigned")
                lost.setdefault(grant.row["staff_id"], set()).add(customer_id)
        for manager in sorted(keep):
            left = _not_revoked(among)
            issue(unit, manager, bucket, "store", Role.STORE_MANAGER, among=left)
    return lost


def _standing_grants(unit: Unit, customer_ids: Sequence[str]) -> dict[str, list[Held]]:
    """Grants on these customers' buckets that were not revoked, by bucket."""
    found: dict[str, list[Held]] = {}
    buckets = [f"customer:{customer_id}" for customer_id in customer_ids]
    for grant in unit.find("grant", bucket=buckets, **NOT_REVOKED):
        found.setdefault(grant.row["bucket"], []).append(grant)
    return found


def _not_revoked(grants: Iterable[Held]) -> list[Held]:
    return [grant for grant in grants if not grant.row.get("revoked_at")]


def _standing_assignments(
    unit: Unit, subject: str, subject_ids: Sequence[str]
) -> dict[str, list[Held]]:
    found: dict[str, list[Held]] = {}
    for held in unit.find("assignment", subject_id=list(subject_ids), subject=subject):
        found.setdefault(held.row["subject_id"], []).append(held)
    return found


def dispatch_case(
    unit: Unit,
    case_id: str,
    staff_id: str,
    policy: PolicySettings,
    *,
    by: str | None = None,
    author: Author = SERVER,
) -> None:
    """Gives a case to a technician, who gets its `case:` bucket until some days after it was
    closed. The one who had it loses it as `reassigned`. A new case becomes `assigned`, and the
    step is on its record."""
    staff = _staff(unit, staff_id)
    case = _needed(unit, "case", case_id)
    if staff.row["role"] != Role.TECHNICIAN:
        raise Refusal(Code.ROLE_NOT_ALLOWED, role=staff.row["role"])
    bucket = f"case:{case_id}"
    for grant in unit.find("grant", bucket=bucket, purpose="dispatch", **NOT_REVOKED):
        if grant.row["staff_id"] != staff_id:
            revoke(unit, grant, "reassigned")
    before = case.row["state"]
    state = "assigned" if before == "new" else before
    unit.update("case", case_id, {"assignee_id": staff_id, "state": state}, author)
    customer_id = case.row["customer_id"]
    given = _standing_assignments(unit, "case", [case_id]).get(case_id, [])
    if _hand_over(unit, given, "case", case_id, customer_id, staff_id, by, None):
        unit.create(
            "case_event",
            {
                "id": new_id(),
                "case_id": case_id,
                "customer_id": customer_id,
                "kind": "assigned",
                "happened_at": to_wire(author.at or unit.now),
                "from_state": before,
                "to_state": state,
                "staff_id": staff_id,
            },
            author,
        )
    expires = case_grant_end(case, policy)
    if expires is None or expires > unit.now:
        issue(
            unit, staff_id, bucket, "dispatch", staff.row["role"], expires_at=expires, granted_by=by
        )


def case_grant_end(case: Held, policy: PolicySettings) -> datetime | None:
    """When a technician's grant on a case ends: some days after it was closed; None while it
    isn't."""
    if case.row["state"] not in {"closed", "cancelled"}:
        return None
    closed = case.row.get("closed_at") or case.row["updated_at"]
    return from_wire(closed) + timedelta(days=policy.case_grant_days_after_close)


def settle_case_grants(unit: Unit, case_id: str, policy: PolicySettings) -> None:
    """Sets the end of the technician's grant when the case was closed, and takes it back when it
    was reopened: if the grant had ended by then, the assignee gets a new one."""
    case = _needed(unit, "case", case_id)
    expires = case_grant_end(case, policy)
    for grant in unit.find("grant", bucket=f"case:{case_id}", purpose="dispatch", **NOT_REVOKED):
        end = end_of(grant.row)
        if end is None or end.at > unit.now:
            unit.update("grant", grant.id, {"expires_at": expires and to_wire(expires)})
    assignee = case.row.get("assignee_id")
    if assignee and case.row["state"] in OPEN_CASE_STATES and _is_technician(unit, assignee):
        issue(unit, assignee, f"case:{case_id}", "dispatch", Role.TECHNICIAN)


def assign_callback(
    unit: Unit, callback_id: str, staff_id: str, policy: PolicySettings, *, by: str | None = None
) -> None:
    """Gives a callback to an agent, for the time of its window only (S3 #151): from a day before
    it is due until three days after, by policy. A later attempt moves the window on."""
    staff = _staff(unit, staff_id)
    callback = _needed(unit, "callback", callback_id)
    role = staff.row["role"]
    due = from_wire(callback.row.get("next_attempt_at") or callback.row["due_at"])
    begins = due - timedelta(hours=policy.callback_window_hours_before)
    ends = due + timedelta(hours=policy.callback_window_hours_after)
    before = callback.row.get("assignee_id")
    if before and before != staff_id:
        end_callback(unit, callback_id, "reassigned")
    unit.update("callback", callback_id, {"assignee_id": staff_id, "window_ends_at": to_wire(ends)})
    customer_id = callback.row["customer_id"]
    given = _standing_assignments(unit, "callback", [callback_id]).get(callback_id, [])
    _hand_over(unit, given, "callback", callback_id, customer_id, staff_id, by, None, begins, ends)
    issue(
        unit,
        staff_id,
        callback_bucket(callback),
        "callback",
        role,
        not_before=begins,
        expires_at=ends,
        granted_by=by,
        reason=callback_id,
    )


def callback_bucket(callback: Held) -> str:
    """A callback about a case shows that case; any other shows its customer."""
    case_id = callback.row.get("case_id")
    return f"case:{case_id}" if case_id else f"customer:{callback.row['customer_id']}"


def end_callback(unit: Unit, callback_id: str, because: str = "ended") -> None:
    """Ends the grant that was given for this callback."""
    callback = _needed(unit, "callback", callback_id)
    revoke_all(unit, because, bucket=callback_bucket(callback), reason=callback_id, **NOT_REVOKED)


def deactivate(unit: Unit, staff_id: str, because: str = "ended") -> None:
    """Ends everything someone holds: `ended` for a leaver, whose outstanding work is still taken;
    `security` for one whose device or person is not trusted, whose work then waits in
    quarantine."""
    unit.update("staff", staff_id, {"active": False})
    revoke_all(unit, because, staff_id=staff_id)


def reactivate(unit: Unit, staff_id: str) -> None:
    """Lets someone in again with what their role holds. Customers and cases are assigned anew."""
    unit.update("staff", staff_id, {"active": True})
    enrol(unit, staff_id)


def _hand_over(
    unit: Unit,
    given: Iterable[Held],
    subject: str,
    subject_id: str,
    customer_id: str,
    staff_id: str,
    by: str | None,
    reason: str | None,
    from_at: datetime | None = None,
    until_at: datetime | None = None,
) -> bool:
    """Ends the assignment that stands, of those `given` for the subject, and begins another; False
    where it already is this person's."""
    begins, ends = to_wire(from_at or unit.now), until_at and to_wire(until_at)
    for held in given:
        if held.row["staff_id"] == staff_id and (
            not held.row.get("until_at") or held.row["until_at"] > to_wire(unit.now)
        ):
            unit.update("assignment", held.id, {"until_at": ends})
            return False
        if not held.row.get("until_at") or held.row["until_at"] > to_wire(unit.now):
            unit.update("assignment", held.id, {"until_at": to_wire(unit.now)})
    unit.create(
        "assignment",
        {
            "id": new_id(),
            "staff_id": staff_id,
            "subject": subject,
            "subject_id": subject_id,
            "customer_id": customer_id,
            "from_at": begins,
            "until_at": ends,
            "assigned_by": by,
            "reason": reason,
        },
    )
    return True


def _staff(unit: Unit, staff_id: str) -> Held:
    staff = _needed(unit, "staff", staff_id)
    if staff.row.get("active") is False:
        raise Refusal(Code.USER_INACTIVE)
    return staff


def _is_technician(unit: Unit, staff_id: str) -> bool:
    staff = unit.get("staff", staff_id)
    return (
        staff is not None
        and staff.row["role"] == Role.TECHNICIAN
        and staff.row.get("active") is not False
    )


def _needed(unit: Unit, entity: str, record_id: str) -> Held:
    held = unit.get(entity, record_id)
    if held is None:
        raise Refusal(Code.RECORD_MISSING, entity=entity)
    return held

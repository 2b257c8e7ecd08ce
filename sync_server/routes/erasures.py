"""Erasing one customer on request, in two steps: look what it would touch, then do it with a
reason (S2 #103, S4 #155)."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter

from shared.errors import Code, Refusal
from shared.wire import STRICT
from sync_server.routes.answers import READS_BODY, SIGNED_IN, documented
from sync_server.routes.caller import Administrator, TheServer
from sync_server.services import erasing

router = APIRouter(prefix="/v1/admin/customers", tags=["admin"])
_REFUSALS = documented(*SIGNED_IN, Code.ROLE_NOT_ALLOWED, Code.RECORD_MISSING, Code.CUSTOMER_ERASED)
_LONGEST_REASON = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class EraseRequest:
    """Why, and the `plan` of the preview that was looked at."""

    __pydantic_config__ = STRICT
    plan: str
    reason: str


@router.get("/{customer_id}/erasure", responses=_REFUSALS)
def preview(customer_id: str, caller: Administrator, server: TheServer) -> erasing.Preview:
    """What erasing this customer would touch, in numbers. Changes nothing, and names nobody."""
    return erasing.preview(server.database, caller.org_id, customer_id)


@router.post(
    "/{customer_id}/erasure",
    responses=_REFUSALS
    | documented(*READS_BODY, Code.PREVIEW_OUTDATED, Code.CUSTOMER_ERASED)
    | documented(Code.FIELD_REQUIRED, Code.FIELD_TOO_LONG, Code.UNKNOWN_FIELD),
)
def erase(
    customer_id: str, asked: EraseRequest, caller: Administrator, server: TheServer
) -> erasing.Preview:
    """Erase everything personal about this customer, for good. Phones that hold any of it drop it
    at their next contact; figures stay as they were."""
    if not asked.reason.strip():
        raise Refusal(Code.FIELD_REQUIRED, field="reason")
    if len(asked.reason) > _LONGEST_REASON:
        raise Refusal(Code.FIELD_TOO_LONG, field="reason", limit=_LONGEST_REASON)
    return erasing.erase(
        server.database,
        server.files.store,
        caller,
        customer_id,
        asked.reason,
        asked.plan,
        server.clock.now(),
        ledger=server.settings.backup_dir,
    )

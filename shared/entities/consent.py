"""What a customer agreed to, for what their data is used, and by which words they were asked (S4
#155)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shared.declare import Merge, Record, Role, choice, entity, instant, integer, reference, text

CONSENT_SCOPES = ("collection", "use", "sharing")


@entity(
    "consent",
    customer="customer_id",
    at="decided_at",
    creators={Role.ACCOUNT_MANAGER, Role.STORE_MANAGER, Role.CALLBACK_AGENT},
)
@dataclass(frozen=True, slots=True, kw_only=True)
class Consent(Record):
    """One answer to one question. A later answer is a record of its own beside it, so that it can
    always be told what held when; a withdrawal is noted in the record that it ends.

    `text_key`, `text_version` and `language` name the words that were shown (catalogue
    `consent_text`), `text_hash` is their SHA-256 (hex): a text that was changed without a new
    version shows.
    """

    customer_id: str = reference("customer", required=True, merge=Merge.IMMUTABLE)
    scope: str = choice(*CONSENT_SCOPES, required=True, merge=Merge.IMMUTABLE)
    answer: str = choice("given", "refused", required=True, merge=Merge.IMMUTABLE)
    text_key: str = text(80, required=True, merge=Merge.IMMUTABLE)
    text_version: int = integer(1, 10**6, required=True, merge=Merge.IMMUTABLE)
    text_hash: str = text(64, required=True, merge=Merge.IMMUTABLE)
    language: str = choice("zh-CN", "en", required=True, merge=Merge.IMMUTABLE)
    asked_by: str | None = choice("on_screen", "spoken", "written", merge=Merge.IMMUTABLE)
    decided_at: Any = instant(required=True, merge=Merge.IMMUTABLE)
    taken_by: str = reference("staff", required=True, merge=Merge.IMMUTABLE)
    withdrawn_at: Any = instant(merge=Merge.MAX)
    withdrawn_by: str | None = reference("staff")


__all__ = ["CONSENT_SCOPES", "Consent"]

"""Asking a customer for consent and putting the answer on record, with the words that were shown
(S4 #155). Works offline: the texts are reference data.

A text is the `data` of a `consent_text` reference, one for each scope: ``{key, version, title,
text}`` with words by language. One that this version can't read is left out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from mobile.usecases.visit_questions import said
from shared.consents import refused_at, standing
from shared.declare import Role
from shared.entities import Consent
from shared.entities.consent import CONSENT_SCOPES
from shared.ids import new_id

if TYPE_CHECKING:
    from mobile.store.store import Store

ASKING = frozenset({Role.ACCOUNT_MANAGER, Role.STORE_MANAGER, Role.CALLBACK_AGENT})


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentText:
    """What a customer is asked, in one language."""

    scope: str
    version: int
    language: str
    title: str
    text: str

    @property
    def hash(self) -> str:
        """SHA-256 (hex) of title and text as they are shown."""
        return hashlib.sha256(f"{self.title}\n{self.text}".encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One scope: the words of today, the answer that holds, and whether it was to these words."""

    scope: str
    text: ConsentText | None
    answer: Consent | None

    @property
    def state(self) -> str:
        """asked_never, given, refused or withdrawn."""
        if self.answer is None:
            return "asked_never"
        return "withdrawn" if self.answer.withdrawn_at else self.answer.answer

    @property
    def outdated(self) -> bool:
        """Whether the answer was to an earlier version of the words."""
        return (
            self.answer is not None
            and self.text is not None
            and (self.answer.text_key, self.answer.text_version)
            != (self.text.scope, self.text.version)
        )


def standings(store: Store, customer_id: str, language: str) -> tuple[Standing, ...]:
    """How each scope stands with this customer."""
    texts = {text.scope: text for text in _texts(store, language)}
    answers = standing(store.find(Consent, customer_id=customer_id))
    return tuple(
        Standing(scope=scope, text=texts.get(scope), answer=answers.get(scope))
        for scope in CONSENT_SCOPES
    )


def use_refused_at(store: Store, customer_id: str) -> datetime | None:
    """Since when the customer wants no visits, calls and surveys that they did not ask for."""
    return refused_at(store.find(Consent, customer_id=customer_id))


def record(store: Store, customer_id: str, text: ConsentText, answer: str) -> Consent:
    """The customer's answer, "given" or "refused", to exactly these words, now."""
    with store.unit() as unit:
        made = unit.create(
            Consent(
                id=new_id(),
                customer_id=customer_id,
                scope=text.scope,
                answer=answer,
                text_key=text.scope,
                text_version=text.version,
                text_hash=text.hash,
                language=text.language,
                asked_by="on_screen",
                decided_at=store.now(),
                taken_by=store.staff().id,
            )
        )
        unit.commit()
    return made


def withdraw(store: Store, consent: Consent) -> Consent:
    """The customer takes their consent back, now. The record stays, and says until when it
    held."""
    with store.unit() as unit:
        changed = unit.update(consent, withdrawn_at=store.now(), withdrawn_by=store.staff().id)
        unit.commit()
    return changed


def _texts(store: Store, language: str) -> list[ConsentText]:
    found = []
    for reference in store.references("consent_text"):
        data: Any = reference.data
        if not isinstance(data, Mapping) or reference.key not in CONSENT_SCOPES:
            continue
        texts = data.get("text")
        told_in = language if isinstance(texts, Mapping) and language in texts else "zh-CN"
        title, words = said(data.get("title"), told_in), said(texts, told_in)
        version = data.get("version")
        if title and words and type(version) is int and version > 0:
            found.append(
                ConsentText(
                    scope=reference.key, version=version, language=told_in, title=title,
                    text=words,
                )
            )  # fmt: skip
    return found

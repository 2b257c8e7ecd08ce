"""The store where a browser keeps nothing (private browsing, no private file system): it shows, and
authors nothing.

What would be written here would be lost with the tab, and L1 allows no "saved" that isn't (design
§6).
"""

from __future__ import annotations

from datetime import datetime

from mobile.store.drafts import Draft
from mobile.store.store import Store
from mobile.store.unit import Unit
from shared.errors import Code, Refusal


class TransientStore(Store):
    """A store that refuses `storage_not_durable` for everything a person would write."""

    def unit(self) -> Unit:
        """Refuses. Looks are written as well, so a customer's details stay closed here (L7)."""
        raise Refusal(Code.STORAGE_NOT_DURABLE)

    def save_draft(
        self,
        key: str,  # noqa: ARG002 - the store's signature
        draft: Draft,  # noqa: ARG002 - the store's signature
        *,
        about: tuple[str, str] | None = None,  # noqa: ARG002 - the store's signature
        typed_at: datetime | None = None,  # noqa: ARG002 - the store's signature
    ) -> None:
        """Refuses: a draft here would not outlive the tab."""
        raise Refusal(Code.STORAGE_NOT_DURABLE)

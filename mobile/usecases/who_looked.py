"""Who looked at a customer, and what one looked at oneself: as it is on record at the server (L7),
so it needs a network."""

from __future__ import annotations

from mobile.store.store import Store
from mobile.usecases.syncing import Syncing
from shared.entities import Customer
from shared.wire_looks import LookSeen


async def looks(
    syncing: Syncing, customer_id: str | None, after: str | None = None
) -> list[LookSeen]:
    """A page of the looks at one customer (None: one's own looks), the newest first; `after` is
    the id of the last one that is known. Refuses `offline`, and `out_of_scope` for a customer that
    one does not hold."""
    return (await syncing.ask(lambda peer: peer.looks(customer_id, after))).looks


def customer_name(store: Store, look: LookSeen) -> str:
    """Whom a look of one's own was at; empty for a search, and for whoever is no longer held."""
    found = store.get(Customer, look.customer_id) if look.customer_id else None
    return found.name if found else ""

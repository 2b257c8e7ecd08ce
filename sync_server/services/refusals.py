"""Who does not agree to be met, called or asked without having asked for it (S1 #71)."""

from __future__ import annotations

from collections.abc import Collection

from shared.codec import read
from shared.consents import refused_at
from shared.entities import Consent
from sync_server.services.writing import Unit


def refusing(unit: Unit, customer_ids: Collection[str]) -> frozenset[str]:
    """Those of these customers whose last answer to the use of their data is no."""
    answers: dict[str, list[Consent]] = {}
    if customer_ids:
        for held in unit.find("consent", customer_id=sorted(customer_ids)):
            answers.setdefault(held.row["customer_id"], []).append(read(Consent, held.row))
    return frozenset(one for one, said in answers.items() if refused_at(said))

"""What belongs to whom, as strings to look for in bytes."""

from __future__ import annotations

import json
from collections.abc import Iterable

from tests.e2e.evidence import Evidence
from tests.e2e.way import Heard


def customers_of(evidence: Evidence, username: str) -> set[str]:
    """Ids of the customers whose detail this person holds, whole or through a case."""
    held: set[str] = set()
    for bucket in evidence.buckets(evidence.staff_id(username)):
        kind, _, record_id = bucket.partition(":")
        if kind == "customer":
            held.add(record_id)
        elif kind == "case":
            held.add(evidence.row("case", record_id)["customer_id"])
    return held


def marks_of(evidence: Evidence, customers: Iterable[str]) -> set[str]:
    """By what these customers are known: ids, names, phones, addresses, their people's too."""
    marks: set[str] = set()
    for customer_id in customers:
        people = evidence.rows("contact", customer_id=customer_id)
        for row in (evidence.row("customer", customer_id), *people):
            marks |= {row[n] for n in ("id", "name", "company", "phone", "address") if row.get(n)}
    return marks


def found_in(heard: Iterable[Heard], texts: Iterable[str]) -> set[str]:
    """Those of `texts` that stand in these replies, headers included, plain or as JSON escapes."""
    said = b"\n".join(
        part for one in heard for part in (one.path.encode(), repr(one.headers).encode(), one.body)
    )
    return {text for text in texts if any(form in said for form in _forms(text))}


def _forms(text: str) -> set[bytes]:
    escaped = json.dumps(text)[1:-1]
    return {text.encode(), escaped.encode(), escaped.upper().encode(), text.encode("utf-16-le")}

"""A case's flow: apply, review, process, feedback (S4 #166), each node with an owner, a limit and
an escalation (S4 #167).

A flow is declared in the policy, one text for each kind of case, one line for each node: the node,
the role that owns it, its limit, and to whom it goes how long after that limit::

    apply callback_agent 30 minutes store_manager 30 minutes
    review store_manager 1 workdays
    process technician none
    feedback callback_agent none

``none`` is no limit, and what has no limit is never escalated. In which node a case is follows from
its state, so that cases that are older than any flow have one as well. For returns and exchanges
review is the approval: accepted, or cancelled with a reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache

from shared.declare import Role

CASE_KINDS = ("enquiry", "complaint", "repair", "return", "exchange")
NODES = ("apply", "review", "process", "feedback")
LIMIT_UNITS = ("minutes", "hours", "workdays")
OWNERS = (Role.CALLBACK_AGENT, Role.TECHNICIAN, Role.ACCOUNT_MANAGER, Role.STORE_MANAGER)
ESCALATED = (Role.STORE_MANAGER, Role.HEAD_OFFICE, Role.ADMINISTRATOR)
MOST = 10_000
"""Of minutes, hours or working days in one limit."""
APPROVED_KINDS = frozenset({"return", "exchange"})
"""Kinds whose review is an approval (S4 #165)."""

_NO_LIMIT = "none"
_NODE_OF = {
    "new": "apply",
    "assigned": "review",
    "accepted": "process",
    "en_route": "process",
    "on_site": "process",
    "in_progress": "process",
    "waiting": "process",
    "resolved": "feedback",
}


@dataclass(frozen=True, slots=True)
class Limit:
    """So many minutes or hours of wall-clock time, or working days."""

    amount: int
    unit: str

    @property
    def span(self) -> timedelta:
        """Of minutes or hours; working days are the calendar's."""
        return timedelta(**{self.unit: self.amount})

    def __str__(self) -> str:
        return f"{self.amount} {self.unit}"


@dataclass(frozen=True, slots=True)
class Node:
    """One node of a flow. `limit` None: no limit. `escalate_after` counts from the limit's end."""

    name: str
    owner: str
    limit: Limit | None = None
    escalate_to: str | None = None
    escalate_after: Limit | None = None

    def __str__(self) -> str:
        parts = [self.name, self.owner, str(self.limit or _NO_LIMIT)]
        if self.escalate_to:
            parts += [self.escalate_to, str(self.escalate_after)]
        return " ".join(parts)


Flow = tuple[Node, ...]
"""The four nodes in their order."""


def node_of(state: str) -> str | None:
    """The node in which a case of this state is; None once it is closed or cancelled."""
    return _NODE_OF.get(state)


@lru_cache(maxsize=256)  # the same few texts are read for each of a hundred cases
def parse_flow(text: str) -> Flow:
    """The flow that a text declares. ValueError, saying which line, for one that is none."""
    lines = [line.split() for line in text.splitlines() if line.strip()]
    if tuple(line[0] for line in lines) != NODES:
        raise ValueError(f"one line for each of {', '.join(NODES)}")
    return tuple(_node(line) for line in lines)


def flow_text(flow: Iterable[Node]) -> str:
    """The opposite of `parse_flow`."""
    return "\n".join(str(node) for node in flow)


def _node(words: list[str]) -> Node:
    name, owner, *rest = [*words, ""]
    rest.pop()
    if owner not in OWNERS:
        raise ValueError(f"{name}: owned by one of {', '.join(OWNERS)}")
    if rest == [_NO_LIMIT]:
        return Node(name, owner)
    limit, rest = _limit(name, rest), rest[2:]
    if not rest:
        return Node(name, owner, limit)
    if rest[0] not in ESCALATED or len(rest) != 3:
        raise ValueError(f"{name}: escalated to one of {', '.join(ESCALATED)}, and when")
    return Node(name, owner, limit, rest[0], _limit(name, rest[1:], least=0))


def _limit(name: str, words: list[str], least: int = 1) -> Limit:
    amount, unit = [*words, "", ""][:2]
    number = int(amount) if amount.isascii() and amount.isdigit() and len(amount) < 9 else -1
    if unit not in LIMIT_UNITS or not least <= number <= MOST:
        wanted = f"{least} to {MOST} of {', '.join(LIMIT_UNITS)}, or {_NO_LIMIT}"
        raise ValueError(f"{name}: {wanted}")
    return Limit(number, unit)


DEFAULT_FLOWS: Mapping[str, str] = {
    "enquiry": """\
apply callback_agent 5 minutes store_manager 25 minutes
review callback_agent 1 hours store_manager 1 hours
process callback_agent 1 workdays store_manager 1 workdays
feedback callback_agent 2 workdays""",
    "complaint": """\
apply callback_agent 30 minutes store_manager 30 minutes
review store_manager 8 hours head_office 16 hours
process technician 3 workdays store_manager 0 minutes
feedback callback_agent 192 hours store_manager 24 hours""",
    "repair": """\
apply store_manager 2 hours store_manager 2 hours
review technician 4 hours store_manager 2 hours
process technician 3 workdays store_manager 1 workdays
feedback callback_agent 120 hours""",
    "return": """\
apply callback_agent 4 hours store_manager 4 hours
review store_manager 1 workdays head_office 1 workdays
process callback_agent 7 workdays store_manager 2 workdays
feedback callback_agent 120 hours""",
    "exchange": """\
apply callback_agent 4 hours store_manager 4 hours
review store_manager 1 workdays head_office 1 workdays
process callback_agent 7 workdays store_manager 2 workdays
feedback callback_agent 120 hours""",
}
"""What holds where a policy says nothing (S2 #112: a complaint is registered at once; S0 #14, #17;
S0 #18: a week until the callback, and a day to reach the customer)."""

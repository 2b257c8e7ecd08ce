"""A case's flow as a table in a form: a row for each node, and the text of the setting that it is
(`shared.flows`)."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.datastructures import FormData

from shared.flows import ESCALATED, LIMIT_UNITS, NODES, OWNERS, Flow, Limit, parse_flow
from sync_server.admin.texts import Words

COLUMNS = ("owner", "amount", "unit", "escalate_to", "after_amount", "after_unit")
"""Cells of a row; in a form ``<setting>.<node>.<column>``."""

owners, escalated, units = OWNERS, ESCALATED, LIMIT_UNITS


@dataclass(frozen=True, slots=True)
class Row:
    """One node's cells, as texts; empty where there is no limit, or nobody to go to."""

    node: str
    owner: str
    amount: str = ""
    unit: str = "hours"
    escalate_to: str = ""
    after_amount: str = ""
    after_unit: str = "hours"


def table(text: str) -> list[Row]:
    """The rows of a setting. What can't be read, because it was filled in wrongly, keeps its words
    where they stand."""
    rows = {line.split()[0]: line.split()[1:] for line in text.splitlines() if line.strip()}
    return [_row(node, rows.get(node, [])) for node in NODES]


def text(sent: FormData, name: str) -> str:
    """The setting of the table that a form sent; as it came where it sent the setting itself."""
    if f"{name}.{NODES[0]}.owner" not in sent:
        return str(sent.get(name, ""))
    return "\n".join(_line(sent, name, node) for node in NODES)


def worded(words: Words, setting: str) -> str:
    """A flow for people, a part of a sentence for each node."""
    flow: Flow = parse_flow(setting)
    said = []
    for node in flow:
        facts = {
            "node": words.choice("node", node.name),
            "owner": words.choice("role", node.owner),
            "limit": _limit(words, node.limit),
        }
        if node.escalate_to:
            role, after = words.choice("role", node.escalate_to), _limit(words, node.escalate_after)
            said.append(words("policy.flow.said_escalated", **facts, role=role, after=after))
        else:
            said.append(words("policy.flow.said", **facts))
    return words("policy.flow.mark").join(said)


def _limit(words: Words, limit: Limit | None) -> str:
    if limit is None:
        return words("policy.flow.no_limit")
    return words(f"policy.amount.{limit.unit}", count=limit.amount)


def _row(node: str, words: list[str]) -> Row:
    owner, rest = (words[0] if words else ""), words[1:]
    if len(rest) < 2:
        return Row(node, owner)
    late = rest[2:]
    if len(late) != 3:
        return Row(node, owner, rest[0], rest[1])
    return Row(node, owner, rest[0], rest[1], *late)


def _line(sent: FormData, name: str, node: str) -> str:
    cell = {c: str(sent.get(f"{name}.{node}.{c}", "")).strip().replace(" ", "") for c in COLUMNS}
    if not cell["amount"]:
        return f"{node} {cell['owner']} none"
    line = f"{node} {cell['owner']} {cell['amount']} {cell['unit']}"
    if not cell["escalate_to"]:
        return line
    return f"{line} {cell['escalate_to']} {cell['after_amount'] or 0} {cell['after_unit']}"

"""Write docs/logs.md: what is logged where, from the code that logs it (ASVS V16.1.1)."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from sync_server.admin.texts import catalogue
from sync_server.services.audit import Action

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "logs.md"
_LEVELS = ("debug", "info", "warning", "error")
OPENING = """\
# What is logged, and where

<!-- Made from the code by `make fmt`; edit tools/logs_page.py, not this page. -->

| Log | Where | What it holds | Who reads it | How long |
|---|---|---|---|---|
| events | standard error, JSON lines (UTC) | names of events, routes, counts, times; no body, token or customer's data | whoever runs the server | as the system's journal keeps them |
| audit log | table `audit_entry`, a chain of hashes; never changed or deleted one by one | who did what to whom, when, from which network, with what result; ids, codes and counts | administrators | `audit_days` of the [policy](policy.md) |
| looks | table `look_row`, chains that devices sign | who opened, searched, dialled or shared which record, when | administrators by id, store managers for their people, everyone for their own | as the customer's records |
| alarms | table `alarm` | what should not happen, of whom and when | administrators, store managers for their people | as the database |
| changes | table `change_log` | each change that a device sent, with its outcome | the server; who holds the customer sees conflicts | its text `retention_days`, its outcome as the database |

## Events of the server
"""  # noqa: E501 (a row of a table is one line)
_ALARM = "choice.alarm_kind."
_EVENTS = """
| Event | Level | What it says | Where |
|---|---|---|---|
"""


class Event(NamedTuple):
    """One line that some module writes."""

    name: str
    level: str
    says: tuple[str, ...]
    where: str


def events() -> list[Event]:
    """All of the server's, by name."""
    found = (
        event for path in sorted((ROOT / "sync_server").rglob("*.py")) for event in _events_of(path)
    )
    return sorted(set(found))


def page() -> str:
    words = catalogue("en")
    parts = [OPENING, _EVENTS]
    for one in events():
        says = ", ".join(f"`{name}`" for name in one.says) or "–"
        parts.append(f"| `{one.name}` | {one.level} | {says} | `{one.where}` |\n")
    parts.append("\n## Acts in the audit log\n\n| Act | In words |\n|---|---|\n")
    parts += [f"| `{one}` | {words[f'choice.action.{one}']} |\n" for one in Action]
    parts.append("\n## Kinds of alarms\n\n| Kind | In words |\n|---|---|\n")
    named = sorted(key for key in words if key.startswith(_ALARM))
    parts += [f"| `{key.removeprefix(_ALARM)}` | {words[key]} |\n" for key in named]
    return "".join(parts)


def _events_of(path: Path) -> Iterator[Event]:
    where = path.relative_to(ROOT).as_posix()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in _LEVELS
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id.strip("_") == "log"
            and node.args
            and isinstance(node.args[0], ast.Constant)
        ):
            says = tuple(sorted(word.arg or "kind" for word in node.keywords))
            yield Event(str(node.args[0].value), node.func.attr, says, where)


def main() -> int:
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Write docs/policy.md from the policy's one declaration, `shared/policy.py`."""

from __future__ import annotations

import sys
from pathlib import Path

from shared.declare import Kind
from shared.policy import DEFAULTS, FIELDS, GROUPS, NOT_IN_USE, SETTINGS
from sync_server.admin.texts import catalogue

PAGE = Path(__file__).resolve().parent.parent / "docs" / "policy.md"
OPENING = """\
# The policy: every number that a rule has

<!-- Made from shared/policy.py by `make fmt`; edit that declaration, not this page. -->

An administrator changes these in the console (Policy) or with `huifang policy`, as a new version
with the time from which it holds. What a version leaves out keeps its default. *Source* is the
requirement whose number it is.
"""
_HEAD = """
| Setting | What it does | Default | Bounds | Unit | Source |
|---|---|---|---|---|---|
"""


def page() -> str:
    """The whole page, in the order of the declaration."""
    words = catalogue("en")
    parts = [OPENING]
    for group in GROUPS:
        names = [name for name, setting in SETTINGS.items() if setting.group == group]
        rows = [_row(name, words) for name in names]
        parts.append(f"\n## {words[f'policy.group.{group}']}\n{_HEAD}{''.join(rows)}")
    return "".join(parts)


def _row(name: str, words: dict[str, str]) -> str:
    setting, said = SETTINGS[name], words[f"policy.what.{name}"]
    if name in NOT_IN_USE:
        said = f"{said} **{words['policy.not_in_use']}**"
    cells = (f"`{name}`", said, _value(name), _bounds(name), setting.unit, setting.source)
    return f"| {' | '.join(cell or '–' for cell in cells)} |\n"


def _value(name: str) -> str:
    value = getattr(DEFAULTS, name)
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, int):
        return f"{value:,}"
    return "<br>".join(f"`{line}`" for line in value.splitlines() if line.strip())


def _bounds(name: str) -> str:
    declared = FIELDS[name]
    if declared.kind is Kind.CHOICE:
        return ", ".join(f"`{word}`" for word in declared.choices)
    if declared.low is None or declared.high is None:
        return ""
    return f"{int(declared.low):,} to {int(declared.high):,}"


def main() -> int:
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

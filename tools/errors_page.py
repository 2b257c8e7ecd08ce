"""Write docs/errors.md from the one table of errors, `shared/errors.py`."""

from __future__ import annotations

import sys
from pathlib import Path

from shared.errors import Code

PAGE = Path(__file__).resolve().parent.parent / "docs" / "errors.md"
OPENING = """\
# Error codes

<!-- Made from shared/errors.py by `make fmt`; edit that table, not this page. -->

Every refusal carries one of these codes: the server's error bodies name it, and the app words it in
the language of its user. A code without an HTTP status never leaves the device. Old apps know the
codes, so that none is ever renamed or used again for something else.

| Code | HTTP | What it means | What to do |
|---|---|---|---|
"""


def page() -> str:
    """The whole page, in the order of the table."""
    rows = (
        f"| `{code.key}` | {code.status or '–'} | {code.value.meaning} | {code.value.remedy} |\n"
        for code in Code
    )
    return OPENING + "".join(rows)


def main() -> int:
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

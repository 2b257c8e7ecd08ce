"""The page that the benchmarks of the trade's rules write together, a section each."""

from __future__ import annotations

from pathlib import Path

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks-trade.md"


def write_section(title: str, text: str, measured_on: str) -> None:
    """Puts `text` under `title`, in place of what stood there; leaves other sections alone."""
    old = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    kept = {part.split("\n", 1)[0]: part for part in old.split("\n## ")[1:]}
    kept[title] = f"{title}\n\n{text}"
    head = (
        "# The rules of the trade, measured\n\nEach section names the command that wrote it. "
        f"Measured on {measured_on}, shared with other work.\n"
    )
    parts = "".join(f"\n## {kept[name].rstrip()}\n" for name in sorted(kept))
    PAGE.write_text(head + parts, encoding="utf-8")

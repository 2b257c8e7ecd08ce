"""`python -m bench [--only native,browser,start,first-visit] [--rounds N]`: measures, prints, and
writes docs/benchmarks.md."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bench import browser, first_visit, native, starting
from bench.figures import machine, write_page

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"
SUITES = {
    "native": native.measure,
    "browser": browser.measure,
    "start": starting.measure,
    "first-visit": first_visit.measure,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", default=",".join(SUITES), help="suites, separated by commas")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--page", type=Path, default=PAGE, help="where the figures are written")
    asked = parser.parse_args()
    for name in asked.only.split(","):
        section = SUITES[name](asked.rounds)
        write_page(asked.page, [section], machine())
        sys.stdout.write(section.text() + "\n")
        sys.stdout.flush()


main()

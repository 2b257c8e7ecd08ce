"""Run the test suites: the fast ones side by side, then by themselves those that drive a browser.

Apart, because Playwright keeps an event loop running in its process, in which no other
asynchronous test can start one.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from tools import chromium

IN_BROWSER = "browser or e2e"
ALONE = f"not bench and not ({IN_BROWSER})"
NO_BYTECODE = "PYTHONDONTWRITEBYTECODE"
QUICK = f"{ALONE} and not (postgres or processes or thorough or full_data or soak)"
# Generated requests to every route: its library takes seconds to load, in each worker.
WITHOUT_FUZZ = ("-p", "no:schemathesis", "--ignore", "tests/server/test_web_fuzz.py")
# A worker more than the two cores that this is timed on, since some tests wait for disks; each more
# would load all that there is once more. A file stays on one worker, which alone makes what its
# tests share.
QUICKLY = "-n 3 --dist loadfile".split()
IN_ORDER = [*QUICKLY, "--no-loadscope-reorder"]
# A minute and more each: whoever got one last would work alone.
LONG = (
    "sim/test_simulation.py",
    "sim/test_canaries.py",
    "server/test_tiers_real.py",
    "server/test_churn_real.py",
    "server/test_figures_real.py",
    "server/test_import.py",
    "server/test_poke_live.py",
    "mobile/test_backup_killed.py",
)
# The tests of a file share a device or a day. One of them waits for a minute until access ends:
# there is work for a third browser.
IN_BROWSERS = "-n 3 --dist loadfile --no-loadscope-reorder".split()
# Each worker begins with one of these. The first makes the devices that all of tests/e2e copy; the
# other two need none of them. Then the long ones, so that all workers end at the same time.
BEGIN = ("e2e/test_day.py", "browser/test_vault_in_browser.py", "browser/test_offline_shell.py")


def main() -> int:
    parser = argparse.ArgumentParser(description="Run the test suites.")
    parser.add_argument("--quick", action="store_true", help="only what runs by itself")
    if parser.parse_args().quick:
        return _pytest("-m", QUICK, *QUICKLY, *WITHOUT_FUZZ)
    browser = chromium.ensure()
    code = _pytest("-m", ALONE, *IN_ORDER, *_files(browser=False))
    if browser is None:
        print(f"The browser suites were skipped: {chromium.why_missing()}.", flush=True)
        return code
    # Run even after a failure: one report says everything that is wrong.
    return _pytest("-m", IN_BROWSER, *IN_BROWSERS, *_files(browser=True)) or code


def _files(*, browser: bool) -> list[str]:
    """Files of tests in the order in which workers take them: the long ones first."""
    tests = Path("tests")
    first = [tests / name for name in (BEGIN if browser else LONG)]
    others = [p for p in tests.rglob("test_*.py") if (p.parts[1] in {"browser", "e2e"}) is browser]
    others.sort(
        key=lambda path: (path.parts[1] == "browser", path)
    )  # those of tests/e2e are longer
    return [str(path) for path in dict.fromkeys([*first, *others])]


def _pytest(*arguments: str) -> int:
    command = [sys.executable, "-m", "pytest", "-q", *arguments]
    # Compiled code is kept even where the machine's settings say otherwise: each worker, and each
    # server that a test starts, would compile the whole house and its tests anew.
    kept = {name: value for name, value in os.environ.items() if name != NO_BYTECODE}
    return subprocess.run(command, env=kept, stdin=subprocess.DEVNULL, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())

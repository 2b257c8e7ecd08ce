"""Run the test suites: the fast ones on two workers, then by themselves those that drive a browser.

Apart, because a browser on two cores wants both of them, and because Playwright keeps an event
loop running in its process, in which no other asynchronous test can start one.
"""

from __future__ import annotations

import argparse
import subprocess
import sys

from tools import chromium

IN_BROWSER = "browser or e2e"
ALONE = f"not bench and not ({IN_BROWSER})"
QUICK = f"{ALONE} and not postgres and not full_data and not soak"


def main() -> int:
    parser = argparse.ArgumentParser(description="Run the test suites.")
    parser.add_argument("--quick", action="store_true", help="only what needs no other program")
    if parser.parse_args().quick:
        return _pytest("-m", QUICK, "-n", "2")
    browser = chromium.ensure()
    code = _pytest("-m", ALONE, "-n", "2")
    if browser is None:
        print(f"The browser suites were skipped: {chromium.why_missing()}.", flush=True)
        return code
    # Run even after a failure: one report says everything that is wrong.
    return _pytest("-m", IN_BROWSER, "tests/browser", "tests/e2e") or code


def _pytest(*arguments: str) -> int:
    command = [sys.executable, "-m", "pytest", "-q", *arguments]
    return subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())

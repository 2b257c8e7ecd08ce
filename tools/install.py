"""Make `.venv` and bring it to the locked set of packages; with the lock unchanged, do nothing.

Runs on Debian's bare python3 (standard library only), since it makes the environment that
everything else runs in. Where that python3 has no `venv`, python3-venv is installed if it may be.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from tools import debian

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "installed.json"
LOCKS = {"run": ROOT / "requirements.lock", "dev": ROOT / "requirements-dev.lock"}


def main() -> int:
    parser = argparse.ArgumentParser(description="Make .venv from the lock.")
    parser.add_argument("--dev", action="store_true", help="with what tests and checks need")
    wanted = "dev" if parser.parse_args().dev else "run"
    if sys.version_info < (3, 11):  # noqa: UP036 - reached by whatever python3 a machine has
        return _complain(f"Python 3.11 or later is needed; this is {sys.version.split()[0]}.")
    with open(LOCKS["run"]) as lock:
        # Two makes at once (a server and a test run, say) must not write into one environment.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _works() and not _create():
            return _complain("There is no environment to install into; the lines above say why.")
        return _install(wanted)


def _works() -> bool:
    """Whether `.venv` starts: a copied one, or one whose Python was removed, does not."""
    return PYTHON.exists() and _run(str(PYTHON), "-c", "import pip")


def _create() -> bool:
    if find_spec("ensurepip") is None and not debian.install("python3-venv"):
        _complain("This Python makes no environments: install Debian's package python3-venv.")
        return False
    print("Making .venv", flush=True)
    return _run(sys.executable, "-m", "venv", "--clear", str(VENV))


def _install(wanted: str) -> int:
    fresh = {name: _digest(path) for name, path in LOCKS.items()}
    fresh["project"] = _digest(ROOT / "pyproject.toml")
    if wanted == "run":
        del fresh["dev"]
    held = _stamp()
    # The dev set holds the whole run set, so installing dev stamps both.
    if all(held.get(name) == digest for name, digest in fresh.items()):
        return 0
    print(f"Installing what {LOCKS[wanted].name} lists (once, until it changes)", flush=True)
    STAMP.unlink(missing_ok=True)
    # Twice quiet: errors still show, a package index's remarks about itself don't.
    pip = [str(PYTHON), "-m", "pip", "-qq", "--no-input", "--disable-pip-version-check"]
    # Of what tests need most is never loaded; what is, is compiled when it is.
    when = ["--no-compile"] if wanted == "dev" else []
    for step in (
        # Every package that the lock lists, by hash, and nothing that it does not list.
        ["install", *when, "--require-hashes", "--no-deps", "--requirement", str(LOCKS[wanted])],
        ["install", "--no-deps", "--no-index", "--no-build-isolation", "--editable", str(ROOT)],
        ["check"],
    ):
        if not _run(*pip, *step):
            return _complain(
                "Installing failed; the lines above say why. The same command tries again."
            )
    STAMP.write_text(json.dumps(fresh, indent=1) + "\n")
    return 0


def _run(*command: str) -> bool:
    return subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode == 0


def _stamp() -> dict[str, str]:
    try:
        return dict(json.loads(STAMP.read_text()))
    except (OSError, ValueError):
        return {}


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _complain(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())

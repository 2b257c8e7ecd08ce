"""Compiles Python for the browser while building, so that no phone does it at every start.

Only the browser's own Python (3.14, as Pyodide) writes bytecode that it can read; Node runs it. A
machine without Node gets one from PyPI. Without either the app is built from sources: the same app,
about twice as long in starting Python.
"""

import hashlib
import io
import tarfile
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mobile.pwa.archive import tar
from mobile.pwa.node import find_node, run_script

_HERE = Path(__file__).parent
_SCRIPT = _HERE / "compile.mjs"
_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Compiler:
    """Turns sources into bytecode: `node` runs the Pyodide in `pyodide`, `cache` keeps results."""

    node: Path
    pyodide: Path
    cache: Path

    def compiled(self, files: Mapping[str, bytes]) -> dict[str, bytes]:
        """`name.pyc` → bytecode for each `name.py` of `files`; the others are left out."""
        sources = tar({name: text for name, text in files.items() if name.endswith(".py")})
        kept = self.cache / f"{self._key(sources)}.tar"
        if not kept.exists():
            self._run(sources, kept)
        with tarfile.open(kept) as archive:
            return {member.name: _content(archive, member) for member in archive.getmembers()}

    def _key(self, sources: bytes) -> str:
        digest = hashlib.sha256(_SCRIPT.read_bytes())
        digest.update((self.pyodide / "pyodide.asm.wasm").read_bytes())
        digest.update(sources)
        return digest.hexdigest()

    def _run(self, sources: bytes, result: Path) -> None:
        self.cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.cache) as scratch:
            given, made = Path(scratch) / "in.tar", Path(scratch) / "out.tar"
            given.write_bytes(sources)
            run_script(self.node, _SCRIPT, self.pyodide, given, made)
            made.replace(result)


def find_compiler(pyodide: Path, cache: Path) -> Compiler | None:
    """A compiler, or None where no Node can be had."""
    node = find_node(cache)
    return Compiler(node, pyodide, cache / "compiled") if node else None


def without_sources(files: Mapping[str, bytes], compiler: Compiler) -> dict[str, bytes]:
    """`files` with bytecode in place of each module: for code that nobody reads on the device."""
    rest = {name: content for name, content in files.items() if not name.endswith(".py")}
    return rest | compiler.compiled(files)


def beside_sources(files: Mapping[str, bytes], compiler: Compiler) -> dict[str, bytes]:
    """`files` as they are, and bytecode where Python looks for it: tracebacks still show lines."""
    added = dict(files)
    for name, code in compiler.compiled(files).items():
        folder, _, module = name.rpartition("/")
        cached = f"__pycache__/{module.removesuffix('.pyc')}.cpython-314.pyc"
        added[f"{folder}/{cached}" if folder else cached] = code
    return added


def compiled_zip(archive: bytes, compiler: Compiler) -> bytes:
    """The standard library's zip with bytecode in place of sources."""
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        files = {name: opened.read(name) for name in opened.namelist() if not name.endswith("/")}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as written:
        for name, content in sorted(without_sources(files, compiler).items()):
            written.writestr(zipfile.ZipInfo(name, _ZIP_EPOCH), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    opened = archive.extractfile(member)
    assert opened is not None, "the archive holds only files"
    return opened.read()

"""Who may import whom: the contracts of pyproject.toml, and what the browser's Python lacks."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.house import tree

# No wheel of these exists for the browser (Pyodide 314), or they want sockets and threads.
NOT_IN_BROWSER = {
    "alembic",
    "cffi",
    "cryptography",
    "fastapi",
    "httpx",
    "jwt",
    "keyring",
    "PIL",
    "psycopg",
    "pydantic",
    "requests",
    "sqlalchemy",
    "starlette",
    "uvicorn",
}
ONLY_IN_BROWSER = {"js", "pyodide", "pyodide_js"}
# Modules named for the browser, or for a thing that only a browser has.
BROWSER_HALVES = ("browser", "indexed_db", "opfs")


def test_every_import_contract_is_kept() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [program, "--no-cache"], cwd=tree.ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_the_browser_lacks_is_imported_by_native_halves_only() -> None:
    strays = [
        found
        for path in tree.modules("mobile", "shared")
        if "native" not in path.stem and not tree.inside(path, "mobile/pwa")
        for found in _imports(path, NOT_IN_BROWSER)
    ]
    assert not strays, "name the module's native half *native*.py:\n" + "\n".join(strays)


def test_what_only_the_browser_has_is_imported_by_browser_halves_only() -> None:
    strays = [
        found
        for path in tree.modules(*tree.CODE)
        if not any(half in path.stem for half in BROWSER_HALVES)
        for found in _imports(path, ONLY_IN_BROWSER)
    ]
    assert not strays, "name the module's browser half *browser*.py:\n" + "\n".join(strays)


def _imports(path: Path, roots: set[str]) -> Iterator[str]:
    """Imports of `roots` that run, wherever they stand; those for the type checker don't run."""
    module = tree.parsed(path)
    checking = {
        id(inner)
        for node in ast.walk(module)
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
        for inner in ast.walk(node)
    }
    for node in ast.walk(module):
        if id(node) in checking:
            continue
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module or ""]
        else:
            continue
        for found in names:
            if found.split(".")[0] in roots:
                yield f"{tree.name(path)}:{node.lineno} imports {found}"

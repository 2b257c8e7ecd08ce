"""The project's own files, as the inspections of this folder read them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEXT = {".cfg", ".css", ".html", ".ini", ".js", ".json", ".lock", ".mako", ".md", ".py", ".toml"}
CODE = ("mobile", "shared", "sync_server")


@cache
def files() -> tuple[Path, ...]:
    """All files that belong to the project: what `.gitignore` does not name, `.git` apart."""
    return tuple(sorted(_walk(ROOT, _ignored())))


def texts() -> Iterator[Path]:
    """Files of text, with the Makefile and the like, which have no suffix."""
    return (path for path in files() if path.suffix in TEXT or not path.suffix)


def modules(*folders: str) -> Iterator[Path]:
    """Python files below the named top-level folders; without a name, all of them."""
    for path in files():
        if path.suffix == ".py" and (not folders or inside(path, *folders)):
            yield path


def inside(path: Path, *folders: str) -> bool:
    return any((ROOT / folder) in path.parents for folder in folders)


def name(path: Path) -> str:
    """How a finding names a file."""
    return path.relative_to(ROOT).as_posix()


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=name(path))


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """`ast.walk` over a file, which a dozen inspections ask for."""
    return tuple(ast.walk(parsed(path)))


def strings(module: ast.Module) -> Iterator[ast.Constant]:
    """Every string literal but the docstrings."""
    holders = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docs = {
        id(node.body[0].value)
        for node in ast.walk(module)
        if isinstance(node, holders) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(module):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield node


def _ignored() -> tuple[str, ...]:
    lines = (ROOT / ".gitignore").read_text().splitlines()
    return tuple(line.rstrip("/") for line in lines if line and not line.startswith("#"))


def _walk(folder: Path, ignored: tuple[str, ...]) -> Iterator[Path]:
    for path in folder.iterdir():
        # A pattern with a slash in front is the top folder's, any other holds everywhere.
        names = (path.name, f"/{path.name}" if folder == ROOT else path.name)
        if path.name == ".git" or any(fnmatch(n, pattern) for n in names for pattern in ignored):
            continue
        if path.is_dir():
            yield from _walk(path, ignored)
        else:
            yield path

"""Every number of the policy is obeyed somewhere, or the console says that it is not yet."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

from shared.policy import NOT_IN_USE, SETTINGS, PolicySettings
from tests.house import tree
from tools import policy_page

DECLARED = tree.ROOT / "shared" / "policy.py"
SHOWN_ONLY = ("sync_server/admin/", "sync_server/services/policy_effects.py")
"""What tells of settings and obeys none."""
THE_DEFAULT = re.compile(r"DEFAULTS|[_A-Z]*POLICY|_FLOOR")
METHODS = {
    method.name: {node.attr for node in ast.walk(method) if isinstance(node, ast.Attribute)}
    for cls in tree.nodes(DECLARED)
    if isinstance(cls, ast.ClassDef) and cls.name == PolicySettings.__name__
    for method in cls.body
    if isinstance(method, ast.FunctionDef)
}
"""What each rule of the policy itself reads: it counts where somebody asks for the rule."""


def test_every_setting_is_read_by_a_rule_or_marked_as_not_in_use() -> None:
    read = {name for path in _of_the_product() for name in _read_by(path)}
    unread, marked = sorted(set(SETTINGS) - read), sorted(NOT_IN_USE)
    assert unread == marked, "`NOT_IN_USE` of shared/policy.py names those that no rule reads"


def test_the_page_of_the_policy_says_what_is_declared() -> None:
    assert policy_page.PAGE.read_text(encoding="utf-8") == policy_page.page(), "run `make fmt`"


def _of_the_product() -> list[Path]:
    """Modules that a user's work may come through: what app and server import, and no rule that
    nothing uses yet."""
    seen: set[Path] = set()
    wanted = list(tree.modules("mobile", "sync_server"))
    while wanted:
        path = wanted.pop()
        if path not in seen:
            seen.add(path)
            wanted += _imported(path)
    return [
        path
        for path in sorted(seen)
        if path != DECLARED and not tree.name(path).startswith(SHOWN_ONLY)
    ]


def _imported(path: Path) -> list[Path]:
    found = []
    for node in tree.nodes(path):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("shared"):
            names = [node.module or "", *(f"{node.module}.{one.name}" for one in node.names)]
            found += [tree.ROOT / (name.replace(".", "/") + ".py") for name in names]
    return [path for path in found if path.exists()]


@cache
def _read_by(path: Path) -> frozenset[str]:
    """Settings that a module asks a policy for: as an attribute (the defaults' own count for
    nothing), by name, or by a name that it puts together."""
    found: set[str] = set()
    for node in tree.nodes(path):
        if isinstance(node, ast.Attribute):
            default = isinstance(node.value, ast.Name) and THE_DEFAULT.fullmatch(node.value.id)
            found |= set() if default else {node.attr} | METHODS.get(node.attr, set())
        elif isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
            begins = str(node.values[0].value)
            if len(begins) > 3 and begins.endswith("_"):
                found |= {name for name in SETTINGS if name.startswith(begins)}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value)
    return frozenset(found & set(SETTINGS))

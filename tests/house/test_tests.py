"""The tests themselves: sentences, each of which can fail."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.house import tree

FEWEST_WORDS = 4
WAITING = re.compile(r"\btime\.sleep\(|\bwait_for_timeout\(")
# A wait for a condition fails when the condition does not come: in a browser that is the claim.
CLAIMS = ("raises", "expect", "assert", "warns", "fail", "wait_")


def test_every_test_is_named_by_a_sentence() -> None:
    curt = [
        f"{where} {test.name}"
        for where, test in _tests()
        if len(test.name.removeprefix("test_").split("_")) < FEWEST_WORDS
    ]
    assert not curt, "say what holds, in words:\n" + "\n".join(curt)


def test_every_test_claims_something() -> None:
    silent = [
        f"{where} {test.name}" for where, test in _tests() if not any(map(_claims, ast.walk(test)))
    ]
    assert not silent, "these can't fail:\n" + "\n".join(silent)


def test_no_test_waits_for_time_to_pass() -> None:
    sleeping = [
        f"{tree.name(path)}:{number}"
        for path in tree.modules("tests")
        if path != Path(__file__)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if WAITING.search(line)
    ]
    assert not sleeping, f"wait for the thing itself: {sleeping}"


def _tests() -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for path in tree.modules("tests"):
        if path.name.startswith("test_"):
            for node in tree.nodes(path):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    if node.name.startswith("test_"):
                        yield f"{tree.name(path)}:{node.lineno}", node


def _claims(node: ast.AST) -> bool:
    """Whether this is an assertion, or a call of something that makes one."""
    if isinstance(node, ast.Assert):
        return True
    if not isinstance(node, ast.Call):
        return False
    called = ast.unparse(node.func).rsplit(".", 1)[-1]
    return called.lstrip("_").startswith(CLAIMS) or called in _claiming()


@cache
def _claiming() -> frozenset[str]:
    """Functions of the tests, other than tests and fixtures, that assert by themselves."""
    return frozenset(
        node.name
        for path in tree.modules("tests")
        for node in tree.nodes(path)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and not node.name.startswith("test_")
        and any(
            isinstance(inner, ast.Assert) or "pytest.raises" in ast.unparse(inner)
            for inner in ast.walk(node)
            if isinstance(inner, ast.Assert | ast.With)
        )
    )

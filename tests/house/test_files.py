"""What may stand in a file, how long it may be and what it may be called."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from pathlib import Path

from tests.house import tree

LONGEST = 500
NAMELESS = {"utils", "util", "helpers", "helper", "common", "misc"}
NAMELESS_CLASS = re.compile(r"(Manager|Helper|Utils?)$")
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX)\b|raise NotImplementedError")
SILENCED = re.compile(r"#\s*(?:noqa|type:\s*ignore)(?P<codes>:\s*[A-Z][A-Z0-9, ]*|\[[\w, -]+\])?")
# Where one machine keeps its things, and whom it asks for packages: nobody else's business.
OF_ONE_MACHINE = re.compile(
    r"(?<![\w.])/(?:work/(?:main|shared|\.library)|root/|home/(?!pyodide/)[a-z]+/|tmp/hf)"
    r"|pypi\.org|pythonhosted\.org|npmjs\.org|deb\.debian\.org|--(?:extra-)?index-url"
)
TEXT_FIELDS = {"TextField", "CupertinoTextField", "SearchBar"}
HERE = Path(__file__)


def test_no_file_of_ours_is_longer_than_anyone_reads() -> None:
    long = {
        tree.name(path): lines
        for path in tree.files()
        if path.suffix in {".py", ".js"}
        and (lines := len(path.read_text(encoding="utf-8").splitlines())) > LONGEST
    }
    assert not long, f"split these, {LONGEST} lines is the limit: {long}"


def test_every_file_and_folder_is_named_for_what_it_holds() -> None:
    nameless = [
        tree.name(path)
        for path in tree.files()
        if NAMELESS & {part.split(".")[0].lower() for part in path.relative_to(tree.ROOT).parts}
    ]
    assert not nameless, f"say what these are for: {nameless}"


def test_every_class_is_named_for_what_it_is() -> None:
    nameless = [
        f"{tree.name(path)}:{node.lineno} {node.name}"
        for path in tree.modules()
        for node in tree.nodes(path)
        if isinstance(node, ast.ClassDef) and NAMELESS_CLASS.search(node.name)
    ]
    assert not nameless, f"names come from the field: {nameless}"


def test_no_code_is_left_unfinished() -> None:
    assert not _lines(UNFINISHED, tree.modules())


def test_nothing_is_silenced_without_a_code_and_a_reason() -> None:
    bare = []
    for path in tree.modules():
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            found = SILENCED.search(line)
            if found and path != HERE:
                reason = line[found.end() :].strip(" #-—:")
                if not found["codes"] or len(reason.split()) < 2:
                    bare.append(f"{tree.name(path)}:{number} {line.strip()}")
    assert not bare, "\n".join(bare)


def test_nothing_names_the_machine_that_it_was_written_on() -> None:
    assert not _lines(OF_ONE_MACHINE, tree.texts())


def test_the_product_never_prints() -> None:
    printing = [
        f"{tree.name(path)}:{node.lineno}"
        for path in tree.modules(*tree.CODE)
        for node in tree.nodes(path)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "print"
    ]
    assert not printing, f"log it, or echo it in the command line: {printing}"


def test_every_text_field_is_the_one_that_loses_no_keystroke() -> None:
    bare = [
        f"{tree.name(path)}:{node.lineno}"
        for path in tree.modules("mobile")
        if path != tree.ROOT / "mobile" / "ui" / "components" / "entry.py"
        for node in tree.nodes(path)
        if isinstance(node, ast.Attribute | ast.alias)
        and (node.attr if isinstance(node, ast.Attribute) else node.name) in TEXT_FIELDS
    ]
    assert not bare, f"`entry` or `text_entry` of mobile/ui/components/entry.py: {bare}"


def _lines(pattern: re.Pattern[str], paths: Iterable[Path]) -> list[str]:
    """Every line that the pattern finds, this file's own patterns apart."""
    return [
        f"{tree.name(path)}:{number} {line.strip()[:120]}"
        for path in paths
        if path != HERE
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if pattern.search(line)
    ]

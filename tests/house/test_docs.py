"""What the docs and comments refer to is there."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.house import tree

LINK = re.compile(r"!?\[[^\]]*\]\((?P<target>[^)\s]+)[^)]*\)")
HEADING = re.compile(r"^#+ (?P<title>.+)$", re.MULTILINE)
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
TARGET = re.compile(r"`make (?P<target>[a-z-]+)")
TEST = re.compile(r"\btest_[a-z0-9_]+\b")
MODULE = re.compile(r"`(?P<path>(?:mobile|shared|sync_server|tests|tools|bench|docs)/[\w./-]+)`")
LAW = re.compile(r"\bL[1-8]\b")
# S0 #17, #18 or S0 #20-#23: a source and the numbers of its requirements.
CITATION = re.compile(r"\bS(?P<source>\d) (?P<rows>#\d+(?:(?:, ?|[-–/])#?\d+)*)")
ROWS = {0: (1, 43), 1: (44, 72), 2: (73, 124), 3: (125, 152), 4: (153, 182)}


def test_every_link_in_the_docs_leads_somewhere() -> None:
    broken = [
        f"{tree.name(page)}: {target}"
        for page in _pages()
        for target in LINK.findall(FENCED.sub("", page.read_text(encoding="utf-8")))
        if not _leads(page, target)
    ]
    assert not broken, "\n".join(broken)


def test_every_file_that_the_docs_name_is_there() -> None:
    gone = [
        f"{tree.name(page)}: {found['path']}"
        for page in _pages()
        for found in MODULE.finditer(page.read_text(encoding="utf-8"))
        if not (tree.ROOT / found["path"]).exists()
    ]
    assert not gone, "\n".join(gone)


def test_every_test_that_the_docs_name_is_there() -> None:
    known = {path.stem for path in tree.modules("tests")} | {
        node.name
        for path in tree.modules("tests")
        for node in tree.nodes(path)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    gone = [
        f"{tree.name(page)}: {name}"
        for page in _pages()
        for name in TEST.findall(page.read_text(encoding="utf-8"))
        if name not in known
    ]
    assert not gone, "\n".join(gone)


def test_every_law_names_the_test_that_would_fail() -> None:
    page = tree.ROOT / "docs" / "invariants.md"
    if not page.exists():
        assert not list(tree.ROOT.glob("README.md")), "a README without docs/invariants.md"
        return
    parts = re.split(r"(?m)^#+ |^\| *(?=\*{0,2}L\d)", page.read_text(encoding="utf-8"))
    proved = {law for part in parts if TEST.search(part) for law in LAW.findall(part[:12])}
    assert proved == {f"L{number}" for number in range(1, 9)}


def test_every_line_of_the_threat_model_names_its_test() -> None:
    text = (tree.ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
    table = text[text.index("| Someone") :].partition("\n\n")[0].splitlines()[2:]
    assert len(table) > 20
    assert not [line for line in table if not TEST.search(line)]


def test_every_item_of_the_standards_is_met_or_open_or_does_not_apply_and_says_why() -> None:
    text = (tree.ROOT / "docs" / "asvs.md").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.startswith(("| V", "| MASVS"))]
    items: list[str] = []
    for line in lines:
        _, named, asked, state, why, _ = (part.strip() for part in line.split("|"))
        items += named.split(", ")
        assert state in ("met", "open", "n.a.") and asked and len(why) > 3, line
    assert len(items) > 200 and len(items) == len(set(items))


def test_every_requirement_is_held_by_tests_or_says_what_is_missing_and_is_counted() -> None:
    text = (tree.ROOT / "docs" / "requirements.md").read_text(encoding="utf-8")
    lines = [line.split("|")[1:-1] for line in text.splitlines() if re.match(r"\| \d", line)]
    rows = [tuple(cell.strip() for cell in line) for line in lines]
    assert [(int(number), seed) for number, seed, *_ in rows] == [
        (number, f"S{source}")
        for source, (first, last) in ROWS.items()
        for number in range(first, last + 1)
    ]
    for number, _, asked, state, held in rows:
        tests = len(TEST.findall(held))
        words = re.sub(r"`test_\w+`,?;?|[–\s]", "", held)
        assert asked, number
        assert state != "works" or tests, f"{number} works by no test"
        assert state != "partly" or words, f"{number} does not say what is missing"
        assert state != "not yet" or not tests, f"{number} has a test and is not begun"
    counted = re.findall(r"(?m)^\| (works|partly|not yet) \| (\d+) \|", text)
    assert {state: int(number) for state, number in counted} == Counter(row[3] for row in rows)


def test_every_command_that_the_docs_name_is_a_target() -> None:
    makefile = (tree.ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    unknown = [
        f"{tree.name(page)}: make {target}"
        for page in _pages()
        for target in TARGET.findall(page.read_text(encoding="utf-8"))
        if target not in targets
    ]
    assert not unknown, "\n".join(unknown)


def test_every_cited_requirement_is_one_of_its_source() -> None:
    wrong = [
        f"{tree.name(path)}: {found[0]}"
        for path in tree.texts()
        if path != Path(__file__)
        for found in CITATION.finditer(path.read_text(encoding="utf-8"))
        if not _cited(int(found["source"]), found["rows"])
    ]
    assert not wrong, f"rows of each source: {ROWS}\n" + "\n".join(wrong)


def _pages() -> Iterator[Path]:
    return (path for path in tree.files() if path.suffix == ".md")


def _cited(source: int, rows: str) -> bool:
    if source not in ROWS:
        return False
    first, last = ROWS[source]
    return all(first <= int(row) <= last for row in re.findall(r"\d+", rows))


def _leads(page: Path, target: str) -> bool:
    if re.match(r"[a-z]+:", target):
        return True  # another site: not ours to keep
    path, _, fragment = target.partition("#")
    aim = (page.parent / path).resolve() if path else page
    if not aim.exists():
        return False
    return not fragment or aim.suffix != ".md" or fragment in _anchors(aim)


def _anchors(page: Path) -> set[str]:
    """The fragments that a Markdown renderer makes of a page's headings."""
    titles = (found["title"] for found in HEADING.finditer(page.read_text(encoding="utf-8")))
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}

"""The console's catalogues: the same in every language, and what its pages ask for is in them."""

from __future__ import annotations

import json
import re

from shared.wording import LANGUAGES
from sync_server.admin.texts import FOLDERS, catalogue
from tests.house import tree
from tests.house.catalogues import placeholders

CHINESE, ENGLISH = LANGUAGES
OURS = FOLDERS[-1]
ASKED = re.compile(r"""\bt\(\s*["']([\w.-]+\.[\w.-]+)["']\s*[,)]""")
SAID = re.compile(r"""\bdone\([^"]*?(?:f?"[^"]*",\s*)"([\w]+\.[\w.]+)\"""")
SUBJECT = re.compile(r'''\bsubject=\("(\w+)"''')


def test_the_console_has_the_same_texts_in_every_language() -> None:
    chinese, english = catalogue(CHINESE), catalogue(ENGLISH)
    assert chinese.keys() == english.keys()
    for key, text in english.items():
        assert text.strip() and chinese[key].strip(), f"{key} is empty"
        assert placeholders(text) == placeholders(chinese[key]), key


def test_a_key_of_the_console_stands_in_one_file_only() -> None:
    for language in LANGUAGES:
        seen: set[str] = set()
        for folder in FOLDERS:
            for area in sorted((folder / language).glob("*.json")):
                keys = json.loads(area.read_text("utf-8")).keys()
                assert not seen & keys, f"{area}: {seen & keys}"
                seen |= keys


def test_every_text_that_a_page_of_the_console_asks_for_is_there() -> None:
    texts = catalogue(ENGLISH)
    pages = [path for path in tree.files() if tree.inside(path, "sync_server/admin")]
    missing = [
        f"{tree.name(path)}: {key}"
        for path in pages
        if path.suffix in {".html", ".py"}
        for pattern in (ASKED, SAID)
        for key in pattern.findall(path.read_text(encoding="utf-8"))
        if key not in texts
    ]
    assert not missing, "\n".join(missing)


def test_whatever_the_audit_log_is_about_is_called_by_a_word() -> None:
    texts = catalogue(ENGLISH)
    unworded = {
        f"{tree.name(path)}: {subject}"
        for path in tree.modules("sync_server")
        for subject in SUBJECT.findall(path.read_text(encoding="utf-8"))
        if f"acts.subject.{subject}" not in texts and f"entity.{subject}" not in texts
    }
    assert not unworded, "\n".join(sorted(unworded))


def test_no_text_of_the_console_stands_in_its_code() -> None:
    found = [
        f"{tree.name(path)}: {line.strip()}"
        for path in tree.files()
        if tree.inside(path, "sync_server/admin") and path.suffix in {".html", ".py", ".js"}
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.search(r"[\u3400-\u9fff]", line)
    ]
    assert not found, "move these to the catalogues:\n" + "\n".join(found)

"""What the app's catalogues of texts hold, and what its code asks of them."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from string import Formatter

import shared.entities  # noqa: F401 - fills ENTITIES, which `promised` reads
from shared.declare import ENTITIES, Field, fields_of
from shared.errors import Code
from tests.house import tree

FOLDERS = (tree.ROOT / "shared" / "texts", tree.ROOT / "mobile" / "ui" / "texts")
# What asks for a text, and the key that it makes of its first argument.
ASKING = {"t": "{}", "label": r"field\.{}", "choice": r"choice\.{}\..+"}
# Flet's controls and arguments whose text a person reads, or hears from a screen reader.
SHOWING = {"Text", "TextSpan", "FilledButton", "OutlinedButton", "TextButton", "Button", "SnackBar"}
SHOWN = {"label", "tooltip", "hint_text", "helper", "helper_text", "error", "semantics_label"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """One call for a text: where it stands, its key as a pattern, the values for placeholders."""

    where: str
    pattern: str
    values: frozenset[str] | None  # None where they can't be known: t(key, **values)

    @property
    def exact(self) -> bool:
        """Whether this is one key, and no family of keys."""
        return ".+" not in self.pattern

    def finds(self, keys: Iterable[str]) -> set[str]:
        return {key for key in keys if re.fullmatch(self.pattern, key)}


def catalogue(language: str) -> dict[str, str]:
    """Key to text, from all areas; empty as long as there is no such catalogue."""
    return _each_key_once(
        [
            pair
            for folder in FOLDERS
            for area in sorted((folder / language).glob("*.json"))
            for pair in json.loads(area.read_text(encoding="utf-8"), object_pairs_hook=list)
        ]
    )


def languages() -> set[str]:
    return {area.parent.name for folder in FOLDERS for area in folder.glob("*/*.json")}


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def wanted() -> Iterator[Wanted]:
    """Every call in the screens that asks for a key written out, in full or as an f-string."""
    for path in tree.modules("mobile/ui"):
        for node in tree.nodes(path):
            if isinstance(node, ast.Call) and node.args:
                called = ast.unparse(node.func).rsplit(".", 1)[-1]
                pattern = _pattern(node.args[0])
                if called in ASKING and pattern:
                    names = [keyword.arg for keyword in node.keywords]
                    known = frozenset(name for name in names if name)
                    yield Wanted(
                        where=f"{tree.name(path)}:{node.lineno}",
                        pattern=ASKING[called].format(pattern),
                        values=None if None in names else known,
                    )


def mentioned(keys: Iterable[str]) -> set[str]:
    """Those of the keys that stand anywhere in the code: kept in a table, say, for a later `t`; the
    server's console words fields and choices as well."""
    patterns = {
        pattern
        for path in tree.modules("mobile", "shared", "sync_server/admin")
        for node in tree.nodes(path)
        if isinstance(node, ast.Constant | ast.JoinedStr) and (pattern := _pattern(node))
    }
    whole = re.compile("|".join(sorted(patterns)) or "(?!)")
    return {key for key in keys if whole.fullmatch(key)}


def promised() -> set[str]:
    """Keys that declarations give rise to: of errors, and of the fields that an app writes."""
    keys = {f"error.{code.key}{part}" for code in Code for part in ("", ".remedy")}
    for entity in ENTITIES.values():
        if entity.creators:
            for field in entity.fields.values():
                keys.update(_of_field(field))
    return keys


def _of_field(field: Field) -> Iterator[str]:
    if field.writers:
        yield field.label
        yield from (f"choice.{field.name}.{word}" for word in field.choices)
        if field.struct is not None:
            for inner in fields_of(field.struct).values():
                yield from _of_field(inner)


def _pattern(key: ast.expr) -> str | None:
    """A regular expression for the keys that an expression gives; None if it can't be known."""
    if isinstance(key, ast.Constant) and isinstance(key.value, str):
        return re.escape(key.value)
    if isinstance(key, ast.JoinedStr):
        start = key.values[0]
        # "visit.{state}" names a family of keys; a text that starts with a value, any at all.
        if isinstance(start, ast.Constant) and "." in str(start.value):
            return "".join(
                re.escape(str(part.value)) if isinstance(part, ast.Constant) else ".+"
                for part in key.values
            )
    return None


def _each_key_once(pairs: list[tuple[str, str]]) -> dict[str, str]:
    keys = [key for key, _ in pairs]
    twice = {key for key in keys if keys.count(key) > 1}
    assert not twice, f"these keys stand twice in a catalogue: {sorted(twice)}"
    return dict(pairs)


def literals_in_screens(path: Path) -> Iterator[str]:
    """Texts that stand in a screen's code, where another language could not replace them."""
    module = tree.parsed(path)
    for literal in tree.strings(module):
        if re.search(r"[\u3000-\u303f\u3400-\u9fff\uff00-\uffef]", str(literal.value)):
            yield f"{tree.name(path)}:{literal.lineno} {literal.value!r}"
    for node in ast.walk(module):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func).rsplit(".", 1)[-1]
            shown = [node.args[0]] if node.args and called in SHOWING else []
            shown += [keyword.value for keyword in node.keywords if keyword.arg in SHOWN]
            for value in shown:
                if isinstance(value, ast.Constant) and re.search("[A-Za-z]", str(value.value)):
                    if isinstance(value.value, str):
                        yield f"{tree.name(path)}:{value.lineno} {value.value!r}"

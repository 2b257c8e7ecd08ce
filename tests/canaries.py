"""Rows full of canaries: words, figures and ids that stand for a customer's data and must not come
out again. Made from the declarations, so that a new entity or field is covered by itself.

    aviary = Aviary()
    row = aviary.row("customer")
    ...
    assert not aviary.escaped(bundle)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from shared.declare import ENTITIES, Field, Kind, fields_of
from shared.ids import derived_id

_INSTANT, _DAY = "1917-03-{:02d}T05:17:23.419Z", "1917-03-{:02d}"


@dataclass
class Aviary:
    """All canaries let go so far, as text."""

    words: set[str] = field(default_factory=set)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def word(self, about: str = "word") -> str:
        """A text that is nowhere else."""
        return self._kept(f"kanarie{next(self._numbers):05d}x{about}")

    def row(self, entity: str, record_id: str | None = None) -> dict[str, Any]:
        """A row with a canary in every declared field; ids are canaries as well."""
        declared = ENTITIES[entity]
        row = {name: self.value(one) for name, one in declared.fields.items() if name != "id"}
        row["id"] = self._kept(record_id or derived_id("canary", entity, str(next(self._numbers))))
        return row

    def value(self, one: Field) -> Any:
        """A value of this field's kind that would be known again; None for a boolean."""
        number = next(self._numbers)
        match one.kind:
            case Kind.BOOLEAN:
                return True
            case Kind.CHOICE:
                return one.choices[0]  # the words of a choice are the app's own
            case Kind.INTEGER | Kind.MONEY:
                return int(self._kept(str(770_000_000_000 + number)))
            case Kind.NUMBER:
                return float(self._kept(f"{number}.77000077"))
            case Kind.INSTANT:
                return self._kept(_INSTANT.format(1 + number % 28))
            case Kind.DAY:
                return self._kept(_DAY.format(1 + number % 28))
            case Kind.REFERENCE:
                return self._kept(derived_id("canary reference", str(number)))
            case Kind.STRUCT if one.struct is not None:
                return self._struct(one.struct)
            case Kind.MANY if one.struct is not None:
                return [self._struct(one.struct)]
            case Kind.MANY if one.item is not None:
                return [self.value(one.item)]
            case Kind.JSON:
                return {self.word("key"): self.word("json")}
            case _:
                return self.word(one.name)

    def _struct(self, struct: type) -> dict[str, Any]:
        return {name: self.value(one) for name, one in fields_of(struct).items()}

    def escaped(self, data: bytes) -> list[str]:
        """The canaries that stand in `data`."""
        text = data.decode("utf-8", "replace")
        return sorted(word for word in self.words if word in text)

    def _kept(self, word: str) -> str:
        self.words.add(word)
        return word

"""Work instructions and quality standards, by kind of case and product (S4 #170, #180): reference
data, so that they are there offline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mobile.store.store import Store
from shared.entities import Asset


@dataclass(frozen=True, slots=True)
class Instruction:
    """One of them, in the user's language."""

    key: str
    title: str
    steps: tuple[str, ...]
    standard: str


def instructions(store: Store, kind: str, asset: Asset | None, language: str) -> list[Instruction]:
    """Those for a kind of case and a product, in the catalogue's order. One that names no products
    is for all of them; one that names some, for those whose name or model begins so."""
    called = [name for name in (asset.product, asset.model) if name] if asset else []
    found = []
    for entry in store.references("work_instruction"):
        data: Mapping[str, Any] = entry.data
        products = data.get("products") or ()
        fits = not products or any(n.startswith(p) for n in called for p in products)
        if kind in (data.get("kinds") or (kind,)) and fits:
            found.append(
                Instruction(
                    entry.key,
                    _in(data.get("title"), language),
                    tuple(_in(step, language) for step in data.get("steps") or ()),
                    _in(data.get("standard"), language),
                )
            )
    return found


def _in(texts: Any, language: str) -> str:
    if not isinstance(texts, Mapping):
        return str(texts or "")
    return str(texts.get(language) or next(iter(texts.values()), ""))

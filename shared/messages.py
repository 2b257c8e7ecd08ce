"""Messages (`wire`) from decoded JSON, and into what JSON can hold."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")


def parse(cls: type[T], data: Mapping[str, Any]) -> T:
    """A message from decoded JSON: unknown fields are passed over, nested messages are read as
    well. KeyError or TypeError where a field without default is missing."""
    readers = _READERS.get(cls)
    if readers is None:  # worked out once: a push's reply holds hundreds of outcomes
        hints = typing.get_type_hints(cls)
        readers = _READERS[cls] = [
            (f.name, _reader(hints[f.name]))
            for f in dataclasses.fields(cls)  # type: ignore[arg-type]  # every message is one
        ]
    values: dict[str, Any] = {}
    for name, reader in readers:
        if name in data:
            value = data[name]
            values[name] = value if reader is None or value is None else reader(value)
    return cls(**values)


_READERS: dict[type, list[tuple[str, Callable[[Any], Any] | None]]] = {}


def _reader(hint: Any) -> Callable[[Any], Any] | None:
    """What makes a value of `hint` from decoded JSON; None where it is one already."""
    if isinstance(hint, types.UnionType):
        hint = next(a for a in typing.get_args(hint) if a is not type(None))
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return partial(parse, hint)
    if typing.get_origin(hint) is list:
        reader = _reader(typing.get_args(hint)[0])
        if reader is None:
            return list
        return lambda values: [None if v is None else reader(v) for v in values]
    if typing.get_origin(hint) is tuple:
        return tuple
    return None


def dump(message: Any) -> dict[str, Any]:
    """The JSON-ready form of a message."""
    return {name: _dumped(getattr(message, name)) for name in message.__dataclass_fields__}


def _dumped(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_dumped(one) for one in value]
    if isinstance(value, Mapping):
        return {name: _dumped(one) for name, one in value.items()}
    return dump(value) if dataclasses.is_dataclass(value) else value

"""How an entity is declared once, and everything else that is derived from the declaration.

An entity is a frozen dataclass whose fields carry what every other part needs to know about them.
From here come the wire validation (`codec`), the merge (`merge`), the masking, the local store's
index columns, the server's tables, the forms' limits and the docs. A new field is one line; a new
entity is one file and a screen.

    @entity("contact", customer="customer_id")
    @dataclass(frozen=True, slots=True, kw_only=True)
    class Contact(Record):
        customer_id: str = reference("customer", merge=Merge.IMMUTABLE, required=True)
        name: str = text(80, required=True, personal=Personal.NAME, case=True)
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

T = TypeVar("T")


class Kind(StrEnum):
    """What a value is. The wire form stands behind each."""

    TEXT = "text"  # string, no control characters but newline and tab
    INTEGER = "integer"  # JSON integer
    NUMBER = "number"  # JSON number, finite
    BOOLEAN = "boolean"
    INSTANT = "instant"  # 2026-11-21T08:30:00.000Z
    DAY = "day"  # 2026-11-21
    CHOICE = "choice"  # one of the declared words
    REFERENCE = "reference"  # the id of another record
    MONEY = "money"  # integer cents; its currency is the field `currency` of the same record
    STRUCT = "struct"  # an object with declared fields of its own
    MANY = "many"  # a list of texts, references or structs
    JSON = "json"  # settings and catalogue data, written by the server alone


class Merge(StrEnum):
    """What happens when two people edited the same field from the same version (design §5,
    Conflicts)."""

    MANUAL = "manual"  # a person decides; both values are kept
    MAX = "max"  # the greater one stands (times of last verification, counters)
    APPEND = "append"  # lists: what either added is there
    IMMUTABLE = "immutable"  # set once
    STATE = "state"  # the move is allowed from where the record is now, or a person decides


class Personal(StrEnum):
    """Whether a field is personal data, and how it is masked. All but NO are encrypted on the
    server, and with them the whole field that they are a part of."""

    NO = "no"
    NAME = "name"
    PHONE = "phone"
    EMAIL = "email"
    ADDRESS = "address"
    TEXT = "text"  # free text may hold anything about a person


class Role(StrEnum):
    """Who someone is (requirements: AM, T, CS, M, AD). Head office sees figures only (S3 #149)."""

    ACCOUNT_MANAGER = "account_manager"
    TECHNICIAN = "technician"
    CALLBACK_AGENT = "callback_agent"
    STORE_MANAGER = "store_manager"
    HEAD_OFFICE = "head_office"
    ADMINISTRATOR = "administrator"


FIELD_ROLES = frozenset(
    {Role.ACCOUNT_MANAGER, Role.TECHNICIAN, Role.CALLBACK_AGENT, Role.STORE_MANAGER}
)
SERVER_ONLY: frozenset[Role] = frozenset()


@dataclass(frozen=True, slots=True)
class Field:
    """One field's declaration. `limit` counts characters of a text, or items of a list."""

    name: str
    kind: Kind
    required: bool = False
    limit: int = 0
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    target: str = ""  # entity that a reference points to
    item: Field | None = None  # element of a list of plain values
    struct: type | None = None  # class of a struct, or of a list of structs
    merge: Merge = Merge.MANUAL
    personal: Personal = Personal.NO
    writers: frozenset[Role] = FIELD_ROLES
    case: bool = False  # shown in the narrower scope of one case (design §4)
    search: bool = False  # part of what the search box finds

    @property
    def label(self) -> str:
        """Key of its label in the catalogues, shared by all entities that have a field of this
        name."""
        return f"field.{self.name}"

    @property
    def holds_personal(self) -> bool:
        """Whether it is personal, or a part of what it holds is."""
        inner = fields_of(self.struct).values() if self.struct else ()
        return self.personal is not Personal.NO or any(part.holds_personal for part in inner)


_KEY = "huifang"


def _declared(kind: Kind, default: Any = None, **facts: Any) -> Any:
    facts["writers"] = frozenset(facts.get("writers", FIELD_ROLES))
    return dataclasses.field(default=default, metadata={_KEY: Field(name="", kind=kind, **facts)})


def text(limit: int, **facts: Any) -> Any:
    """Text of at most `limit` characters."""
    return _declared(Kind.TEXT, limit=limit, **facts)


def integer(low: int, high: int, **facts: Any) -> Any:
    """Whole number within [low, high]."""
    return _declared(Kind.INTEGER, low=low, high=high, **facts)


def number(low: float, high: float, **facts: Any) -> Any:
    """Finite number within [low, high]."""
    return _declared(Kind.NUMBER, low=low, high=high, **facts)


def boolean(**facts: Any) -> Any:
    """Yes, no, or not said."""
    return _declared(Kind.BOOLEAN, **facts)


def instant(**facts: Any) -> Any:
    """A moment: aware UTC datetime."""
    return _declared(Kind.INSTANT, **facts)


def day(**facts: Any) -> Any:
    """A calendar day, without a zone."""
    return _declared(Kind.DAY, **facts)


def choice(*words: str, **facts: Any) -> Any:
    """One of `words`, labelled ``choice.<field>.<word>`` in the catalogues."""
    return _declared(Kind.CHOICE, choices=tuple(words), **facts)


def reference(target: str, **facts: Any) -> Any:
    """The id of a record of entity `target`."""
    return _declared(Kind.REFERENCE, target=target, **facts)


def money(**facts: Any) -> Any:
    """Integer cents. May be negative (a credit)."""
    return _declared(Kind.MONEY, low=-(10**13), high=10**13, **facts)


def struct(of: type, **facts: Any) -> Any:
    """One object of the declared class `of`."""
    return _declared(Kind.STRUCT, struct=of, **facts)


def many(of: type | Any, limit: int, **facts: Any) -> Any:
    """A list of at most `limit` structs (`of` is a class) or plain values (`of` is a field, e.g.
    ``text(40)``)."""
    if isinstance(of, type):
        return _declared(Kind.MANY, default=(), struct=of, limit=limit, **facts)
    return _declared(Kind.MANY, default=(), item=of.metadata[_KEY], limit=limit, **facts)


def json_value(**facts: Any) -> Any:
    """Settings or catalogue data; no app writes it."""
    return _declared(Kind.JSON, writers=SERVER_ONLY, **facts)


def fields_of(cls: type) -> Mapping[str, Field]:
    """Declared fields of an entity or struct class, in order of declaration."""
    cached: Mapping[str, Field] | None = _FIELDS.get(cls)
    if cached is None:
        cached = _FIELDS[cls] = {
            f.name: dataclasses.replace(f.metadata[_KEY], name=f.name)
            for f in dataclasses.fields(cls)
            if _KEY in f.metadata
        }
    return cached


_FIELDS: dict[type, Mapping[str, Field]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What every record has. The four marks are set by whoever applies a change, never by its
    author."""

    id: str
    created_at: Any = None
    created_by: str | None = None
    updated_at: Any = None
    updated_by: str | None = None


MARKS: Mapping[str, Field] = {
    "created_at": Field("created_at", Kind.INSTANT, writers=SERVER_ONLY, case=True),
    "created_by": Field(
        "created_by", Kind.REFERENCE, target="staff", writers=SERVER_ONLY, case=True
    ),
    "updated_at": Field("updated_at", Kind.INSTANT, writers=SERVER_ONLY, case=True),
    "updated_by": Field(
        "updated_by", Kind.REFERENCE, target="staff", writers=SERVER_ONLY, case=True
    ),
}


@dataclass(frozen=True, slots=True)
class Entity:
    """One entity's declaration.

    `customer` and `case` name the fields that tie a record to its customer and case ("id" for those
    themselves); `catalogue` is the `ref:` bucket of records that everyone holds; `user` the field
    naming the staff member in whose `user:` bucket it lies; `for_holders`: it lies with its
    customer as well, for those who hold them to answer; `at` the time by which it stands in
    agendas and timelines; `creators` the roles that may create one on a device; `sealed_by` the
    field that, once set, seals it (L6); `one_way` records go up and never come down (audit entries,
    L7); `anonymous` ones are taken in without their author: the server counts what they say, and
    keeps neither a row nor the change's text (S4 #162).
    """

    name: str
    cls: type
    fields: Mapping[str, Field]
    customer: str = ""
    case: str = ""
    catalogue: str = ""
    user: str = ""
    for_holders: bool = False
    at: str = "created_at"
    creators: frozenset[Role] = SERVER_ONLY
    sealed_by: str = ""
    one_way: bool = False
    anonymous: bool = False

    @property
    def search_fields(self) -> tuple[str, ...]:
        return tuple(n for n, f in self.fields.items() if f.search)


class _Registry(Mapping[str, Entity]):
    def __init__(self) -> None:
        self._by_name: dict[str, Entity] = {}

    def add(self, declared: Entity) -> None:
        if declared.name in self._by_name:
            raise ValueError(f"entity {declared.name} is declared twice")
        self._by_name[declared.name] = declared

    def __getitem__(self, name: str) -> Entity:
        return self._by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)


ENTITIES = _Registry()
"""Every declared entity by name. Import `shared.entities` to have it filled."""


def entity(name: str, **facts: Any) -> Callable[[type[T]], type[T]]:
    """Registers a dataclass as entity `name`; see `Entity` for the facts."""

    def register(cls: type[T]) -> type[T]:
        facts["creators"] = frozenset(facts.get("creators", SERVER_ONLY))
        ENTITIES.add(Entity(name=name, cls=cls, fields=fields_of(cls), **facts))
        return cls

    return register


def entity_of(cls: type) -> Entity:
    """The declaration of an entity class."""
    return next(e for e in ENTITIES.values() if e.cls is cls)

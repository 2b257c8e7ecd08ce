"""Lists: declared once, then filtered, sorted and paged by the database, whatever they hold.

    DEVICES = Listing(
        name="devices",
        source=select(DEVICE.c.id, DEVICE.c.name, DEVICE.c.enrolled_at),
        org=DEVICE.c.org_id,
        key=DEVICE.c.id,
        columns=(Column("name"), Column("enrolled_at", sort=DEVICE.c.enrolled_at)),
        filters=(Filter("state", lambda _visit, word: DEVICE.c.state == word, choices=STATES),),
        order="-enrolled_at",
    )
    found = DEVICES.read(connection, visit)  # by `visit.asked`; a template shows it

Pages are found by their first row, never by counting from the beginning: page 2,000 costs what
page 1 does. So a column that can be sorted by has an index behind it (organisation, column, key)
and is never null. Whatever else a row shows is looked up for the rows of one page (`dress`).
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Select,
    String,
    func,
    literal,
    select,
    true,
    tuple_,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from shared.clock import from_wire
from sync_server.admin.visit import Visit
from sync_server.db.types import Instant

PAGE_ROWS = 50
COUNTED = 1000
"""Beyond which nobody asks how many exactly."""
_OWN = frozenset({"sort", "after", "before"})
"""Questions of every list: its order, and where a page begins."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Column:
    """A column, headed by the text `<listing>.column.<name>`."""

    name: str
    sort: ColumnElement[Any] | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """One word that a filter offers: how it is called, and what it asks for, worked out once it is
    chosen."""

    label: str
    where: Callable[[], ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class Filter:
    """A question above the list, labelled `<listing>.filter.<name>`: one of `choices` (worded
    `choice.<field>.<word>`, where `field` is its name unless told otherwise), or a few letters that
    what is looked for begins with. Equal, or a beginning: what an index can find. `narrow`: it
    finds few by an index of its own, which are then sorted, rather than walk all in their order.
    `offers` in place of `where`: words that the visitor's organisation has; whoever is offered none
    is not asked."""

    name: str
    where: Callable[[Visit, str], ColumnElement[bool]] | None = None
    choices: tuple[str, ...] = ()
    field: str = ""
    narrow: bool = False
    offers: Callable[[Connection, Visit], Mapping[str, Offer]] | None = None

    @property
    def words(self) -> str:
        return self.field or self.name

    def condition(
        self, visit: Visit, word: str, offered: Mapping[str, Offer]
    ) -> ColumnElement[bool] | None:
        """What the word asks for; None where it makes no sense."""
        if self.where is None:
            return offered[word].where() if word in offered else None
        return self.where(visit, word) if not self.choices or word in self.choices else None


def _as_they_are(_connection: Connection, _visit: Visit, rows: list[Row]) -> list[Row]:
    return rows


def _everything(_visit: Visit) -> ColumnElement[bool]:
    return true()


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One page of a list. `after` and `before` are the places where the next page and the previous
    one begin, None at the ends; `more` says that `total` was counted no further."""

    listing: Listing
    rows: Sequence[Row]
    total: int
    more: bool
    after: str | None
    before: str | None
    order: str
    asked: Mapping[str, str]
    path: str
    offered: Mapping[str, Mapping[str, Offer]]

    @property
    def next(self) -> str | None:
        """The next page's address."""
        return self._path(after=self.after) if self.after else None

    @property
    def previous(self) -> str | None:
        """The previous page's address."""
        return self._path(before=self.before) if self.before else None

    @property
    def narrowed(self) -> bool:
        """Whether a filter is set."""
        return any(self.asked.get(one.name) for one in self.listing.filters)

    def sorted_by(self, column: Column) -> str:
        """``ascending``, ``descending`` or ``none``, as a screen reader is told."""
        if self.order.lstrip("-") != column.name:
            return "none"
        return "descending" if self.order.startswith("-") else "ascending"

    def sort_path(self, column: Column) -> str:
        """The list sorted by this column; once more, the other way round."""
        turned = f"-{column.name}" if self.order == column.name else column.name
        return self._path(sort=turned)

    def _path(self, **more: str) -> str:
        kept = {f.name: self.asked[f.name] for f in self.listing.filters if self.asked.get(f.name)}
        if self.order != self.listing.order:
            kept["sort"] = self.order
        return f"{self.path}?{urlencode(kept | more)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """See the module. `scope` is what the visitor may see of it; `dress` adds to a page's rows
    what the source does not have."""

    name: str
    source: Select[Any]
    org: ColumnElement[str]
    key: ColumnElement[Any]
    columns: tuple[Column, ...]
    order: str
    filters: tuple[Filter, ...] = ()
    scope: Callable[[Visit], ColumnElement[bool]] = _everything
    dress: Callable[[Connection, Visit, list[Row]], list[Row]] = _as_they_are
    size: int = PAGE_ROWS

    def __post_init__(self) -> None:
        assert not _OWN & {one.name for one in self.filters}, "a filter needs a name of its own"

    def read(
        self,
        connection: Connection,
        visit: Visit,
        asked: Mapping[str, str] | None = None,
        path: str = "",
    ) -> Found:
        """The page of this list that the address asks for. What makes no sense in it is passed
        over. A form that is shown again has another address: the list's is `path` then, and what
        it was asked for `asked`."""
        asked = visit.asked if asked is None else asked
        order = asked.get("sort", self.order)
        column = self._sortable(order) or self._sortable(self.order)
        assert column is not None and column.sort is not None  # the declared order is one
        if self._sortable(order) is None:
            order = self.order
        query = self.source.where(self.org == visit.org_id, self.scope(visit))
        narrow = False
        offered = {f.name: f.offers(connection, visit) for f in self.filters if f.offers}
        for one in self.filters:
            word = asked.get(one.name, "").strip()
            condition = one.condition(visit, word, offered.get(one.name, {})) if word else None
            if condition is not None:
                query = query.where(condition)
                narrow = narrow or one.narrow
        total = self._count(connection, query)
        back = "before" in asked
        place = _place(asked.get("before" if back else "after"), (column.sort, self.key))
        down = order.startswith("-") is not back
        rows = self._page(connection, query, column.sort, place, down, narrow)
        beyond = len(rows) > self.size
        rows = rows[: self.size]
        if back:
            rows.reverse()
        ends = [_mark(row) for row in (rows[0], rows[-1])] if rows else []
        for row in rows:
            del row["_sort"], row["_key"]
        return Found(
            listing=self,
            rows=self.dress(connection, visit, rows),
            total=min(total, COUNTED),
            more=total > COUNTED,
            after=ends[1] if rows and (beyond or back) else None,
            before=ends[0] if rows and (beyond if back else place is not None) else None,
            order=order,
            asked=asked,
            path=path or visit.request.url.path,
            offered=offered,
        )

    def _sortable(self, order: str) -> Column | None:
        name = order.removeprefix("-")
        return next((c for c in self.columns if c.name == name and c.sort is not None), None)

    def _count(self, connection: Connection, query: Select[Any]) -> int:
        some = query.with_only_columns(self.key).limit(COUNTED + 1).subquery()
        return int(connection.execute(select(func.count()).select_from(some)).scalar_one())

    def _page(
        self,
        connection: Connection,
        query: Select[Any],
        sort: ColumnElement[Any],
        place: tuple[Any, Any] | None,
        down: bool,
        narrow: bool,
    ) -> list[Row]:
        query = query.add_columns(sort.label("_sort"), self.key.label("_key"))
        if place is not None:
            here = tuple_(sort, self.key)
            there = tuple_(literal(place[0], sort.type), literal(place[1], self.key.type))
            query = query.where(here < there if down else here > there)
        # An expression has no index to walk along.
        by = func.coalesce(sort, sort) if narrow else sort
        if down:
            query = query.order_by(by.desc(), self.key.desc())
        else:
            query = query.order_by(by, self.key)
        found = connection.execute(query.limit(self.size + 1))
        return [dict(row._mapping) for row in found]


class Begins(FunctionElement[bool]):
    """Whether a text begins with a word: on SQLite as a range, which an index finds where LIKE
    would look at every row; on PostgreSQL, whose texts may be sorted by any language's rules, as
    what it is. Of no type: SQLite has no truth, and `(a AND b) = 1` is nothing for an index."""

    name = "begins"
    inherit_cache = True


@compiles(Begins)
def _as_range(element: Begins, compiler: Any, **options: Any) -> str:
    column, word = (compiler.process(part, **options) for part in element.clauses)
    return f"({column} >= {word} AND {column} < {word} || char(1114111))"


@compiles(Begins, "postgresql")
def _as_it_is(element: Begins, compiler: Any, **options: Any) -> str:
    column, word = (compiler.process(part, **options) for part in element.clauses)
    return f"starts_with({column}, {word})"


def begins(column: ColumnElement[str], word: str) -> ColumnElement[bool]:
    """What begins with `word`."""
    return Begins(column, literal(word, String))


def _mark(row: Row) -> str:
    text = json.dumps([row["_sort"], row["_key"]], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _place(
    mark: str | None, columns: tuple[ColumnElement[Any], ColumnElement[Any]]
) -> tuple[Any, Any] | None:
    """Where a page begins: the sort value and key of the row before it. None for the first one,
    and for what can be no place in these columns."""
    if not mark:
        return None
    try:
        read = json.loads(base64.urlsafe_b64decode(mark + "=" * (-len(mark) % 4)))
    except (ValueError, binascii.Error):
        return None
    if not isinstance(read, list) or len(read) != 2:
        return None
    if not all(map(_may_stand_in, columns, read)):
        return None
    return read[0], read[1]


def _may_stand_in(column: ColumnElement[Any], value: Any) -> bool:
    if isinstance(column.type, Integer):
        return type(value) is int and abs(value) < 2**63
    if not isinstance(value, str) or "\0" in value:
        return False
    try:
        value.encode()
        if isinstance(column.type, Instant):
            from_wire(value)
    except (ValueError, OverflowError):
        return False
    return True

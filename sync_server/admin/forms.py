"""Forms: declared as everything else that comes from outside is (`shared.declare`), checked by the
same code as what devices send, and shown again with each error at its field.

    @dataclass(frozen=True, slots=True, kw_only=True)
    class NewStore:
        name: str = text(80, required=True)

    @router.post("/new")
    def create(visit: Visiting) -> Response:
        return submit(visit, NewStore, partial(_created, visit), partial(_form, visit))

What a service refuses with a field's name in its details stands at that field as well.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar
from zoneinfo import ZoneInfo

from starlette.datastructures import FormData
from starlette.responses import Response

from shared.clock import to_wire
from shared.codec import check
from shared.declare import Entity, Field, Kind, fields_of
from shared.errors import Code, Refusal
from sync_server.admin.page import TOKEN
from sync_server.admin.visit import Visit

T = TypeVar("T")


@dataclass(slots=True)
class Form(Generic[T]):
    """A form as it was filled in. `errors` are texts by field; `problem` is what no field is to
    blame for."""

    cls: type[T]
    raw: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    problem: tuple[str, str] | None = None

    @property
    def fields(self) -> Mapping[str, Field]:
        return fields_of(self.cls)

    def value(self, name: str) -> str:
        """What stands in a field."""
        return self.raw.get(name, "")

    def read(self, sent: FormData, zone: ZoneInfo, beside: Collection[str] = ()) -> T:
        """The values, checked: a missing or unfit one is refused with its field's name. Fields that
        are not declared are refused as well, but for those `beside`."""
        declared = self.fields
        texts = {name: value for name, value in sent.items() if isinstance(value, str)}
        self.raw = {name: value for name, value in texts.items() if name in declared}
        unknown = sorted(texts.keys() - declared.keys() - {TOKEN, *beside})
        if unknown:
            raise Refusal(Code.UNKNOWN_FIELD)
        values = {n: _inward(f, self.raw.get(n, ""), zone) for n, f in declared.items()}
        entity = Entity(name="form", cls=self.cls, fields=declared)
        required = {n: v for n, v in values.items() if v is not None}
        return self.cls(**{**values, **check(entity, required, whole=True)})

    def note(self, visit: Visit, refusal: Refusal) -> None:
        """Keeps what was refused, at its field if there is one."""
        meaning, remedy = visit.words.error(refusal)
        path = str(refusal.details.get("field", ""))
        name = path.rpartition(".")[2].partition("[")[0]
        if name in self.fields:
            wanted = visit.words(f"wanted.{name}")
            told = wanted if wanted != f"wanted.{name}" else remedy
            self.errors[name] = (
                f"{meaning} {told}" if refusal.code is Code.FIELD_INVALID else meaning
            )
        else:
            self.problem = (meaning, remedy)


def filled(cls: type[T], values: Mapping[str, Any] | None = None) -> Form[T]:
    """A form to begin with."""
    return Form(cls, {name: str(value) for name, value in (values or {}).items() if value})


def submit(
    visit: Visit,
    cls: type[T],
    do: Callable[[T], Response],
    again: Callable[[Form[T], int], Response],
    beside: Collection[str] = (),
) -> Response:
    """Has `do` answer for what was filled in; where it, or the check before it, refuses, `again`
    shows the form with what was wrong, under the refusal's own status. What the page reads from
    the form by itself is named in `beside`."""
    form = Form(cls)
    try:
        return do(form.read(visit.form, visit.words.zone, beside))
    except Refusal as refusal:
        form.note(visit, refusal)
        return again(form, refusal.code.status or 422)


def _inward(declared: Field, text: str, zone: ZoneInfo) -> Any:
    """A field's wire value of what a browser sends; what can't be one is left for the check to
    refuse."""
    if declared.kind is Kind.BOOLEAN:
        return text == "on"
    text = text.replace("\r\n", "\n").strip()
    if not text:
        return None
    try:
        if declared.kind is Kind.INTEGER:
            return int(text)
        if declared.kind is Kind.INSTANT:
            return to_wire(datetime.fromisoformat(text).replace(tzinfo=zone))
    except (ValueError, OverflowError):
        pass
    return text

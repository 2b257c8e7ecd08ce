"""The parts of a repair report, from its title to its remarks, each put where the flow stands."""

from __future__ import annotations

from collections.abc import Sequence

from mobile.reports.document import ChecklistItem, Fact, ReportDocument
from mobile.reports.flow import BODY, BOLD, LEADING, LEFT, RIGHT, SMALL, Flow
from mobile.reports.page import ACCENT, BLACK, GREY, WARNING, Box, Ink, Line, Pen
from mobile.reports.strokes import Cubic, smooth

GUTTER = 26.0
_ROW_GAP = 3.0
_LINES_OF_A_FACT = 8  # four times eight lines still leave half a page
_TICK_SIDE = 8.5


def opening(flow: Flow, document: ReportDocument) -> None:
    """Title and case number on the left, who issued it and when on the right, a rule below."""
    labels = document.labels
    issued = next((f.value for f in document.times if f.label == labels.issued), "")
    middle = LEFT + (RIGHT - LEFT) * 0.56
    title = flow.lines(document.title or labels.title, middle - LEFT - 10, 21, most=3)
    top = flow.y
    left = top + flow.block(LEFT, top, title, 21, ACCENT, weight=0.022) + 1
    number = f"{labels.case_number} {document.case_number}"
    case = flow.lines(number, middle - LEFT - 10, 10.5, most=3)
    left += flow.block(LEFT, left, case, 10.5, BLACK)
    right = top + 5
    for text, size, ink in (
        (document.organisation, 11.0, BLACK),
        (f"{labels.issued} {issued}" if issued else "", SMALL, GREY),
        (f"{labels.amends} {document.amends}" if document.amends else "", SMALL, WARNING),
    ):
        for line in flow.lines(text, RIGHT - middle, size, most=4) if text else ():
            flow.text(RIGHT, right, line, size, ink, align=1)
            right += size * LEADING
    flow.y = max(left, right) + 5
    flow.put(Line(LEFT, flow.y, RIGHT, flow.y, 1.4, ACCENT))
    flow.y += 12


def facts(flow: Flow, document: ReportDocument) -> None:
    """Customer and equipment beside each other, the visit below."""
    labels, customer, asset = document.labels, document.customer, document.asset
    half = (RIGHT - LEFT - GUTTER) / 2
    columns = (
        (
            labels.customer,
            (
                Fact(labels.customer_name, customer.name),
                Fact(labels.address, customer.address),
                Fact(labels.contact, customer.contact),
            ),
        ),
        (
            labels.asset,
            (
                Fact(labels.product, asset.product),
                Fact(labels.model, asset.model),
                Fact(labels.serial, asset.serial),
                Fact(labels.bought, asset.bought),
            ),
        ),
    )
    top = flow.y
    bottom = top
    for (heading, rows), x in zip(columns, (LEFT, LEFT + half + GUTTER), strict=True):
        flow.text(x, top, heading, 11, ACCENT, weight=BOLD)
        flow.put(Line(x, top + 16.5, x + half, top + 16.5, 0.6))
        bottom = max(bottom, top + 22 + fact_rows(flow, rows, x, top + 22, half))
    flow.y = bottom
    visit = [Fact(labels.technician, document.technician)]
    visit += [fact for fact in document.times if fact.label != labels.issued]
    shown = [fact for fact in visit if fact.value.strip()]
    label_width = _label_width(flow, shown, half)
    for i in range(0, len(shown), 2):
        pair = shown[i : i + 2]
        height = max(_fact_height(flow, fact, half, label_width) for fact in pair)
        if i == 0:
            flow.heading(labels.service, keep=height)
        flow.room(height)
        for fact, x in zip(pair, (LEFT, LEFT + half + GUTTER), strict=False):
            fact_rows(flow, (fact,), x, flow.y, half, label_width=label_width)
        flow.y += height


def prose(flow: Flow, heading: str, text: str) -> None:
    """A heading and running text; nothing at all when the text is blank."""
    if text.strip():
        flow.heading(heading)
        flow.paragraph(text)


def checklist(flow: Flow, document: ReportDocument) -> None:
    """Each item with a box, ticked or not, and the word for it, since a tick can't be searched."""
    labels = document.labels
    if not document.checklist:
        return
    flow.heading(labels.checklist)
    words = {True: labels.done, False: labels.not_done, None: labels.not_stated}
    inks: dict[bool | None, Ink] = {True: GREY, False: WARNING, None: WARNING}
    word_room = max(flow.typeface.width(w, SMALL) for w in words.values()) + 14
    x = LEFT + 16
    for item in document.checklist:
        lines = flow.lines(item.text, RIGHT - word_room - x)
        flow.room(min(len(lines), 4) * BODY * LEADING)
        _tick(flow, LEFT, flow.y + 1.2, item)
        flow.text(RIGHT, flow.y + 1.4, words[item.done], SMALL, inks[item.done], align=1)
        flow.paragraph(item.text, x=x, right=RIGHT - word_room)
        if item.note.strip():
            flow.paragraph(item.note, SMALL, GREY, x=x, right=RIGHT - word_room)
        flow.y += _ROW_GAP


def confirmations(flow: Flow, document: ReportDocument) -> None:
    """What the customer was shown, whether it works again, and remarks (S2 #93, #94)."""
    labels = document.labels
    if document.training_given is not None or document.training_note.strip():
        flow.heading(labels.training)
        if document.training_given is not None:
            flow.paragraph(labels.trained if document.training_given else labels.not_trained)
        if document.training_note.strip():
            flow.paragraph(document.training_note)
    prose(flow, labels.remarks, document.remarks)
    if document.confirmed_working is not None:
        flow.heading(labels.confirmation)
        if document.confirmed_working:
            flow.paragraph(labels.works_normally)
        else:
            flow.paragraph(labels.works_not, ink=WARNING)


def fact_rows(
    flow: Flow,
    rows: Sequence[Fact],
    x: float,
    top: float,
    width: float,
    *,
    label_width: float | None = None,
) -> float:
    """Labels and values in two columns at a fixed place, blank values left out; returns the height.

    The label column is as wide as its longest label, at most two fifths.
    """
    shown = [fact for fact in rows if fact.value.strip()]
    label_width = label_width or _label_width(flow, shown, width)
    y = top
    for fact in shown:
        flow.block(x, y + 1.4, _label(flow, fact, label_width), SMALL, GREY)
        flow.block(x + label_width, y, _value(flow, fact, width - label_width))
        y += _fact_height(flow, fact, width, label_width)
    return y - top


def _fact_height(flow: Flow, fact: Fact, width: float, label_width: float) -> float:
    label, value = _label(flow, fact, label_width), _value(flow, fact, width - label_width)
    return max(len(value) * BODY, len(label) * SMALL) * LEADING + _ROW_GAP


def _label(flow: Flow, fact: Fact, width: float) -> list[str]:
    return flow.lines(fact.label, width - 8, SMALL, most=2)


def _value(flow: Flow, fact: Fact, width: float) -> list[str]:
    return flow.lines(fact.value, width, most=_LINES_OF_A_FACT)


def _label_width(flow: Flow, rows: Sequence[Fact], width: float) -> float:
    longest = max((flow.typeface.width(fact.label, SMALL) for fact in rows), default=0.0)
    return min(longest + 12, width * 0.4)


def _tick(flow: Flow, x: float, y: float, item: ChecklistItem) -> None:
    """A drawn box, so that no font needs to have one."""
    side = _TICK_SIDE
    if item.done:
        flow.put(Box(x, y + 2, side, side, fill=ACCENT, border=ACCENT))
        bend = (x + side * 0.43, y + 2 + side * 0.72)
        tick = ((x + side * 0.2, y + 2 + side * 0.5), bend, (x + side * 0.8, y + 2 + side * 0.27))
        pieces: tuple[Cubic, ...] = smooth(tick[:2]) + smooth(tick[1:])
        flow.put(Pen(pieces, 1.1, (255, 255, 255)))
    else:
        flow.put(Box(x, y + 2, side, side, border=GREY if item.done is None else WARNING))

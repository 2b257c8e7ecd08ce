"""The end of a repair report: the signature, and how to tell that nothing was changed since."""

from __future__ import annotations

from mobile.reports.document import Fact, ReportDocument, Signature
from mobile.reports.flow import LEADING, LEFT, RIGHT, SMALL, TINY, Flow
from mobile.reports.page import BLACK, GREY, PANEL, RULE, WARNING, Box, Line, Pen
from mobile.reports.sections import fact_rows
from mobile.reports.strokes import curve, fit

_PAD_WIDTH, _PAD_HEIGHT = 250.0, 96.0
_PEN_WIDTH = 1.5
_TOLERANCE = 0.18  # points: a sixteenth of a millimetre, less than the pen is wide


def signing(flow: Flow, document: ReportDocument) -> None:
    """The statement, the pad with the strokes, and who signed; or that and why nobody did. The
    whole stays on one page: a signature alone on a sheet says nothing."""
    labels, signing = document.labels, document.signing
    flow.heading(labels.signature, keep=_PAD_HEIGHT + 34)
    if signing is None:
        flow.paragraph(labels.unsigned, ink=WARNING)
        return
    if signing.statement.strip():
        flow.paragraph(signing.statement)
        flow.y += 4
    beside = LEFT + _PAD_WIDTH + 20
    room = RIGHT - beside
    rows: tuple[Fact, ...]
    if isinstance(signing, Signature):
        rows = (
            Fact(labels.signer, signing.signer),
            Fact(labels.role, signing.role),
            Fact(labels.signed_at, signing.signed_at),
        )
    else:
        rows = (
            Fact(labels.refusal_reason, signing.reason),
            Fact(labels.recorded_at, signing.recorded_at),
        )
    flow.room(_PAD_HEIGHT * 1.5)  # eight lines of a reason included
    height = max(_PAD_HEIGHT, fact_rows(flow, rows, beside, flow.y + 4, room) + 4)
    flow.put(Box(LEFT, flow.y, _PAD_WIDTH, _PAD_HEIGHT, border=RULE))
    if isinstance(signing, Signature):
        _strokes(flow, signing)
    else:
        _refused(flow, labels.refused)
    flow.y += height + 4


def verification(flow: Flow, document: ReportDocument) -> None:
    """Digest, device, key and how to check them; then which characters the font could not show."""
    labels, seal = document.labels, document.seal
    if seal is not None:
        rows = [
            Fact(labels.fingerprint, seal.sha256),
            Fact(labels.sealed_at, seal.sealed_at),
            Fact(labels.device, seal.device_id),
            Fact(labels.device_key, seal.device_key),
            Fact(labels.key_thumbprint, seal.key_thumbprint),
            Fact(labels.device_signature, seal.signature),
            Fact(labels.attachments, ", ".join(file.name for file in document.attachments)),
        ]
        flow.heading(labels.verification, keep=70)
        for fact in rows:
            _evidence(flow, fact)
        flow.y += 4
        flow.paragraph(labels.how_to_verify, SMALL, GREY)
    if flow.typeface.missing:
        codes = ", ".join(f"U+{ord(c):04X}" for c in flow.typeface.missing)
        flow.y += 6
        flow.paragraph(labels.missing_glyphs.format(list=codes), TINY, GREY)


def _evidence(flow: Flow, fact: Fact) -> None:
    """A label and a long value below each other on grey, so that the value can be copied whole."""
    if not fact.value.strip():
        return
    lines = flow.lines(fact.value, RIGHT - LEFT - 150, SMALL, most=8)
    label = flow.lines(fact.label, 132, SMALL, most=3)
    height = max(len(lines), len(label)) * SMALL * LEADING + 4
    flow.room(height)
    flow.put(Box(LEFT, flow.y, RIGHT - LEFT, height, fill=PANEL))
    flow.block(LEFT + 6, flow.y + 2.5, label, SMALL, GREY)
    flow.block(LEFT + 144, flow.y + 2.5, lines, SMALL, BLACK)
    flow.y += height


def _strokes(flow: Flow, signature: Signature) -> None:
    base = flow.y + _PAD_HEIGHT - 16
    flow.put(Line(LEFT + 14, base, LEFT + _PAD_WIDTH - 14, base, 0.4, RULE))
    box = (LEFT + 6, flow.y + 6, _PAD_WIDTH - 12, _PAD_HEIGHT - 12)
    for stroke in fit(signature.strokes, box, signature.aspect):
        flow.put(Pen(curve(stroke, _TOLERANCE), _PEN_WIDTH))


def _refused(flow: Flow, words: str) -> None:
    """In the pad's place, struck through so that nobody signs it later."""
    lines = flow.lines(words, _PAD_WIDTH - 40, 12, most=3)
    top = flow.y + (_PAD_HEIGHT - len(lines) * 12 * LEADING) / 2
    flow.put(Line(LEFT, flow.y + _PAD_HEIGHT, LEFT + _PAD_WIDTH, flow.y, 0.5, RULE))
    for i, line in enumerate(lines):
        flow.text(LEFT + _PAD_WIDTH / 2, top + i * 12 * LEADING, line, 12, WARNING, align=0.5)

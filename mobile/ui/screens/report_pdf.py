"""The signed report as a PDF: made on the device, offline, and handed to the customer (S2 #94)."""

from __future__ import annotations

import asyncio
import importlib
import sys
from collections.abc import Callable
from functools import cache
from typing import Any

from mobile.ui.components import privacy
from mobile.ui.state import Shell
from mobile.ui.texts import catalogue
from mobile.usecases.repairs import Job
from mobile.usecases.report_document import FONT, Words, file_name, report_document
from shared.declare import fields_of
from shared.entities import Report, Signature

SIGNER_ROLES = fields_of(Signature)["signer_role"].choices
_PDF = "mobile.reports.pdf"
_LET_DRAW_SECONDS = 0.05


async def warm_up() -> None:
    """Loads what renders while someone reads: a browser takes a second or two over it."""
    await asyncio.sleep(_LET_DRAW_SECONDS)
    await _off_screen(importlib.import_module, _PDF)
    await _off_screen(_font)


async def share(shell: Shell, job: Job, report: Report) -> None:
    """Renders and hands over this one report, and puts that on record first: to this case's
    customer, nobody else's (requirements, decision on #150 and #94). Refuses where the look can't
    be kept.
    """
    await asyncio.sleep(_LET_DRAW_SECONDS)  # so that the progress is seen before the work begins
    document = report_document(shell.store, job, report, words(report.language or "zh-CN"))
    pdf = importlib.import_module(_PDF)
    data: bytes = await _off_screen(pdf.render, document, _font())
    privacy.record_look(shell, "report", report.id, report.customer_id, "shared")
    await shell.services.device.save(file_name(job, report), data)


def words(language: str) -> Words:
    """The app's words in the report's own language, whatever the screen speaks now."""
    said = catalogue(language)
    return Words(
        statement=said["sign.statement"],
        roles={word: said[f"choice.signer_role.{word}"] for word in SIGNER_ROLES},
        purposes={word: said[f"choice.purpose.{word}"] for word in ("before", "after")},
    )


@cache
def _font() -> bytes:
    return FONT.read_bytes()


async def _off_screen(work: Callable[..., Any], *args: Any) -> Any:
    """In a thread where there are threads; a browser's worker has none and does it at once."""
    if sys.platform == "emscripten":
        return work(*args)
    return await asyncio.to_thread(work, *args)

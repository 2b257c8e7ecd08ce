"""Health: is this installation sound, and how far are devices behind (S4 #178)?"""

from __future__ import annotations

from datetime import timedelta

from markupsafe import Markup
from starlette.responses import Response

from sync_server.admin.charts import Bar, bars
from sync_server.admin.diagnosis import answer, question, remedy
from sync_server.admin.page import Page, Visiting
from sync_server.admin.visit import Visit
from sync_server.services.doctor import Patient, examine
from sync_server.services.lag import SILENT, STEPS, STUCK, Lag, lag

PAGE = Page("health", group="system")
router = PAGE.router()


@router.get("")
def health(visit: Visiting) -> Response:
    """What the doctor finds, and the lag of devices."""
    server = visit.server
    patient = Patient(
        server.settings, server.database, server.clock, server.web, server.files.store
    )
    findings = sorted(examine(patient), key=lambda finding: -finding.state)
    with server.database.read() as connection:
        seen = lag(connection, visit.org_id, visit.now)
    charts = {
        "heard": _chart(visit, "heard", seen.heard, SILENT),
        "waiting": _chart(visit, "waiting", seen.waiting, STUCK),
    }
    return visit.show(
        "health.html", findings=findings, charts=charts, limits=_limits(seen),
        question=question, answer=answer, remedy=remedy,
    )  # fmt: skip


def _chart(visit: Visit, name: str, counts: tuple[int, ...], late: timedelta) -> Markup:
    words = visit.words
    labels = [words("health.up_to", span=words.span(step)) for step in STEPS]
    labels.append(words("health.longer"))
    tones = ["warn" if step > late else "" for step in STEPS] + ["alarm"]
    found = [Bar(*one) for one in zip(labels, counts, tones, strict=True)]
    return bars(words(f"health.{name}"), found)


def _limits(seen: Lag) -> dict[str, int]:
    return {
        "silent": seen.silent,
        "stuck": seen.stuck,
        "unsent": seen.unsent,
        "unsent_files": seen.unsent_files,
    }

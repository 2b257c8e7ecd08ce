"""What is logged stands on a page."""

from __future__ import annotations

from shared.unusual import KINDS
from sync_server.services.alarms import BROKEN
from tools import logs_page


def test_the_page_of_logs_says_what_the_code_logs() -> None:
    made = logs_page.page()
    assert logs_page.PAGE.read_text(encoding="utf-8") == made, "run `make fmt`"
    assert all(f"| `{kind}` |" in made for kind in (*KINDS, *BROKEN))
    assert {"request", "push_failed"} <= {event.name for event in logs_page.events()}

"""A real server, started as its users start it, through a real socket."""

from __future__ import annotations

from pathlib import Path

import httpx

from sync_server.services import accounts
from tests.live_server import live_server
from tests.server.phones import found_company


def test_a_server_that_is_killed_comes_back_with_everything(tmp_path: Path) -> None:
    with live_server(tmp_path, prepare=found_company) as live:
        assert httpx.get(f"{live.url}/readyz").json()["status"] == "ok"
        first = live.url
        live.kill()
        live.start()
        assert live.url == first
        answer = httpx.get(f"{live.url}/readyz")
        assert answer.status_code == 200
        assert "date" in answer.headers and "server" not in answer.headers
        with live.opened() as server, server.database.read() as connection:
            assert len(accounts.all_accounts(connection)) == 4

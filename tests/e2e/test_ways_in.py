"""Ways into the app that begin outside of it: the company's own sign-in, and a link with a code."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Playwright

from sync_server.bootstrap import Server
from sync_server.services import accounts, audit
from sync_server.services.identity_links import link
from tests.browser.harness import Browser, Tab
from tests.e2e.people import SYNC_MS
from tests.e2e.template import Template
from tests.live_server import LiveServer, live_server
from tests.oidc.running import provider

USER = "wangfang"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def _prepared(server: Server) -> None:
    """One of the organisation's people is linked with an account of the company."""
    now = server.clock.now()
    assert server.company is not None
    settings = server.company.settings
    with server.database.write() as connection:
        account = accounts.known(connection, USER)
        who = audit.command_line(account.org_id)
        value = f"{USER}@example.com"
        link(connection, account, settings.issuer, settings.claim, value, now, who)


@pytest.fixture(scope="module")
def live(
    template: Template, web: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveServer]:
    port = _free_port()
    with provider(f"http://127.0.0.1:{port}/v1/auth/company/callback") as one:
        settings = {
            "port": port,
            "oidc_issuer": one.issuer,
            "oidc_client_id": one.client_id,
            "oidc_client_secret": one.client_secret,
            "oidc_name": "示例公司账号",
        }
        folder = tmp_path_factory.mktemp("company")
        template.lay_server(folder)
        with live_server(folder, prepare=_prepared, web=web, **settings) as running:
            yield running


def test_a_person_signs_in_at_the_company_and_is_back_with_the_device_enrolled(
    playwright: Playwright, live: LiveServer, tmp_path: Path
) -> None:
    with Browser.open(playwright, tmp_path / "phone") as browser:
        tab = browser.visit(live.url)
        tab.tap("用示例公司账号登录")
        page = tab.page
        page.fill("input[name=login]", USER)
        page.fill("input[name=password]", "any")
        page.click("button[type=submit]")
        page.click("button[type=submit]")  # the provider asks whether it may tell us who that is
        tab.wait_ready()
        tab.wait_text("设置解锁密码", timeout_ms=SYNC_MS)
        assert "signed-in" not in page.url and "code=" not in page.url
        assert not [said for said in tab.errors if live.url in said]


def test_a_link_brings_its_code_and_leaves_it_neither_in_the_address_nor_in_a_request(
    playwright: Playwright, live: LiveServer, tmp_path: Path
) -> None:
    code = "7K3M-0000-7K3M-0000"
    with Browser.open(playwright, tmp_path / "phone") as browser:
        tab: Tab = browser.visit(f"{live.url}/#/enrol/{code}")
        tab.wait_text("已带上登记码")
        assert code not in tab.page.url
        assert not [one.url for one in browser.requests if code in one.url]
        tab.page.go_back()
        assert code not in tab.page.url

"""The shell around the app: it starts without a network, and asks nobody but its origin."""

import shutil
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

from pypdf import PdfReader

from mobile.pwa.builder import build_web_app
from mobile.pwa.wheels import DEFAULT_CACHE
from tests.browser.conftest import APPS
from tests.browser.harness import ORIGIN, Browser, Site, Tab

Serve = Callable[[str], Site]
BrowserOn = Callable[..., Browser]
Returning = Callable[[str], Browser]

HELLO = "按下 Press"


def test_the_app_starts_and_reloads_with_the_network_cut(
    serve: Serve, browser_on: BrowserOn
) -> None:
    site, browser = serve("hello"), browser_on("phone")
    tab = browser.visit(site.url)
    tab.wait_offline_ready()
    site.requested.clear()
    browser.offline()
    tab.reload()
    tab.tap(HELLO)
    tab.wait_text("1")
    # The browser's own look for an update is not a page's request: the cut does not reach it.
    assert set(site.requested) <= {"/service_worker.js"}
    assert tab.errors == []


def test_the_app_opens_in_a_new_tab_of_a_browser_that_was_closed_and_has_no_network(
    serve: Serve, browser_on: BrowserOn
) -> None:
    site, browser = serve("hello"), browser_on("phone")
    browser.visit(site.url).wait_offline_ready()
    browser.close()
    reopened = browser_on("phone")
    reopened.offline()
    tab = reopened.visit(site.url)
    tab.tap(HELLO)
    tab.wait_text("1")


def test_nothing_is_asked_of_another_origin_and_the_app_can_be_installed(
    serve: Serve, browser_on: BrowserOn
) -> None:
    site, browser = serve("workbench"), browser_on("phone")
    tab = browser.visit(site.url)
    tab.wait_offline_ready()
    tab.reload()
    assert browser.origins() == {site.url}
    assert tab.installability_errors() == []
    assert tab.errors == []


def test_a_printed_page_is_empty(returning: Returning) -> None:
    tab = returning("hello").visit(ORIGIN)
    tab.wait_text(HELLO)
    on_paper = PdfReader(BytesIO(tab.page.pdf()))
    assert [page.extract_text() for page in on_paper.pages] == [""]
    assert [list(page.images) for page in on_paper.pages] == [[]]
    assert "Do" not in on_paper.pages[0].get_contents().get_data().decode().split()


def test_the_server_s_answers_are_never_kept(
    serve: Serve, browser_on: BrowserOn, tmp_path: Path
) -> None:
    site, browser = serve("hello"), browser_on("phone")
    site.dist = shutil.copytree(site.dist, tmp_path / "web")
    (site.dist / "v1").mkdir()
    (site.dist / "v1" / "answer").write_text("secret")
    tab = browser.visit(site.url)
    tab.wait_offline_ready()
    tab.reload()
    assert tab.page.evaluate("fetch('/v1/answer').then(r => r.text())") == "secret"
    browser.offline()
    assert tab.page.evaluate("fetch('/v1/answer').then(() => 'answered', () => 'refused')") == (
        "refused"
    )
    kept = tab.page.evaluate(
        "caches.keys().then(names => Promise.all(names.map(n => caches.open(n))))"
        ".then(all => Promise.all(all.map(c => c.keys())))"
        ".then(lists => lists.flat().map(r => new URL(r.url).pathname))"
    )
    assert "/index.html" in kept
    assert not [path for path in kept if path.startswith("/v1/")]


def test_a_new_version_waits_for_the_app_s_word_and_then_replaces_the_old_one(
    serve: Serve, browser_on: BrowserOn, tmp_path: Path
) -> None:
    site, browser = serve("workbench"), browser_on("phone")
    tab = browser.visit(site.url)
    tab.wait_offline_ready()
    site.dist = newer_workbench(tmp_path)
    tab.reload()
    tab.wait_text('"update": true')
    assert not tab.sees("persist_storage, anew"), "the old version runs on until the app says so"
    with tab.page.expect_navigation():
        tab.tap("activate_update")
    tab.wait_ready()
    tab.wait_text("persist_storage, anew")
    assert versions_kept(tab) == 1
    browser.offline()
    tab.reload()
    tab.wait_text("persist_storage, anew")


def test_an_update_whose_files_do_not_belong_together_is_not_taken(
    serve: Serve, browser_on: BrowserOn, tmp_path: Path
) -> None:
    site, browser = serve("workbench"), browser_on("phone")
    tab = browser.visit(site.url)
    tab.wait_offline_ready()
    torn = newer_workbench(tmp_path)
    (torn / "app.tar").write_bytes((site.dist / "app.tar").read_bytes()[:-512])
    site.dist = torn
    outcome = tab.page.evaluate(
        """async () => {
            const registration = await navigator.serviceWorker.ready;
            await registration.update();
            const worker = registration.installing;
            await new Promise((done) => worker.addEventListener("statechange", done));
            return worker.state;
        }"""
    )
    assert outcome == "redundant"
    browser.offline()
    tab.reload()
    tab.wait_text("persist_storage")


def newer_workbench(tmp_path: Path) -> Path:
    """The workbench with one label changed, built: a later version of the same app."""
    app = shutil.copytree(APPS / "workbench", tmp_path / "newer")
    main = app / "main.py"
    main.write_text(main.read_text().replace("ft.Button(name,", "ft.Button(name + ', anew',"))
    dist = tmp_path / "newer-web"
    build_web_app(dist, cache=DEFAULT_CACHE, progress=lambda *_: None, app_dir=app)
    return dist


def versions_kept(tab: Tab) -> int:
    names = tab.page.evaluate("caches.keys()")
    return len([name for name in names if name.startswith("shell-")])

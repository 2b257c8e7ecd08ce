"""The vault's files open only once, so the app runs in one tab at a time."""

from collections.abc import Callable

from tests.browser.harness import ORIGIN, Browser

Returning = Callable[[str], Browser]


def test_a_second_tab_asks_and_takes_over_when_told_to(returning: Returning) -> None:
    browser = returning("hello")
    first = browser.visit(ORIGIN)
    second = browser.begin(ORIGIN)
    second.wait_state("elsewhere")
    assert "已在另一个标签页打开" in second.splash_text()
    assert "open in another tab" in second.splash_text()
    assert first.state() == "ready", "asking takes nothing away"
    second.answer_splash()
    second.wait_ready()
    first.wait_state("taken")


def test_a_reload_is_not_taken_for_a_second_tab(returning: Returning) -> None:
    browser = returning("hello")
    tab = browser.visit(ORIGIN)
    for _ in range(2):
        tab.reload()
    assert tab.state() == "ready"


def test_a_killed_tab_holds_nothing_back(returning: Returning) -> None:
    browser = returning("hello")
    browser.visit(ORIGIN).kill()
    tab = browser.visit(ORIGIN)
    tab.tap("按下 Press")
    tab.wait_text("1")


def test_another_tab_that_does_not_answer_is_replaced_by_force(returning: Returning) -> None:
    browser = returning("hello")
    browser.visit(ORIGIN)
    deaf = browser.context.new_page()
    deaf.goto(f"{ORIGIN}/manifest.json")
    browser.context.pages[1].close()
    deaf.evaluate(
        """() => {
            const held = navigator.locks.request("huifang-app", () => new Promise(() => {}));
            held.catch((loss) => (document.title = loss.name));
        }"""
    )
    tab = browser.begin(ORIGIN)
    tab.wait_state("elsewhere")
    tab.answer_splash()
    tab.wait_ready()
    assert deaf.title() == "AbortError", "its lock was taken from it"

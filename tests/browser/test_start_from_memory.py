"""The start from Python's memory, as taken while building; and a start that fails."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mobile.pwa.bytecode import Compiler, find_compiler
from mobile.pwa.flet_files import PYODIDE
from mobile.pwa.node import CompileFailed, run_script
from mobile.pwa.snapshot import SNAPSHOT, take_snapshot
from mobile.pwa.wheels import DEFAULT_CACHE
from tests.browser.harness import Browser, Site

PROGRAM = {  # with a flet of its own, which takes a second less to import
    "main.py": b"import flet as ft\nft.Button\n",
    "shared/plain.py": b"import wave\nhere = 7\n",
    "mobile/late.py": b"import quick\nquick.answer()\n",
    "__pypackages__/flet/__init__.py": b"class Button: pass\n",
    "__pypackages__/flet/messaging/__init__.py": b"",
    "__pypackages__/flet/messaging/pyodide_connection.py": b"",
    "__pypackages__/quick/__init__.py": b"def answer(): return 42\n",
    "__pypackages__/quick/_quick.so": b"",
}


@pytest.fixture
def compiler(tmp_path: Path) -> Compiler:
    """The machine's compiler with a cache of its own."""
    found = find_compiler(PYODIDE, DEFAULT_CACHE)
    assert found, "no Node: neither installed nor in the cache"
    return Compiler(found.node, found.pyodide, tmp_path / "cache")


def stdlib() -> bytes:
    return (PYODIDE / "python_stdlib.zip").read_bytes()


def test_equal_programs_leave_equal_memories(compiler: Compiler, tmp_path: Path) -> None:
    first = take_snapshot(compiler, stdlib(), PROGRAM)
    again = Compiler(compiler.node, compiler.pyodide, tmp_path / "another cache")
    assert take_snapshot(again, stdlib(), PROGRAM) == first


def test_what_the_memory_holds_is_not_sent_again_and_the_rest_is(compiler: Compiler) -> None:
    snapshot = take_snapshot(compiler, stdlib(), PROGRAM)
    left = snapshot.without_held(PROGRAM)
    assert "shared/plain.py" not in left
    assert {"main.py", "mobile/late.py", "__pypackages__/quick/_quick.so"} <= set(left)
    assert len(snapshot.stdlib_without_held(stdlib())) < len(stdlib())


def test_a_snapshot_once_taken_is_kept(compiler: Compiler, monkeypatch: pytest.MonkeyPatch) -> None:
    first = take_snapshot(compiler, stdlib(), PROGRAM)

    def refuse(*_: object) -> None:
        raise CompileFailed("asked again")

    monkeypatch.setattr("mobile.pwa.snapshot.run_script", refuse)
    assert take_snapshot(compiler, stdlib(), PROGRAM) == first
    with pytest.raises(CompileFailed):
        take_snapshot(compiler, stdlib(), PROGRAM | {"shared/plain.py": b"here = 8\n"})


def test_a_script_that_fails_says_what_failed_and_not_which_node_it_was(
    compiler: Compiler, tmp_path: Path
) -> None:
    script = tmp_path / "fails.mjs"
    script.write_text("await 1;\nthrow new RangeError('no room for 40 MB');\n")
    with pytest.raises(CompileFailed, match=r"^fails\.mjs: RangeError: no room for 40 MB$"):
        run_script(compiler.node, script)


def test_python_s_own_words_are_told(compiler: Compiler) -> None:
    broken = PROGRAM | {"shared/plain.py": b"raise ValueError('no such rule')\n"}
    with pytest.raises(CompileFailed, match=r"^snapshot\.mjs: ValueError: no such rule$"):
        take_snapshot(compiler, stdlib(), broken)


def test_a_node_that_the_system_ended_is_told_apart_from_one_that_failed(
    compiler: Compiler, tmp_path: Path
) -> None:
    script = tmp_path / "ended.mjs"
    script.write_text("process.kill(process.pid, 'SIGKILL');\nawait new Promise(() => {});\n")
    with pytest.raises(CompileFailed, match="SIGKILL"):
        run_script(compiler.node, script)


def test_random_numbers_are_not_those_of_the_build(
    built: Callable[[str], Path], serve: Callable[[str], Site], browser_on: Callable[..., Browser]
) -> None:
    assert (built("drawing_lots") / SNAPSHOT).exists()
    tab = browser_on("phone").visit(serve("drawing_lots").url)
    first = tab.all_text()
    tab.reload()
    assert tab.all_text() != first
    assert first.startswith("lot ")


def test_an_app_that_fails_in_its_first_step_says_so_and_offers_another_try(
    serve: Callable[[str], Site], browser_on: Callable[..., Browser]
) -> None:
    tab = browser_on("phone").begin(serve("failing").url)
    tab.wait_state("failed")
    assert "应用未能启动。已保存的内容不受影响。" in tab.splash_text()
    assert "Nothing that was saved is lost." in tab.splash_text()
    with tab.page.expect_navigation():
        tab.answer_splash()
    tab.wait_state("failed")

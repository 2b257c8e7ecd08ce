"""The one table of errors, and its page."""

from __future__ import annotations

from shared.errors import Code
from tools import errors_page


def test_every_code_stands_for_itself() -> None:
    # In an enum two rows with equal values are one member under two names.
    aliases = {name: code.name for name, code in Code.__members__.items() if name != code.name}
    assert not aliases, f"word these differently: {aliases}"


def test_every_code_has_a_status_a_meaning_and_a_remedy() -> None:
    for code in Code:
        assert code.status == 0 or 400 <= code.status < 600, code
        assert code.value.meaning.endswith("."), code
        assert code.value.remedy.endswith("."), code


def test_the_page_of_errors_says_what_the_table_says() -> None:
    assert errors_page.PAGE.read_text(encoding="utf-8") == errors_page.page(), "run `make fmt`"

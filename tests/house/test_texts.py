"""The catalogues of texts: the same in every language, complete, and nothing beside them."""

from __future__ import annotations

import pytest

from shared.wording import LANGUAGES
from tests.house import catalogues, tree

CHINESE, ENGLISH = LANGUAGES


def test_both_languages_have_a_catalogue_once_there_are_screens() -> None:
    screens = list(tree.modules("mobile/ui/screens"))
    assert not screens or set(LANGUAGES) <= catalogues.languages()


def test_every_language_has_the_same_keys() -> None:
    keys = set(catalogues.catalogue(CHINESE))
    for language in sorted(catalogues.languages()):
        others = set(catalogues.catalogue(language))
        assert others == keys, f"{language} lacks {keys - others}, alone has {others - keys}"


def test_every_text_has_the_same_placeholders_in_every_language() -> None:
    chinese = catalogues.catalogue(CHINESE)
    for language in sorted(catalogues.languages()):
        for key, text in catalogues.catalogue(language).items():
            assert text.strip(), f"{language} {key} is empty"
            here = catalogues.placeholders(text)
            assert here == catalogues.placeholders(chinese.get(key, text)), f"{language} {key}"


def test_every_text_that_the_app_asks_for_is_in_the_catalogue() -> None:
    texts = catalogues.catalogue(CHINESE)
    missing = [
        f"{call.where} {call.pattern}" for call in catalogues.wanted() if not call.finds(texts)
    ]
    assert not missing, "\n".join(missing)


def test_every_placeholder_is_filled_where_its_text_is_asked_for() -> None:
    texts = catalogues.catalogue(CHINESE)
    empty = [
        f"{call.where} {key} wants {lacking}"
        for call in catalogues.wanted()
        if call.exact and call.values is not None
        for key in call.finds(texts)
        if (lacking := catalogues.placeholders(texts[key]) - call.values)
    ]
    assert not empty, "\n".join(empty)


def test_every_error_field_and_choice_is_worded() -> None:
    texts = set(catalogues.catalogue(CHINESE))
    unworded = catalogues.promised() - texts
    assert not texts or not unworded, "\n".join(sorted(unworded))


def test_no_text_is_kept_that_nobody_asks_for() -> None:
    texts = set(catalogues.catalogue(CHINESE))
    unused = texts - catalogues.mentioned(texts) - catalogues.promised()
    assert not unused, "\n".join(sorted(unused))


@pytest.mark.parametrize("folder", ["mobile/ui", "mobile/usecases"])
def test_no_text_that_people_read_stands_in_code(folder: str) -> None:
    found = [text for path in tree.modules(folder) for text in catalogues.literals_in_screens(path)]
    assert not found, "move these to the catalogues:\n" + "\n".join(found)

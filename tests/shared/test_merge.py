"""The merge: nothing vanishes, disjoint edits commute, deciding twice is deciding once."""

from hypothesis import given
from hypothesis import strategies as st

from shared.declare import Field, Kind, Merge
from shared.merge import Stored, Verdict, decide

NOTES = Field("notes", Kind.TEXT, limit=100)
STATE = Field("state", Kind.CHOICE, merge=Merge.STATE)
LATER = Field("contact_verified_at", Kind.INSTANT, merge=Merge.MAX)
PHOTOS = Field("photo_ids", Kind.MANY, merge=Merge.APPEND)
ONCE = Field("customer_id", Kind.REFERENCE, merge=Merge.IMMUTABLE)


def test_an_edit_from_the_version_its_author_saw_applies() -> None:
    assert decide("visit", NOTES, Stored("old", seen=True), "new").verdict is Verdict.APPLY


def test_an_edit_over_a_value_its_author_never_saw_is_for_a_person_to_decide() -> None:
    decision = decide("visit", NOTES, Stored("theirs", seen=False), "mine")
    assert decision.verdict is Verdict.CONFLICT
    assert decision.value == "theirs"


def test_equal_values_are_no_conflict_whoever_wrote_first() -> None:
    assert decide("visit", NOTES, Stored("same", seen=False), "same").verdict is Verdict.SAME


def test_a_state_that_follows_applies_even_from_an_older_version() -> None:
    assert decide("case", STATE, Stored("accepted", seen=False), "on_site").verdict is Verdict.APPLY


def test_a_state_that_does_not_follow_is_a_conflict() -> None:
    assert (
        decide("case", STATE, Stored("closed", seen=False), "en_route").verdict is Verdict.CONFLICT
    )


def test_a_value_set_once_is_not_set_again() -> None:
    assert decide("visit", ONCE, Stored("a", seen=True), "b").verdict is Verdict.CONFLICT
    assert decide("visit", ONCE, Stored(None, seen=True), "b").verdict is Verdict.APPLY


@given(st.text(min_size=1), st.text(min_size=1))
def test_of_two_verifications_the_later_stands(stored: str, incoming: str) -> None:
    decision = decide("customer", LATER, Stored(stored, seen=False), incoming)
    assert decision.value == max(stored, incoming)


_ids = st.lists(st.integers(0, 9).map(str), unique=True)


@given(_ids, _ids, _ids)
def test_appended_lists_lose_nothing_in_whatever_order_they_come(
    base: list[str], mine: list[str], theirs: list[str]
) -> None:
    first = decide("visit", PHOTOS, Stored(base + theirs, seen=False), mine).value
    second = decide("visit", PHOTOS, Stored(base + mine, seen=False), theirs).value
    assert set(first) == set(second) | set(base) == {*base, *mine, *theirs}


@given(_ids, _ids)
def test_deciding_an_append_twice_changes_nothing_more(
    stored: list[str], incoming: list[str]
) -> None:
    once = decide("visit", PHOTOS, Stored(stored, seen=False), incoming).value
    assert decide("visit", PHOTOS, Stored(once, seen=False), incoming).verdict is Verdict.SAME

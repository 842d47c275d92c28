"""The words of descriptions mean what the code means."""

import re

from hypothesis import given
from hypothesis import strategies as st

from handlers.described.operation import JSON, TOPIC, Page, choice, listed
from hub.errors import BadRequest
from hub.events import parse_topic
from tests.searching import search

TOPICS = st.from_regex(TOPIC["pattern"]) | st.text() | st.sampled_from(["*", "rooms", "rooms/", "rooms/a\n", "users/1"])


@search(60)
@given(TOPICS)
def test_a_topic_is_described_as_what_is_taken_for_one(text: str) -> None:
    """Whoever generates a client has it checked there, and must not be stopped from asking for what is there."""
    try:
        parse_topic(text)
        is_taken = True
    except BadRequest:
        is_taken = False
    # In JSON Schema `$` is the end of the text, in Python also before a last line break.
    assert bool(re.search(TOPIC["pattern"], text)) == is_taken or text.endswith("\n")


def test_lists_say_what_they_are_lists_of() -> None:
    """And what else they hold."""
    assert listed(int, total=str).content == {JSON: Page(int, {"total": str})}


def test_a_choice_names_what_there_is_to_choose() -> None:
    """In the order in which it is said."""
    assert choice("sort", "", "b", "a").schema == {"type": "string", "enum": ["b", "a"]}

"""The words of descriptions mean what the code means."""

import base64
import re

from hypothesis import given
from hypothesis import strategies as st

from handlers.described.operation import CURSOR, ID, JSON, ONE_TOPIC, PLACE, TOPIC, Page, choice, listed
from hub.errors import BadRequest
from hub.events import COLLECTIONS, Position, parse_topic
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


@search(60)
@given(
    st.from_regex(PLACE["pattern"]) | st.text() | st.sampled_from(["", "abc.12", ".1", "abc.", "abc", "a b.1", "abc.١"])
)
def test_a_place_in_the_log_is_described_as_what_is_taken_for_one(text: str) -> None:
    """Blanks around it are borne."""
    is_taken = not text or Position.parse(text) is not None
    assert bool(re.search(PLACE["pattern"], text)) == is_taken or text != text.strip()


@search(60)
@given(st.sampled_from([*COLLECTIONS, "users"]), st.from_regex(ID["pattern"]) | st.text())
def test_what_something_is_of_is_described_as_what_is_taken_for_one(collection: str, identity: str) -> None:
    """By its id where it is said what it is, else by its topic."""
    topic = f"{collection}/{identity}"
    try:
        parse_topic(topic)
        is_taken = True
    except BadRequest:
        is_taken = False
    assert bool(re.search(ONE_TOPIC["pattern"], topic)) == is_taken or topic.endswith("\n")
    is_one = bool(identity and re.search(ID["pattern"], identity))
    assert (is_one and collection != "users") == is_taken or topic.endswith("\n")


@search(60)
@given(st.binary())
def test_a_place_in_a_list_is_described_as_it_is_written(said: bytes) -> None:
    """A client that checks it goes through the whole list."""
    assert re.search(CURSOR.schema["pattern"], base64.b64encode(said, altchars=b"-_").decode())


def test_lists_say_what_they_are_lists_of() -> None:
    """And what else they hold."""
    assert listed(int, total=str).content == {JSON: Page(int, {"total": str})}


def test_a_choice_names_what_there_is_to_choose() -> None:
    """In the order in which it is said."""
    assert choice("sort", "", "b", "a").schema == {"type": "string", "enum": ["b", "a"]}

"""Text as it may be kept and shown: storable, without credentials and addresses, and names still names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.events import escape_id
from hub.redaction import clean, meant_id, meant_topic, printable, room_key, room_name


@given(st.text(st.characters(exclude_categories=()), max_size=40), st.integers(0, 20))
def test_clean_text_can_be_stored_printed_and_is_never_too_long(words: str, limit: int) -> None:
    """PostgreSQL refuses NUL, UTF-8 has no lone surrogates, and names have 256 characters."""
    cleaned = clean(words, limit)
    assert len(cleaned) <= limit
    assert "\0" not in cleaned
    assert cleaned.encode().decode() == cleaned


@given(st.text(max_size=40).filter(lambda words: "\0" not in words))
def test_ordinary_text_stays_as_it_is(words: str) -> None:
    """Names in every script are names."""
    assert clean(words) == words


@given(st.text(st.characters(exclude_categories=()), max_size=40))
def test_a_printable_line_is_as_long_as_before_and_commands_no_terminal(line: str) -> None:
    """A name may hold escape sequences, and turn the direction of what is written after it."""
    shown = printable(line)
    assert shown.isprintable()
    assert all(new == old for new, old in zip(shown, line, strict=True) if old.isprintable())


@pytest.mark.parametrize("name", ["standup", "a@b", "a b/c?d=é&e", "https://x.example/?token=1", "x" * 1000, ""])
def test_a_rooms_name_is_what_it_is(name: str) -> None:
    """It is no text in which something may be hidden: whoever knows the name finds the room."""
    assert (room_name(name), room_key(name)) == (name, name)


def test_a_room_that_is_called_by_an_address_is_known_without_it() -> None:
    """Still two addresses are two rooms."""
    keys = {room_key(f"john@{domain}") for domain in ("a.example", "b.example")}
    assert room_name("john@a.example") == "john@…"
    assert len(keys) == 2
    assert not any("example" in key for key in keys)


@given(
    st.sampled_from(("@", "ann@b.example", "a@b", "~", " ", "é", "?", ".")).flatmap(
        lambda a: st.text("a@.~é ", max_size=8).map(a.__add__)
    )
)
def test_a_caller_may_name_a_room_as_its_provider_does_and_as_documents_do(name: str) -> None:
    """A topic is subscribed before there is any document that could tell the other spelling."""
    known = f"livekit@{escape_id(room_key(name))}"
    assert meant_id(f"livekit@{escape_id(name)}") == known
    assert meant_id(known) == known
    assert meant_topic(f"rooms/{known}") == f"rooms/{known}"


@pytest.mark.parametrize("identity", ["livekit:RM_1@a@b.example", "100ms@64f", "meetingbaas:x@y.example", "@", ""])
def test_what_is_no_durable_room_is_called_as_it_is(identity: str) -> None:
    """Sessions, bots and recordings have the ids that their providers made."""
    assert meant_id(identity) == identity

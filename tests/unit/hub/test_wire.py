"""Bytes on the wire: whatever an event says, a browser reads exactly that; and all viewers share the bytes."""

from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hub.events import Event
from hub.wire import Encoder, Form, message
from tests.unit.hub.browser import read, texts, unchunked

FORMS = tuple(Form)
AWKWARD = "a\rb\nc\r\nd\0e\u2028f\u2029g\x85h\ufeffi\U0001f600: \n\ndata: x\n\nid: 1"

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def event(sequence: int, said: object = "x") -> Event:
    return Event(sequence=sequence, topics=("rooms",), body=orjson.dumps({"type": "room.started", "data": said}))


PLAIN = Form.SSE_PLAIN


def plain(name: str, value: object, **more: Any) -> bytes:
    """Return a message as an event stream has it."""
    return message(name, value, **more).framed(PLAIN)


class TestMessage:
    """What is written for one viewer or for all."""

    @pytest.mark.parametrize("form", FORMS)
    @given(value=json_values)
    @example(value={"text": AWKWARD, AWKWARD: ""})
    def test_any_text_arrives_as_it_was(self, form: Form, value: Any):
        """Names of participants hold what people type; a line break in one must not end the block."""
        assert [block.value for block in read(message("snapshot", value).framed(form), form).blocks] == [value]

    @pytest.mark.parametrize("form", FORMS)
    def test_every_field_arrives(self, form: Form):
        """The id is where a browser resumes, retry when, the name which listener is called."""
        source = read(message("hello", {"a": 1}, position="e1.7", retry_ms=1234).framed(form), form)
        [block] = source.blocks
        assert (block.name, block.id, block.value, source.retry, source.last_id) == (
            "hello",
            "e1.7",
            {"a": 1},
            1234,
            "e1.7",
        )

    def test_what_is_not_said_is_not_there(self):
        """An empty id would make the browser forget its place, an empty name is an ordinary message anyway."""
        assert plain("", 1) == b"data: 1\n\n"

    def test_over_a_websocket_every_message_has_the_same_three_members(self):
        """A client in another language reads it into one type; what has no name is a message, as in a browser."""
        [text] = texts(message("", {"a": 1}).framed(Form.WEBSOCKET))
        assert text == b'{"event":"message","id":null,"data":{"a":1}}'

    @pytest.mark.parametrize("form", FORMS)
    def test_a_message_without_position_leaves_the_place_alone(self, form: Form):
        """A token or a goodbye between two events does not move the viewer."""
        told = message("", 1, position="e1.7"), message("token", 2), message("bye", 3, retry_ms=5)
        assert read(b"".join(one.framed(form) for one in told), form).last_id == "e1.7"

    def test_when_to_come_back_is_told_before_the_rest(self):
        """A connection may break within a block, and retry takes effect as soon as its line is read."""
        written = plain("bye", {}, retry_ms=4321)
        assert written.startswith(b"retry: 4321\n")
        assert read(written[: written.index(b"data")]).retry == 4321

    @pytest.mark.parametrize("form", FORMS)
    def test_a_block_that_is_cut_off_is_not_dispatched(self, form: Form):
        """Half an event is none: the viewer comes back with the id before it."""
        first = message("", 1, position="e1.7").framed(form)
        whole = first + message("", 2, position="e1.8").framed(form)
        # A chunk's end may be missing: all of the block is there.
        for length in range(len(first), len(whole) - (2 if form is Form.SSE_CHUNKED else 0)):
            source = read(whole[:length], form)
            assert ([block.value for block in source.blocks], source.last_id) == ([1], "e1.7")


class TestFrames:
    """How a message is framed for a connection."""

    @given(values=st.lists(json_values, min_size=1, max_size=5))
    def test_joined_chunks_are_valid_chunks(self, values: list[Any]):
        """What is due to a viewer leaves in one write, and must still be chunked encoding."""
        told = [message("", value) for value in values]
        chunks = b"".join(one.framed(Form.SSE_CHUNKED) for one in told)
        assert unchunked(chunks) == b"".join(one.framed(PLAIN) for one in told)

    def test_no_frame_ends_the_response(self):
        """A chunk of size zero would be the last one."""
        assert message("", 1).framed(Form.SSE_CHUNKED)[:1] != b"0"

    @pytest.mark.parametrize("length", [0, 81, 82, 83, 84, 125, 126, 65_535 - 43, 65_535, 65_536, 70_000])
    def test_a_frame_of_any_length_holds_all_of_it(self, length: int):
        """A frame's length has three forms, and each only where the shorter one does not do."""
        [text] = texts(message("", "x" * length).framed(Form.WEBSOCKET))
        assert orjson.loads(text)["data"] == "x" * length


class TestEncoder:
    """Frames of events."""

    @pytest.mark.parametrize("form", FORMS)
    @given(said=st.lists(json_values, min_size=1, max_size=5))
    @example(said=[AWKWARD, {AWKWARD: AWKWARD}])
    def test_every_event_arrives_with_its_position(self, form: Form, said: list[Any]):
        """The id of an event is where a viewer that got it goes on."""
        events = [event(sequence, value) for sequence, value in enumerate(said, 7)]
        source = read(Encoder("e1").joined(events, form), form)
        assert [(block.name, block.id) for block in source.blocks] == [("", f"e1.{one.sequence}") for one in events]
        for block, one, value in zip(source.blocks, events, said, strict=True):
            assert block.value == {
                "specversion": "1.0",
                "id": f"e1.{one.sequence}",
                "type": "room.started",
                "data": value,
            }

    @pytest.mark.parametrize("form", FORMS)
    def test_an_event_is_one_object_for_everybody(self, form: Form):
        """Ten thousand viewers must not hold ten thousand copies, nor wait for ten thousand encodings."""
        encoder = Encoder("e1")
        assert encoder.joined([event(1)], form) is encoder.joined([event(1)], form)

    def test_forms_do_not_mix(self):
        """The same event to an HTTP/1.0 proxy and to a browser is two framings."""
        encoder = Encoder("e1")
        chunked, plain = (encoder.joined([event(1)], form) for form in (Form.SSE_CHUNKED, Form.SSE_PLAIN))
        assert unchunked(chunked) == plain

    @given(sequences=st.lists(st.integers(1, 30), min_size=1))
    def test_joining_is_putting_frames_after_each_other(self, sequences: list[int]):
        """Whatever was remembered, one write holds the same bytes as many."""
        encoder = Encoder("e1")
        fresh = b"".join(Encoder("e1").joined([event(one)], Form.SSE_CHUNKED) for one in sequences)
        assert encoder.joined([event(one) for one in sequences], Form.SSE_CHUNKED) == fresh

    def test_what_is_remembered_is_bounded(self):
        """A hub runs for months."""
        encoder = Encoder("e1")
        first = encoder.joined([event(1)], Form.SSE_PLAIN)
        for sequence in range(2, 6000):
            encoder.joined([event(sequence)], Form.SSE_PLAIN)
        again = encoder.joined([event(1)], Form.SSE_PLAIN)
        assert again == first
        assert again is not first

    @pytest.mark.parametrize("form", FORMS)
    def test_what_was_forgotten_is_encoded_anew(self, form: Form):
        """Some of it may have been erased."""
        encoder = Encoder("e1")
        first = encoder.joined([event(1)], form)
        encoder.forget()
        again = encoder.joined([event(1)], form)
        assert again == first
        assert again is not first

    @pytest.mark.parametrize("form", FORMS)
    def test_an_event_that_says_something_else_by_now_is_not_sent_as_it_was(self, form: Form):
        """Who reads slowly may ask for it as it was after all had forgotten that; the next reader must not get it."""
        encoder = Encoder("e1")
        encoder.forget()
        encoder.joined([event(1, "secret"), event(2)], form)
        assert b"secret" not in encoder.joined([event(1, "erased"), event(2)], form)

    @pytest.mark.parametrize("form", FORMS)
    def test_under_another_name_of_the_log_every_id_is_of_that(self, form: Form):
        """The same number is another event there, or the same with another id."""
        encoder = Encoder("e1")
        encoder.joined([event(1), event(2)], form)
        encoder.begin_anew("e2")
        blocks = read(encoder.joined([event(1), event(3)], form), form).blocks
        assert [(block.id, block.value["id"]) for block in blocks] == [("e2.1", "e2.1"), ("e2.3", "e2.3")]

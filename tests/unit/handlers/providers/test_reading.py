"""Payloads are read without belief: what is wanted comes out as it is wanted, and nothing that is sent may raise."""

import json
import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from handlers.providers.reading import flag, listing, mapping, moment, number, parse_payload, text, whole
from hub.errors import NotJson, Unusable

INT64 = 2**63
# Anything that a JSON decoder can give, and what only ours lets through: lone surrogates, huge numbers, infinities.
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(10**400), 10**400)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=()))
    | st.sampled_from(
        ["1e999", "-0", "١٢٣", "²", "0x10", "1_000", " 5 ", "nan", "inf", "-9223372036854775809", "9" * 30]
    )
    | st.sampled_from(
        ["2026-03-10T12:00:02Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00", "20260310", "12:00"]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=3),
    max_leaves=6,
)
PATHS = st.lists(st.sampled_from("ab"), min_size=1, max_size=3)


@given(VALUES, PATHS)
def test_whatever_stands_at_a_path_it_is_read_as_what_is_wanted_or_left_out(value: object, path: list[str]) -> None:
    """One odd field must not cost a delivery."""
    payload = {"a": value, "b": {"a": value}}
    assert isinstance(mapping(payload, *path), dict)
    assert isinstance(listing(payload, *path), list)
    assert flag(payload, *path) in (True, False, None)
    words = text(payload, *path)
    assert len(words) <= 256
    assert words == words.encode().decode().replace("\0", "")
    found = number(payload, *path)
    assert found is None or math.isfinite(found)
    exact = whole(payload, *path)
    assert exact is None or (type(exact) is int and abs(exact) < INT64)
    time = moment(payload, *path)
    assert time is None or (type(time) is int and 0 < time < INT64)


@pytest.mark.parametrize(("value", "expected"), [(7, "7"), (-1.5, "-1.5"), (True, ""), (None, ""), ([1], ""), ({}, "")])
def test_a_number_is_text_where_text_is_wanted(value: object, expected: str) -> None:
    """Some customers have numbers for ids; true is no name."""
    assert text({"id": value}, "id") == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (5, 5),
        ("5", 5),
        ("9223372036854775807", INT64 - 1),
        (2**53 + 1, 2**53 + 1),
        ("9007199254740993", 2**53 + 1),
        (5.9, 5),
        ("5.9", 5),
        (-0.5, -1),
        (True, None),
        ("", None),
        ("five", None),
        ("9223372036854775808", None),
        (INT64, None),
        (1e300, None),
        (None, None),
    ],
)
def test_a_whole_number_is_exact_also_as_text(value: object, expected: int | None) -> None:
    """protojson writes 64-bit integers as text, and a float would round them."""
    assert whole({"n": value}, "n") == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1_773_151_300, 1_773_151_300_000),
        (1_773_151_300.5, 1_773_151_300_500),
        ("1773151300.25", 1_773_151_300_250),
        (1_773_151_300_123, 1_773_151_300_123),
        (1_773_151_300_123_456, 1_773_151_300_123),
        ("1773151300123456789", 1_773_151_300_123),
        ("2026-03-10T14:01:40.123Z", 1_773_151_300_123),
        ("2026-03-10T15:01:40.123456789+01:00", 1_773_151_300_123),
        ("0001-01-01T00:00:00Z", None),
        ("", None),
        (0, None),
        ("0", None),
        (-5, None),
        ("soon", None),
        (True, None),
    ],
)
def test_a_moment_is_told_by_its_magnitude(value: object, expected: int | None) -> None:
    """Providers mix seconds, milliseconds, microseconds and nanoseconds, sometimes in one field."""
    assert moment({"t": value}, "t") == expected


@given(st.integers(10**9, 10**19))
@example(1_970_010_112_345)
@example(1_999_123_123_595)
def test_a_moment_written_as_text_is_the_same_moment(stamp: int) -> None:
    """protojson's int64 are text, and digits that can also be read as a compact date must not become another time."""
    assert moment({"t": str(stamp)}, "t") == moment({"t": stamp}, "t")


@given(
    st.dictionaries(st.text(), st.integers(-(2**63), 2**63) | st.text() | st.lists(st.none(), max_size=2), max_size=4)
)
def test_every_json_object_is_a_payload(value: dict[str, object]) -> None:
    """Whatever is valid by RFC 8259 is taken."""
    assert parse_payload(json.dumps(value, ensure_ascii=False).encode()) == value


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (b'{"a": "\\ud800"}', {"a": "\ud800"}),
        (b'{"a": 1, "a": 2}', {"a": 2}),
        (b' \r\n\t{"a": 1}\n', {"a": 1}),
        (b'{"a": 1e999}', {"a": math.inf}),
        (b'{"a": "\\u0000"}', {"a": "\0"}),
    ],
)
def test_what_strict_decoders_refuse_is_still_json(body: bytes, expected: object) -> None:
    """A provider that escapes half of an emoji, or begins with a byte order mark, must not lose its webhooks."""
    assert parse_payload(body) == expected


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b'{"a": 1} x',
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b"{'a': 1}",
        b'{"a": 01}',
        b'{"a": "\xff"}',
        b'{"a": "\n"}',
        '{"a": 1}'.encode("utf-16"),
        b"\0",
        b"a=1&b=2",
    ],
)
def test_what_is_not_json_is_told_apart(body: bytes) -> None:
    """Its sender is told so: 400."""
    with pytest.raises(NotJson):
        parse_payload(body)


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b"null", "null"),
        (b"[1]", "array"),
        (b'"x"', "string"),
        (b"5", "number"),
        (b"5.5", "number"),
        (b"true", "boolean"),
    ],
)
def test_json_that_is_no_object_is_kept_with_what_it_is(body: bytes, name: str) -> None:
    """It is genuine and well-formed, so it is dead and not malformed."""
    with pytest.raises(Unusable, match=name) as refusal:
        parse_payload(body)
    assert not isinstance(refusal.value, NotJson)


@pytest.mark.parametrize("body", [b"[" * 100_000 + b"]" * 100_000, b'{"a":' * 100_000 + b"1" + b"}" * 100_000])
def test_nesting_without_end_is_refused_like_anything_else_unusable(body: bytes) -> None:
    """It is JSON, and must neither crash the process nor be a mistake of the hub."""
    with pytest.raises(Unusable) as refusal:
        parse_payload(body)
    assert not isinstance(refusal.value, NotJson)


def test_a_number_of_any_length_is_json() -> None:
    """Python refuses to convert more than 4300 digits, which is its limit and not JSON's."""
    try:
        parse_payload(b'{"a": ' + b"9" * 5000 + b"}")
    except Unusable as refusal:
        assert not isinstance(refusal, NotJson)  # noqa: PT017 -- to be taken is as good as to be refused as unusable

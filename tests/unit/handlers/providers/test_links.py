"""Links to recordings: whole ones, to where they can be followed, and how long they work."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.providers.links import expiry_of, link_at, named_links

SIGNED_AT = "20260310T120000Z"
SIGNED_AT_MS = 1_773_144_000_000
ANY_TEXT = st.text(st.characters(exclude_categories=()))


@pytest.mark.parametrize("link", ["https://a/b.mp4?X-Amz-Signature=1", "http://a", "https://a/" + "x" * 8182])
def test_a_link_is_taken_as_it_is(link: str) -> None:
    """Its query is what opens it."""
    assert link_at({"files": {"url": link}}, "files", "url") == link


@pytest.mark.parametrize("told", ["s3://bucket/a.mp4", "/out/a.mp4", "javascript:alert(1)", "", None, 5, {}])
def test_what_cannot_be_followed_is_no_link(told: object) -> None:
    """A path in a bucket says where it is, but opens nothing."""
    assert link_at({"url": told}, "url") == ""


def test_a_link_that_would_be_cut_is_none() -> None:
    """Half a signature opens nothing either."""
    assert link_at({"url": "https://a/" + "x" * 8183}, "url") == ""


def test_of_links_with_one_name_the_first_is_kept() -> None:
    """Payloads repeat a file under its older field."""
    found = [("video", ""), ("video", "https://a"), ("chat", "https://b"), ("video", "https://c")]
    assert named_links(found) == (("video", "https://a"), ("chat", "https://b"))


@pytest.mark.parametrize(
    ("query", "expiry"),
    [
        (f"X-Amz-Date={SIGNED_AT}&X-Amz-Expires=60&X-Amz-Signature=1", SIGNED_AT_MS + 60_000),
        (f"x-amz-expires=60&x-amz-date={SIGNED_AT}#page", SIGNED_AT_MS + 60_000),
        (f"X-Goog-Date={SIGNED_AT}&X-Goog-Expires=60", SIGNED_AT_MS + 60_000),
        ("Expires=1773144060&Signature=1", SIGNED_AT_MS + 60_000),
        ("exp=1773144060", SIGNED_AT_MS + 60_000),
        ("exp=2026-03-10T12%3A01%3A00Z", SIGNED_AT_MS + 60_000),
        ("sv=2024-11-04&st=2026-03-10T11%3A00%3A00Z&se=2026-03-10T12%3A01%3A00Z&sp=r&sig=x%3D", SIGNED_AT_MS + 60_000),
        ("se=2026-03-10&sig=x", 1_773_100_800_000),
        ("se=2026-03-10T12%3A01%3A00Z", None),
        ("se=never&sig=x", None),
        ("X-Amz-Expires=60", None),
        (f"X-Amz-Date={SIGNED_AT}&X-Amz-Expires=-60", None),
        (f"X-Amz-Date={SIGNED_AT}&X-Amz-Expires={10**30}", None),
        ("X-Amz-Signature=1", None),
        ("Expires=never", None),
        ("", None),
    ],
)
def test_a_link_tells_how_long_it_works(query: str, expiry: int | None) -> None:
    """Each storage writes that into the query in its own way, or not at all."""
    assert expiry_of((("video", f"https://a/b.mp4?{query}"),)) == expiry


def test_of_several_links_the_first_to_expire_counts() -> None:
    """After it, not everything can be fetched any more."""
    links = tuple((name, f"https://a/{name}?exp={second}") for name, second in (("a", 1773144060), ("b", 1773144000)))
    assert expiry_of((*links, ("c", "https://a/c"))) == SIGNED_AT_MS


@given(st.lists(st.tuples(ANY_TEXT, st.sampled_from(["?", "https://a?", "https://a?exp=", "&"]), ANY_TEXT)))
def test_any_link_expires_sometime_or_never(pieces: list[tuple[str, str, str]]) -> None:
    """What is in a link is the sender's to choose."""
    expiry = expiry_of(tuple((name, start + end) for name, start, end in pieces))
    assert expiry is None or expiry > 0

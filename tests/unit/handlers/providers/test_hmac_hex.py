"""Signatures in hexadecimal digits: right in every spelling that senders use, and never by accident."""

import hashlib
import hmac

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from handlers.providers.hmac_hex import matches, signature

BODY = b'{"event":"room.started"}'
SECRET = "whs_0123456789abcdef"
ANY_TEXT = st.text(st.characters(exclude_categories=()))


def test_a_signature_is_the_hmac_of_the_bytes() -> None:
    """The published vector of RFC 4231, case 2."""
    digits = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert signature(b"what do ya want for nothing?", "Jefe") == digits


@given(body=st.binary(max_size=100), secret=st.text(max_size=20))
def test_a_signature_is_that_of_the_standard_library(body: bytes, secret: str) -> None:
    """Bytes that are no text are signed like any others."""
    assert signature(body, secret) == hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


@pytest.mark.parametrize("spell", [str, str.upper, "sha256={}".format, "SHA256={}".format, " sha256={} ".format])
def test_every_spelling_of_the_right_signature_matches(spell: type[str]) -> None:
    """Guides print `sha256=` before it, and the code of one of them sends it bare."""
    assert matches(BODY, spell(signature(BODY, SECRET)), (SECRET,))


@pytest.mark.parametrize("secrets", [(SECRET, "other"), ("other", SECRET), ("", SECRET)])
def test_any_of_the_secrets_may_match(secrets: tuple[str, ...]) -> None:
    """While a secret is replaced, both are in use."""
    assert matches(BODY, signature(BODY, SECRET), secrets)


def test_an_empty_secret_matches_nothing() -> None:
    """Everybody can sign with nothing."""
    assert not matches(BODY, signature(BODY, ""), ("",))


def test_without_secrets_nothing_matches() -> None:
    """A source that has none proves nothing."""
    assert not matches(BODY, signature(BODY, SECRET), ())


def test_the_signature_of_other_bytes_does_not_match() -> None:
    """A space more is another body."""
    assert not matches(BODY + b" ", signature(BODY, SECRET), (SECRET,))


@given(given=ANY_TEXT)
@example(given="é" * 64)
@example(given="\ud800")
@example(given="")
@example(given="sha256=")
@example(given="sha256=sha256=" + signature(BODY, SECRET))
@example(given=signature(BODY, SECRET)[:-1])
@example(given=signature(BODY, SECRET) + "0")
@example(given="sha1=" + signature(BODY, SECRET))
def test_anything_else_is_refused_without_an_error(given: str) -> None:
    """Comparing in constant time raises for what is not ASCII; the answer must be 401, not 500."""
    assert not matches(BODY, given, (SECRET,))

"""Tokens: what one says is what was minted, and whatever else is presented is refused as what it is."""

import base64
import hashlib
import hmac

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hub.errors import TokenRefused
from hub.tokens import LONGEST_SECONDS, Claims, Tokens, Use

NOW = 1_773_144_000
OLD, NEW = "old-secret-0123456789abcdef", "new-secret-0123456789abcdef"
TOKENS = Tokens([NEW])
CLAIMS = Claims(use=Use.ACCESS, topics=("rooms/a", "bots"), scope=("read",), exp=NOW + 60)
MINTED = TOKENS.mint(CLAIMS)


def encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def signed(payload: bytes, secret: str = NEW) -> str:
    """Sign any bytes as the hub signs its own."""
    encoded = encode(payload)
    digest = hmac.digest(secret.encode(), b"hub token\n" + encoded.encode(), hashlib.sha256)
    return f"{encoded}.{encode(digest)}"


def kid_of(token: str) -> str:
    payload = token.partition(".")[0]
    return str(orjson.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["kid"])


def payload_of(**changes: object) -> bytes:
    said = {"use": "access", "topics": ["*"], "scope": ["read"], "exp": NOW + 60, "kid": kid_of(MINTED)}
    return orjson.dumps(said | changes)


class TestRead:
    """What a token says, and when it says nothing."""

    @given(
        use=st.sampled_from(Use),
        topics=st.lists(st.text(), max_size=5).map(tuple),
        scope=st.lists(st.sampled_from(("read", "launch", "admin")), max_size=3).map(tuple),
        seconds=st.integers(1, LONGEST_SECONDS),
    )
    def test_what_was_minted_is_read(self, use: Use, topics: tuple[str, ...], scope: tuple[str, ...], seconds: int):
        """Nothing but the token carries what a viewer may see."""
        token = TOKENS.mint(Claims(use=use, topics=topics, scope=scope, exp=NOW + seconds))
        read = TOKENS.read(token, use, NOW)
        assert (read.use, read.topics, read.scope, read.exp) == (use, topics, scope, NOW + seconds)

    def test_a_token_fits_into_a_query(self):
        """EventSource sets no headers, so tokens travel in URLs, unescaped."""
        assert all(letter.isascii() and (letter.isalnum() or letter in "-_.") for letter in MINTED)

    def test_a_token_ends_with_its_second(self):
        """Not one moment of grace, so that every clock of the hub agrees on who is out."""
        assert TOKENS.read(MINTED, Use.ACCESS, CLAIMS.exp - 1).exp == CLAIMS.exp
        for late in (0, 1, 10**9):
            with pytest.raises(TokenRefused, match="expired"):
                TOKENS.read(MINTED, Use.ACCESS, CLAIMS.exp + late)

    @pytest.mark.parametrize(("minted_for", "used_for"), [(Use.ACCESS, Use.RECONNECT), (Use.RECONNECT, Use.ACCESS)])
    def test_a_token_is_for_one_use(self, minted_for: Use, used_for: Use):
        """A reconnect token stands in a page's memory; it must not launch bots."""
        token = TOKENS.mint(Claims(use=minted_for, topics=("*",), scope=("read",), exp=NOW + 60))
        with pytest.raises(TokenRefused, match="not for"):
            TOKENS.read(token, used_for, NOW)

    @given(place=st.integers(0, len(MINTED) - 1), mask=st.integers(1, 255))
    @example(place=0, mask=1)
    @example(place=len(MINTED) - 1, mask=1)
    def test_any_changed_byte_is_refused(self, place: int, mask: int):
        """The last character of Base64 has bits that mean nothing; they too are part of the token."""
        raw = bytearray(MINTED.encode())
        raw[place] ^= mask
        with pytest.raises(TokenRefused):
            TOKENS.read(raw.decode("latin-1"), Use.ACCESS, NOW)

    def test_any_shorter_token_is_refused(self):
        """Lines are cut when people copy them."""
        for length in range(len(MINTED)):
            with pytest.raises(TokenRefused):
                TOKENS.read(MINTED[:length], Use.ACCESS, NOW)

    @given(more=st.text(min_size=1, max_size=10))
    def test_any_longer_token_is_refused(self, more: str):
        """What is appended is not signed."""
        for text in (MINTED + more, more + MINTED):
            with pytest.raises(TokenRefused):
                TOKENS.read(text, Use.ACCESS, NOW)

    @given(text=st.text(st.characters(exclude_categories=())))
    @example(text=".")
    @example(text="é.é")
    @example(text="\ud800.\ud800")
    @example(text="." * 20_000)
    def test_whatever_is_sent_is_refused_as_a_token(self, text: str):
        """Anybody may send anything, and gets 401."""
        with pytest.raises(TokenRefused):
            TOKENS.read(text, Use.ACCESS, NOW)

    @pytest.mark.parametrize("depth", [100, 5_000])
    def test_deep_nesting_is_refused_as_a_token(self, depth: int):
        """A payload is read before its signature is known to be good; whoever sends this gets 401, not 500."""
        with pytest.raises(TokenRefused):
            TOKENS.read(encode(b'{"x":' + b"[" * depth) + ".x", Use.ACCESS, NOW)

    @pytest.mark.parametrize(
        "payload",
        [
            b"",
            b"null",
            b"{}",
            b"\xff",
            payload_of(use="login"),
            payload_of(topics="*"),
            payload_of(topics=[1]),
            payload_of(exp="never"),
            payload_of(exp=None),
            payload_of(exp=1.5),
            payload_of(kid=1),
        ],
    )
    def test_a_signed_payload_of_another_shape_is_refused(self, payload: bytes):
        """Another version of the hub may have signed other things with this secret."""
        with pytest.raises(TokenRefused):
            TOKENS.read(signed(payload), Use.ACCESS, NOW)

    def test_the_signature_is_over_what_is_sent(self):
        """This test's own signing is the hub's, so that the refusals above are not for a wrong signature."""
        assert TOKENS.read(signed(payload_of()), Use.ACCESS, NOW).topics == ("*",)


class TestForgery:
    """Tokens that somebody else made."""

    def test_another_secret_signs_nothing_here(self):
        """Not even with our name for ours in it."""
        theirs = Tokens([OLD]).mint(CLAIMS)
        with pytest.raises(TokenRefused, match="not signed"):
            TOKENS.read(theirs, Use.ACCESS, NOW)
        with pytest.raises(TokenRefused, match="not signed"):
            TOKENS.read(signed(payload_of(), OLD), Use.ACCESS, NOW)

    def test_a_signature_is_of_one_payload(self):
        """Whoever has a token for one room must not move its signature to another."""
        other = TOKENS.mint(Claims(use=Use.ACCESS, topics=("*",), scope=("read",), exp=NOW + 60))
        mixed = f"{other.partition('.')[0]}.{MINTED.partition('.')[2]}"
        with pytest.raises(TokenRefused, match="not signed"):
            TOKENS.read(mixed, Use.ACCESS, NOW)

    @pytest.mark.parametrize("kid", ["", "none", "00000000", "../../etc/passwd"])
    def test_a_secret_that_nobody_has_signs_nothing(self, kid: str):
        """The name of the secret is chosen by whoever sends the token."""
        for secret in ("", NEW):
            with pytest.raises(TokenRefused, match="not signed"):
                TOKENS.read(signed(payload_of(kid=kid), secret), Use.ACCESS, NOW)

    def test_a_forged_token_is_not_told_when_it_would_expire(self):
        """The signature is judged first, so that nothing is learnt from forgeries."""
        with pytest.raises(TokenRefused, match="not signed"):
            TOKENS.read(signed(payload_of(exp=1), OLD), Use.ACCESS, NOW)


class TestRotation:
    """Two secrets at a time."""

    def test_the_first_secret_signs_and_every_secret_verifies(self):
        """While secrets are changed, nobody is logged out."""
        before, during, after = Tokens([OLD]), Tokens([NEW, OLD]), Tokens([NEW])
        old, new = before.mint(CLAIMS), during.mint(CLAIMS)
        assert during.read(old, Use.ACCESS, NOW).topics == during.read(new, Use.ACCESS, NOW).topics == CLAIMS.topics
        assert after.read(new, Use.ACCESS, NOW).topics == CLAIMS.topics
        with pytest.raises(TokenRefused):
            after.read(old, Use.ACCESS, NOW)
        with pytest.raises(TokenRefused):
            before.read(new, Use.ACCESS, NOW)

    def test_tokens_do_not_tell_their_secret(self):
        """A token is in logs of proxies sooner or later."""
        assert NEW not in MINTED
        assert encode(NEW.encode())[:16] not in MINTED

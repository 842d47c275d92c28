"""Our verdict on odd tokens is that of LiveKit's own receiver: the SDK's, which its users would have instead."""

import base64
import hmac
import json
import time
from collections.abc import Callable

import pytest
from google.protobuf.json_format import ParseError
from hypothesis import given
from hypothesis import strategies as st
from livekit.api import TokenVerifier, WebhookReceiver

from handlers.providers.livekit_proof import verify
from hub.errors import ProofRefused
from tests.unit.handlers.providers.livekit_tokens import (
    BODY,
    KEY,
    OTHER_SECRET,
    SECRET,
    SOURCE,
    Object,
    arrive,
    claims_at,
    digest_of,
    encode,
    mint,
)

ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text("aé0:\0", max_size=5),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text("ab", max_size=3), st.integers(), max_size=2),
)
GRANTS = ("video", "sip", "inference", "observability", "agent", "agentEndpoint", "agentThread")
TEXTS = ("sub", "jti", "aud", "name", "kind", "metadata", "attributes", "roomPreset", "typ")
BODIES = (BODY, b"{}", '{"event":"é\U0001f600"}'.encode(), b"not json", b"", b'\n{ "id" : "EV_1" }\r\n')
HEADERS: tuple[Object, ...] = (
    {"typ": None},
    {"alg": "HS256 "},
    {"kid": "a"},
    {"kid": None},
    {"kid": 1},
    {"crit": None},
    {"crit": []},
    {"crit": [], "b64": True},
    {"crit": "b64"},
    {"crit": ["b64"]},
    {"crit": ["exp"]},
    {"crit": [1], "b64": True},
    {"crit": ["b64"], "b64": True},
    {"crit": ["b64", "b64"], "b64": None},
    {"crit": ["b64", "exp"], "b64": True, "exp": 1},
    {"crit": ["b64"], "b64": False},
    {"b64": False},
    {"b64": 0},
)
# Seconds around the limits of the leeway, far enough from them for a slow machine.
EXPIRIES = (-(10**6), -120, -66, -54, -1, 0, 300, 10**9)
STARTS = (-(10**6), -66, 0, 54, 66, 10**6)
TIME_SPELLINGS: tuple[Callable[[int], object], ...] = (
    int,
    float,
    str,
    lambda seconds: seconds + 0.9,
    lambda seconds: f" {seconds}\n",
    lambda seconds: f"{seconds:_}",
    lambda seconds: f"{seconds}.0",
    lambda seconds: [seconds],
    lambda seconds: {"": seconds},
    lambda seconds: 10**400 + seconds,
    lambda seconds: "9" * 5000,
    lambda seconds: float("inf"),
    lambda seconds: float("-inf"),
    lambda seconds: float("nan"),
    lambda seconds: True,
    lambda seconds: None,
    lambda seconds: "",
)
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "utf-7")
PAYLOADS = (
    b"[]",
    b"null",
    b"",
    b"{",
    b'"{}"',
    b"\xff",
    b"{}{}",
    b" {} ",
    b'{"exp":1,"exp":99999999999}',
    b'{"exp":NaN}',
)
SEGMENT_SPELLINGS: tuple[Callable[[str], str], ...] = (
    str,
    lambda bare: bare + "=" * (-len(bare) % 4),
    lambda bare: bare + "=",
    lambda bare: bare + "==",
    lambda bare: bare + "===",
    lambda bare: bare + "====",
    lambda bare: bare.replace("-", "+").replace("_", "/"),
    lambda bare: bare + "\n",
    lambda bare: " " + bare,
    lambda bare: bare[:4] + "!" + bare[4:],
    lambda bare: bare[:4] + "é" + bare[4:],
    lambda bare: bare[:4] + "=" + bare[4:],
    lambda bare: bare[:4] + "." + bare[4:],
    lambda bare: bare[:-1] + "B",
    lambda bare: bare[:-1],
    lambda bare: bare + "A",
    lambda bare: "",
)
DIGEST_SPELLINGS: tuple[Callable[[str], object], ...] = (
    str,
    lambda digest: digest.rstrip("="),
    lambda digest: digest + "=",
    lambda digest: digest + "====",
    lambda digest: digest + "AAAA",
    lambda digest: digest.replace("+", "-").replace("/", "_"),
    lambda digest: f" {digest[:10]}\n{digest[10:]} ",
    lambda digest: "é" + digest,
    lambda digest: "!" + digest,
    lambda digest: base64.b64decode(digest).hex(),
    lambda digest: [digest],
    lambda digest: digest.lower(),
    lambda digest: "",
    lambda digest: 5,
)
ODD_CLAIMS: tuple[object, ...] = (
    None,
    "",
    "a",
    0,
    1,
    True,
    False,
    [],
    ["a"],
    {},
    {"a": 1},
    {"canPublish": 5, "can_publish": 6},
)


@pytest.mark.parametrize("header", HEADERS)
def test_odd_headers_are_judged_as_by_livekit(header: Object) -> None:
    """A header may demand what would make us read the token differently."""
    agree(mint(claims_at(int(time.time())), {"alg": "HS256", **header}))


@pytest.mark.parametrize("spell", TIME_SPELLINGS)
@pytest.mark.parametrize("claim", ["exp", "iat", "nbf"])
def test_odd_times_are_judged_as_by_livekit(claim: str, spell: Callable[[int], object]) -> None:
    """Times may be written in more ways than one."""
    now = int(time.time())
    for offset in EXPIRIES if claim == "exp" else STARTS:
        agree(mint({**claims_at(now), claim: spell(now + offset)}))


@pytest.mark.parametrize("claim", GRANTS + TEXTS)
def test_odd_claims_are_judged_as_by_livekit(claim: str) -> None:
    """Claims that mean nothing here may still be wrong."""
    for value in ODD_CLAIMS:
        agree(mint({**claims_at(int(time.time())), claim: value}))


@pytest.mark.parametrize("spell", DIGEST_SPELLINGS)
@pytest.mark.parametrize("body", BODIES)
def test_odd_digests_are_judged_as_by_livekit(spell: Callable[[str], object], body: bytes) -> None:
    """Base64 has many spellings, and their decoder is a lenient one."""
    agree(mint({**claims_at(int(time.time())), "sha256": spell(digest_of(body))}), body)


@pytest.mark.parametrize("spell", SEGMENT_SPELLINGS)
@pytest.mark.parametrize("bent", [0, 1, 2])
@pytest.mark.parametrize("pad", ["", "a", "aa"])
def test_odd_segments_are_judged_as_by_livekit(spell: Callable[[str], str], bent: int, pad: str) -> None:
    """Two spellings of one token would be two tokens for whoever remembers them."""
    parts = [{"alg": "HS256", "pad": pad}, {**claims_at(int(time.time())), "pad": pad}]
    segments = [encode(json.dumps(part).encode()) for part in parts]
    agree(seal(segments, spell, bent))


def seal(segments: list[str], spell: Callable[[str], str], bent: int, secret: str = SECRET, by: str = "sha256") -> str:
    """Sign two segments, with one of them, or the signature, spelled in another way."""
    spelled = [spell(segment) if at == bent else segment for at, segment in enumerate(segments)]
    signed = ".".join(spelled)
    signature = encode(hmac.digest(secret.encode(), signed.encode(), by))
    return f"{signed}.{spell(signature) if bent == 2 else signature}"


def agree(token: str, body: bytes = BODY) -> None:
    assert is_accepted_here(token, body) == is_accepted_by_livekit(token, body)


def is_accepted_here(token: str, body: bytes) -> bool:
    try:
        verify(SOURCE, arrive(token, body=body, now=int(time.time())))
    except ProofRefused:
        return False
    return True


def is_accepted_by_livekit(token: str, body: bytes) -> bool:
    receiver = WebhookReceiver(TokenVerifier(KEY, SECRET))
    try:
        receiver.receive(body.decode(), token)
    except ParseError:
        # The proof was right; that the body is no event of LiveKit's is judged elsewhere.
        return True
    except Exception:  # noqa: BLE001  their receiver raises whatever its libraries raise
        return False
    return True


STAGES = ("issuer", "time", "registered", "digest", "claim", "header", "encoding", "payload", "segment", "key", "token")
FIELDS = ("alg", "typ", "kid", "crit", "b64", "cty")
SIGNERS = ((OTHER_SECRET, "sha256"), (SECRET, "sha512"), ("", "sha256"))


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, bytes]:
    """Return a token and a body, odd in up to two ways, as of now."""
    stages = draw(st.sets(st.sampled_from(STAGES), max_size=2))
    body = draw(st.sampled_from(BODIES))
    claims, header = claims_at(int(time.time()), body), {"alg": "HS256", "typ": "JWT"}
    bend_claims(draw, stages, claims)
    if "header" in stages:
        header.update(draw(st.one_of(st.sampled_from(HEADERS), st.dictionaries(st.sampled_from(FIELDS), ODD))))
    encoding = draw(st.sampled_from(ENCODINGS)) if "encoding" in stages else "utf-8"
    parts = [json.dumps(part).encode(encoding) for part in (header, claims)]
    if "payload" in stages:
        parts[draw(st.integers(0, 1))] = draw(st.sampled_from(PAYLOADS))
    segments = [encode(part) for part in parts]
    bent = draw(st.integers(0, 2)) if "segment" in stages else -1
    spell = draw(st.sampled_from(SEGMENT_SPELLINGS))
    secret, by = draw(st.sampled_from(SIGNERS)) if "key" in stages else (SECRET, "sha256")
    token = seal(segments, spell, bent, secret, by)
    return (garble(draw, token) if "token" in stages else token), body


def bend_claims(draw: st.DrawFn, stages: set[str], claims: Object) -> None:
    if "issuer" in stages:
        claims["iss"] = draw(st.one_of(ODD, st.sampled_from([KEY.lower(), KEY + " ", [KEY], "APIother"])))
    if "time" in stages:
        claim = draw(st.sampled_from(["exp", "iat", "nbf"]))
        offset = draw(st.sampled_from(EXPIRIES if claim == "exp" else STARTS))
        claims[claim] = draw(st.sampled_from(TIME_SPELLINGS))(claims["iat"] + offset)
    if "registered" in stages:
        claims[draw(st.sampled_from(GRANTS + TEXTS))] = draw(ODD)
    if "digest" in stages:
        claims["sha256"] = draw(st.sampled_from(DIGEST_SPELLINGS))(claims["sha256"])
    if "claim" in stages:
        claim = draw(st.sampled_from(["iss", "iat", "nbf", "exp", "sha256"]))
        if draw(st.booleans()):
            del claims[claim]
        else:
            claims[claim] = draw(ODD)


def garble(draw: st.DrawFn, token: str) -> str:
    at = draw(st.integers(0, len(token)))
    put = draw(
        st.sampled_from(["", ".", "..", "A", "=", "-", "_", "+", "/", " ", "\n", "é", "\ud800", "\0", "Bearer "])
    )
    return token[:at] + put + token[at + draw(st.integers(0, 2)) :]


@given(request=requests())
def test_the_verdict_is_that_of_livekits_own_receiver(request: tuple[str, bytes]) -> None:
    """Ours is written by hand: what it accepts beyond theirs is a hole, what it refuses beyond theirs is lost."""
    agree(*request)

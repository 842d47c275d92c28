"""Tokens as LiveKit makes them, and others: what the tests of its proof are made of."""

import base64
import hashlib
import hmac
import json
from typing import Any

from handlers.providers.arrival import Arrival
from hub.settings import Source

KEY = "APItestkey123"
SECRET = "lk-test-secret-0123456789abcdef0123456789"
OTHER_SECRET = "lk-other-secret-0123456789abcdef012345678"
NOW = 1_773_151_300
BODY = b'{"event": "room_started",  "room": {"name": "daily-standup"}}'

Object = dict[str, Any]  # the tests put every type into tokens, to see it refused


def source_with(keys: dict[str, tuple[str, ...]]) -> Source:
    return Source(provider="livekit", name="livekit", path="/api/livekit/webhook", keys=keys)


SOURCE = source_with({KEY: (SECRET,)})


def encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def digest_of(body: bytes) -> str:
    return base64.b64encode(hashlib.sha256(body).digest()).decode()


def claims_at(now: int, body: bytes = BODY) -> Object:
    return {"iss": KEY, "iat": now, "nbf": now, "exp": now + 300, "sha256": digest_of(body)}


def mint(claims: Object, header: Object | None = None, secret: str = SECRET) -> str:
    parts = (header or {"alg": "HS256", "typ": "JWT"}, claims)
    signed = ".".join(encode(json.dumps(part).encode()) for part in parts)
    return f"{signed}.{encode(hmac.digest(secret.encode(), signed.encode(), 'sha256'))}"


def arrive(*tokens: str, body: bytes = BODY, now: int = NOW) -> Arrival:
    headers = tuple(("authorization", token) for token in tokens)
    return Arrival(headers=headers, body=body, received_at=now * 1000)

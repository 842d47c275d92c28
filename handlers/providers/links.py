"""Where providers keep what they recorded: links, whole or not at all, and how long they work."""

from collections.abc import Iterable
from urllib.parse import parse_qsl

from handlers.providers.reading import Payload, moment, text, whole

# What an artifact is called, and where it is.
Links = tuple[tuple[str, str], ...]

_LINK_LIMIT = 8192
_LONGEST_S = 10**9
# Amazon's and Google's presigned links tell when they were signed, and for how many seconds.
_SIGNERS = ("x-amz", "x-goog")
_EXPIRIES = ("expires", "exp")
# In Azure's links (SAS) it is `se`, which is believed only beside their signature: elsewhere it may be anything.
_AZURE_SIGNATURE, _AZURE_EXPIRY = "sig", "se"


def link_at(payload: Payload, *path: str) -> str:
    """Return the link at `path`, empty when there is none.

    A link that was cut would be broken, and nothing but http is ever followed: a path in a bucket is no link.
    """
    link = text(payload, *path, limit=_LINK_LIMIT + 1)
    return link if len(link) <= _LINK_LIMIT and link.startswith(("https://", "http://")) else ""


def named_links(found: Iterable[tuple[str, str]]) -> Links:
    """Return the links among `(name, link or empty)`, the first of each name."""
    links: dict[str, str] = {}
    for name, link in found:
        if link:
            links.setdefault(name, link)
    return tuple(links.items())


def expiry_of(links: Links) -> int | None:
    """Return when the first of the links stops working, as far as they say so themselves, else None."""
    expiries = (_expiry(link) for _, link in links)
    return min((expiry for expiry in expiries if expiry is not None), default=None)


def _expiry(link: str) -> int | None:
    query = link.partition("?")[2].partition("#")[0]
    told: dict[str, object] = {name.lower(): value for name, value in parse_qsl(query)}
    for signer in _SIGNERS:
        signed_at, seconds = moment(told, f"{signer}-date"), whole(told, f"{signer}-expires")
        if signed_at is not None and seconds is not None and 0 <= seconds <= _LONGEST_S:
            return signed_at + seconds * 1000
    names = (*_EXPIRIES, _AZURE_EXPIRY) if _AZURE_SIGNATURE in told else _EXPIRIES
    return next((expiry for name in names if (expiry := moment(told, name)) is not None), None)

"""Taking out of text what cannot be kept or may not be seen: odd characters, credentials, addresses."""

import hashlib
import re

from hub.events import NAME_LIMIT, escape_id, parse_topic

_CREDENTIALS = re.compile(r"://[^\s/@]*@")
_URL = re.compile(r"://\S*")
_QUERY_START = re.compile(r"[?#]")
_BARE_QUERY = re.compile(r"\?[^\s?=]{1,100}=\S*")
_MAIL_DOMAIN = re.compile(r"(?<=[^\s@])@[^\s@]*\.[^\s@]+")
# How an id shows what an address was taken out of, and a byte that is none of an id's.
_MASKED = escape_id("@…")
_ESCAPE = re.compile(rb"~([0-9a-f]{2})")
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,20}://)[^\s\"]+")


def clean(value: str, limit: int = NAME_LIMIT) -> str:
    """Make any text storable and printable: no NUL (PostgreSQL refuses it), no lone surrogates, cut to `limit`."""
    if len(value) <= limit and value.isascii() and "\0" not in value:
        return value
    return value[: limit * 2].replace("\0", "").encode("utf-8", "replace").decode("utf-8")[:limit]


def printable(line: str) -> str:
    """Take out of a line what could command a terminal, or turn the direction of what follows."""
    if line.isprintable():
        return line
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in line)


def harmless(words: str, limit: int = NAME_LIMIT) -> str:
    """Take out of free text what nobody may see: credentials and queries of URLs, domains of e-mail addresses."""
    if "://" in words:
        words = _URL.sub(lambda url: _QUERY_START.split(url[0], 1)[0], _CREDENTIALS.sub("://", words))
    if "?" in words:
        words = _BARE_QUERY.sub("", words)
    return without_mail(words)[:limit]


def without_addresses(words: str) -> str:
    """Take out what follows `://`: the address of a stream holds its key."""
    return _ADDRESS.sub(r"\1…", words)


def without_mail(words: str) -> str:
    """Take out the domains of e-mail addresses."""
    return _MAIL_DOMAIN.sub("@…", words) if "@" in words else words


def pseudonym(identity: str) -> str:
    """Return an identity without the e-mail address that it may be, still another one for another address."""
    shown = harmless(identity)
    return shown if shown == identity else f"{shown}#{_fingerprint(identity)}"


def room_name(name: str) -> str:
    """Return what a room is called, without e-mail addresses; else as it is: it is a name, not a text."""
    return without_mail(name)


def room_key(name: str) -> str:
    """Return what a room is known by: its name, or id, without the address that it may be, another for another one."""
    shown = room_name(name)
    return shown if shown == name else f"{shown}#{_fingerprint(name)}"


def meant_id(identity: str) -> str:
    """Return the id that documents have for what a caller calls so: a durable room's name may be an address."""
    home, _, name = identity.partition("@")
    if ":" in home or "@" not in name or _MASKED in name or "~~" in name:
        return identity
    called = _ESCAPE.sub(lambda byte: bytes.fromhex(byte[1].decode()), name.encode("utf-8", "replace"))
    known = escape_id(room_key(called.decode("utf-8", "replace")))
    return f"{home}@{known}" if _MASKED in known else identity


def meant_topic(text: str) -> str:
    """Return the topic that a caller means, as documents have it. Raises BadRequest for what is none."""
    collection, slash, identity = parse_topic(text).partition("/")
    return f"{collection}{slash}{meant_id(identity)}" if collection == "rooms" else text


def _fingerprint(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]

"""Where a request came from, seen through the proxies that are trusted."""

import re
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from aiohttp import web

_Address = IPv4Address | IPv6Address
_Network = IPv4Network | IPv6Network

# Some proxies (Azure's, IIS) append the port that the client came from: 192.0.2.1:555, [2001:db8::1]:555.
_WITH_PORT = re.compile(r"(?:([0-9.]+):[0-9]{1,5}|\[([0-9A-Fa-f:.]+)\](?::[0-9]{1,5})?)")


def client_address(request: web.Request, trusted_proxies: Sequence[str]) -> str:
    """Return the address of the client.

    Proxies append to X-Forwarded-For, so it is read from the right, and only as far as every hop is trusted:
    what stands further left was written by somebody unknown.
    """
    address = request.remote or ""
    for hop in reversed(",".join(request.headers.getall("X-Forwarded-For", [])).split(",")):
        if not is_within(address, trusted_proxies):
            return address
        forwarded = _without_port(hop.strip())
        if _parse(forwarded) is None:
            return address
        address = forwarded
    return address


def is_within(address: str, networks: Sequence[str]) -> bool:
    """Whether an address lies in one of the networks (CIDR notation)."""
    parsed = _parse(address)
    return parsed is not None and any(parsed in network for network in _networks(tuple(networks)))


def _without_port(hop: str) -> str:
    # It is another one for each connection, and limits are counted by address.
    found = _WITH_PORT.fullmatch(hop)
    return (found[1] or found[2]) if found else hop


@lru_cache(maxsize=64)
def _networks(texts: tuple[str, ...]) -> tuple[_Network, ...]:
    return tuple(ip_network(text, strict=False) for text in texts)


def _parse(text: str) -> _Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    # A dual-stack socket shows IPv4 clients as ::ffff:a.b.c.d.
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address

"""How many viewers there may be, in all and from one address."""

from ipaddress import ip_address, ip_network

_LOOPBACK = "loopback"


class Admission:
    """Counts who is there. `per_address` 0 is no limit."""

    def __init__(self, in_all: int, per_address: int) -> None:
        self._in_all = in_all
        self._per_address = per_address
        self._number = 0
        self._by_network: dict[str, int] = {}

    def enter(self, address: str) -> str:
        """Count a viewer, until it leaves; say which limit it is over, if it is over one."""
        network = _network(address)
        limit = self._limit(network)
        self._count(network, 1)
        return limit

    def leave(self, address: str) -> None:
        """Count a viewer no more."""
        self._count(_network(address), -1)

    def _limit(self, network: str) -> str:
        if self._number >= self._in_all:
            return "stream.max_viewers"
        # Loopback is no address of a viewer's own: there stands a proxy that tells nothing of who is behind it.
        if network != _LOOPBACK and 0 < self._per_address <= self._by_network.get(network, 0):
            return "stream.max_viewers_per_address"
        return ""

    def _count(self, network: str, step: int) -> None:
        self._number += step
        number = self._by_network.pop(network, 0) + step
        if number:
            self._by_network[network] = number


def _network(address: str) -> str:
    """Return what is counted as one: an IPv4 address, or the /64 that a customer's IPv6 addresses are in."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    parsed = getattr(parsed, "ipv4_mapped", None) or parsed
    if parsed.is_loopback:
        return _LOOPBACK
    return str(ip_network((parsed, 64), strict=False)) if parsed.version == 6 else str(parsed)

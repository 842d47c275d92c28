"""How many viewers there may be, in all and from one address."""

from ipaddress import ip_address


class Admission:
    """Counts who is there. `per_address` 0 is no limit."""

    def __init__(self, in_all: int, per_address: int) -> None:
        self._in_all = in_all
        self._per_address = per_address
        self._number = 0
        self._by_address: dict[str, int] = {}

    def enter(self, address: str) -> str:
        """Count a viewer, until it leaves; say which limit it is over, if it is over one."""
        limit = self._limit(address)
        self._count(address, 1)
        return limit

    def leave(self, address: str) -> None:
        """Count a viewer no more."""
        self._count(address, -1)

    def _limit(self, address: str) -> str:
        if self._number >= self._in_all:
            return "stream.max_viewers"
        # Loopback is no address of a viewer's own: there stands a proxy that tells nothing of who is behind it.
        if 0 < self._per_address <= self._by_address.get(address, 0) and not _is_loopback(address):
            return "stream.max_viewers_per_address"
        return ""

    def _count(self, address: str, step: int) -> None:
        self._number += step
        number = self._by_address.pop(address, 0) + step
        if number:
            self._by_address[address] = number


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False

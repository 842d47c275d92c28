"""How much arrives, as it was counted a moment ago: however many look, the store counts once."""

import asyncio

import msgspec

from hub.ports import Store, Traffic, TrafficQuery

_FRESH_MS = 1000
_MS_PER_HOUR = 3_600_000
# Different periods that are remembered.
_PERIODS = 8


class _Counted(msgspec.Struct, frozen=True):
    at: int
    traffic: Traffic


class Overview:
    """Remembers what was counted, for a second."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._counted: dict[int, _Counted] = {}
        # Who comes while it is being counted waits for that.
        self._counting = asyncio.Lock()

    async def traffic(self, sources: tuple[str, ...], hours: int, now: int) -> Traffic:
        """Return what arrived by the sources within the last hours. Raises StorageUnavailable."""
        async with self._counting:
            known = self._counted.get(hours)
            if known is None or not 0 <= now - known.at < _FRESH_MS:
                query = TrafficQuery(sources=sources, since=now - hours * _MS_PER_HOUR, until=now)
                known = _Counted(now, await self._store.traffic(query))
                if len(self._counted) >= _PERIODS:
                    self._counted.clear()
                self._counted[hours] = known
        return known.traffic

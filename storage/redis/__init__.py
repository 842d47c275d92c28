"""How the processes of a hub tell each other what is new: through a Redis server."""

from storage.redis.bus import RedisBus

__all__ = ["RedisBus"]

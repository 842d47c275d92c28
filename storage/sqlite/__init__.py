"""The store of a hub that runs as one process: an SQLite file."""

from storage.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]

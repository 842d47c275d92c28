"""The store of a hub of many processes: a PostgreSQL database."""

from storage.postgres.store import PostgresStore

__all__ = ["PostgresStore"]

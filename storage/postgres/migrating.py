"""The schema is brought up to date, by one process at a time, while others go on with the schema before."""

from collections.abc import Sequence

from hub.errors import StorageRefused
from storage.postgres.session import Session
from storage.queries import Migration

# Making an index takes as long as it takes.
MIGRATION_SECONDS = 3600.0
# Who is stopped in the middle must not keep the others from starting.
_BEGIN = """
    BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
    SET LOCAL idle_in_transaction_session_timeout = '10s';
    SET LOCAL lock_timeout = '30s';
    SET LOCAL tcp_keepalives_idle = 5;
    SET LOCAL tcp_keepalives_interval = 1;
    SET LOCAL tcp_keepalives_count = 3;
    SELECT pg_advisory_xact_lock(hashtextextended('hub migrations', 0));
    CREATE TABLE IF NOT EXISTS migrations (
        number integer PRIMARY KEY, oldest integer NOT NULL, applied_at timestamptz NOT NULL DEFAULT now()
    );
"""


async def migrate(session: Session, migrations: Sequence[Migration]) -> None:
    """Take the steps that are missing, in one transaction.

    Raises StorageRefused when a newer hub took one that this hub cannot go on with.
    """
    async with session.migrating("BEGIN"):
        if await _is_there(session) and not _missing(await _taken(session, migrations), migrations):
            return
    async with session.migrating(_BEGIN):
        taken = await _taken(session, migrations)
        for step in _missing(taken, migrations):
            await session.connection.execute(step.script)
            await session.write("note_step", number=step.number, oldest=step.oldest)


async def learn(session: Session) -> None:
    """Let PostgreSQL count what is there, if it never did: after a restore it would plan as for empty tables."""
    names = [row["name"] for row in await session.rows("unknown_tables")]
    if names:
        await session.connection.execute(f"ANALYZE {', '.join(names)}")


async def check(session: Session, migrations: Sequence[Migration]) -> None:
    """Raise StorageRefused unless this hub can go on with the schema as it is."""
    async with session.migrating("BEGIN"):
        if not await _is_there(session):
            raise StorageRefused("the database has no schema yet: run hub migrate, or set storage.migrate = true")
        taken = await _taken(session, migrations)
    if missing := _missing(taken, migrations):
        raise StorageRefused(f"the database misses step {missing[0].number} of the schema: run hub migrate")


async def _is_there(session: Session) -> bool:
    return await session.connection.fetchval("SELECT to_regclass('migrations')") is not None


def _missing(taken: set[int], migrations: Sequence[Migration]) -> list[Migration]:
    return [step for step in migrations if step.number not in taken]


async def _taken(session: Session, migrations: Sequence[Migration]) -> set[int]:
    newest = migrations[-1].number
    rows = await session.rows("schema")
    for row in rows:
        if row["oldest"] > newest:
            raise StorageRefused(
                f"the database has schema {row['number']}, which serves hubs that know step {row['oldest']}; "
                f"this one knows up to {newest}: run a newer hub"
            )
    return {row["number"] for row in rows}

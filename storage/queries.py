"""The SQL of a store, read from its folder under `sql/`: queries by name, migrations by number."""

import re
from collections.abc import Mapping
from pathlib import Path

import msgspec

_FOLDER = Path(__file__).parent / "sql"
_OLDEST = re.compile(r"-- oldest: (\d+)\n")
_HEADING = re.compile(r"^-- ([a-z_]+): .+\n", re.MULTILINE)


class Migration(msgspec.Struct, frozen=True):
    """One step from an older schema to the next."""

    number: int
    script: str
    # The newest step that a hub has to know to go on with this schema; its own, unless the script says less.
    oldest: int


def load_queries(dialect: str) -> Mapping[str, str]:
    """Return the queries of `<dialect>/queries.sql`; each has a line `-- name: what it does.` above it."""
    text = (_FOLDER / dialect / "queries.sql").read_text("utf-8")
    _, *pieces = _HEADING.split(text)
    return dict(zip(pieces[::2], (query.strip() for query in pieces[1::2]), strict=True))


def load_migrations(dialect: str) -> tuple[Migration, ...]:
    """Return the migrations of a dialect in order; their files are called `<four digits>_<what for>.sql`."""
    files = sorted((_FOLDER / dialect).glob("[0-9][0-9][0-9][0-9]_*.sql"))
    return tuple(_migration(int(file.name[:4]), file.read_text("utf-8")) for file in files)


def _migration(number: int, script: str) -> Migration:
    """A script whose first line is `-- oldest: 3` leaves the schema usable for hubs that know steps up to 3."""
    oldest = _OLDEST.match(script)
    return Migration(number, script, int(oldest[1]) if oldest else number)

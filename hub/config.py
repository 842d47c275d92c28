"""config.toml and the environment, read once into frozen settings, or refused with file, key and expectation."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from hub.config_rules import check_together, expectation, offences, refusal, shown
from hub.config_values import Place, Text, from_variable, origin, read, substitute, variables_in
from hub.errors import ConfigRefused
from hub.settings import Settings, Source

SHIPPED = Path(__file__).parent.parent / "config.toml"

SECTIONS: Mapping[str, type[msgspec.Struct]] = {
    field.name: Source if field.name == "sources" else field.type
    for field in msgspec.structs.fields(Settings)
    if field.name not in ("off", "made")
}
_OVERRIDE = re.compile(r"HUB_(?P<address>.*)__(?P<key>.*)", re.DOTALL)


class _Table(msgspec.Struct, frozen=True, kw_only=True):
    """One table of a file: `sources.livekit` is the label of a table of the section `sources`."""

    section: str
    label: str
    file: str
    entries: Mapping[str, object]

    @property
    def address(self) -> str:
        """How variables name this table: in any case, `__` for a dot, `_` for a hyphen."""
        return self.label.replace(".", "__").replace("-", "_")

    def place(self, key: str) -> Place:
        """Say where the value of `key` stands."""
        return Place(file=self.file, key=f"{self.label}.{key}", rule=f"{self.section}.{key}")


class _Reading(msgspec.Struct, frozen=True):
    """A value as its key wants it, with the file or the variables that it came from."""

    value: object
    origin: str


def load(path: str | None, environ: Mapping[str, str], shipped: Path | None = None) -> Settings:
    """Read the settings from a file and the environment.

    The file is `path`, else HUB_CONFIG, else `config.toml` in the working directory, else the shipped one. What the
    file does not say is taken from the shipped one, key by key; of sources, all or none. `HUB_SECTION__KEY` overrides
    any key.
    Raises ConfigRefused, naming file or variable, key and expectation, and never the value of a secret.
    """
    standard = shipped or SHIPPED
    chosen = _chosen(path or environ.get("HUB_CONFIG"), standard)
    tables = _overridden(list(_tables(chosen, standard, environ)), environ)
    readings = [(table, _readings(table, environ)) for table in tables]
    settings = _with_homes(msgspec.convert(_plain(readings), Settings))
    files = {table.section: table.file for table in tables}
    origins = {table.place(key).key: reading.origin for table, entries in readings for key, reading in entries.items()}
    check_together(settings, lambda key: origins.get(key, files[key.partition(".")[0]]))
    return settings


def variables(path: str | None, environ: Mapping[str, str], shipped: Path | None = None) -> dict[str, tuple[str, ...]]:
    """Return the environment variables that the files read each key from, where they name some.

    Raises ConfigRefused, as `load` does.
    """
    standard = shipped or SHIPPED
    tables = _tables(_chosen(path or environ.get("HUB_CONFIG"), standard), standard, environ)
    entries = ((table.place(key), value) for table in tables for key, value in table.entries.items())
    named = {place.key: variables_in(substitute(value, place, environ)) for place, value in entries}
    return {key: names for key, names in named.items() if names}


def _with_homes(settings: Settings) -> Settings:
    """Let all sources of one account call a durable room the same, whichever path its webhooks take."""
    first: dict[str, str] = {}
    for source in settings.sources:
        first.setdefault(source.scope, source.called_after)
    homes = (msgspec.structs.replace(source, home=source.home or first[source.scope]) for source in settings.sources)
    return msgspec.structs.replace(settings, sources=tuple(homes))


def _chosen(given: str | None, standard: Path) -> Path:
    local = Path("config.toml")
    if given:
        return Path(given)
    return local if local.is_file() else standard


def _tables(chosen: Path, standard: Path, environ: Mapping[str, str]) -> Iterator[_Table]:
    """Yield every table of every section, empty where neither file has it: a variable may still fill it."""
    shipped, own = _sections(standard), _sections(chosen)
    for section in SECTIONS:
        file, content = (shipped | own).get(section, (str(chosen), [] if section == "sources" else {}))
        if section == "sources":
            yield from _sources(file, content, environ)
        elif isinstance(content, dict):
            inherited = _inherited(section, shipped, environ)
            yield _Table(section=section, label=section, file=file, entries=inherited | content)
        else:
            raise refusal(file, section, "a table", shown(section, content))


def _inherited(
    section: str, shipped: Mapping[str, tuple[str, object]], environ: Mapping[str, str]
) -> dict[str, object]:
    """Return the shipped entries of a table, so that a file that changes one key of it keeps the others."""
    file, entries = shipped.get(section, ("", {}))
    if not isinstance(entries, dict):
        return {}
    return {
        key: substitute(written, Place(file=file, key=f"{section}.{key}", rule=f"{section}.{key}"), environ)
        for key, written in entries.items()
    }


def _sections(file: Path) -> dict[str, tuple[str, object]]:
    document = _parsed(file)
    for section in document:
        if section not in SECTIONS:
            raise refusal(str(file), section, f"one of the tables {', '.join(SECTIONS)}", "an unknown one")
    return {section: (str(file), content) for section, content in document.items()}


def _parsed(file: Path) -> dict[str, object]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except OSError as problem:
        raise ConfigRefused(f"{file}: expected a file that can be read, got: {problem.strerror}") from problem
    except UnicodeDecodeError:
        raise ConfigRefused(f"{file}: expected UTF-8 text, got other bytes") from None
    except tomllib.TOMLDecodeError as problem:
        raise ConfigRefused(f"{file}: expected TOML, got: {problem}") from problem


def _sources(file: str, content: object, environ: Mapping[str, str]) -> Iterator[_Table]:
    if not isinstance(content, list) or not all(isinstance(entries, dict) for entries in content):
        raise refusal(file, "sources", "tables that each begin with [[sources]]", shown("sources", content))
    for place, entries in enumerate(content):
        label = _source_label(entries, Place(file=file, key=f"sources[{place}]", rule="sources.name"), environ)
        yield _Table(section="sources", label=label, file=file, entries=entries)


def _source_label(entries: Mapping[str, object], place: Place, environ: Mapping[str, str]) -> str:
    """Name a source by its name, if it has one that may be shown and addressed; reading it will refuse it otherwise."""
    name = substitute(entries.get("name"), place, environ)
    if not isinstance(name, Text) or any(offences(place.rule, name.value)):
        return place.key
    return f"sources.{name.value}"


def _overridden(tables: list[_Table], environ: Mapping[str, str]) -> list[_Table]:
    addresses = {table.address for table in tables}
    for variable in sorted(environ):
        parts = _OVERRIDE.fullmatch(variable)
        if not parts:
            continue
        address, key = parts["address"].lower(), parts["key"].lower()
        if address not in addresses:
            known = ", ".join(table.label for table in tables)
            raise refusal(variable, f"{address}.{key}", f"a key of one of {known}", "another table")
        tables = [
            _with_entry(table, key, variable, environ[variable]) if table.address == address else table
            for table in tables
        ]
    return tables


def _with_entry(table: _Table, key: str, variable: str, value: str) -> _Table:
    text = from_variable(variable, value, table.place(key))
    return msgspec.structs.replace(table, entries={**table.entries, key: text})


def _readings(table: _Table, environ: Mapping[str, str]) -> dict[str, _Reading]:
    fields = {field.name: field for field in msgspec.structs.fields(SECTIONS[table.section])}
    for key, field in fields.items():
        place = table.place(key)
        if field.required and key not in table.entries:
            raise refusal(place.file, place.key, expectation(place.rule, "a value"), "nothing")
    readings = {}
    for key, written in table.entries.items():
        place = table.place(key)
        if key not in fields:
            raise refusal(origin(written, place), place.key, f"one of {', '.join(fields)}", "an unknown key")
        substituted = substitute(written, place, environ)
        value = read(substituted, fields[key].type, place)
        readings[key] = _Reading(value, origin(substituted, place))
    return readings


def _plain(readings: list[tuple[_Table, dict[str, _Reading]]]) -> dict[str, object]:
    sources: list[object] = []
    sections: dict[str, object] = {"sources": sources}
    for table, entries in readings:
        values = {key: reading.value for key, reading in entries.items()}
        if table.section == "sources":
            sources.append(values)
        else:
            sections[table.section] = values
    return sections

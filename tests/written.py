"""What documentation says that follows from code: `make docs` writes it between its marks, and a test compares it."""

import asyncio
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import msgspec
from prometheus_client.parser import text_string_to_metric_families

from handlers.described.openapi import operations
from handlers.described.operation import Operation
from hub.config import SECTIONS, load
from hub.config_rules import PROOFS, expectation
from hub.config_values import IN_WORDS
from hub.settings import Source
from tests.unit.handlers.test_metrics import meter

ROOT = Path(__file__).parents[1]
_COMMENT = re.compile(r"# ?(.*)")
_KEY = re.compile(r"([a-z_]+) = ")
_TYPES = {bool: "true or false"}


def blocks() -> dict[tuple[str, str], Callable[[], str]]:
    """Return what is written where, by file and mark."""
    return {
        ("docs/api.md", "operations"): operations_written,
        ("docs/configuration.md", "keys"): keys_written,
        ("docs/metrics.md", "metrics"): metrics_written,
    }


def read(file: str, mark: str) -> str:
    """Return what a file says between marks."""
    found = _between(mark).search((ROOT / file).read_text())
    assert found, f"{file} has no marks for {mark}"
    return found[1].strip()


def operations_written() -> str:
    """Return every operation of the API, in groups."""
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for way, operation in operations(load(None, {}).sources).items():
        groups[operation.group].append(_operation_written(way, operation))
    head = "| | scope | parameters | |\n|---|---|---|---|"
    return "\n\n".join("\n".join([f"## {group}\n", head, *rows]) for group, rows in groups.items())


def keys_written() -> str:
    """Return every key of the configuration, section by section, with what the shipped file says of it."""
    shipped = _Shipped.read()
    return "\n\n".join(_section_written(section, struct, shipped) for section, struct in SECTIONS.items())


def metrics_written() -> str:
    """Return every metric with its type, labels and help."""
    rows = [
        f"| `{name}` | {kind} | {', '.join(f'`{label}`' for label in labels)} | {text} |"
        for name, kind, labels, text in metrics()
    ]
    return "\n".join(["| name | type | labels | |", "|---|---|---|---|", *rows])


def metrics() -> list[tuple[str, str, list[str], str]]:
    """Return every metric of the hub's own, as Prometheus calls it: name, type, labels and help."""
    return [
        (
            family.name + ("_total" if family.type == "counter" else ""),
            family.type,
            sorted({label for sample in family.samples for label in sample.labels} - {"le"}),
            family.documentation,
        )
        for family in text_string_to_metric_families(asyncio.run(_metrics_text()))
        if family.name.startswith("hub_")
    ]


async def _metrics_text() -> str:
    async with meter(sources=("livekit",)) as process:
        return process.counted.text().decode()


def _operation_written(way: str, operation: Operation) -> str:
    parameters = ", ".join(f"`{one.name}`" for one in operation.parameters)
    asked = [name for shape in operation.body.values() for name in _fields(shape)]
    body = f"body: {', '.join(f'`{name}`' for name in asked)}" if asked else ""
    given = "; ".join(filter(None, (parameters, body)))
    return f"| `{way}` | {operation.scope or '–'} | {given} | {operation.summary} |"


def _fields(shape: object) -> list[str]:
    return [] if isinstance(shape, dict) else [field.name for field in msgspec.structs.fields(shape)]


def _section_written(section: str, struct: type[msgspec.Struct], shipped: "_Shipped") -> str:
    is_source = struct is Source
    title = f"## [[{section}]]" if is_source else f"## [{section}]"
    columns = ["key", *(["of"] if is_source else []), "value", "shipped", ""]
    rows = [columns, ["---"] * len(columns)]
    rows += [_key_written(section, field, shipped, is_source) for field in msgspec.structs.fields(struct)]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return "\n\n".join(part for part in (title, shipped.sections.get(section, ""), table) if part)


def _key_written(section: str, field: msgspec.structs.FieldInfo, shipped: "_Shipped", is_source: bool) -> list[str]:
    value = expectation(f"{section}.{field.name}", _TYPES.get(field.type) or IN_WORDS[field.type])
    variable = f"HUB_{section}__{'<NAME>__' if is_source else ''}{field.name}".upper()
    whose = [provider for provider, proofs in PROOFS.items() if field.name in proofs]
    places = shipped.keys[section, field.name]
    values = "<br>".join(f"`{_cell(one)}`" for one in dict.fromkeys(place.value for place in places))
    name = f"`{field.name}`<br>`{variable}`"
    return [name, *([", ".join(whose) or "all"] if is_source else []), _cell(value), values, _cell(_said(places))]


def _said(places: Sequence["_Place"]) -> str:
    """Return what is said of a key; where several sources say something of it, whose."""
    said = [place for place in places if place.comment]
    return " ".join(f"{place.provider}: {place.comment}" if len(said) > 1 else place.comment for place in said)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where the shipped file has a key: of which provider, as what, and with which words above it."""

    provider: str
    value: str
    comment: str


@dataclass(frozen=True, slots=True)
class _Shipped:
    """What the shipped file says of sections and keys."""

    sections: dict[str, str]
    keys: defaultdict[tuple[str, str], list[_Place]]

    @classmethod
    def read(cls) -> Self:
        shipped, section, provider, comment = cls({}, defaultdict(list)), "", "", list[str]()
        for line in (ROOT / "config.toml").read_text().splitlines():
            if found := _COMMENT.fullmatch(line):
                comment.append(found[1])
                continue
            said, comment = " ".join(comment), []
            if line.startswith("["):
                section, provider = line.strip("[]"), ""
                shipped.sections.setdefault(section, said)
            elif found := _KEY.match(line):
                value = line.partition(" = ")[2]
                provider = value.strip('"') if found[1] == "provider" else provider
                shipped.keys[section, found[1]].append(_Place(provider=provider, value=value, comment=said))
        return shipped


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def write() -> None:
    """Bring every file up to date."""
    for (file, mark), written in blocks().items():
        path = ROOT / file
        whole = path.read_text()
        found = _between(mark).search(whole)
        assert found, f"{file} has no marks for {mark}"
        path.write_text(f"{whole[: found.start(1)]}\n\n{written()}\n\n{whole[found.end(1) :]}")


def _between(mark: str) -> re.Pattern[str]:
    return re.compile(rf"<!-- {mark}: make docs -->(.*)<!-- /{mark} -->", re.DOTALL)


if __name__ == "__main__":
    write()

"""What documentation says that follows from code: `make docs` writes it between its marks, and a test compares it."""

import asyncio
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
from prometheus_client.parser import text_string_to_metric_families

from handlers.described.openapi import operations
from handlers.described.operation import Operation
from hub.config import SECTIONS, load
from hub.config_rules import expectation
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
    said = dict(_said_of_keys())
    sections = []
    for section, struct in SECTIONS.items():
        named = f"[[{section}]]" if struct is Source else f"[{section}]"
        rows = [_key_written(section, field, said) for field in msgspec.structs.fields(struct)]
        sections.append("\n".join([f"## {named}\n", "| key | value | shipped | |", "|---|---|---|---|", *rows]))
    return "\n\n".join(sections)


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
    return f"| `{way}` | {operation.scope or '–'} | {parameters or body} | {operation.summary} |"


def _fields(shape: object) -> list[str]:
    return [] if isinstance(shape, dict) else [field.name for field in msgspec.structs.fields(shape)]


def _key_written(section: str, field: msgspec.structs.FieldInfo, said: dict[tuple[str, str], tuple[str, str]]) -> str:
    shipped, comment = said[section, field.name]
    value = expectation(f"{section}.{field.name}", _TYPES.get(field.type) or IN_WORDS[field.type])
    variable = f"HUB_{section}__{'<NAME>__' if section == 'sources' else ''}{field.name}".upper()
    return f"| `{field.name}`<br>`{variable}` | {_cell(value)} | `{_cell(shipped)}` | {_cell(comment)} |"


def _said_of_keys() -> Iterator[tuple[tuple[str, str], tuple[str, str]]]:
    """Yield section and key, with the value in the shipped file and the comment above it, else above the section."""
    section, about, comment, seen = "", "", list[str](), set()
    for line in (ROOT / "config.toml").read_text().splitlines():
        if line.startswith("["):
            section, about, comment = line.strip("[]"), " ".join(comment), []
        elif found := _COMMENT.fullmatch(line):
            comment.append(found[1])
        elif found := _KEY.match(line):
            if (section, found[1]) not in seen:
                yield (section, found[1]), (line.partition(" = ")[2], " ".join(comment) or about)
            seen.add((section, found[1]))
            comment = []
        else:
            comment = []


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

"""Documentation says what the code does: all of it, and nothing that is not there."""

import ast
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from handlers.described.openapi import operations
from handlers.providers.registry import PROVIDERS
from hub.config import load
from hub.events import Kind
from tests.written import ROOT, blocks, metrics, read

_ROW = re.compile(r"\| `([^`]+)` \|(.*)\|")
_LINK = re.compile(r"\]\(([^)#\s]+)(#[^)]*)?\)")
NOW = 1_773_151_300_123
_LEVELS = {"exception": "error"}
_DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("bench/*.md")])


@pytest.mark.parametrize(("file", "mark"), blocks())
def test_what_follows_from_the_code_is_as_it_follows(file: str, mark: str) -> None:
    """`make docs` writes it: operations with scopes and parameters, keys with values, metrics with labels."""
    assert read(file, mark) == blocks()[file, mark](), "run `make docs`"


def test_every_key_of_the_configuration_is_explained_in_words_of_its_own() -> None:
    """The words are those above the key in config.toml; a section's would say of two keys the same."""
    said = [row[-1] for row in _keys()]
    assert len(said) > 50
    assert [words for words in said if not words or said.count(words) > 1] == []


def test_of_a_secret_it_is_said_whose_it_is_and_every_value_that_is_shipped() -> None:
    """Whoever looks for Pulse's secret finds it, also where 100ms has a key of the same name."""
    (row,) = (row for row in _keys() if row[0].startswith("`signing_secrets`"))
    _, whose, _, shipped, said = row
    assert whose == "100ms, pulse"
    assert re.findall(r"\{(\w+)", shipped) == ["HMS_WEBHOOK_SECRET", "PULSE_WEBHOOK_SECRET", "WEBHOOK_SECRET"]
    assert re.search("100ms: .*x-100ms-signature.* pulse: .*X-Pulse-Signature", said)


def test_of_an_operation_with_parameters_and_a_body_both_are_shown() -> None:
    """A launch is its body; that it takes an `Idempotency-Key` besides must not hide that."""
    (row,) = (line for line in read("docs/api.md", "operations").splitlines() if "`POST /api/bots`" in line)
    assert all(f"`{name}`" in row for name in ("Idempotency-Key", "meeting_url", "bot_name", "extra"))


def test_every_kind_of_event_is_explained_once() -> None:
    """Nobody reads the code to know what a word means."""
    assert sorted(rows("docs/events.md")) == sorted(Kind)


def test_every_line_of_the_log_is_explained_with_its_level_and_fields() -> None:
    """Somebody reads them at night."""
    documented = {}
    for name, cells in rows("docs/logs.md").items():
        level, fields, _ = (cell.strip() for cell in cells.split("|"))
        documented[name] = (level, frozenset(re.findall(r"`(\w+)`", fields)))
    assert documented == dict(logged())


def test_alarms_are_about_metrics_that_are_there() -> None:
    """One on a number that nobody counts never fires."""
    text = (ROOT / "docs/metrics.md").read_text()
    names = {name for name, *_ in metrics()}
    asked = set(re.findall(r"hub_[a-z_]+", text.partition("## Alarms")[2]))
    assert {name.removesuffix("_bucket") for name in asked} <= names
    labels = {name: set(known) | {"le"} for name, _, known, _ in metrics()}
    for name, said in re.findall(r"(hub_[a-z_]+)\{([^}]*)\}", text):
        assert set(re.findall(r"(\w+)=", said)) <= labels[name.removesuffix("_bucket")], name


def test_alarms_on_gauges_hold_where_workers_share_a_port() -> None:
    """Every scrape may show another worker: a value of now is gone with the next one, and `for` begins anew."""
    gauges = {name for name, kind, *_ in metrics() if kind == "gauge"}
    table = (ROOT / "docs/metrics.md").read_text().partition("## Alarms")[2]
    alarms = re.findall(r"^\| (.+?) \| ", table, re.MULTILINE)
    on_gauges = [alarm for alarm in alarms if gauges & set(re.findall(r"hub_[a-z_]+", alarm))]
    assert len(on_gauges) >= 6
    # What tells processes apart by their gauges is of no use behind one port.
    asked = [alarm for alarm in on_gauges if "min(hub_log_position)" not in alarm]
    assert [alarm for alarm in asked if not re.search(r"without \(worker\) \((min|max)_over_time\(", alarm)] == []


@pytest.mark.parametrize("document", _DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    """A page that was moved takes those with it that speak of it."""
    links = {link for link, _ in _LINK.findall(document.read_text()) if "://" not in link}
    assert {link for link in links if not (document.parent / link).exists()} == set()


@pytest.mark.parametrize("document", _DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_can_be_pasted_where_they_stand(document: Path) -> None:
    """Whoever begins at this page has set nothing yet: curl says nothing of a variable that is missing."""
    text = document.read_text()
    for name in ("HUB", "HUB_API_KEY", "KEY"):
        used = re.search(rf"\${name}\b", text)
        assert not used or re.search(rf"\b{name}=", text[: used.start()]), name


def test_operations_that_documentation_speaks_of_are_there() -> None:
    """In examples and in passing, too."""
    # Of an example an id is one, too.
    ways = {re.sub(r"\{\w+\}", "{}", way.partition(" ")[2]) for way in operations(load(None, {}).sources)}
    said: defaultdict[str, set[str]] = defaultdict(set)
    for document in _DOCUMENTS:
        for path in re.findall(r"`(?:GET|POST|PUT|PATCH|DELETE) (/[^`\s?]*)`", document.read_text()):
            said[re.sub(r"\{[^}]*\}|<[^>]*>|(?<=/)q?\d+\b", "{}", path)].add(document.name)
    ours = {path: names for path, names in said.items() if path.startswith("/api/") and path != "/api/{}"}
    assert {path: names for path, names in ours.items() if path not in ways} == {}


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_page_of_a_provider_says_what_each_of_its_events_becomes(provider: str) -> None:
    """Somebody knows the name in the provider's dashboard, and looks for the kind to wait for."""
    page = (ROOT / "docs/providers" / f"{provider}.md").read_text().partition("## What each event becomes\n")[2]
    source = next(source for source in load(None, {}).sources if source.provider == provider)
    table = [line.strip("|").rsplit("|", 1) for line in page.partition("\n## ")[0].splitlines() if line[:1] == "|"]
    told = [(names, set(re.findall(r"`([^`]+)`", kinds))) for names, kinds in table]
    unsaid = []
    for name, sample in PROVIDERS[provider].samples(NOW).items():
        spoken = PROVIDERS[provider].translate(source, sample.payload, NOW)
        rows = [kinds for names, kinds in told if _names(names, spoken.provider_type, sample.payload)]
        unsaid += [(name, fact.kind) for fact in spoken.facts if not any(fact.kind in kinds for kinds in rows)]
    assert unsaid == []


def test_what_goes_wrong_looks_as_the_pages_of_providers_say() -> None:
    """Somebody searches for the words that a dashboard shows."""
    code = "\n".join(file.read_text() for file in sorted((ROOT / "handlers" / "providers").glob("*.py")))
    pages = "\n".join(page.read_text() for page in sorted((ROOT / "docs" / "providers").glob("*.md")))
    quoted = [words.removeprefix("X-100ms-Key") for words in re.findall(r"\| `401`, `([^`]+)`", pages)]
    assert len(quoted) >= 8
    assert [words for words in quoted if words not in code] == []


def _names(cell: str, event: str, payload: dict[str, object]) -> bool:
    """Whether a cell names an event, or the code of a status, whole or by its beginning."""
    words = {event, *re.findall(r'"(?:code|status)": "(\w+)"', json.dumps(payload))}
    known = re.findall(r"`([^`]+)`", cell)
    return any(word == name or (name[-1] == "…" and word.startswith(name[:-1])) for word in words for name in known)


def _keys() -> list[list[str]]:
    """Return the rows of the configuration's tables, cell by cell."""
    lines = read("docs/configuration.md", "keys").splitlines()
    return [line.removeprefix("| ").removesuffix(" |").split(" | ") for line in lines if "<br>`HUB_" in line]


def rows(file: str) -> dict[str, str]:
    """Return the rows of a page's tables by their first cell; fail when one is there twice."""
    found: dict[str, str] = {}
    for line in (ROOT / file).read_text().splitlines():
        if row := _ROW.fullmatch(line):
            assert row[1] not in found, row[1]
            found[row[1]] = row[2]
    return found


def logged() -> Iterator[tuple[str, tuple[str, frozenset[str]]]]:
    """Yield every event that the code logs, with its level and all fields that it is ever logged with."""
    levels: dict[str, str] = {}
    fields: defaultdict[str, set[str]] = defaultdict(set)
    for call in _calls():
        method, event = call.func.attr, call.args[0].value  # type: ignore[attr-defined]  # as `_calls` finds them
        named = {keyword.arg or "**" for keyword in call.keywords}
        levels[event] = _LEVELS.get(method, method)
        fields[event] |= named - {"exc_info"}
        if method == "exception" or "exc_info" in named:
            fields[event] |= {"failure", "at"}
    return ((event, (level, frozenset(fields[event]))) for event, level in levels.items())


def _calls() -> Iterator[ast.Call]:
    for folder in ("hub", "handlers", "storage"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                    owner = node.func.value
                    if isinstance(owner, ast.Name) and owner.id == "log":
                        yield node

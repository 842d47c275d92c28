"""What a batch has to see, asked for in one statement and sorted out from its one answer."""

from collections.abc import Iterable, Mapping, Sequence

import asyncpg
import msgspec

from hub.ports import Known, Loaded, Needs


class Place(msgspec.Struct, frozen=True):
    """The log's name, and whether the database is still the one that it was given in."""

    epoch: str
    is_restored: bool


def asked(needs: Needs) -> dict[str, object]:
    """Return what a batch needs as the values of `load`."""
    scopes, keys = columns(needs.keys, 2)
    homed, told = columns(needs.homed, 2)
    durables, depths = columns(needs.durables, 2)
    timed, times = columns(needs.times, 2)
    item_subjects, item_parts = columns(needs.items, 2)
    return {
        "scopes": scopes,
        "keys": keys,
        "homed": homed,
        "told": told,
        "durables": durables,
        "depths": depths,
        "timed": timed,
        "times": times,
        "item_subjects": item_subjects,
        "item_parts": item_parts,
        "subjects": list(needs.subjects),
        "captures": list(needs.captures),
        "counted": list(needs.counted),
        "redriven": list(needs.redriven),
    }


def place_of(rows: Iterable[asyncpg.Record]) -> Place:
    """Return where the log is, of an answer to `load`."""
    place = next(row for row in rows if row["what"] == "place")
    return Place(place["a"], is_restored=place["b"] != place["c"])


def loaded_of(rows: Iterable[asyncpg.Record]) -> Loaded:
    """Return what an answer to `load` says."""
    found: dict[str, list[asyncpg.Record]] = {}
    for row in rows:
        found.setdefault(row["what"], []).append(row)
    (place,) = found["place"]
    siblings: dict[str, dict[str, bytes]] = {row["a"]: {} for row in found.get("shared", ())}
    for row in found.get("sibling", ()):
        siblings[row["a"]][row["b"]] = row["body"]
    segments: dict[str, dict[str, int]] = {}
    for row in found.get("segments", ()):
        segments.setdefault(row["a"], {})[row["b"]] = row["n"]
    return Loaded(
        head=place["n"],
        last_delivery=place["m"],
        known={(row["a"], row["b"]): Known(row["n"], row["m"], row["k"]) for row in found.get("known", ())},
        states=_parts(found, "state"),
        items=_parts(found, "item"),
        segments=segments,
        siblings=siblings,
        dead=frozenset(row["n"] for row in found.get("dead", ())),
    )


def columns(rows: Iterable[tuple[object, ...]], width: int) -> list[list[object]]:
    """Turn rows into columns, also when there are no rows."""
    columns: list[list[object]] = [[] for _ in range(width)]
    for row in rows:
        for column, value in zip(columns, row, strict=True):
            column.append(value)
    return columns


def _parts(found: Mapping[str, Sequence[asyncpg.Record]], what: str) -> dict[tuple[str, str], bytes]:
    return {(row["a"], row["b"]): row["body"] for row in found.get(what, ())}

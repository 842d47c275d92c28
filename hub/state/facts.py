"""A set of facts that merges in any order and any repetition to the same set.

Everything the hub knows of a bot, a room, a participant or a recording is one `Facts`: named cells of
two sorts. Of two values for one name, `first` keeps the one with the earlier time, `latest` the one
with the later time; equal times are settled by the delivery's key, equal keys by the value. Taking the
smaller (or larger) of two is commutative, associative and idempotent, so the whole is too, and no
derived document can depend on arrival. A thing that may happen several times (a join) has its time
in its name, which makes `first` a set of such things.

If you change this file, keep two rules: nothing is ever removed or counted up, and no cell's value
may depend on what was there before.

These values, and what is derived of them, are told to the garbage collector to be without cycles (`gc=False`): the hub
keeps tens of thousands, and walking over them took a tenth of folding.
"""

import msgspec

# A place in the order of facts: the time, then the delivery's key.
Moment = tuple[int, str]
BEGINNING: Moment = (0, "")

Value = str | int | float | bool | tuple[str, ...] | None


class Cell(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One value, with the time and the delivery that stated it."""

    time: int
    key: str
    value: Value = None


class Facts(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What is known of one thing. Treat the dicts as immutable."""

    first: dict[str, Cell] = {}
    latest: dict[str, Cell] = {}

    def told(self, name: str) -> Value:
        """Return the latest value of `name`, None when there is none."""
        cell = self.latest.get(name)
        return cell.value if cell else None

    def text(self, name: str) -> str:
        """Return the latest value of `name` if it is text, else the empty text."""
        value = self.told(name)
        return value if isinstance(value, str) else ""

    def whole(self, name: str) -> int | None:
        """Return the latest value of `name` if it is an integer, else None."""
        value = self.told(name)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def texts(self, name: str) -> tuple[str, ...]:
        """Return the latest value of `name` if it is a tuple of texts, else an empty one."""
        value = self.told(name)
        return value if isinstance(value, tuple) else ()

    def named(self, prefix: str) -> list[tuple[str, Cell]]:
        """Return the `first` cells whose names begin with `prefix`, by time, then key; the prefix is cut off."""
        cells = [(name[len(prefix) :], cell) for name, cell in self.first.items() if name.startswith(prefix)]
        if len(cells) > 1:
            cells.sort(key=lambda cell: (cell[1].time, cell[1].key, repr(cell[1].value), cell[0]))
        return cells


NOTHING = Facts()


def moment_of(cell: Cell) -> Moment:
    """Return a cell's place in the order of facts."""
    return cell.time, cell.key


def since(facts: Facts, moment: Moment) -> Facts:
    """Return what was stated at a moment or later."""
    if moment == BEGINNING:
        return facts
    return Facts(
        first={name: cell for name, cell in facts.first.items() if moment_of(cell) >= moment},
        latest={name: cell for name, cell in facts.latest.items() if moment_of(cell) >= moment},
    )


def merged(known: Facts, stated: Facts) -> Facts:
    """Return the union; the very object `known` when `stated` adds nothing to it."""
    first = {
        name: cell
        for name, cell in stated.first.items()
        if name not in known.first or _is_before(cell, known.first[name])
    }
    latest = {
        name: cell
        for name, cell in stated.latest.items()
        if name not in known.latest or _is_before(known.latest[name], cell)
    }
    if not first and not latest:
        return known
    return Facts(first=known.first | first, latest=known.latest | latest)


def is_news(known: Facts, after: Facts) -> bool:
    """Whether something happened that was not known: a new one among the things that have their time in their name.

    A repetition (another delivery's key, a refreshed link, an earlier first sign of life) is none.
    """
    return any("/" in name for name in after.first.keys() - known.first.keys())


def _is_before(one: Cell, other: Cell) -> bool:
    if one.time != other.time:
        return one.time < other.time
    return (one.key, repr(one.value)) < (other.key, repr(other.value))

"""How far what a hub shows agrees with what is true."""

from collections import Counter
from collections.abc import Iterable
from fractions import Fraction
from itertools import zip_longest

from hub.commands.expected import User
from hub.commands.shown import Document


class Comparison:
    """What was compared so far: how many things of each sort agree, and where the hub and the truth differ."""

    def __init__(self) -> None:
        self.differences: list[str] = []
        self.notes: list[str] = []
        self._agreeing: Counter[str] = Counter()
        self._all: Counter[str] = Counter()
        self._minutes = Fraction(0), Fraction(0)

    def judge(self, sort: str, about: str, shown: Document | None, true: Document) -> None:
        """Compare what is shown of something, as far as its truth goes; None: it is not there at all."""
        self._all[sort] += 1
        if shown is None:
            self.differences.append(f"{sort} {about}: is not there")
            return
        wrong = [name for name, value in true.items() if shown.get(name) != value]
        self._agreeing[sort] += not wrong
        self.differences += [
            f"{sort} {about}: {name} is {shown.get(name)!r}, in truth {true[name]!r}" for name in wrong
        ]

    def judge_users(self, about: str, shown: Iterable[Document], true: Counter[User]) -> None:
        """Compare everybody's attendance, in whatever order."""
        seen = Counter(_user(line) for line in shown)
        self._all["users"] += true.total()
        self._agreeing["users"] += (true & seen).total()
        missing, surplus = (sorted(lines.elements(), key=repr) for lines in (true - seen, seen - true))
        self.differences += [
            f"users of {about}: {one!r} is shown, in truth {other!r}" for one, other in zip_longest(surplus, missing)
        ]

    def count_minutes(self, shown: object, true: object) -> None:
        """Add up participant minutes, as they are shown and as they should be."""
        self._minutes = self._minutes[0] + fraction(shown), self._minutes[1] + fraction(true)

    def lines(self) -> list[str]:
        """Return the comparison in sentences: every difference first, then how much agrees."""
        shown, true = (float(round(minutes, 2)) for minutes in self._minutes)
        counts = [f"{self._agreeing[sort]} of {self._all[sort]} {sort}" for sort in self._all]
        summary = f"as in truth: {', '.join(counts)}; {shown:.2f} participant minutes, in truth {true:.2f}"
        return [*self.differences, *self.notes, summary]


def to_the_last_place(shown: object, exact: Fraction, places: int) -> object:
    """Return what should be shown: what is, if it is the exact figure rounded; of a tie either neighbour is right."""
    is_right = isinstance(shown, int | float) and abs(fraction(shown) - exact) <= Fraction(1, 2 * 10**places)
    return shown if is_right else float(round(exact, places))


def fraction(shown: object) -> Fraction:
    """Return a number as it is written, not the binary fraction that a float is; nothing counts as none."""
    return Fraction(str(shown)) if isinstance(shown, int | float) else Fraction(0)


def _user(line: Document) -> User:
    watched = line["watch_duration"]
    return User(
        identity=_text(line, "identity"),
        role=_text(line, "role"),
        joined_at=_text(line, "joined_at"),
        left_at=_text(line, "left_at"),
        watched_ms=round(watched * 1000) if isinstance(watched, int | float) else -1,
        visits=int(str(line["visits"])),
        expected=line["expected"] is True,
    )


def _text(line: Document, name: str) -> str | None:
    value = line[name]
    return None if value is None else str(value)

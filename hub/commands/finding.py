"""What looking at the set-up brings to light."""

import msgspec


class Finding(msgspec.Struct, frozen=True):
    """Something to know about the set-up: ok, note, warning or error."""

    level: str
    text: str

    def line(self) -> str:
        """Return it as a line for a terminal."""
        return f"{self.level:8} {self.text}"

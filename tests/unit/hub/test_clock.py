"""The time, as the hub writes it."""

import time

from hub.clock import now_ms


def test_it_is_in_milliseconds_since_1970() -> None:
    """Everything the hub keeps is."""
    before = int(time.time() * 1000)
    assert before <= now_ms() <= time.time() * 1000

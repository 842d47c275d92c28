"""The time, as the hub writes it."""

import time

from hub.clock import now_ms


def test_it_is_in_milliseconds_since_1970() -> None:
    """Everything the hub keeps is."""
    assert abs(now_ms() - time.time() * 1000) < 1000

"""What all tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes import HubProcess


@pytest.fixture
def hub_process(tmp_path: Path) -> Iterator[HubProcess]:
    """A running hub; whatever the test did to it, it is gone afterwards."""
    process = HubProcess(tmp_path)
    process.start()
    yield process
    process.kill()

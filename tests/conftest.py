"""What all tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.processes import HubProcess

# How long an example takes says something about the machine, not about the rule.
settings.register_profile("hub", deadline=None, print_blob=True)
settings.load_profile("hub")


@pytest.fixture
def hub_process(tmp_path: Path) -> Iterator[HubProcess]:
    """A running hub; whatever the test did to it, it is gone afterwards."""
    process = HubProcess(tmp_path)
    process.start()
    yield process
    process.kill()

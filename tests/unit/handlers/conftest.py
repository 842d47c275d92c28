"""What tests of handlers share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.handlers.office import Office, office


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Office]:
    """Return a hub that takes webhooks and questions."""
    async with office(tmp_path) as opened:
        yield opened

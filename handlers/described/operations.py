"""Every operation of the API by method and path: the one place that says what a route takes and answers.

Whoever adds a route adds an entry to one of these tables, and runs `make docs`; tests hold routes, entries and
docs/api.md together.
"""

from collections.abc import Mapping

from handlers.described.meetings import MEETINGS
from handlers.described.operation import Operation
from handlers.described.running import RUNNING

OPERATIONS: Mapping[str, Operation] = {**MEETINGS, **RUNNING}

"""What is asked for is described as it is taken."""

import msgspec

from handlers.described.orders import ScheduleChange, SchedulePlan
from handlers.schedules import FIELDS


def test_plans_are_described_with_the_fields_that_are_taken() -> None:
    """A field that is not described cannot be sent by a generated client."""
    for shape in (SchedulePlan, ScheduleChange):
        assert {field.name for field in msgspec.structs.fields(shape)} == set(FIELDS)

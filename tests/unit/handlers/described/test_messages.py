"""What is asked for is described as it is taken."""

import msgspec

from handlers.described.messages import Problem, ScheduleChange, SchedulePlan
from handlers.errors import problem_answer
from handlers.schedules import FIELDS


def test_plans_are_described_with_the_fields_that_are_taken() -> None:
    """A field that is not described cannot be sent by a generated client."""
    for shape in (SchedulePlan, ScheduleChange):
        assert {field.name for field in msgspec.structs.fields(shape)} == set(FIELDS)


def test_problems_are_described_with_all_their_members() -> None:
    """Also what only some of them say."""
    answer = problem_answer(400, "The body is not JSON", "why", {"delivery": "17"})
    assert isinstance(answer.body, bytes)
    assert msgspec.json.decode(answer.body, type=Problem).delivery == "17"
    assert set(msgspec.json.decode(answer.body)) == {field.name for field in msgspec.structs.fields(Problem)}

"""What is asked for is described as it is taken."""

import msgspec

from handlers.described.messages import Problem, Quoted, ScheduleChange, SchedulePlan
from handlers.errors import problem_answer, problem_response
from handlers.schedules import FIELDS
from hub.errors import AnswerLost


def test_plans_are_described_with_the_fields_that_are_taken() -> None:
    """A field that is not described cannot be sent by a generated client."""
    for shape in (SchedulePlan, ScheduleChange):
        assert {field.name for field in msgspec.structs.fields(shape)} == set(FIELDS)


def test_problems_are_described_with_all_their_members() -> None:
    """Also what only some of them say."""
    lost = AnswerLost("why", code="E1", said="quoted")
    lost.launch_id = "launch-1"
    answers = [problem_answer(400, "The body is not JSON", "why", {"delivery": "17"}), problem_response(lost)]
    said = [answer.body for answer in answers if isinstance(answer.body, bytes)]
    assert msgspec.json.decode(said[0], type=Problem).delivery == "17"
    assert msgspec.json.decode(said[1], type=Problem).provider == Quoted(code="E1", message="quoted")
    members = {name for one in said for name in msgspec.json.decode(one)}
    assert members == {field.name for field in msgspec.structs.fields(Problem)}

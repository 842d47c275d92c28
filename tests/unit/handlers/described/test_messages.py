"""What is answered besides documents is described as it is."""

import msgspec

from handlers.described.messages import Problem, Quoted
from handlers.errors import problem_answer, problem_response
from hub.errors import AnswerLost


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

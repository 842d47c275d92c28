"""The fan-out: whatever happens in whichever order, every viewer sees every event of its topics once and in order."""

import asyncio
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.wire import Form
from tests.unit.hub.viewing import NEVER
from tests.unit.hub.worlds import ENTITIES, WANTED, World

ANYBODY, NODE = st.integers(0, 3), st.integers(0, 1)
YES_OR_NO = st.booleans()
GATES = st.sampled_from(("reads", "answers"))


def step(name: str, *arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.tuples(st.just(name), *arguments)


COMMIT = step("commit", st.text("".join(ENTITIES), min_size=1, max_size=5), st.none() | NODE)
CONNECT = step("connect", ANYBODY, NODE, st.booleans(), st.sampled_from((0, 0, 200, 2000)), st.sampled_from((False, False, False, True)))
TURN = step("turn", st.integers(1, 12))
STEPS = st.one_of(
    COMMIT,
    COMMIT,
    COMMIT,
    CONNECT,
    CONNECT,
    CONNECT,
    TURN,
    TURN,
    TURN,
    step("hear", NODE, st.integers(1, 4)),
    step("poll", NODE),
    step("stall", ANYBODY),
    step("take", ANYBODY, YES_OR_NO),
    step("take", ANYBODY, st.just(True)),
    step("leave", ANYBODY, YES_OR_NO),
    step("forget", ANYBODY),
    step("wait", st.sampled_from((0.5, 2))),
    step("trim", st.integers(1, 6)),
    step("hold", GATES),
    step("release", GATES),
    step("fail"),
    step("mend"),
    step("restart", NODE),
    step("restore", st.integers(0, 20)),
)
VIEWERS = st.lists(
    st.tuples(st.integers(0, len(WANTED) - 1), st.sampled_from(tuple(Form))), min_size=1, max_size=4
)


class TestEveryViewer:
    """The promise that everything else serves."""

    @settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(
        viewers=VIEWERS,
        steps=st.lists(STEPS, max_size=50),
        heartbeat=st.sampled_from((0.0, NEVER)),
        tail=st.integers(1, 6),
        page_size=st.integers(1, 3),
    )
    def test_sees_everything_once_and_in_order_whatever_happens(
        self, viewers: list[tuple[int, Form]], steps: list[tuple[Any, ...]], heartbeat: float, tail: int, page_size: int
    ):
        """Through stalls, cuts, restarts, trimming, lost messages and restored backups, at any node."""

        async def live() -> None:
            await World(viewers, heartbeat=heartbeat, tail=tail, page_size=page_size).live(steps)

        asyncio.run(live())

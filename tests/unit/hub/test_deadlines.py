"""What is ahead of each viewer: everything at its time, in order, and nothing kept of who has left."""

import gc
import weakref

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from hub.deadlines import Deadline, Deadlines
from hub.desk import Grant
from hub.events import Position
from hub.subscriber import Subscriber
from tests.contracts.plain import Folding
from tests.memory_store import MemoryStore
from tests.unit.hub.viewing import NEVER, NOON, Clock, Hub, Link

NOW = NOON // 1000
HOUR = 3600
DAY = 24 * HOUR
ROOMS = frozenset({"rooms"})


class Watch:
    """Deadlines and the clock that they go by."""

    def __init__(self, max_age: float = NEVER, chance: float = 0.0) -> None:
        self.clock = Clock()
        hub = Hub(MemoryStore(Folding()), Position(epoch="epoch1", sequence=0), self.clock, max_age=max_age)
        self.desk = msgspec.structs.replace(hub.desk, chance=lambda: chance)
        self.deadlines = Deadlines(self.desk)

    def viewer(self, expires_at: int | None = None) -> Subscriber:
        viewer = Subscriber(self.desk, Link(), Grant(ROOMS, expires_at))
        self.deadlines.add(viewer)
        return viewer

    def pass_by(self, seconds: int, step: int = 1) -> list[tuple[int, Deadline]]:
        """Let time pass; return what was due, and after how many seconds."""
        met = []
        for passed in range(step, seconds + 1, step):
            self.clock.now = NOON + passed * 1000
            met += [(passed, deadline) for _, deadline in self.deadlines.due()]
        return met


def test_a_permission_brings_a_token_at_half_of_it_a_warning_and_its_end() -> None:
    """Each once."""
    watch = Watch()
    watch.viewer(NOW + 600)
    assert watch.pass_by(700) == [(300, Deadline.TOKEN), (540, Deadline.EXPIRING), (600, Deadline.EXPIRED)]


def test_a_permission_that_is_nearly_over_is_warned_of_at_once() -> None:
    """There is still time to bring another one."""
    watch = Watch()
    watch.viewer(NOW + 10)
    assert [deadline for _, deadline in watch.deadlines.due()] == [Deadline.EXPIRING]
    assert watch.pass_by(20) == [(5, Deadline.TOKEN), (10, Deadline.EXPIRED)]


def test_a_key_that_does_not_end_brings_tokens_for_ever() -> None:
    """The reconnect tokens made from it end after a day each."""
    watch = Watch()
    watch.viewer()
    assert watch.pass_by(3 * DAY, HOUR) == [(half * DAY // 2, Deadline.TOKEN) for half in range(1, 7)]


def test_a_connection_ends_by_itself() -> None:
    """After its age, or up to a fifth earlier."""
    for chance, age in ((0.0, 100), (0.5, 90), (1.0, 80)):
        watch = Watch(max_age=100, chance=chance)
        watch.viewer(NOW + HOUR)
        assert watch.pass_by(200) == [(age, Deadline.AGED)]


def test_another_permission_replaces_the_one_before_but_no_connection_gets_younger() -> None:
    """Else a client that renews its token would stay for ever where it is."""
    watch = Watch(max_age=1000)
    viewer = watch.viewer(NOW + 600)
    watch.pass_by(590)
    viewer.grant = viewer.grant.renewed(ROOMS, NOW + 2000)
    watch.deadlines.renew(viewer)
    watch.deadlines.renew(viewer)
    met = [(1000, Deadline.AGED), (1295, Deadline.TOKEN), (1940, Deadline.EXPIRING), (2000, Deadline.EXPIRED)]
    assert watch.pass_by(2500) == met


def test_who_has_left_is_not_kept_nor_met() -> None:
    """Ten thousand connections a day that last a second each must not be remembered until they would have ended."""
    watch = Watch()
    gone = []
    for place in range(2000):
        viewer = watch.viewer(NOW + 600 + place)
        gone.append(weakref.ref(viewer))
        watch.deadlines.drop(viewer)
    del viewer
    gc.collect()
    assert [one for one in gone if one() is not None] == []
    assert watch.pass_by(3000, 10) == []


def test_what_is_not_awaited_any_more_is_swept_out() -> None:
    """A client may renew its permission as often as it likes."""
    watch = Watch()
    viewer = watch.viewer(NOW + 600)
    for more in range(10_000):
        viewer.grant = viewer.grant.renewed(ROOMS, NOW + 600 + more)
        watch.deadlines.renew(viewer)
    assert len(watch.deadlines._order) < 100


@given(
    lives=st.lists(st.none() | st.integers(1, 300), min_size=1, max_size=8),
    steps=st.lists(st.integers(1, 100), max_size=30),
)
def test_nobody_is_met_early_or_forgotten(lives: list[int | None], steps: list[int]) -> None:
    """However seldom the clock is looked at."""
    watch = Watch(max_age=250)
    ends = {watch.viewer(None if life is None else NOW + life): min(life or 250, 250) for life in lives}
    met: dict[Subscriber, list[Deadline]] = {}
    for step in steps:
        watch.clock.advance(step)
        passed = watch.clock.now // 1000 - NOW
        for viewer, deadline in watch.deadlines.due():
            met.setdefault(viewer, []).append(deadline)
        over = {viewer for viewer, said in met.items() if {Deadline.EXPIRED, Deadline.AGED} & set(said)}
        assert over == {viewer for viewer, end in ends.items() if end <= passed}
    assert all(len(said) == len(set(said)) for said in met.values())

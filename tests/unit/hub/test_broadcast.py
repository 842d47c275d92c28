"""One write to each member of a group, the same object for all, and nothing for who has left."""

from collections.abc import Callable

import orjson

from hub.audience import Audience, Group
from hub.broadcast import Told, broadcast, same_for_all, told_of
from hub.desk import Grant
from hub.events import Event, Position
from hub.subscriber import Subscriber
from hub.wire import Encoder, Form, message
from tests.contracts.plain import Folding
from tests.memory_store import MemoryStore
from tests.unit.hub.viewing import Clock, Hub, Link

DESK = Hub(MemoryStore(Folding()), Position(epoch="epoch1", sequence=0), Clock()).desk
ROOMS = frozenset({"rooms"})
EVENTS = [Event(sequence=number, topics=("rooms",), body=orjson.dumps({"type": "test"})) for number in (3, 4, 5)]


class Hall:
    """A group and the connections of its members."""

    def __init__(self, *served: int, form: Form = Form.SSE_PLAIN) -> None:
        self.live = Audience()
        self.viewers = [Subscriber(DESK, Link(form), Grant(ROOMS)) for _ in served]
        for viewer, at in zip(self.viewers, served, strict=True):
            viewer.cursor.sequence = at
            self.live.join(viewer)

    @property
    def links(self) -> list[Link]:
        return [viewer.connection for viewer in self.viewers]  # type: ignore[misc]  # they are links here

    async def tell(self, told: Told, meanwhile: Callable[[], None] = lambda: None) -> None:
        async def rest() -> None:
            meanwhile()

        [group] = self.live.following("rooms") or [Group(ROOMS)]
        await broadcast(self.live, group, told, rest)


async def test_who_came_in_the_middle_gets_what_it_has_not_got_yet() -> None:
    """Everybody has everything once."""
    hall = Hall(0, 2, 3, 4, 5, 9)
    await hall.tell(told_of(EVENTS, Encoder("e"), 2, 5))
    assert [link.names for link in hall.links] == [["3", "4", "5"], ["3", "4", "5"], ["4", "5"], ["5"], [], []]


async def test_all_are_written_one_object_for_each_form() -> None:
    """Ten thousand viewers, one piece of memory."""
    for form in Form:
        hall = Hall(*[0] * 100, form=form)
        await hall.tell(told_of(EVENTS, Encoder("e"), 2, 5))
        assert len({id(link.pieces[0]) for link in hall.links}) == 1


async def test_whose_connection_is_full_is_left_behind_where_it_is_now() -> None:
    """What it was written it has, or will have when it reads on."""
    hall = Hall(0, 0)
    hall.links[0].stall()
    await hall.tell(told_of(EVENTS, Encoder("e"), 2, 5))
    assert [hall.live.served(viewer) for viewer in hall.viewers] == [None, 0]
    assert hall.viewers[0].cursor.sequence == 5


async def test_who_leaves_in_the_meantime_is_not_written_to() -> None:
    """It was told to go, and nothing comes after that."""
    hall = Hall(*[0] * 100)
    await hall.tell(told_of(EVENTS, Encoder("e"), 2, 5), lambda: hall.live.leave(hall.viewers[-1]))
    assert [len(link.pieces) for link in hall.links] == [1] * 99 + [0]


async def test_what_is_said_to_everybody_is_said_whatever_they_were_served() -> None:
    """What just arrived has no place in the log."""
    hall = Hall(0, 7)
    await hall.tell(same_for_all([message("", 1), message("", 2)], 5))
    assert [[block.value for block in link.blocks] for link in hall.links] == [[1, 2], [1, 2]]


async def test_the_loop_is_given_back_every_few_viewers() -> None:
    """A webhook waits for some of them, not for all."""
    hall, rests = Hall(*[0] * 1000), []
    await hall.tell(told_of(EVENTS, Encoder("e"), 2, 5), lambda: rests.append(1))
    assert 10 < len(rests) < 200

"""What must hold after everything: compared with the log, of which each process must say the same."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tests.chaos.cluster import Cluster, read_all
from tests.chaos.load import DURABLE_ROOM, Load, Mark
from tests.chaos.mirror import Documents, Mirror
from tests.chaos.witness import Seen, Witness, digest
from tests.processes import HubProcess

TOPICS = ("*", "rooms", DURABLE_ROOM)
_SHOWN = 6
# What depends on when it is asked for.
_CLOCKED = {
    "duration", "peak_participants", "participant_minutes", "cost", "trending_score", "derived", "watch_duration",
}  # fmt: skip

# What a process says when something is not as it should be.
_DEFECTS = ("Traceback", "failure=", "request.failed", "never retri")


@dataclass(frozen=True)
class State:
    """All that a process says of the present, at one position."""

    rooms: Documents
    bots: Documents
    people: Documents
    positions: frozenset[str]


@dataclass(frozen=True)
class Log:
    """The log as one process reads it out of the store, by topic."""

    events: list[dict[str, object]]
    topics: Mapping[tuple[str, ...], list[Seen]]

    @property
    def head(self) -> str:
        """The id of the last event."""
        return str(self.events[-1]["id"])

    def marks(self) -> Counter[Mark]:
        """Return what each event is about, and how often that was said."""
        return Counter((str(event["type"]), _about(event)) for event in self.events)


async def read_log(node: HubProcess) -> Log:
    """Read the log."""
    events = {topic: (await read_all(node, f"/api/events?topic={topic}"))[0] for topic in TOPICS}
    seen: dict[tuple[str, ...], list[Seen]] = {
        (topic,): [Seen(str(event["id"]), digest(event)) for event in found] for topic, found in events.items()
    }
    return Log(events["*"], seen)


async def read_state(node: HubProcess) -> State:
    """Read every document of a process."""
    rooms, positions = await read_all(node, "/api/rooms")
    bots, more = await read_all(node, "/api/bots")
    positions |= more
    people: list[dict[str, object]] = []
    for room in rooms:
        found, more = await read_all(node, f"/api/rooms/{room['id']}/participants")
        people += found
        positions |= more
    return State(_timeless(rooms), _timeless(bots), _timeless(people), frozenset(positions))


async def judge(
    cluster: Cluster, load: Load, log: Log, witnesses: Sequence[Witness], mirrors: Sequence[Mirror]
) -> list[str]:
    """Return whatever is not as it must be."""
    states = [await read_state(node) for node in cluster.nodes]
    return [
        *_of_log(log, load),
        *(problem for witness in witnesses for problem in of_witness(witness, log)),
        *(problem for mirror in mirrors for problem in _of_mirror(mirror, states[0])),
        *_of_nodes(states, log),
        *_of_state(states[0], log),
        *load.wrong[:_SHOWN],
        *_of_processes(cluster),
    ]


def of_witness(witness: Witness, log: Log) -> Iterable[str]:
    """Compare what a viewer was told with what it had to be told."""
    start = int(witness.start.rpartition(".")[2] or 0)
    due = [one for one in log.topics[witness.topics] if int(one.id.rpartition(".")[2]) > start]
    if witness.seen != due:
        yield f"{witness.name} saw something else than the log from {witness.start or 'nowhere'} on: " + _difference(
            [one.id for one in witness.seen], [one.id for one in due]
        )
    yield from (f"{witness.name}: {wrong}" for wrong in witness.wrong[:_SHOWN])
    if witness.resets:
        yield f"{witness.name} was reset: {Counter(witness.resets)}"
    if set(witness.statuses) - {200}:
        yield f"{witness.name} was answered {Counter(witness.statuses)}"


def _of_mirror(mirror: Mirror, state: State) -> Iterable[str]:
    """Compare what a viewer holds of the present with what is read."""
    for name, read in (("rooms", state.rooms), ("bots", state.bots)):
        held = _timeless(mirror.shown[name].values())
        if different := [one for one in held.keys() | read.keys() if held.get(one) != read.get(one)]:
            place = sorted(different)[0]
            yield f"a viewer holds other {name}: {sorted(different)[:_SHOWN]}; {held.get(place)}, not {read.get(place)}"
    if mirror.resets or set(mirror.statuses) - {200}:
        yield f"a viewer of snapshots was answered {Counter(mirror.statuses)} and reset: {mirror.resets}"


def _of_log(log: Log, load: Load) -> Iterable[str]:
    epoch = log.head.rpartition(".")[0]
    if [event["id"] for event in log.events] != [f"{epoch}.{place}" for place in range(1, len(log.events) + 1)]:
        yield f"the log has gaps or repetitions: it ends at {log.head} with {len(log.events)} events"
    marks = log.marks()
    if missing := [mark for mark in load.answered if mark not in marks]:
        yield f"{len(missing)} webhooks were answered 200 and are not in the log: {missing[:_SHOWN]}"
    if repeated := [mark for mark, count in marks.items() if count > 1]:
        yield f"{len(repeated)} webhooks are in the log more than once: {repeated[:_SHOWN]}"
    if invented := marks.keys() - set(load.answered):
        yield f"{len(invented)} events are of no webhook that was answered 200: {sorted(invented)[:_SHOWN]}"


def _of_nodes(states: Sequence[State], log: Log) -> Iterable[str]:
    for place, state in enumerate(states):
        if state.positions != {log.head}:
            yield f"node {place} answers at {sorted(state.positions)}, the log ends at {log.head}"
        for name in ("rooms", "bots", "people"):
            ours, others = getattr(states[0], name), getattr(state, name)
            if different := [one for one in ours.keys() | others.keys() if ours.get(one) != others.get(one)]:
                yield f"node {place} and node 0 show other {name}: {sorted(different)[:_SHOWN]}"


def _of_state(state: State, log: Log) -> Iterable[str]:
    """Compare documents with what the log says happened."""
    marks = log.marks()
    came = {about for kind, about in marks if kind == "participant.joined"}
    went = {about for kind, about in marks if kind == "participant.left"}
    recorded = {about for kind, about in marks if kind == "recording.started"}
    gone = {about for kind, about in marks if kind == "bot.left"}
    yield from _compared("people", state.people.keys(), came | went)
    yield from _compared("people in the rooms", _those(state.people, "active", value=True), came - went)
    yield from _compared("bots", state.bots.keys(), recorded | gone)
    yield from _compared("bots that left", _those(state.bots, "status", value="left"), gone)
    counted = Counter(str(one["room"]) for one in state.people.values() if one["active"])
    for room in state.rooms.values():
        if room["participant_count"] != counted[str(room["id"])]:
            yield f"{room['id']} counts {room['participant_count']} people, there are {counted[str(room['id'])]}"


def _of_processes(cluster: Cluster) -> Iterable[str]:
    for place, node in enumerate(cluster.nodes):
        if node.has_ended:
            yield f"node {place} is gone"
        lines = node.log.read_text(errors="replace").splitlines()
        if said := [line for line in lines if any(sign in line for sign in _DEFECTS)]:
            yield f"node {place} complained of {len(said)} defects, first: {said[0]}"
    if files := cluster.spooled():
        yield f"the spool still holds {files}"


def _compared(what: str, shown: Iterable[str], due: Iterable[str]) -> Iterable[str]:
    missing, invented = set(due) - set(shown), set(shown) - set(due)
    if missing or invented:
        yield f"{what}: missing {sorted(missing)[:_SHOWN]}, not in the log {sorted(invented)[:_SHOWN]}"


def _those(documents: Documents, name: str, *, value: object) -> set[str]:
    return {identity for identity, document in documents.items() if document[name] == value}


def _timeless(documents: Iterable[dict[str, object]]) -> Documents:
    return {str(one["id"]): {name: value for name, value in one.items() if name not in _CLOCKED} for one in documents}


def _about(event: dict[str, object]) -> str:
    """Return the participant, else the bot, that an event is about."""
    told = event["data"]
    assert isinstance(told, dict)
    return str((told.get("participant") or told.get("bot") or {"id": event["subject"]})["id"])


def _difference(seen: Sequence[str], due: Sequence[str]) -> str:
    """Say what is missing, what is too much, or that it is something else."""
    missing, surplus = Counter(due) - Counter(seen), Counter(seen) - Counter(due)
    if missing or surplus:
        return f"{len(seen)} of {len(due)} events; missing {_some(missing)}, too much {_some(surplus)}"
    return "the content is not the same" if list(seen) == list(due) else "the order is not the same"


def _some(events: Counter[str]) -> str:
    return f"{events.total()}: {', '.join(list(events)[:_SHOWN])}" if events else "none"

"""Whole meetings, as providers tell of them, in any order: the same is shown, and viewers show it too."""

import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.providers.arrival import Arrival, Sample
from handlers.providers.registry import PROVIDERS, receive
from hub.events import Delivery
from hub.settings import Source
from tests.unit.hub.fold import stories
from tests.unit.hub.fold.telling import BASE
from tests.unit.hub.fold.test_convergence import (
    MEETINGS,
    arriving,
    assert_viewers_show_it,
    log_of,
    rooms_shown,
    shown_by,
)

LIVEKIT = Source(
    provider="livekit", name="lk", path="/lk", keys={"APIkey": ("secret-0123456789abcdef0123456789abcdef",)}
)
MEETINGBAAS = Source(
    provider="meetingbaas",
    name="bots",
    path="/bots",
    api_keys=("mb-key-0123456789",),
    webhook_secrets=("whsec_bWVldGluZy1iYWFzLXYyLXN2aXgtc2lnbmluZy1rZXk=",),
    callback_secrets=("cb-0123456789",),
)
HMS = Source(
    provider="100ms",
    name="100ms",
    path="/hms",
    headers={"X-100ms-Key": ("hms-0123456789",)},
    signing_secrets=("hms-signing-0123456789",),
)
PULSE = Source(provider="pulse", name="pulse", path="/pulse", signing_secrets=("pulse-signing-0123456789",))
SEEDS = st.integers(0, 10**6)


def received(source: Source, entry: tuple[int, Sample], delivery_id: str) -> Delivery:
    """Return what comes of a webhook that arrives when it was sent, as it would be signed."""
    sent_at, sample = entry
    content = orjson.dumps(sample.payload)
    headers = PROVIDERS[source.provider].sign(source, content, sent_at, sample.dialect, delivery_id)
    named = tuple((name.lower(), value) for name, value in headers.items())
    one = receive(source, Arrival(headers=named, body=content, received_at=sent_at))
    assert one.facts, one.reason
    return one


def rooms_of(seed: int, name: str, start: int) -> list[Delivery]:
    """Return the webhooks of a LiveKit meeting in a room of this name."""
    entries = PROVIDERS["livekit"].meeting(seed, start, 30.0, "").script
    return [received(LIVEKIT, (time, _renamed(sample, name)), "") for time, sample in entries]


def bot_of(seed: int, start: int) -> list[Delivery]:
    """Return the webhooks of a MeetingBaaS bot, and the last two once more, resent under another id."""
    entries = PROVIDERS["meetingbaas"].meeting(seed, start, 30.0, "").script
    sent = [received(MEETINGBAAS, entry, f"msg_{seed}_{place}") for place, entry in enumerate(entries)]
    return sent + [
        received(MEETINGBAAS, entry, f"msg_{seed}_resent_{place}") for place, entry in enumerate(entries[-2:])
    ]


def _renamed(sample: Sample, name: str) -> Sample:
    payload = orjson.loads(orjson.dumps(sample.payload))
    room = payload["room"]
    room["name"] = name
    if "egressInfo" in payload:
        payload["egressInfo"]["roomName"] = name
    return msgspec.structs.replace(sample, payload=payload)


@given(seed=SEEDS, data=st.data())
@MEETINGS
def test_meetings_of_livekit_converge(seed: int, data: st.DataObject) -> None:
    """Two sessions of one room, the second beginning while the first is on, in any order."""
    deliveries = rooms_of(seed, "daily", BASE) + rooms_of(seed + 1, "daily", BASE + 20 * 60_000)
    log = log_of(arriving(data, deliveries))
    assert shown_by(log) == shown_by(log_of([[one] for one in stories.in_order(deliveries)]))
    assert all(now.status == "ended" and not now.active for now in rooms_shown(log).values())
    statuses = {row.status for row in log.documents.values() if row.collection == "recordings"}
    assert statuses <= {"completed", "failed"}
    assert len(rooms_shown(log)) == 2


def meetings_of(source: Source, seed: int) -> list[Delivery]:
    """Return the webhooks of two meetings of a provider, the second beginning while the first is on."""
    entries = [
        *PROVIDERS[source.provider].meeting(seed, BASE, 30.0).script,
        *PROVIDERS[source.provider].meeting(seed + 1, BASE + 20 * 60_000, 30.0).script,
    ]
    return [received(source, entry, f"msg_{place}") for place, entry in enumerate(entries)]


@pytest.mark.parametrize("source", [HMS, PULSE], ids=["100ms", "pulse"])
@given(seed=SEEDS, data=st.data())
@MEETINGS
def test_meetings_of_other_providers_converge(source: Source, seed: int, data: st.DataObject) -> None:
    """Real dialects and those of the guides: nothing in them depends on order, repetition or batches."""
    deliveries = meetings_of(source, seed)
    log = log_of(arriving(data, deliveries))
    assert shown_by(log) == shown_by(log_of([[one] for one in stories.in_order(deliveries)]))
    assert not any(now.active for now in rooms_shown(log).values() if now.status == "ended")


@given(seed=SEEDS, data=st.data())
@MEETINGS
def test_bots_of_meetingbaas_converge(seed: int, data: st.DataObject) -> None:
    """A bot that is told of by webhooks, callbacks and resends, in any order."""
    deliveries = bot_of(seed, BASE)
    log = log_of(arriving(data, deliveries))
    assert shown_by(log) == shown_by(log_of([[one] for one in stories.in_order(deliveries)]))
    assert {row.status for row in log.documents.values() if row.collection == "bots"} <= {"completed", "failed"}


@given(seed=SEEDS, data=st.data())
@MEETINGS
def test_viewers_of_whole_meetings_show_what_is_stored(seed: int, data: st.DataObject) -> None:
    """A dashboard of everything, built from nothing but events."""
    deliveries = rooms_of(seed, "daily", BASE) + bot_of(seed, BASE)
    assert_viewers_show_it(arriving(data, deliveries), ("bots", "rooms", "participants", "recordings"))


@given(seed=SEEDS)
@MEETINGS
def test_a_meeting_that_is_told_twice_is_told_once(seed: int) -> None:
    """Everything comes again, under other ids and a second later: documents stay, and no event is added."""
    deliveries = bot_of(seed, BASE) + rooms_of(seed, "daily", BASE)
    log = log_of([[one] for one in stories.in_order(deliveries)])
    head, before = log.head, shown_by(log)
    for one in deliveries:
        log.commit([msgspec.structs.replace(one, key=f"{one.key} again", received_at=one.received_at + 1000)])
    assert shown_by(log) == before
    assert log.head == head

"""There is a sample of everything, and those of one dialect tell one bot's story."""

import json
from collections import defaultdict

import pytest

from handlers.providers.arrival import Arrival, Sample
from handlers.providers.meetingbaas import sign, translate, verify
from handlers.providers.meetingbaas_samples import samples
from hub.events import Kind
from hub.settings import Source

NOW = 1_773_151_300_000
SOURCE = Source(
    provider="meetingbaas",
    name="bots",
    path="/hook",
    api_keys=("key",),
    webhook_secrets=("whsec_c2VjcmV0",),
    callback_secrets=("callback",),
)
NAMES = [
    "bot.completed",
    "bot.failed",
    "bot.chat_message",
    "bot.status_change.joining_call",
    "bot.status_change.retrying",
    "bot.status_change.MEET_LOGIN_FAILED_SAML_REJECTED",
    "calendar.event_created",
    "calendar.connection_error",
    "v1.complete",
    "v1.failed",
    "v1.transcription_complete",
    "v1.calendar.sync_events",
    "v1.bot.status_change.bot_denied_entry",
    "callback.bot.completed",
    "callback.bot.failed",
    "callback.put.bot.completed",
    "guide.meeting.started",
    "guide.meeting.completed",
    "guide.meeting.failed",
    "guide.transcription.available",
    "guide.transcription.updated",
    "guide.bot.status_change",
]


@pytest.mark.parametrize("name", NAMES)
def test_every_event_of_every_dialect_has_a_sample(name: str) -> None:
    """`hub send` offers exactly these."""
    assert name in samples(NOW)


@pytest.mark.parametrize(("name", "sample"), samples(NOW).items())
def test_every_sample_can_be_sent(name: str, sample: Sample) -> None:
    """It is signed in its own dialect and comes in by the same door as the provider's."""
    body = json.dumps(sample.payload).encode()
    headers = sign(SOURCE, body, NOW, sample.dialect, "msg_1")
    assert verify(SOURCE, Arrival(headers=tuple(headers.items()), body=body, received_at=NOW))
    assert sample.method == ("PUT" if ".put." in name else "POST")


def test_samples_are_the_same_at_the_same_time() -> None:
    """A failing run must be repeatable."""
    assert samples(NOW) == samples(NOW)


def test_changing_a_sample_changes_no_other() -> None:
    """`hub send --set` writes into the payload."""
    changed = samples(NOW)
    for sample in changed.values():
        sample.payload["data"] = None
    assert samples(NOW)["callback.put.bot.completed"].payload["data"]


def test_each_dialect_tells_of_one_bot_and_it_never_changes() -> None:
    """Samples that are sent one after the other, by separate commands, belong together."""
    bots = defaultdict(set)
    for moment in (NOW, NOW + 86_400_000):
        for sample in samples(moment).values():
            for fact in translate(SOURCE, sample.payload, moment).facts:
                bots[sample.dialect].add(fact.bot)
    named = {dialect: names - {""} for dialect, names in bots.items()}
    assert {dialect: len(names) for dialect, names in named.items()} == {"v1": 1, "v2": 1, "callback": 1, "guide": 1}
    assert len(set.union(*named.values())) == 4


@pytest.mark.parametrize("dialect", ["v1", "v2"])
def test_the_life_of_a_bot_is_told_in_order_and_ends_now(dialect: str) -> None:
    """Later steps have later times, whether the samples are made together or one by one."""
    told = [sample for sample in samples(NOW).values() if sample.dialect == dialect]
    facts = [fact for sample in told for fact in translate(SOURCE, sample.payload, NOW).facts if fact.bot]
    end = next(index for index, fact in enumerate(facts) if fact.kind is Kind.RECORDING_COMPLETED)
    times = [fact.time for fact in facts]
    assert times[: end + 1] == sorted(times[: end + 1])
    assert all(NOW - 1_800_000 <= time <= NOW for time in times)
    assert times[end] == NOW

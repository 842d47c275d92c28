"""Samples are changed as asked, signed as the provider signs, and posted where the hub is."""

import contextlib
import time
from pathlib import Path

import aiohttp
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.providers.arrival import Arrival, Sample
from handlers.providers.registry import PROVIDERS, receive
from hub.commands.send import post, sample_for, signed, source_for, with_values
from hub.errors import BadRequest, ConfigRefused, ProofRefused
from hub.settings import Settings, Source
from tests.hubs import running_hub
from tests.processes import free_port

NOW = 1_773_151_300_123
LIVEKIT = Source(provider="livekit", name="livekit", path="/api/livekit/webhook", keys={"key": ("secret" * 8,)})
STAGING = Source(provider="livekit", name="staging", path="/staging", keys={"key": ("another" * 8,)})
SETTINGS = Settings(sources=(LIVEKIT, STAGING))
SAMPLE = Sample(payload={"event": "x", "room": {"name": "standup"}, "list": [{"a": 1}, 2]}, dialect="webhook")


def changed(*assignments: str) -> dict[str, object]:
    """Return the payload of the sample with values changed."""
    return with_values(SAMPLE, assignments).payload


def test_the_source_is_the_first_of_the_provider_or_the_one_that_is_named() -> None:
    """Most have one, and some have several."""
    assert source_for(SETTINGS, "livekit") == LIVEKIT
    assert source_for(SETTINGS, "livekit", "staging") == STAGING


@pytest.mark.parametrize(
    ("provider", "name", "said"),
    [
        ("zoom", "", "livekit"),
        ("", "", "livekit"),
        ("meetingbaas", "", "meetingbaas"),
        ("livekit", "production", "production"),
    ],
)
def test_a_source_that_is_not_there_is_refused_with_what_there_is(provider: str, name: str, said: str) -> None:
    """The commonest mistake is a typing mistake."""
    with pytest.raises(BadRequest, match=said):
        source_for(SETTINGS, provider, name)


def test_a_sample_that_is_not_there_is_refused_with_those_that_are() -> None:
    """Nobody knows their names by heart."""
    with pytest.raises(BadRequest, match="participant_joined"):
        sample_for("livekit", "participant_jioned", NOW)


@pytest.mark.parametrize(
    ("assignment", "path", "value"),
    [
        ("room.name=retro", ("room", "name"), "retro"),
        ("room.name=", ("room", "name"), ""),
        ("room.name=a=b", ("room", "name"), "a=b"),
        ("room.size=5", ("room", "size"), 5),
        ("room.open=true", ("room", "open"), True),
        ("room.size=null", ("room", "size"), None),
        ('room.name="5"', ("room", "name"), "5"),
        ("new.deep.er=1", ("new", "deep", "er"), 1),
        ('room={"a": 1}', ("room", "a"), 1),
        ("room.name=Zoë", ("room", "name"), "Zoë"),
    ],
)
def test_a_value_is_json_where_it_can_be_and_else_text(assignment: str, path: tuple[str, ...], value: object) -> None:
    """Numbers, truth and whole objects can be said, and names need no quotes."""
    found: object = changed(assignment)
    for step in path:
        found = found[step]
    assert found == value


def test_places_of_a_list_are_numbers() -> None:
    """Participants and artifacts stand in lists."""
    assert changed("list.0.a=7", "list.1=8")["list"] == [{"a": 7}, 8]


@pytest.mark.parametrize(
    "assignment", ["", "=", "=x", "room", "event.name=x", "list.5=x", "list.x=1", "list.-1=1", "list.1.a=1", "list.²=1"]
)
def test_a_value_that_has_no_place_is_refused_by_name(assignment: str) -> None:
    """What is not sent as asked would be looked for in the hub."""
    with pytest.raises(BadRequest, match="--set"):
        changed(assignment)


def test_the_sample_itself_stays_as_it_is() -> None:
    """Simulated meetings use it again."""
    changed("room.name=retro", "list.0.a=9")
    assert SAMPLE.payload["room"] == {"name": "standup"}
    assert SAMPLE.payload["list"] == [{"a": 1}, 2]


@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=15))
def test_whatever_is_assigned_it_is_done_or_refused(assignment: str) -> None:
    """A command ends with a sentence, never with a traceback."""
    for prefix in ("", "room.", "list."):
        with contextlib.suppress(BadRequest):
            with_values(SAMPLE, [prefix + assignment])


def arrived(headers: dict[str, str], body: bytes) -> Arrival:
    """Return what the hub sees of a request."""
    return Arrival(headers=tuple(headers.items()), body=body, received_at=NOW)


def test_a_wrong_proof_is_wrong_for_every_dialect() -> None:
    """It shows that a hub refuses, so it must never be right by chance."""
    source = Source(
        provider="meetingbaas",
        name="m",
        path="/m",
        api_keys=("key",),
        webhook_secrets=("whsec_c2VjcmV0",),
        callback_secrets=("cb",),
    )
    for dialect in ("v1", "v2", "callback", "guide"):
        sample, body = Sample(payload={}, dialect=dialect), b'{"event": "x"}'
        assert receive(source, arrived(dict(signed(source, sample, body, NOW)), body))
        with pytest.raises(ProofRefused):
            receive(source, arrived(dict(signed(source, sample, body, NOW, wrong=True)), body))


async def test_every_sample_of_every_provider_is_accepted_by_a_running_hub(tmp_path: Path) -> None:
    """Whoever tries the hub tries these."""
    async with running_hub(tmp_path) as hub:
        for provider in PROVIDERS:
            source = source_for(hub.settings, provider)
            now = time.time_ns() // 1_000_000
            for name in PROVIDERS[provider].samples(now):
                right = await post(hub.session, hub.url, source, sample_for(provider, name, now), now)
                wrong = await post(hub.session, hub.url, source, sample_for(provider, name, now), now, wrong=True)
                assert (right.status, wrong.status) == (200, 401), name
                # Webhook and callback of one completion, and POST and PUT of one callback, are equal bytes.
                assert orjson.loads(right.text)["status"] in ("accepted", "duplicate"), name


async def test_a_hub_that_does_not_answer_is_named_with_what_to_do() -> None:
    """Nobody listening is the commonest trouble of all."""
    async with aiohttp.ClientSession() as session:
        with pytest.raises(ConfigRefused, match="make run"):
            await post(session, f"http://127.0.0.1:{free_port()}", LIVEKIT, SAMPLE, NOW)


@pytest.mark.parametrize(
    "base", ["nonsense", "http://", "ftp://127.0.0.1", "http://127.0.0.1:0", "http://[::", "http://127.0.0.1:99999"]
)
async def test_an_address_that_is_none_is_refused_as_well(base: str) -> None:
    """It comes from the command line."""
    async with aiohttp.ClientSession() as session:
        with pytest.raises(ConfigRefused, match="--url"):
            await post(session, base, LIVEKIT, SAMPLE, NOW)

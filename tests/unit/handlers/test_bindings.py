"""Which bot a launch became: found out once, and only for webhooks that tell of a launch."""

import pytest

from handlers.bindings import Bindings
from handlers.providers.arrival import Arrival, PathKey
from handlers.providers.path_keys import path_key
from hub.errors import ProofRefused
from hub.events import PATH_KEY_HEADER, BotDetail, Delivery, Fact, Kind
from hub.launches.words import Asked, became, requested
from hub.seals import Seals
from tests.memory_store import MemoryStore
from tests.unit.handlers.arriving import MEETINGBAAS
from tests.unit.hub.launches.stage import LAUNCH, memory

SEALS = Seals(("secret",))
ASKED = Asked(provider="meetingbaas", launch_id=LAUNCH, name="Notes", requested_at=1_000)
PLAIN = Fact(kind=Kind.BOT_JOINED, time=2_000, bot="meetingbaas:B1", detail=BotDetail())


class Counted(MemoryStore):
    """A store that counts how often it was asked for a document."""

    asked = 0

    async def document(self, topic: str):
        """Return one document or none."""
        self.asked += 1
        return await super().document(topic)


def counted() -> Counted:
    """Return such a store."""
    return Counted(memory()._folder)


def delivery(*facts: Fact, key: str = "k", path_key: str = "") -> Delivery:
    headers = ((PATH_KEY_HEADER, path_key),) if path_key else ()
    return Delivery(
        source="mb", scope="meetingbaas/", key=key, received_at=3_000, body=b"{}", facts=facts, headers=headers
    )


def arrival(key: str = "") -> Arrival:
    return Arrival(headers=(), body=b"{}", received_at=1, path_key=key)


async def test_webhooks_without_a_key_or_a_launch_cost_no_look_into_the_store() -> None:
    """They are nearly all."""
    store = counted()
    bindings = Bindings(store, SEALS)
    assert await bindings.identified(MEETINGBAAS, arrival()) == arrival()
    assert await bindings.identified(MEETINGBAAS, arrival("some-key")) == arrival("some-key")
    assert await bindings.settled(delivery(PLAIN)) == delivery(PLAIN)
    assert store.asked == 0


async def test_the_first_word_of_a_bot_brings_along_what_was_asked_for() -> None:
    """The answer of the provider may never come."""
    store = counted()
    bindings = Bindings(store, SEALS)
    await store.commit([requested(ASKED, b"{}", 1_000)])
    told = delivery(*became(Asked(provider="meetingbaas", launch_id=LAUNCH), "B1", 2_000), PLAIN)
    bot, launch, plain = (await bindings.settled(told)).facts
    assert (bot.detail.name, bot.detail.requested_at, plain) == ("Notes", 1_000, PLAIN)
    assert launch.detail.became == "meetingbaas:B1"


async def test_that_a_launch_became_a_bot_is_news_once() -> None:
    """It comes with every webhook of v2."""
    store = counted()
    bindings = Bindings(store, SEALS)
    told = delivery(*became(ASKED, "B1", 2_000), PLAIN)
    await store.commit([told])
    for _ in range(3):
        assert (await bindings.settled(delivery(*became(ASKED, "B1", 9_000), PLAIN))).facts == (PLAIN,)
    key = path_key(SEALS, launch_id=LAUNCH)
    proves = (await bindings.identified(MEETINGBAAS, arrival(key))).proves
    assert proves is not None
    assert proves.bot == "B1"
    assert store.asked == 1


async def test_a_launchs_key_alone_names_no_bot_that_is_not_its_own() -> None:
    """It is refused before it is kept, as far as the store tells; of the rest the fold decides."""
    store = counted()
    bindings = Bindings(store, SEALS)
    other = f"launch-{'f' * 32}"
    await bindings.check(delivery(PLAIN, path_key=LAUNCH))
    await store.commit([delivery(*became(ASKED, "B1", 2_000), PLAIN)])
    await bindings.check(delivery(PLAIN, path_key=LAUNCH))
    with pytest.raises(ProofRefused):
        await bindings.check(delivery(PLAIN, path_key=other))
    await bindings.check(delivery(PLAIN))


async def test_what_a_key_proved_of_a_kept_delivery_is_what_it_proves_now() -> None:
    """Which bot its launch became may have been told since."""
    store = counted()
    bindings = Bindings(store, SEALS)
    await store.commit([delivery(*became(ASKED, "B1", 2_000), PLAIN)])
    assert await bindings.proven(MEETINGBAAS, delivery(PLAIN)) is None
    proven = await bindings.proven(MEETINGBAAS, delivery(PLAIN, path_key=LAUNCH))
    assert proven == PathKey(launch_id=LAUNCH, bot="B1")
    assert await bindings.proven(MEETINGBAAS, delivery(PLAIN, path_key="bot-B7")) == PathKey(bot="B7")


async def test_what_this_process_launched_is_known_also_while_the_store_is_away() -> None:
    """With a spool its webhooks are taken all the same."""
    store = counted()
    bindings = Bindings(store, SEALS)
    bindings.learn(ASKED, "B1")
    proves = (await bindings.identified(MEETINGBAAS, arrival(path_key(SEALS, launch_id=LAUNCH)))).proves
    assert proves == PathKey(launch_id=LAUNCH, bot="B1")
    await bindings.check(delivery(PLAIN, path_key=LAUNCH))
    assert store.asked == 0

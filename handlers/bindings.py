"""Which bot each launch became: asked of the store by those webhooks only that tell of a launch."""

from collections import OrderedDict

import msgspec

from handlers.providers.arrival import Arrival, PathKey
from handlers.providers.binding import bots_of, filled, launch_of
from handlers.providers.path_keys import key_of, read_path_key
from hub.errors import ProofRefused
from hub.events import Delivery, escape_id
from hub.fold.claims import ANOTHER
from hub.fold.parts import key_owner
from hub.launches.words import LAUNCH_ID, Asked, asked_of
from hub.ports import Document, Store
from hub.seals import Seals
from hub.settings import Source

_REMEMBERED = 10_000


class Bindings:
    """Knows what launches became. That never changes, so it is remembered."""

    def __init__(self, store: Store, seals: Seals) -> None:
        self._store = store
        self._seals = seals
        self._bots: OrderedDict[str, str] = OrderedDict()

    async def identified(self, source: Source, arrival: Arrival) -> Arrival:
        """Return a request with what the key in its path proves, if it has a good one. Raises StorageUnavailable."""
        key = read_path_key(self._seals, arrival) if arrival.path_key else None
        return msgspec.structs.replace(arrival, proves=await self._bound(source, key)) if key else arrival

    async def proven(self, source: Source, delivery: Delivery) -> PathKey | None:
        """Return what the key proves that alone proved a kept delivery, if one did. Raises StorageUnavailable."""
        return await self._bound(source, key_of(delivery.path_key)) if delivery.path_key else None

    async def check(self, delivery: Delivery) -> None:
        """Refuse by a launch's key alone a bot that is there and not of that launch: keys take over nobody's bot.

        Raises ProofRefused and StorageUnavailable. Of those who come at once the fold decides, as of all.
        """
        is_unbound = LAUNCH_ID.fullmatch(delivery.path_key) and key_owner(delivery) not in self._bots
        for bot in bots_of(delivery.facts) if is_unbound else ():
            documents = (await self._store.document(f"bots/{bot}")).documents
            if documents and asked_of(documents[0]).launch_id != delivery.path_key:
                raise ProofRefused(ANOTHER)

    def learn(self, asked: Asked, bot: str) -> None:
        """Take note of which bot (by the provider's id) a launch of this process became, once that is kept."""
        if asked.id not in self._bots:
            self._remember(asked.id, escape_id(bot))

    async def settled(self, delivery: Delivery) -> Delivery:
        """Return a delivery without the news, that are none, of which bot a launch became, and else with all about it.

        Raises StorageUnavailable.
        """
        launches = {launch for fact in delivery.facts if (launch := launch_of(fact))}
        for launch in launches:
            provider = next(fact.bot for fact in delivery.facts if launch_of(fact) == launch).partition(":")[0]
            bot, document = await self._known(f"{provider}:{launch}")
            facts = delivery.facts
            if bot:
                facts = tuple(fact for fact in facts if launch_of(fact) != launch)
            elif document:
                asked = asked_of(document)
                facts = tuple(filled(fact, asked) if launch_of(fact) == launch else fact for fact in facts)
            delivery = msgspec.structs.replace(delivery, facts=facts)
        return delivery

    async def _bound(self, source: Source, key: PathKey) -> PathKey:
        if not key.launch_id:
            return key
        bot, _ = await self._known(f"{source.provider}:{key.launch_id}")
        return msgspec.structs.replace(key, bot=bot)

    async def _known(self, launch: str) -> tuple[str, Document | None]:
        """Return the bot that a launch became, else its document, if there is one."""
        if launch in self._bots:
            self._bots.move_to_end(launch)
            return self._bots[launch], None
        topic = f"bots/{launch}"
        documents = (await self._store.document(topic)).documents
        if not documents or documents[0].topic == topic:
            return "", documents[0] if documents else None
        self._remember(launch, documents[0].topic.partition(":")[2])
        return self._bots[launch], None

    def _remember(self, launch: str, bot: str) -> None:
        self._bots[launch] = bot
        if len(self._bots) > _REMEMBERED:
            self._bots.popitem(last=False)

"""Leases: what only one process may do at a time is done by one, and by another when that one is gone."""

from hub.ports import Store
from tests.contracts.plain import StoreRules

LONG = 600.0


class LeaseRules(StoreRules):
    """What leases promise."""

    async def test_a_lease_is_one_holders_at_a_time(self, store: Store):
        """Two processes that ask a provider the same would do everything twice."""
        assert await store.lease("rounds", "one", LONG)
        assert not await store.lease("rounds", "other", LONG)
        assert await store.lease("rounds", "one", LONG)

    async def test_a_lease_that_was_let_go_of_is_anybodys(self, store: Store):
        """A process that stops in order is followed at once."""
        assert await store.lease("rounds", "one", LONG)
        assert await store.lease("rounds", "one", 0)
        assert await store.lease("rounds", "other", LONG)
        assert not await store.lease("rounds", "one", LONG)

    async def test_leases_of_different_names_are_different(self, store: Store):
        """What is done by one process need not all be done by the same one."""
        assert await store.lease("rounds", "one", LONG)
        assert await store.lease("calls", "other", LONG)

"""One suite of rules per port, run on every implementation of it."""

from tests.contracts.store_attendance import AttendanceRules
from tests.contracts.store_commits import CommitRules
from tests.contracts.store_deliveries import DeliveryRules
from tests.contracts.store_documents import DocumentRules
from tests.contracts.store_erasing import ErasingRules
from tests.contracts.store_leases import LeaseRules
from tests.contracts.store_loading import LoadingRules
from tests.contracts.store_pages import PageRules
from tests.contracts.store_retention import RetentionRules
from tests.contracts.store_snapshots import SnapshotRules
from tests.contracts.store_traffic import TrafficRules


class StoreContract(
    CommitRules,
    LoadingRules,
    PageRules,
    DocumentRules,
    SnapshotRules,
    RetentionRules,
    DeliveryRules,
    ErasingRules,
    AttendanceRules,
    LeaseRules,
    TrafficRules,
):
    """What every `hub.ports.Store` promises. A subclass gives the fixture `open_store`."""


__all__ = ["StoreContract"]

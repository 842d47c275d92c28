"""What the hub asks of what outlives it, and the shapes in which it asks: a store, a bus, a spool."""

from hub.ports.arrivals import REFUSED, REFUSED_PREFIX, ArrivalQuery, Arrivals, Arrived, Kept, Refusal
from hub.ports.bus import Announcement, Bus
from hub.ports.commits import (
    Changes,
    Committed,
    DeliveryRow,
    Depth,
    Document,
    Erased,
    Foldable,
    Known,
    Loaded,
    Needs,
    Outcome,
    Refreshed,
    StateKey,
    Status,
)
from hub.ports.reads import Page, Query, Reading, Snapshot
from hub.ports.spool import Spool
from hub.ports.store import Store
from hub.ports.traffic import Flow, Reason, Traffic, TrafficQuery, Unhandled

__all__ = [
    "REFUSED",
    "REFUSED_PREFIX",
    "Announcement",
    "ArrivalQuery",
    "Arrivals",
    "Arrived",
    "Bus",
    "Changes",
    "Committed",
    "DeliveryRow",
    "Depth",
    "Document",
    "Erased",
    "Flow",
    "Foldable",
    "Kept",
    "Known",
    "Loaded",
    "Needs",
    "Outcome",
    "Page",
    "Query",
    "Reading",
    "Reason",
    "Refreshed",
    "Refusal",
    "Snapshot",
    "Spool",
    "StateKey",
    "Status",
    "Store",
    "Traffic",
    "TrafficQuery",
    "Unhandled",
]

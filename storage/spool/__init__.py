"""A folder on this machine that takes deliveries while the store is away, so that webhooks can still be answered."""

from storage.spool.files import BATCH_LIMIT, BYTES_LIMIT
from storage.spool.spool import SIZE_LIMIT, FileSpool

__all__ = ["BATCH_LIMIT", "BYTES_LIMIT", "SIZE_LIMIT", "FileSpool"]

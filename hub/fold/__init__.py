"""From deliveries to what a transaction writes: pure, under the writer lock."""

from hub.fold.batch import Batch, Rules
from hub.fold.recall import Recall

__all__ = ["Batch", "Recall", "Rules"]

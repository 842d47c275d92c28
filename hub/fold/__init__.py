"""From deliveries to what a transaction writes: pure, under the writer lock."""

from hub.fold.batch import Batch, Rules

__all__ = ["Batch", "Rules"]

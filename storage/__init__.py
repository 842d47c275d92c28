"""The stores that keep the log and the state."""

"""The hub as a caller: what it asks providers, and what it makes of the answers."""

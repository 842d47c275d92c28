"""The hub as a caller of providers."""

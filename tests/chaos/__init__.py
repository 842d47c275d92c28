"""Chaos: a real cluster under load whose parts fail at random, and a judge of what must hold all the same."""

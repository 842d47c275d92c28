"""How many examples properties are tried with: enough to notice a slip at once, and as many as you like elsewhere."""

import os

from hypothesis import HealthCheck, settings

# In percent of what each property asks for: 40 in a run that somebody waits for, 100 in CI, 2000 over a weekend.
_SHARE = int(os.environ.get("HUB_SEARCH", "40"))
_FEWEST = 10
# How long an example takes, to be made up or to be tried, says something about the machine, not about the rule.
settings.register_profile(
    "hub",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
    max_examples=max(_FEWEST, 100 * _SHARE // 100),
)


def use_profile() -> None:
    """Let every property without settings of its own be tried as often as this run allows."""
    settings.load_profile("hub")


def search(examples: int, **others: object) -> settings:
    """Return settings for a property that is worth so many examples, fewer when somebody waits."""
    return settings(max_examples=max(min(_FEWEST, examples), examples * _SHARE // 100), **others)

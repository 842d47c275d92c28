"""What is missing once may be on its way; what is missing twice, a minute apart, is gone."""

from hub.reconcile.missing import PATIENCE_MS, Missing, Sign

LATER, NOW = 10**9, 1_000_000
LONG_AGO, JUST_NOW = Sign(1_000, LATER), Sign(NOW, LATER)


def test_what_is_missing_for_the_first_time_is_not_gone() -> None:
    """A list may be short for a moment."""
    missing = Missing()
    assert missing.again({"a": LONG_AGO}, NOW) == {}
    assert missing.is_waiting


def test_what_is_missing_again_is_gone_since_it_was_missed_first() -> None:
    """That is the tightest bound there is."""
    missing = Missing()
    missing.again({"a": LONG_AGO}, NOW)
    assert missing.again({"a": LONG_AGO}, NOW + PATIENCE_MS) == {"a": NOW}
    assert not missing.is_waiting


def test_two_looks_in_quick_succession_are_one() -> None:
    """Webhooks that are refused make the hub ask at once; a provider's restart takes longer than that."""
    missing = Missing()
    missing.again({"a": LONG_AGO}, NOW)
    assert missing.again({"a": LONG_AGO}, NOW + PATIENCE_MS - 1) == {}
    assert missing.again({"a": LONG_AGO}, NOW + PATIENCE_MS) == {"a": NOW}


def test_what_was_there_in_between_is_missed_anew() -> None:
    """Only what is missing in two looks in a row is gone."""
    missing = Missing()
    missing.again({"a": LONG_AGO}, NOW)
    missing.again({}, NOW + PATIENCE_MS)
    assert missing.again({"a": LONG_AGO}, NOW + 2 * PATIENCE_MS) == {}


def test_a_sign_of_life_begins_the_count_anew() -> None:
    """It was there after it had been missed, or just before."""
    missing = Missing()
    missing.again({"a": LONG_AGO}, NOW)
    assert missing.again({"a": JUST_NOW}, NOW + 2 * PATIENCE_MS) == {}
    assert missing.again({"a": JUST_NOW}, NOW + 3 * PATIENCE_MS) == {"a": NOW + 2 * PATIENCE_MS}


def test_nothing_is_presumed_to_have_lived_because_nobody_asked() -> None:
    """After days without the hub a visit that nobody ended must not count for days."""
    missing = Missing()
    presumed = Sign(1_000, 500_000)
    missing.again({"a": presumed}, NOW)
    # That the room as a whole turns out to go on changes nothing of it.
    assert missing.again({"a": LONG_AGO}, NOW + PATIENCE_MS) == {"a": 500_000}

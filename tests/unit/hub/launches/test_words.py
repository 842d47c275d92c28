"""What the log is told of launches."""

from hub.errors import AccountRefused, AlreadyThere, OrderRefused, SetupRefused, Throttled, Unreachable
from hub.launches import words
from hub.launches.words import LAUNCH_ID, Asked, launch_id_of

ASKED = Asked(provider="meetingbaas", launch_id=launch_id_of("k"), name="Notes")


def test_a_key_stands_for_one_launch_for_ever() -> None:
    """Nothing has to be kept for that."""
    assert launch_id_of("k") == launch_id_of("k") != launch_id_of("l")
    assert LAUNCH_ID.fullmatch(launch_id_of("ключ"))


def test_equal_intents_are_one_delivery_and_another_attempt_is_another() -> None:
    """Of many who call at once the store lets one through."""
    one, again = words.requested(ASKED, b"{}", 5), words.requested(ASKED, b"{}", 6)
    assert (one.scope, one.key) == (again.scope, again.key)
    assert one.window_ms is None


def test_a_refusal_is_on_somebodys_side() -> None:
    """People see at once who has to do something."""
    kinds = (OrderRefused, AlreadyThere, AccountRefused, SetupRefused, Unreachable, Throttled)
    groups = [words.refused(ASKED, kind("x"), 5).facts[0].detail.reason.group for kind in kinds]
    assert groups == ["meeting", "billing", "billing", "system", "system", "system"]


def test_what_a_launch_became_is_told_of_both() -> None:
    """So that the document of each follows from what is told of it alone."""
    bot, launch, _ = words.answered(ASKED, "b/1", 5).facts
    assert (bot.bot, bot.detail.launch_id, bot.detail.name) == ("meetingbaas:b~2f1", ASKED.launch_id, "Notes")
    assert (launch.bot, launch.detail.became) == (ASKED.id, "meetingbaas:b~2f1")

"""What the settings themselves promise."""

import pytest

from hub.settings import Server, Source


def test_sources_of_one_account_share_what_they_have_seen() -> None:
    """A provider may post one webhook to two paths of the hub; it is still one."""
    first = Source(provider="livekit", name="a", path="/a", account="acme")
    second = Source(provider="livekit", name="b", path="/b", account="acme")
    other = Source(provider="livekit", name="c", path="/c")
    assert first.scope == second.scope != other.scope


def test_settings_cannot_be_changed() -> None:
    """Parts of the hub share them; what one of them changed, the others would not know."""
    with pytest.raises(AttributeError):
        Server().port = 1  # type: ignore[misc]  # the type checker knows it too


def test_settings_are_given_by_name() -> None:
    """Positions would change their meaning with every new key."""
    with pytest.raises(TypeError):
        Server("127.0.0.1")  # type: ignore[call-arg]  # the type checker knows it too

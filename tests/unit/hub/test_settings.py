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


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", "http://127.0.0.1:8080"),
        ("0.0.0.0", "http://127.0.0.1:8080"),
        ("::", "http://[::1]:8080"),
        ("::1", "http://[::1]:8080"),
        ("hub.example.com", "http://hub.example.com:8080"),
        ("fd00::1", "http://[fd00::1]:8080"),
    ],
)
def test_the_hub_is_reached_where_it_listens(host: str, expected: str) -> None:
    """What it listens on is not always what can be called."""
    assert Server(host=host).local_url() == expected


def test_providers_are_told_what_the_configuration_says() -> None:
    """Secrets are sent there."""
    assert Server(public_url="https://hub.example/").told_url == "https://hub.example"
    assert Server(host="0.0.0.0", port=8081).told_url == "http://127.0.0.1:8081"

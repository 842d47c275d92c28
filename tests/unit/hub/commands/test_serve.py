"""What a hub says when it begins to serve, to whoever may be listening."""

import pytest

from hub.commands.serve import greeting
from hub.settings import Server

LOCAL, ABROAD = "http://127.0.0.1:8080", "https://hub.example.com"


@pytest.mark.parametrize(
    ("host", "is_terminal"), [("127.0.0.1", True), ("127.0.0.1", False), ("::1", False), ("0.0.0.0", True)]
)
def test_whoever_watches_is_given_the_dashboard_with_a_login(host: str, is_terminal: bool) -> None:
    """A newcomer clicks on it, and is in."""
    said = greeting(Server(host=host), LOCAL, f"{LOCAL}/?token=t", is_terminal=is_terminal)
    assert said.split() == ["Dashboard:", f"{LOCAL}/?token=t"]


def test_what_is_collected_holds_no_login() -> None:
    """journald and Docker keep standard output, and whoever reads it there would administer everything for a day."""
    said = greeting(Server(host="0.0.0.0"), LOCAL, f"{ABROAD}/?token=t", is_terminal=False)
    assert "token=" not in said
    assert said.split()[:2] == ["Dashboard:", f"{ABROAD}/"]
    assert "hub token" in said


def test_behind_another_address_the_page_is_also_named_as_this_machine_reaches_it() -> None:
    """A tunnel that lets webhooks through may hold streams back: there the page never gets past connecting."""
    server = Server(public_url=ABROAD)
    said = greeting(server, LOCAL, f"{ABROAD}/?token=t", is_terminal=True)
    assert [word for word in said.split() if word.startswith("http")] == [f"{ABROAD}/?token=t", f"{LOCAL}/?token=t"]

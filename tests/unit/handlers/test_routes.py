"""All routes: one webhook path for each source, and nothing twice."""

from collections import Counter

from aiohttp import web

from handlers.routes import routes
from hub.settings import Source

LIVEKIT = Source(provider="livekit", name="livekit", path="/api/livekit/webhook")
STAGING = Source(provider="livekit", name="staging", path="/hooks/staging")
MEETINGBAAS = Source(provider="meetingbaas", name="meetingbaas", path="/api/meeting-bot/webhook")
SOURCES = (LIVEKIT, STAGING, MEETINGBAAS)


def ways(sources: tuple[Source, ...]) -> list[tuple[str, str]]:
    """Return method and path of every route."""
    return [(route.method, route.path) for route in routes(sources)]


def test_every_source_takes_webhooks_at_its_own_path() -> None:
    """Several projects of one provider are several sources; only MeetingBaaS' callbacks come by PUT as well."""
    assert all(("POST", source.path) in ways(SOURCES) for source in SOURCES)
    assert {path for method, path in ways(SOURCES) if method == "PUT"} == {
        MEETINGBAAS.path,
        f"{MEETINGBAAS.path}/{{bot_key}}",
    }


def test_only_providers_that_use_them_have_keys_in_their_paths() -> None:
    """Where no key is known, a path with one is a mistake that should be seen."""
    paths = {path for _, path in ways(SOURCES)}
    assert "/api/meeting-bot/webhook/{bot_key}" in paths
    assert not any(path.startswith((LIVEKIT.path + "/", STAGING.path + "/")) for path in paths)


def test_a_source_that_is_off_has_no_path() -> None:
    """It answers 404, so that nobody believes that it takes something."""
    posted = {path for method, path in ways((LIVEKIT,)) if method == "POST"}
    webhooks = [path for path in posted if "hook" in path and path != "/api/bots/webhooks"]
    assert webhooks == [LIVEKIT.path]


def test_no_way_is_there_twice() -> None:
    """The second one would never be taken."""
    assert [way for way, count in Counter(ways(SOURCES)).items() if count > 1] == []


def test_what_is_served_besides_webhooks_does_not_depend_on_the_sources() -> None:
    """A dashboard without a provider is how everybody begins."""
    without = ways(())
    assert ("GET", "/api/stream") in without
    assert ("GET", "/") in without
    assert set(without) < set(ways(SOURCES))


def test_the_application_takes_all_routes() -> None:
    """Two patterns that cannot stand together are found here and not at a start."""
    app = web.Application()
    app.add_routes(routes(SOURCES))
    assert len(app.router.routes()) >= len(routes(SOURCES))

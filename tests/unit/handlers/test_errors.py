"""Whatever is raised becomes problem details: right status, right headers, nothing given away."""

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from handlers.errors import TABLE, problem_response, problems
from hub import errors
from hub.errors import (
    BadRequest,
    BodyTooLarge,
    Forbidden,
    HubError,
    NotFound,
    Overloaded,
    PositionGone,
    ProofRefused,
    StorageUnavailable,
    TokenRefused,
    TooMany,
    Unauthenticated,
)

# Raised before anything listens, turned into a dead delivery, or when the hub asks by itself: no request ends so.
_BEFORE = {errors.ConfigRefused, errors.StorageRefused, errors.StorageInUse}
NEVER_ANSWERED = _BEFORE | {errors.Unusable, errors.NotJson, errors.Unanswered, errors.Gone, HubError}


async def answer_to(raised: BaseException) -> tuple[web.Response, bytes]:
    """Return the answer of a handler that raises, as a client sees it, and its body."""

    async def fail(_: web.Request) -> web.Response:
        raise raised

    app = web.Application(middlewares=[problems])
    app.router.add_get("/", fail)
    async with TestClient(TestServer(app)) as client, client.get("/", allow_redirects=False) as answer:
        return answer, await answer.json(content_type=None) if answer.status >= 400 else {}


@pytest.mark.parametrize(
    ("raised", "status"),
    [
        (BadRequest("limit: expected 1 to 1000"), 400),
        (ProofRefused("the signature is wrong"), 401),
        (TokenRefused("the token has expired"), 401),
        (Unauthenticated("send a token"), 401),
        (Forbidden("this needs the scope admin"), 403),
        (NotFound("there is nothing by this id"), 404),
        (PositionGone("history_trimmed"), 410),
        (BodyTooLarge("the body has more than 5 bytes"), 413),
        (TooMany("too many"), 429),
        (StorageUnavailable("SQLite did not take the work"), 503),
        (Overloaded("too many deliveries are waiting"), 503),
    ],
)
async def test_each_of_the_hubs_own_exceptions_has_its_status_title_and_detail(raised: HubError, status: int) -> None:
    """Clients act upon the status, and people upon the sentence."""
    answer, body = await answer_to(raised)
    assert answer.status == body["status"] == status
    assert answer.content_type == "application/problem+json"
    assert body["type"] == "about:blank"
    assert body["title"]
    assert body["detail"] == str(raised)


@pytest.mark.parametrize("raised", [TokenRefused("expired"), Unauthenticated("nobody")])
async def test_a_401_for_a_credential_says_how_to_come_with_one(raised: HubError) -> None:
    """RFC 9110 demands the challenge, and clients act upon it."""
    answer, _ = await answer_to(raised)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


async def test_a_refused_proof_is_no_invitation_to_log_in() -> None:
    """A provider has no Bearer token: the challenge would be a lie."""
    answer, _ = await answer_to(ProofRefused("wrong"))
    assert "WWW-Authenticate" not in answer.headers


@pytest.mark.parametrize(
    ("raised", "seconds"), [(StorageUnavailable("x"), "1"), (Overloaded("x"), "1"), (TooMany("x"), "60")]
)
async def test_what_passes_says_when_to_come_again(raised: HubError, seconds: str) -> None:
    """Providers keep to Retry-After where they see one."""
    answer, _ = await answer_to(raised)
    assert answer.headers["Retry-After"] == seconds


def test_every_exception_that_can_end_a_request_has_a_row() -> None:
    """One that is forgotten would become a 500."""
    ours = {one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, HubError)}
    assert {one for one in ours - NEVER_ANSWERED if not set(one.__mro__) & set(TABLE)} == set()


def test_an_exception_without_a_row_is_a_mistake_of_the_hub() -> None:
    """It must still be answered, as what it is."""
    assert problem_response(HubError("unforeseen")).status == 500


async def test_a_defect_is_answered_without_what_went_wrong() -> None:
    """A message of Python's may quote a secret or a payload."""
    answer, body = await answer_to(ValueError("invalid literal for int(): 'whsec_secret'"))
    assert answer.status == body["status"] == 500
    assert "secret" not in str(body)
    assert answer.content_type == "application/problem+json"


async def test_a_body_that_does_not_arrive_ends_the_connection() -> None:
    """Whatever would still come over it would be taken for the next request."""
    answer, body = await answer_to(TimeoutError())
    assert answer.status == body["status"] == 408
    assert answer.headers["Connection"] == "close"


async def test_a_refusal_of_the_server_itself_is_problem_details_too() -> None:
    """A client must be able to read every error in one way."""
    answer, body = await answer_to(web.HTTPMethodNotAllowed("PATCH", ["GET", "HEAD"]))
    assert answer.status == body["status"] == 405
    assert answer.content_type == "application/problem+json"
    assert set(answer.headers["Allow"].split(",")) == {"GET", "HEAD"}
    assert body["detail"] == "this path takes GET, HEAD"


async def test_a_path_that_is_not_there_is_said_to_be_none() -> None:
    """Whoever mistyped it looks for the mistake elsewhere, as long as only a number comes back."""
    answer, body = await answer_to(web.HTTPNotFound())
    assert (answer.status, body["title"], body["detail"]) == (404, "Not Found", "there is nothing at this path")


async def test_a_redirect_is_no_problem() -> None:
    """It goes out as it was raised."""
    answer, _ = await answer_to(web.HTTPFound("/elsewhere"))
    assert answer.status == 302
    assert answer.headers["Location"] == "/elsewhere"


async def test_what_works_passes_untouched() -> None:
    """The middleware is only there for what goes wrong."""

    async def work(_: web.Request) -> web.Response:
        return web.Response(text="fine")

    app = web.Application(middlewares=[problems])
    app.router.add_get("/", work)
    async with TestClient(TestServer(app)) as client, client.get("/") as answer:
        assert (answer.status, await answer.text()) == (200, "fine")

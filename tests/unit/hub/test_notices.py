"""What the topic `deliveries` says of what arrived: enough to see what happens, and nothing that was sent."""

import msgspec
import pytest

from hub.notices import Notice, refused_notices, settled_notices
from hub.ports import Outcome, Status
from hub.wire import Form
from tests.contracts.plain import delivery
from tests.contracts.store_deliveries import about, refusal
from tests.unit.hub.browser import Block, read

TOLD = msgspec.structs.replace(
    delivery("key", "a secret header", body=b"a secret body", received_at=1_773_144_000_500),
    provider_type="bot.queued",
    facts=about("bots/m:b1", time=1_773_143_998_000),
)


def shown(notice: Notice) -> Block:
    """Return what a browser makes of it."""
    (block,) = read(notice.told().framed(Form.SSE_PLAIN)).blocks
    return block


@pytest.mark.parametrize(
    ("outcome", "kind", "data"),
    [
        (Outcome(Status.ACCEPTED, 7, events=2), "delivery.accepted", {"events": 2, "copies": 0, "reason": None}),
        (Outcome(Status.DUPLICATE, 7, copies=3), "delivery.duplicate", {"events": 0, "copies": 3, "reason": None}),
        (Outcome(Status.DEAD, 7, "no event"), "delivery.dead", {"events": 0, "copies": 0, "reason": "no event"}),
    ],
)
def test_a_settled_delivery_is_shown_as_a_cloud_event_without_a_position(
    outcome: Outcome, kind: str, data: dict[str, object]
) -> None:
    """Whoever misses it does not get it again, and nobody's place in the log moves."""
    (notice,) = settled_notices([(TOLD, outcome)])
    block = shown(notice)
    assert (block.name, block.id) == ("", None)
    value = block.value
    assert value.pop("id")
    assert value == {
        "specversion": "1.0",
        "source": "/sources/plain",
        "type": kind,
        "subject": "deliveries/7",
        "time": "2026-03-10T12:00:00.500Z",
        "data": {
            "delivery": {
                "id": "7",
                "verdict": outcome.status.value,
                "source": "plain",
                "received_at": "2026-03-10T12:00:00.500Z",
                "provider_type": "bot.queued",
                "event_time": "2026-03-10T11:59:58Z",
                "late": 2.5,
                **data,
            }
        },
    }


def test_each_copy_is_an_event_of_its_own() -> None:
    """CloudEvents are recognised by source and id."""
    outcomes = [Outcome(Status.ACCEPTED, 7), *(Outcome(Status.DUPLICATE, 7, copies=copy) for copy in (1, 2, 3))]
    blocks = [shown(notice) for notice in settled_notices([(TOLD, outcome) for outcome in outcomes])]
    assert len({block.value["id"] for block in blocks}) == 4


def test_a_refused_request_is_shown_with_the_reason() -> None:
    """It is what somebody who sets a webhook up is looking for."""
    (notice,) = refused_notices([("q3", refusal(1_773_144_000_000, reason="x-mb-secret is missing"))])
    value = shown(notice).value
    assert (value["type"], value["subject"]) == ("delivery.refused", "deliveries/q3")
    assert value["data"]["delivery"]["reason"] == "x-mb-secret is missing"


def test_nothing_that_was_sent_is_shown() -> None:
    """No bodies and no headers: a stream is passed on more lightly than a page of details."""
    notices = [
        *settled_notices([(TOLD, Outcome(Status.ACCEPTED, 7))]),
        *refused_notices([("q3", refusal(body=b"a secret body"))]),
    ]
    assert not any("secret" in shown(notice).text or "sha256" in shown(notice).text for notice in notices)


def test_what_need_not_be_read_again_is_no_news() -> None:
    """Nothing arrived, and nothing became of it."""
    again = msgspec.structs.replace(TOLD, redrive=7)
    outcomes = [Outcome(Status.DUPLICATE, 7), Outcome(Status.ACCEPTED, 7, events=1)]
    assert [one.verdict for one in settled_notices([(again, outcome) for outcome in outcomes])] == ["accepted"]

"""What is asked for is described as it is taken."""

import re

import msgspec
import pytest

from handlers.described.orders import LaunchOrder, ScheduleChange, SchedulePlan
from handlers.schedules import FIELDS


def test_plans_are_described_with_the_fields_that_are_taken() -> None:
    """A field that is not described cannot be sent by a generated client."""
    for shape in (SchedulePlan, ScheduleChange):
        assert {field.name for field in msgspec.structs.fields(shape)} == set(FIELDS)


@pytest.mark.parametrize(
    ("url", "is_one"),
    [
        ("https://meet.google.com/abc-defg-hij", True),
        ("HTTPS://teams.example/l/meetup-join/19%3a?context=%7b%7d#x", True),
        ("http://[::1]:8080", True),
        ("https://münchen.example/Zoë", True),
        ("meet.google.com/abc-defg-hij", False),
        ("https://", False),
        ("https:///abc", False),
        ("zoommtg://zoom.us/join", False),
        ("https://meet.example/a b", False),
    ],
)
def test_an_address_of_a_meeting_is_described_as_what_is_taken_for_one(url: str, is_one: bool) -> None:
    """A form that is made of the description says at once that an address is none."""
    _, known = msgspec.json.schema_components([LaunchOrder])
    pattern = known["LaunchOrder"]["properties"]["meeting_url"]["pattern"]
    assert bool(re.search(pattern, url)) == is_one

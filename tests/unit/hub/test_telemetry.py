"""One line for each thing that happened, without anything that somebody sent."""

import contextlib
import io
import json
import logging
import re
from collections.abc import Iterator

import pytest
import structlog

from hub.settings import Log
from hub.telemetry import set_up, what_failed


@contextlib.contextmanager
def logging_as(settings: Log, worker: int = 0) -> Iterator[None]:
    """Log as configured for the length of the block, and then as before."""
    root, level = logging.getLogger(), logging.getLogger("aiohttp.server").level
    handlers, root.handlers = root.handlers, []
    before = structlog.get_config()
    try:
        set_up(settings, worker)
        yield
    finally:
        root.handlers = handlers
        logging.getLogger("aiohttp.server").setLevel(level)
        structlog.configure(**before)


class Writes(io.StringIO):
    """A file that remembers what it was written at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[str] = []

    def write(self, text: str, /) -> int:
        """Take it."""
        self.written.append(text)
        return len(text)


def fail() -> None:
    """Raise something that quotes what was sent."""
    try:
        int("Ann's secret")
    except ValueError as problem:
        raise LookupError("Ann's secret") from problem


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_defect_is_one_line_that_says_what_failed_and_where_and_quotes_nothing(
    form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Messages of exceptions are full of what somebody sent: `invalid literal for int(): …`."""
    with logging_as(Log(format=form)):
        try:
            fail()
        except LookupError:
            structlog.get_logger().exception("request.failed", method="GET")
    (line,) = capsys.readouterr().err.splitlines()
    assert re.search(r"hub/test_telemetry\.py:\d+ fail < ", line)
    assert all(word in line for word in ("request.failed", "GET", "LookupError from ValueError"))
    assert "Ann" not in line


def test_json_is_one_object_of_the_fields_that_have_a_value(capsys: pytest.CaptureFixture[str]) -> None:
    """Machines read it."""
    with logging_as(Log(format="json")):
        structlog.get_logger().warning("delivery.refused", source="livekit", reason=None)
    said = json.loads(capsys.readouterr().err)
    assert said.pop("timestamp").endswith("Z")
    assert said == {"event": "delivery.refused", "level": "warning", "source": "livekit"}


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_line_is_written_at_once_with_its_end(form: str) -> None:
    """Workers share one standard error, in Docker without a buffer: lines in two parts come apart."""
    with contextlib.redirect_stderr(written := Writes()), logging_as(Log(format=form)):
        structlog.get_logger().warning("viewer.talks")
        logging.getLogger("asyncio").warning("slow")
    assert [line.count("\n") for line in written.written if line] == [1, 1]


def test_a_line_says_which_of_several_workers_it_is_of(capsys: pytest.CaptureFixture[str]) -> None:
    """They share one log, and a trouble of one of them is another than one of all."""
    with logging_as(Log(format="json"), worker=2):
        structlog.get_logger().warning("viewer.talks")
    assert json.loads(capsys.readouterr().err)["worker"] == 2


def test_libraries_speak_in_one_line_and_quote_no_exceptions(capsys: pytest.CaptureFixture[str]) -> None:
    """asyncio tells of tasks that failed, with all that the failure said."""
    with logging_as(Log()):
        try:
            fail()
        except LookupError as failure:
            logging.getLogger("asyncio").exception("Task exception was never retrieved\nfuture: %r", failure)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("ERROR asyncio Task exception was never retrieved failure=LookupError from ValueError at=")
    assert "Ann" not in line


def test_what_is_logged_commands_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Names of events come from outside, and somebody reads the log in a terminal."""
    with logging_as(Log()):
        structlog.get_logger().info("delivery.taken", type="\x1b[2Jevil\x07\u202e")
        logging.getLogger("asyncio").error("unclosed %s", "\x1b[2Jevil")
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert all(line.isprintable() and "[2Jevil" in line for line in lines)


def test_of_several_failures_at_once_the_first_is_told() -> None:
    """A group itself says nothing."""
    assert what_failed(ExceptionGroup("", [ValueError(), KeyError()]))["failure"] == "ValueError"


def test_what_is_below_the_level_is_not_said(capsys: pytest.CaptureFixture[str]) -> None:
    """Somebody chose it."""
    with logging_as(Log(level="error")):
        structlog.get_logger().warning("viewer.talks")
    assert capsys.readouterr().err == ""

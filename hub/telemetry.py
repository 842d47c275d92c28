"""How the hub logs: one line for each thing that happened, its name and fields, never bodies, tokens or people."""

import logging
import sys
import traceback
from pathlib import Path

import orjson
import structlog
from structlog.typing import EventDict

from hub.redaction import printable
from hub.settings import Log

_FRAMES = 6


def set_up(settings: Log, worker: int = 0) -> None:
    """Make the log as configured: text for people, JSON for machines, both to standard error.

    Of several workers each says with every line which one it is.
    """
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(serializer=_as_json)
        if settings.format == "json"
        else _as_text(structlog.dev.ConsoleRenderer(colors=False))
    )
    processors: list[structlog.typing.Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _with_what_failed,
        _of_worker(worker or None),
        _without_empty,
    ]
    structlog.configure(
        processors=[*processors, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        # Text and newline in one write: workers share this file, and without a buffer (Docker) two would come apart.
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    # Libraries log through the standard library; only what is wrong matters here.
    # The server's own lines quote requests that it could not read, credentials included; defects are logged by us.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL + 1)
    handler = logging.StreamHandler()
    handler.setFormatter(_Short("%(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])


def what_failed(failure: BaseException) -> dict[str, str]:
    """Return what an exception is and where it was raised, innermost first.

    Not what it says, nor what variables held: both may quote a body, a key or a name.
    """
    while isinstance(failure, BaseExceptionGroup):
        failure = failure.exceptions[0]
    frames = traceback.extract_tb(failure.__traceback__)[-_FRAMES:]
    places = [f"{'/'.join(Path(frame.filename).parts[-2:])}:{frame.lineno} {frame.name}" for frame in reversed(frames)]
    kinds = [type(failure).__name__] + [type(cause).__name__ for cause in (failure.__cause__,) if cause]
    return {"failure": " from ".join(kinds), "at": " < ".join(places)}


class _Short(logging.Formatter):
    """What libraries say, in one line and without what they quote."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the first line of the message, and of an exception what failed."""
        record.message = record.getMessage().partition("\n")[0]
        failure = record.exc_info[1] if record.exc_info else None
        said = [f"{name}={value}" for name, value in what_failed(failure).items()] if failure else []
        return printable(" ".join([self.formatMessage(record), *said]))


def _with_what_failed(_: object, __: str, event: EventDict) -> EventDict:
    told = event.pop("exc_info", None)
    failure = sys.exc_info()[1] if told is True else told
    return {**event, **what_failed(failure)} if isinstance(failure, BaseException) else event


def _of_worker(worker: int | None) -> structlog.typing.Processor:
    return lambda _, __, event: {"worker": worker, **event}


def _as_text(renderer: structlog.dev.ConsoleRenderer) -> structlog.typing.Processor:
    # Somebody reads it in a terminal, and names of events come from outside.
    return lambda logger, name, event: printable(renderer(logger, name, event))


def _as_json(value: EventDict, **_: object) -> str:
    return orjson.dumps(value, default=str).decode()


def _without_empty(_: object, __: str, event: EventDict) -> EventDict:
    return {name: value for name, value in event.items() if value is not None}

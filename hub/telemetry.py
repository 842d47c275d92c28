"""How the hub logs: one line for each thing that happened, its name and fields, never bodies, tokens or people."""

import logging
import sys

import orjson
import structlog
from structlog.typing import EventDict

from hub.settings import Log


def set_up(settings: Log) -> None:
    """Make the log as configured: text for people, JSON for machines, both to standard error."""
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(serializer=_as_json)
        if settings.format == "json"
        else structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    )
    processors: list[structlog.typing.Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _without_empty,
    ]
    if settings.format == "json":
        # Without local variables: those of a request hold bodies and keys.
        without_locals = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        processors.append(structlog.processors.ExceptionRenderer(without_locals))
    structlog.configure(
        processors=[*processors, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    # Libraries log through the standard library; only what is wrong matters here.
    # The server's own lines quote requests that it could not read, credentials included; defects are logged by us.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL + 1)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")


def _as_json(value: EventDict, **_: object) -> str:
    return orjson.dumps(value, default=str).decode()


def _without_empty(_: object, __: str, event: EventDict) -> EventDict:
    return {name: value for name, value in event.items() if value is not None}

"""Posting webhooks to a running hub, signed as the provider would."""

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path

import aiohttp
import msgspec
import orjson

from handlers.providers.arrival import Sample
from handlers.providers.registry import PROVIDERS
from hub.clock import now_ms
from hub.commands.asking import no_answer
from hub.errors import BadRequest
from hub.settings import Settings, Source

_SECONDS = aiohttp.ClientTimeout(total=10)


class Answer(msgspec.Struct, frozen=True):
    """What the hub said."""

    method: str
    url: str
    status: int
    text: str


class Shipment(msgspec.Struct, frozen=True, kw_only=True):
    """What a command line asks to send: a sample of a provider, or a file instead, and what to change of it."""

    provider: str
    event: str
    # By name; empty: the first of the provider.
    source: str
    # How a file is proved; empty: as is usual with the provider.
    dialect: str
    file: str | None
    assignments: tuple[str, ...]
    wrong: bool


async def send(settings: Settings, base: str, shipment: Shipment) -> Answer:
    """Send what is asked for to the hub at `base`. Raises BadRequest, and ConfigRefused when nobody listens there."""
    if shipment.dialect and not shipment.file:
        raise BadRequest("--dialect: goes with --file; a sample has its own")
    now = now_ms()
    source = source_for(settings, shipment.provider, shipment.source)
    sample = (
        _from_file(shipment.file, shipment, now)
        if shipment.file
        else sample_for(shipment.provider, shipment.event, now)
    )
    sample = with_values(sample, shipment.assignments)
    async with aiohttp.ClientSession() as session:
        return await post(session, base, source, sample, now, wrong=shipment.wrong)


def source_for(settings: Settings, provider: str, name: str = "") -> Source:
    """Return the source to send to. Raises BadRequest when there is none."""
    if provider not in PROVIDERS:
        raise BadRequest(f"unknown provider {provider!r}; there are {', '.join(sorted(PROVIDERS))}")
    for source in settings.sources:
        if source.provider == provider and name in ("", source.name):
            return source
    raise BadRequest(f"no source of {provider} is configured" + (f" by the name {name}" if name else ""))


def sample_for(provider: str, event: str, now: int) -> Sample:
    """Return a provider's sample of an event. Raises BadRequest, naming those that there are."""
    samples = PROVIDERS[provider].samples(now)
    if event not in samples:
        raise BadRequest(f"{provider} has no sample {event!r}; there are: {', '.join(samples)}")
    return samples[event]


def with_values(sample: Sample, assignments: Sequence[str]) -> Sample:
    """Return the sample with values changed by `a.b=c`; a value is JSON where it can be read as such, else text.

    Raises BadRequest.
    """
    payload = orjson.loads(orjson.dumps(sample.payload))
    for assignment in assignments:
        path, equals, text = assignment.partition("=")
        if not equals or not path:
            raise BadRequest(f"--set {assignment}: expected path=value, such as participant.identity=ann")
        _assign(payload, path.split("."), _value(text), assignment)
    return msgspec.structs.replace(sample, payload=payload)


def signed(source: Source, sample: Sample, body: bytes, now: int, *, wrong: bool = False) -> Mapping[str, str]:
    """Return the headers of a request that proves itself; with `wrong` one that does not."""
    provider = PROVIDERS[source.provider]
    # A wrong proof is made over other bytes and with another secret: whatever the scheme checks, it fails.
    headers = provider.sign(
        source, body + b" " if wrong else body, now, sample.dialect, sample.delivery_id or _new_delivery_id()
    )
    static = {*provider.static_headers, *(name.lower() for name in source.headers)}
    return {name: ("wrong" if wrong and name.lower() in static else value) for name, value in headers.items()}


async def post(
    session: aiohttp.ClientSession, base: str, source: Source, sample: Sample, now: int, *, wrong: bool = False
) -> Answer:
    """Send a sample to the hub and return its answer. Raises ConfigRefused when nobody listens there."""
    body = orjson.dumps(sample.payload)
    url = base + source.path
    headers = signed(source, sample, body, now, wrong=wrong)
    try:
        async with session.request(sample.method, url, data=body, headers=headers, timeout=_SECONDS) as answer:
            return Answer(sample.method, url, answer.status, (await answer.text()).strip())
    except (aiohttp.ClientError, TimeoutError) as problem:
        raise no_answer(url, problem) from problem


def _from_file(file: str, shipment: Shipment, now: int) -> Sample:
    try:
        payload = orjson.loads(Path(file).read_bytes())
    except (OSError, orjson.JSONDecodeError) as problem:
        raise BadRequest(f"--file {file}: expected JSON, got: {problem}") from problem
    usual = next(iter(PROVIDERS[shipment.provider].samples(now).values())).dialect
    return Sample(payload=payload, dialect=shipment.dialect or usual)


def _new_delivery_id() -> str:
    return f"msg_{secrets.token_hex(12)}"


def _assign(payload: object, path: list[str], value: object, assignment: str) -> None:
    *parents, last = path
    for step in parents:
        payload = _child(payload, step, assignment)
    if isinstance(payload, list) and last in _places(payload):
        payload[int(last)] = value
    elif isinstance(payload, dict):
        payload[last] = value
    else:
        raise BadRequest(f"--set {assignment}: there is no place by that path")


def _child(payload: object, step: str, assignment: str) -> object:
    if isinstance(payload, list) and step in _places(payload):
        return payload[int(step)]
    if isinstance(payload, dict):
        return payload.setdefault(step, {})
    raise BadRequest(f"--set {assignment}: there is no place by that path")


def _places(payload: list[object]) -> list[str]:
    return [str(place) for place in range(len(payload))]


def _value(text: str) -> object:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text

"""The payloads that we make up have the shape of those that the provider documents."""

from pathlib import Path

import pytest

from handlers.providers.meetingbaas_samples import samples
from handlers.providers.reading import parse_payload

SAMPLES = Path(__file__).parents[3] / "samples"
NOW = 1_773_151_300_000
# Shapes of the same events that we have no sample of.
OTHERS = ("complete.minimal", "bot.completed.no_transcript", "artifact.output_transcription")
FILES = sorted(path for path in SAMPLES.glob("meetingbaas_v*/*.json") if path.stem not in OTHERS)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_sample_has_the_fields_of_the_documented_payload(path: Path) -> None:
    """Testing against payloads that nobody sends would prove nothing."""
    prefix = "v1." if path.parent.name == "meetingbaas_v1" else ""
    sample = samples(NOW)[f"{prefix}{path.stem}"]
    assert fields(sample.payload) == fields(parse_payload(path.read_bytes()))


def fields(value: object, path: str = "") -> set[str]:
    """Return the paths of all fields, of arrays those of their first element; `extra` is the customer's own."""
    if isinstance(value, dict):
        inner = (fields(nested, f"{path}.{key}") for key, nested in value.items() if key != "extra")
        return {path}.union(*inner)
    if isinstance(value, list) and value:
        return {path} | fields(value[0], f"{path}[]")
    return {path}

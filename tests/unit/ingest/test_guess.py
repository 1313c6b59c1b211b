"""What a stranger probably is."""

import pytest

from ingest.guess import Guess, guess
from kel.model.city import City
from tests.builders.running import example


@pytest.fixture(scope="module")
def city() -> City:
    return example().city


CASES = [
    ("kel", "kel/v1/drosia/x/telemetry", [b'{"ts": 1, "smoke": 2, "humidity": 3}'], "fire"),
    ("kel", "kel/v1/drosia/x/telemetry", [b'{"voltage": 230}', b'{"door": true}'], "feeder"),
    ("chirpstack", "application/1/device/a/event/up", [b'{"object": {"noise": 12}}'], "leak"),
    ("sparkplug", "spBv1.0/g/DBIRTH/n/d", [b"\x08\x01\x12\x0ctank_level\x12\x07suction"], "pump"),
    ("ucifi", "ucifi/g/l", [b'{"3416/3": 50}'], "lamp"),
    ("kel", "kel/v1/nowhere/x/telemetry", [b"{}"], None),
    ("kel", "kel/v1/drosia/x/telemetry", [], None),
    ("other", "a/b", [b"\xff" * 1000, b"flowers", b'{"pressured": 1}'], None),
]


@pytest.mark.parametrize(("source", "topic", "payloads", "cls"), CASES)
def test_a_class_is_guessed_by_the_names_of_metrics_or_by_the_format(
    city: City, source: str, topic: str, payloads: list[bytes], cls: str | None
) -> None:
    community = "drosia" if "/drosia/" in topic else None
    assert guess(city, source, topic, payloads) == Guess(community, cls)

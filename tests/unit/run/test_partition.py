"""One partition's line: what a record comes to beside readings and alerts."""

from datetime import timedelta

import orjson
import pytest

from kel.model.message import Batch, Message
from kel.model.moment import MINUTE_US, from_us, to_us
from kel.model.reading import Output
from kel.run.partition import Line
from tests.builders.running import OPENED, example

NOW = to_us(OPENED)


@pytest.fixture
def line() -> Line:
    files = example()
    return Line(3, files.city, files.rulebook, files.city.devices.values())


def flow(minute: int, value: float = 20.0) -> Message:
    """A zone meter's reading of that minute, arriving in the sixtieth."""
    at = (OPENED + timedelta(minutes=minute)).isoformat()
    meter = example().city.devices["zm-01"]
    topic = f"kel/v1/{meter.community}/{meter.id}/telemetry"
    return Message(topic, orjson.dumps({"ts": at, "flow": value}), NOW + 60 * MINUTE_US)


def minutes(output: Output) -> list[int]:
    return [(t - NOW) // MINUTE_US for frame in output.frames for t in frame.time.tolist()]


@pytest.mark.parametrize(
    "second", [flow(4), flow(5, 99.0), flow(5)], ids=["late", "another value", "delivered twice"]
)
def test_what_the_rules_pass_over_is_stored_and_counted(line: Line, second: Message) -> None:
    first = line.process(0, Batch((flow(5),)))
    assert not first.dropped
    later = line.process(1, Batch((second, flow(6))))
    assert len(minutes(later)) == 2
    assert later.dropped == {"late_for_rules": 1}
    assert not line.process(2, Batch((flow(7),))).dropped


def test_effects_know_when_the_first_message_came(line: Line) -> None:
    nothing = line.process(0, Batch())
    assert nothing.arrival is None
    nothing.add(line.process(1, Batch((flow(1),))))
    nothing.add(line.process(2, Batch((Message("x", b"", NOW + 99 * MINUTE_US),))))
    assert from_us(nothing.arrival or 0) == OPENED + timedelta(hours=1)

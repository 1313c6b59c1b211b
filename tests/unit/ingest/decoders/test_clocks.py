"""A device without a clock of its own: the arrival counts, whatever it says of the time."""

from dataclasses import replace
from typing import Any

import pytest

from ingest.intake import Intake
from ingest.registry import Registry
from kel.model.device import Clock
from tests.builders import ingest_city as city

WRONG = "2031-01-01T00:00:00Z"
SAYS: list[tuple[str, str, Any]] = [
    ("cam-03", "onvif/cam-03/onvif-ej/RuleEngine/FireDetector/Fire",
     {"UtcTime": WRONG, "Data": {"State": True}}),
    ("la-02-001", "zigbee2mqtt/plateia/fanari-1", {"power": 1, "last_seen": WRONG}),
    ("la-03-001", "talq/gw-1/log",
     {"entries": [{"data": {"srcAddress": "lamp-0001", "timestamp": WRONG,
                            "attributeName": "activePower", "attributeValue": 1}}]}),
    ("la-04-001", f"fiware/lights/{city.ENTITY}",
     {"powerConsumption": {"value": 1, "observedAt": WRONG}, "dateLastReported": WRONG}),
    ("zm-03", "senml/gw-2/meter-7", [{"n": "flow", "v": 1, "bt": 1924992000}]),
    ("lg-01", "acme/drosia/L-4711/data", {"ts": 1924992000, "sensors": [{"val": 50}]}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "topic", "body"), SAYS, ids=[s[0] for s in SAYS])
@pytest.mark.parametrize("clock", Clock)
def test_only_a_clock_of_its_own_is_believed(
    name: str, topic: str, body: Any, clock: Clock
) -> None:
    devices = [replace(d, clock=clock) if d.id == name else d for d in city.DEVICES]
    intake = Intake(Registry(devices, mappings=city.MAPPINGS), city.CLASSES)
    taken = intake.take([city.message(topic, body, city.NOW_US)])
    times = [int(t) for frame in taken.frames for t in frame.time]
    if clock is Clock.ARRIVAL:
        assert (times, taken.rejects) == ([city.NOW_US], ())
    else:
        assert [r.reason for r in taken.rejects] == ["clock_ahead"]

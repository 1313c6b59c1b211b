"""KEL's own JSON: telemetry of gateways that the city configures itself, and citizens' requests."""

from collections.abc import Mapping

import orjson

from kel import topics
from kel.model.device import Device
from kel.simulate.voices import Message, Row

SWITCHES = ("running", "door")  # written as true and false


def telemetry(device: Device, time_us: int, row: Row) -> Message:
    """One reading; `ts` in Unix milliseconds."""
    body: dict[str, object] = {"ts": time_us // 1000, **row}
    for name in SWITCHES:
        if name in row:
            body[name] = bool(row[name])
    topic = topics.TELEMETRY.format(community=device.community, device=device.id)
    return topic, orjson.dumps(body)


def request(payload: Mapping[str, object]) -> Message:
    """A citizen's request; its community goes into the topic."""
    body = {key: value for key, value in payload.items() if key != "community"}
    return topics.REQUESTS.format(community=payload["community"]), orjson.dumps(body)

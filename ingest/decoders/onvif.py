"""ONVIF over MQTT: what a camera's own analytics recognise.

`onvif/{camera}/onvif-ej/{ONVIF topic}[/&{source…}]`: `{"UtcTime": ISO 8601, "Source": {…},
"Key": {…}, "Data": {"<item>": value}}`; `Data` may also be `{"SimpleItem": [{"Name", "Value"}]}`.
`onvif/{camera}` is the topic prefix that is set in the camera (AddEventBroker): a camera is known
by it, whatever its sources are called.

The metric is what the ONVIF topic speaks of: of its levels, from the last to the first, the words
without Alarm, Detector and the like (`RuleEngine/SmokeDetector/Alarm` is smoke,
`RuleEngine/CellMotionDetector/Motion` motion); the first that a class of these cameras declares.
Its value is the one item of `Data` that says yes or no (true, "active", "on", …), else the one
number there that is no object's id.

Law: topics whose labels no camera's class declares (persons, plates, faces) are dropped and counted
before anything else is looked at, and never stored (P.D. 75/2020).
Source: ONVIF Core Specification, "Event broker" (MQTT), and the Analytics and Imaging topics.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ingest.address import TopicCache
from ingest.cameras import allowed_labels
from ingest.checks import kind_of, load_object, moment_of, number_of
from ingest.registry import Registry
from ingest.sink import Sink, usable
from ingest.validate import Dropped, Reason, Refused
from kel.model.device import DeviceClass
from kel.model.message import Message

WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
NO_LABEL = frozenset({"alarm", "alert", "detector", "detection", "detected", "state", "event"})
SAYS = {
    "true": 1.0,
    "active": 1.0,
    "on": 1.0,
    "yes": 1.0,
    "false": 0.0,
    "inactive": 0.0,
    "off": 0.0,
    "no": 0.0,
}


class Onvif:
    name = "onvif"

    def __init__(self, registry: Registry, classes: Mapping[str, DeviceClass]) -> None:
        self._registry = registry
        used = {camera.cls for camera in registry.by_source(self.name)}
        self._allowed = {c: frozenset(m.name for m in classes[c].metrics) for c in used}
        self._any = allowed_labels(registry, classes, self.name)
        self._topics = TopicCache(_camera_and_labels)

    def matches(self, topic: str) -> bool:
        match topic.split("/"):
            case ["onvif", _, "onvif-ej", _, *_]:
                return True
        return False

    def decode(self, message: Message, sink: Sink) -> None:
        camera, labels = self._topics[message.topic]
        if self._any.isdisjoint(labels):
            sink.drop(Dropped.LABEL_NOT_ALLOWED)
            return
        device = usable(self._registry.find(self.name, camera), self.name, camera)
        allowed = self._allowed[device.cls]
        label = next((word for word in labels if word in allowed), None)
        if label is None:
            sink.drop(Dropped.LABEL_NOT_ALLOWED)
            return
        body = load_object(message.payload)
        time = moment_of(device, body.get("UtcTime"), message.arrival)
        sink.row(device, time, {label: _value(body.get("Data"))})


def _camera_and_labels(topic: str) -> tuple[str, tuple[str, ...]]:
    """The camera's name, and what the ONVIF topic may be about, the likeliest first."""
    _, camera, _, *levels = topic.split("/")
    source = next((i for i, level in enumerate(levels) if level.startswith("&")), len(levels))
    labels = (_label(level) for level in reversed(levels[:source]))
    return camera, tuple(label for label in labels if label)


def _label(level: str) -> str:
    """`tns1:SmokeAlarm` → smoke, `DigitalInput` → digital_input, `Alarm` → nothing."""
    words = [word.lower() for word in WORDS.findall(level.rsplit(":", 1)[-1])]
    return "_".join(word for word in words if word not in NO_LABEL)


def _value(data: Any) -> float:
    """The one thing that `Data` says."""
    items = [(name, value) for name, value in _items(data) if name != "ObjectId"]
    states = [state for state in (_state(value) for _, value in items) if state is not None]
    if len(states) == 1:
        return states[0]
    numbers = [(n, v) for n, v in items if type(v) in (int, float) or _is_number(v)]
    if states or len(numbers) != 1:
        raise Refused(Reason.BAD_EVENT, "Data holds no single state and no single number")
    name, value = numbers[0]
    return float(value) if type(value) is str else number_of(value, name)


def _items(data: Any) -> Iterator[tuple[str, Any]]:
    if type(data) is not dict:
        raise Refused(Reason.BAD_EVENT, f"Data: an object is wanted, not {kind_of(data)}")
    simple = data.get("SimpleItem")
    if simple is None:
        yield from data.items()
        return
    for item in simple if type(simple) is list else [simple]:
        if type(item) is not dict or type(item.get("Name")) is not str:
            raise Refused(Reason.BAD_EVENT, "a SimpleItem has no name")
        yield item["Name"], item.get("Value")


def _state(value: Any) -> float | None:
    if type(value) is bool:
        return float(value)
    return SAYS.get(value.lower()) if type(value) is str else None


def _is_number(value: Any) -> bool:
    """A number as XML writes it: ONVIF's items are text where they come from XML."""
    return (
        type(value) is str and re.fullmatch(r"[+-]?[0-9]{1,15}(\.[0-9]{1,15})?", value) is not None
    )

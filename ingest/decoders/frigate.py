"""Frigate (cameras): what a camera recognises, never what it sees.

`frigate/events`: `{"type": new | update | end, "after": {"id", "camera", "label", "score",
"frame_time", "end_time", "false_positive", …}}`; `frigate/reviews` (since 0.14): the same envelope,
`after.data` with `objects` and `audio` (lists of labels, `-verified` where a sub-label was found)
and `detections` (ids of events); its `severity` (alert, detection) is Frigate's own and not looked
at, and neither are its summaries (`genai`). `frigate/available`: `online`, `offline` or `stopped`,
of all cameras.

A label is a metric of the camera's class (smoke, fire), its value the highest score (0 to 1) of
the objects of that label that are in sight; when the last one ends, 0. A review knows no scores:
what it lists counts as its detections do that are in sight, else as 1. An update of it carries no
time, so its arrival stands in.

A zone of a camera's picture may be a device of its own, with the address `camera/zone`: it reads
what of the camera's objects is in the zone now (`current_zones`; of a review `data.zones`), 0 when
the last one left.

Laws:
- labels that no camera's class declares (persons, plates, faces) are dropped and counted before
  anything else is looked at, and never stored (P.D. 75/2020); so is all else below `frigate/`;
- what happens in one frame is told in several messages, and each is a row of its own: up to a
  second behind the camera's last row, a row takes the microsecond after it;
- the very same message again (a bridge that was killed before it acknowledged sends it twice)
  changes nothing: of the last `MOST_HEARD` messages that became readings a digest is kept;
- an object not heard of for an hour is forgotten, and all of them when Frigate starts or stops:
  what was in sight then reads 0, or its smoke would never end. `online` after `online` is no start:
  the broker repeats it to a bridge that comes back.
Source: Frigate documentation, "MQTT".
"""

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any

from ingest.cameras import allowed_labels
from ingest.checks import (
    in_time,
    load_object,
    number_of,
    plain_text,
    shown,
    text_of,
    time_of_seconds,
)
from ingest.registry import Registry
from ingest.sink import Sink, usable
from ingest.validate import Dropped, Reason, Refused
from kel.model.device import Clock, Device, DeviceClass, DeviceState
from kel.model.message import Message
from kel.model.moment import HOUR_US, SECOND_US

BAD = Reason.BAD_EVENT
KINDS = ("new", "update", "end")
SUMMARY = "genai"  # of a review, in words
VERIFIED = "-verified"  # an object whose sub-label was found
MOST_OBJECTS = 64  # of one camera and label at a time
MOST_HEARD = 2048  # at least what a bridge has in flight unacknowledged

Seen = dict[str, tuple[float, int]]  # object's id → score, when it was last heard of (µs)


class Frigate:
    name = "frigate"

    def __init__(self, registry: Registry, classes: Mapping[str, DeviceClass]) -> None:
        self._registry = registry
        self._cameras = registry.by_source(self.name)
        self._zones = _zones(self._cameras)
        self._labels = {c: frozenset(m.name for m in cls.metrics) for c, cls in classes.items()}
        self._allowed = allowed_labels(registry, classes, self.name)
        self._sight: dict[tuple[str, str], Seen] = {}  # camera and label → objects in sight
        self._last: dict[str, int] = {}  # camera → time of its last row (µs)
        self._heard: dict[str, None] = {}  # digests of messages that became readings, oldest first
        self._up: bool | None = None  # whether Frigate runs, as it said last

    def matches(self, topic: str) -> bool:
        return topic.startswith("frigate/")

    def decode(self, message: Message, sink: Sink) -> None:
        match message.topic:
            case "frigate/events" | "frigate/reviews":
                self._once(message, sink)
            case "frigate/available":
                self._available(message, sink)
            case _:
                sink.drop(Dropped.NOT_NEEDED)

    def state(self) -> Any:
        sight = [[*key, [[i, *s] for i, s in seen.items()]] for key, seen in self._sight.items()]
        return {"sight": sight, "last": self._last, "heard": [*self._heard], "up": self._up}

    def load(self, state: Any) -> None:
        self._last = dict(state["last"])
        self._heard = dict.fromkeys(state["heard"])
        self._up = state["up"]
        self._sight = {
            (camera, label): {i: (score, at) for i, score, at in seen}
            for camera, label, seen in state["sight"]
        }

    def _once(self, message: Message, sink: Sink) -> None:
        """An event or a review, unless it was heard already."""
        digest = blake2b(message.payload, digest_size=8).hexdigest()
        if digest in self._heard:
            sink.drop(Dropped.DUPLICATE)
            return
        tell = self._event if message.topic == "frigate/events" else self._review
        if tell(message, sink):
            self._heard[digest] = None
            if len(self._heard) > MOST_HEARD:
                del self._heard[next(iter(self._heard))]

    def _event(self, message: Message, sink: Sink) -> bool:
        """Whether it became a reading."""
        kind, after = _envelope(message.payload)
        labels = self._let_through([text_of(after.get("label"), "label", 128, BAD)], sink)
        if not labels:
            return False
        if after.get("false_positive") is True:
            sink.drop(Dropped.FALSE_POSITIVE)
            return False
        ended = kind == "end"
        moment = after.get("end_time") if ended else None
        time = self._moment(after, after.get("frame_time") if moment is None else moment, message)
        scores = dict.fromkeys(labels, 0.0 if ended else _score(after))
        return self._readings(after, scores, time, ended, after.get("current_zones"), sink)

    def _review(self, message: Message, sink: Sink) -> bool:
        """Whether it became a reading."""
        kind, after = _envelope(message.payload, (*KINDS, SUMMARY))
        if kind == SUMMARY:
            sink.drop(Dropped.NOT_NEEDED)
            return False
        data = after.get("data")
        if type(data) is not dict or type(data.get("objects")) is not list:
            raise Refused(BAD, "data.objects is not a list")
        told = _labels(data, "objects") + _labels(data, "audio")
        if not told:
            sink.drop(Dropped.NOT_NEEDED)
            return False
        if not (labels := self._let_through(told, sink)):
            return False
        ended = kind == "end"
        if kind == "update":
            time = in_time(message.arrival, message.arrival)
        else:
            time = self._moment(after, after.get("end_time" if ended else "start_time"), message)
        scores = dict.fromkeys(labels, 0.0)
        if not ended:
            scores = {label: self._score_of(after, label) for label in labels}
        return self._readings(after, scores, time, ended, data.get("zones"), sink)

    def _available(self, message: Message, sink: Sink) -> None:
        text = plain_text(message.payload, "status", Reason.BAD_STATUS)
        if text not in ("online", "offline", "stopped"):
            raise Refused(Reason.BAD_STATUS, f"{shown(text)} is neither online nor offline")
        at, online = in_time(message.arrival, message.arrival), text == "online"
        for camera in self._cameras:
            sink.status(camera, at, online)
            if not (online and self._up):
                self._out_of_sight(camera, at, sink)
        self._up = online

    def _out_of_sight(self, camera: Device, at: int, sink: Sink) -> None:
        """Nothing is in sight of the camera any more: one row that says so, where it saw some."""
        labels = sorted(self._labels[camera.cls])
        seen = [label for label in labels if self._sight.pop((camera.id, label), None)]
        if seen and camera.state is DeviceState.ACTIVE:
            time = max(at, self._last.get(camera.id, 0) + 1)
            sink.row(camera, time, dict.fromkeys(seen, 0.0))
            self._last[camera.id] = time

    def _let_through(self, labels: Iterable[str], sink: Sink) -> list[str]:
        """The labels that the city allows; the others are counted by nothing but their number."""
        allowed = []
        for label in dict.fromkeys(labels):
            if label in self._allowed:
                allowed.append(label)
            else:
                sink.drop(Dropped.LABEL_NOT_ALLOWED)
        return allowed

    def _readings(
        self,
        after: Mapping[str, Any],
        scores: Mapping[str, float],  # by label
        time: int,
        ended: bool,
        inside: object,  # the names of zones, as the message has them
        sink: Sink,
    ) -> bool:
        camera = self._camera(after.get("camera"))
        zones = self._zones.get(camera.address, ())
        names = _names(inside) if zones else ()
        object_id = text_of(after.get("id"), "id", 128, BAD)
        if not object_id:
            raise Refused(BAD, "id is missing", camera.id)
        own = [label for label in scores if label in self._labels[camera.cls]]
        if not own:
            sink.drop(Dropped.LABEL_NOT_ALLOWED)
            return False
        self._tell(camera, object_id, {label: scores[label] for label in own}, time, ended, sink)
        for name, zone in zones:
            here = not ended and name in names
            known = {
                label: score if here else 0.0
                for label, score in scores.items()
                if label in self._labels[zone.cls]
                and (here or object_id in self._sight.get((zone.id, label), {}))
            }
            if known:
                self._tell(zone, object_id, known, time, not here, sink)
        return True

    def _tell(
        self,
        device: Device,
        object_id: str,
        scores: Mapping[str, float],
        time: int,
        gone: bool,
        sink: Sink,
    ) -> None:
        """A row of a camera or a zone of it: this object and the others in sight there."""
        values = {}
        for label in scores:
            seen = self._still_seen(device, label, object_id, time)
            others = max((s for s, _ in seen.values()), default=0.0)
            values[label] = max(scores[label], others)
        row_time = self._apart(device, time)
        try:
            sink.row(device, row_time, values)
        except Refused as why:
            raise Refused(why.reason, why.detail, device.id) from None
        self._last[device.id] = row_time  # only now: what was refused must not be remembered
        for label, score in scores.items():
            self._remember(device, label, object_id, None if gone else (score, time))

    def _score_of(self, review: Mapping[str, Any], label: str) -> float:
        """What a review's own detections say, as far as they are in sight."""
        detections = review["data"].get("detections")
        if type(detections) is not list:
            return 1.0
        camera = self._camera(review.get("camera"))
        seen = self._sight.get((camera.id, label), {})
        return max((seen[d][0] for d in detections if type(d) is str and d in seen), default=1.0)

    def _apart(self, camera: Device, time: int) -> int:
        """A time of its own for the camera's next row."""
        last = self._last.get(camera.id, 0)
        return last + 1 if time <= last < time + SECOND_US else time

    def _moment(self, after: Mapping[str, Any], value: object, message: Message) -> int:
        """Microseconds of Unix seconds, or the arrival of a camera without a clock of its own."""
        if self._camera(after.get("camera")).clock is Clock.ARRIVAL:
            return in_time(message.arrival, message.arrival)
        if value is None:
            raise Refused(Reason.NO_TIME, "the event has no time")
        return time_of_seconds(value, message.arrival)

    def _camera(self, name: object) -> Device:
        if type(name) is not str:
            raise Refused(BAD, "camera is missing")
        if "/" in name:
            raise Refused(BAD, f"{shown(name)} is no camera's name")
        return usable(self._registry.find(self.name, name), self.name, name)

    def _still_seen(self, camera: Device, label: str, object_id: str, time: int) -> Seen:
        """The other objects of this label that the camera still sees."""
        seen = self._sight.get((camera.id, label), {})
        return {i: s for i, s in seen.items() if i != object_id and time - s[1] < HOUR_US}

    def _remember(
        self, camera: Device, label: str, object_id: str, found: tuple[float, int] | None
    ) -> None:
        time = found[1] if found else 0
        seen = self._still_seen(camera, label, object_id, time)
        if found:
            seen[object_id] = found
        while len(seen) > MOST_OBJECTS:
            seen.pop(next(iter(seen)))
        self._sight[camera.id, label] = seen


def _zones(cameras: Iterable[Device]) -> dict[str, list[tuple[str, Device]]]:
    """The zones that are devices, by their camera's name."""
    found: dict[str, list[tuple[str, Device]]] = {}
    for device in cameras:
        camera, slash, name = device.address.partition("/")
        if slash and device.state is DeviceState.ACTIVE:
            found.setdefault(camera, []).append((name, device))
    return found


def _names(zones: object) -> tuple[str, ...]:
    """The zones that a message lists; none where it has no such list."""
    if zones is None:
        return ()
    if type(zones) is not list:
        raise Refused(BAD, "the zones are not a list")
    return tuple(text_of(name, "zone", 128, BAD) for name in zones)


def _envelope(payload: bytes, kinds: tuple[str, ...] = KINDS) -> tuple[str, dict[str, Any]]:
    """The kind of an event or review, and the object as it is now."""
    body = load_object(payload)
    kind, after = body.get("type"), body.get("after")
    if type(kind) is not str or kind not in kinds:
        raise Refused(BAD, f"type is none of {', '.join(kinds)}")
    if type(after) is not dict:
        raise Refused(BAD, "after is not an object")
    return kind, after


def _labels(data: Mapping[str, Any], part: str) -> list[str]:
    """The labels of a review, without the mark of a sub-label."""
    labels = data.get(part) or []
    if type(labels) is not list:
        raise Refused(BAD, f"data.{part} is not a list")
    return [text_of(o, "label", 128, BAD).removesuffix(VERIFIED) for o in labels]


def _score(after: Mapping[str, Any]) -> float:
    """The score of now, or the best so far where Frigate leaves it out."""
    now = after.get("score")
    return number_of(after.get("top_score") if now is None else now, "score")

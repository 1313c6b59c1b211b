"""A small city for ingest: one device or two of every format, and messages as they speak."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from google.protobuf import json_format

from ingest.decoders.sparkplug_b_pb2 import Payload
from ingest.intake import Intake, Taken
from ingest.registry import Registry
from ingest.sink import Sink
from ingest.table import Columns
from kel.model.device import Device, DeviceClass, DeviceState, Metric
from kel.model.mapping import JsonMapping, MappedMetric
from kel.model.message import Message
from kel.model.moment import from_us, to_us
from kel.model.place import Point

NOW = datetime(2026, 5, 4, 21, 0, 0, tzinfo=UTC)
NOW_US = to_us(NOW)
NOW_MS = NOW_US // 1000
DEV_EUI = "a84041000181c061"
EDGE = "dionysos/scada-1"
ENTITY = "urn:ngsi-ld:Streetlight:la-04-001"


def _class(name: str, minutes: int, **metrics: tuple[str, float | None, float | None]) -> Any:
    columns = tuple(Metric(m, unit, m, low, high) for m, (unit, low, high) in metrics.items())
    return DeviceClass(name, name, columns, timedelta(minutes=minutes))


SHARE = ("1", 0.0, 1.0)
PERCENT = ("%", 0.0, 100.0)
CLASSES: Mapping[str, DeviceClass] = {
    c.id: c
    for c in (
        _class(
            "pump",
            1,
            flow=("m³/h", 0.0, 2000.0),
            discharge=("bar", -1.0, 40.0),
            power=("kW", 0.0, 2000.0),
            energy=("kWh", 0.0, None),
            running=("1", 0.0, 1.0),
        ),
        _class("zone", 5, flow=("m³/h", -500.0, 2000.0), pressure=("bar", 0.0, 25.0)),
        _class(
            "leak",
            15,
            pressure=("bar", 0.0, 25.0),
            noise=("dB", 0.0, 120.0),
            temperature=("°C", -40.0, 85.0),
            battery=PERCENT,
            rssi=("dBm", -200.0, 0.0),
            snr=("dB", -40.0, 40.0),
        ),
        _class(
            "lamp",
            30,
            command=PERCENT,
            dimming=PERCENT,
            power=("W", 0.0, 1000.0),
            failure=SHARE,
            gear_failure=SHARE,
            day_burner=SHARE,
            hours=("h", 0.0, None),
        ),
        _class("camera", 1, smoke=SHARE, fire=SHARE),
        _class(
            "meter",
            60,
            volume=("m³", 0.0, None),
            flow_most=("m³/h", 0.0, 100.0),
            leak_suspected=SHARE,
            leak_detected=SHARE,
            backflow=SHARE,
        ),
    )
}


def device(number: int, name: str, cls: str, source: str = "kel", **more: Any) -> Device:
    """A device of the small city, in Stamata unless told otherwise."""
    values: dict[str, Any] = {
        "id": name,
        "number": number,
        "cls": cls,
        "name": name,
        "community": "stamata",
        "place": Point(38.14, 23.86),
        "source": source,
        "address": name,
    }
    return Device(**(values | more))


DEVICES = (
    device(1, "ps-01", "pump", "sparkplug", address=f"{EDGE}/ps-01"),
    device(2, "ps-02", "pump", "sparkplug", address=f"{EDGE}/ps-02"),
    device(3, "ps-03", "pump", "sparkplug", address="dionysos/ps-03"),  # the edge node itself
    device(10, "ps-10", "pump"),
    device(21, "zm-01", "zone", zone="z01", parent="ps-10"),
    device(22, "zm-02", "zone", zone="z02", community="drosia", parent="ps-10"),
    device(23, "zm-98", "zone", zone="z02", state=DeviceState.DRAFT),
    device(24, "zm-99", "zone", zone="z02", state=DeviceState.RETIRED),
    device(31, "ls-01", "leak", "chirpstack", address=DEV_EUI, zone="z01"),
    device(32, "ls-02", "leak", "things_stack", address="leaks@dionysos/ls-02", zone="z01"),
    device(33, "ls-03", "leak", "things_stack", address="leaks/ls-03", zone="z01"),
    device(41, "la-01-001", "lamp", "ucifi", address="f01/la-01-001", feeder="f01"),
    device(42, "wm-01", "meter", "ucifi", address="g01/wm-01", zone="z01"),
    device(51, "cam-01", "camera", "frigate"),
    device(52, "cam-02", "camera", "frigate"),
    device(53, "cam-03", "camera", "onvif"),
    device(61, "la-02-001", "lamp", "zigbee2mqtt", address="plateia/fanari-1", feeder="f01"),
    device(62, "la-02-002", "lamp", "zigbee2mqtt", address="plateia/fanari-2", feeder="f01"),
    device(63, "la-03-001", "lamp", "talq", address="gw-1/lamp-0001", feeder="f02"),
    device(64, "la-03-002", "lamp", "talq", address="gw-1/lamp-0002", feeder="f02"),
    device(65, "la-03-099", "lamp", "talq", address="gw-1/lamp-0099", state=DeviceState.RETIRED),
    device(66, "la-04-001", "lamp", "fiware", address=f"lights/{ENTITY}", feeder="f03"),
    device(71, "zm-03", "zone", "senml", address="gw-2/meter-7", zone="z03"),
    device(72, "lg-01", "leak", "mapping", address="L-4711", zone="z01"),
)
MAPPINGS = (
    JsonMapping(
        id="mapping",
        label="Καταγραφικά πίεσης",
        topic="acme/+/{device}/data",
        time="/ts",
        time_form="unix_s",
        metrics=(
            MappedMetric("/sensors/0/val", "pressure", unit="psi"),
            MappedMetric("/sensors/1/val", "temperature", unit="°F", scale=0.1),
            MappedMetric("/sys/bat", "battery", values={"good": 90.0, "low": 10.0}),
            MappedMetric("/sys/door~1lid", "door", values={"open": 1.0, "closed": 0.0}),
        ),
    ),
)
BY_NUMBER = {d.number: d for d in DEVICES}


def registry(*more: Device) -> Registry:
    return Registry((*DEVICES, *more), mappings=MAPPINGS)


def intake() -> Intake:
    """A fresh intake of the small city."""
    return Intake(registry(), CLASSES)


def sink(lasts: dict[int, int] | None = None) -> Sink:
    """An empty sink of the small city; `lasts`: of devices without a clock, by number."""
    return Sink({name: Columns(cls) for name, cls in CLASSES.items()}, lasts)


def message(topic: str, payload: Any, arrival: int = NOW_US + 1_000_000) -> Message:
    """A message; what is neither bytes nor text is sent as JSON."""
    if not isinstance(payload, bytes):
        text = payload if isinstance(payload, str) else json.dumps(payload, ensure_ascii=False)
        payload = text.encode()
    return Message(topic, payload, arrival)


def later(sent: Message, microseconds: int) -> Message:
    """The same message, arriving later."""
    return sent._replace(arrival=sent.arrival + microseconds)


def telemetry(reading: Any, name: str = "zm-01", community: str = "stamata") -> Message:
    return message(f"kel/v1/{community}/{name}/telemetry", reading)


def sparkplug(kind: str, device: str = "", node: str = EDGE, **payload: Any) -> Message:
    """A Sparkplug message from the protobuf JSON form of its payload; timestamp NOW by default."""
    group, edge = node.split("/")
    topic = f"spBv1.0/{group}/{kind}/{edge}" + (f"/{device}" if device else "")
    body = {"timestamp": NOW_MS} | payload
    return message(topic, json_format.ParseDict(body, Payload()).SerializeToString())


def births(session: int = 7) -> list[Message]:
    """NBIRTH of the edge node and DBIRTH of ps-01, with aliases 1 to 5; next seq is 2."""
    return [
        sparkplug(
            "NBIRTH", seq=0, metrics=[{"name": "bdSeq", "datatype": 8, "longValue": session}]
        ),
        sparkplug(
            "DBIRTH",
            "ps-01",
            seq=1,
            metrics=[
                {"name": "flow", "alias": 1, "datatype": 10, "doubleValue": 42.5},
                {"name": "discharge", "alias": 2, "datatype": 10, "doubleValue": 8.25},
                {"name": "running", "alias": 3, "datatype": 11, "booleanValue": True},
                {"name": "energy", "alias": 4, "datatype": 8, "longValue": 123456},
                {"name": "valve", "alias": 5, "datatype": 3, "intValue": 0xFFFFFFFE},
            ],
        ),
    ]


def found(taken: Taken) -> dict[str, Any]:
    """What was taken as plain JSON-like data; what is empty is left out, and so is what is NaN."""
    frames = {
        frame.cls: [
            {"device": BY_NUMBER[int(frame.device[i])].id, "time": _iso(int(frame.time[i]))}
            | {n: float(c[i]) for n, c in frame.metrics.items() if c[i] == c[i]}
            for i in range(len(frame))
        ]
        for frame in taken.frames
    }
    all_of_it: dict[str, Any] = {
        "frames": frames,
        "other": [[BY_NUMBER[o.device].id, _iso(o.time), o.metric, o.value] for o in taken.other],
        "statuses": [[s.device, _iso(s.at), s.online] for s in taken.statuses],
        "requests": [
            {
                "at": r.at.isoformat(),
                "community": r.community,
                "category": r.category,
                "text": r.text,
                "place": [r.place.lat, r.place.lon] if r.place else None,
            }
            for r in taken.requests
        ],
        "contacts": [[c.name, c.phone] for c in taken.contacts],
        "replies": [
            {
                "order": str(r.order),
                "crew": r.crew,
                "action": str(r.action),
                "at": r.at.isoformat(),
                "used": [[m.item, str(m.quantity)] for m in r.used],
                "km": r.km,
                "note": r.note,
            }
            for r in taken.replies
        ],
        "rejects": [[r.reason, r.device] for r in taken.rejects],
        "rebirths": list(taken.rebirths),
        "gauges": [[g.name, _iso(g.at), g.value] for g in taken.gauges],
        "dropped": dict(taken.dropped),
    }
    return {key: value for key, value in all_of_it.items() if value}


def cells(*batches: Taken) -> dict[tuple[int, int, str], set[float]]:
    """Every value by device, time and metric, however the rows were cut."""
    values: dict[tuple[int, int, str], set[float]] = {}
    for taken in batches:
        for frame in taken.frames:
            for name, column in frame.metrics.items():
                for i in range(len(frame)):
                    if column[i] == column[i]:
                        key = (int(frame.device[i]), int(frame.time[i]), name)
                        values.setdefault(key, set()).add(float(column[i]))
        for o in taken.other:
            values.setdefault((o.device, o.time, o.metric), set()).add(o.value)
    return values


def _iso(us: int) -> str:
    return from_us(us).isoformat()

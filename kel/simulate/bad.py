"""Bad messages, as real ones go wrong: each must be rejected, once, and harm nothing else."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import orjson

from kel import topics
from kel.model.city import City
from kel.model.device import Device
from kel.simulate.voices import Message

YEAR_MS = 365 * 86_400_000


class Fault(StrEnum):
    TRUNCATED = "truncated"  # the line broke in the middle of a message
    NOT_A_NUMBER = "not_a_number"  # NaN, as careless programs write it
    TOO_BIG_A_NUMBER = "too_big_a_number"  # 1e999
    CLOCK_AHEAD = "clock_ahead"  # a device lives a year ahead
    UNKNOWN_DEVICE = "unknown_device"  # bought, mounted, never registered
    UNKNOWN_TOPIC = "unknown_topic"
    WRONG_COMMUNITY = "wrong_community"  # a device that speaks in another community's name


@dataclass(frozen=True, slots=True)
class Bad:
    at_us: int
    fault: Fault


def message(city: City, bad: Bad) -> Message:
    """The bad message itself."""
    return _MAKERS[bad.fault](city, bad.at_us // 1000)


def _meter(city: City) -> Device:
    """A device that speaks KEL's own JSON."""
    return min((d for d in city.devices.values() if d.source == "kel"), key=lambda d: d.id)


def _topic(city: City, device: str = "", community: str = "") -> str:
    meter = _meter(city)
    return topics.TELEMETRY.format(
        community=community or meter.community, device=device or meter.id
    )


def _metric(city: City) -> str:
    return city.classes[_meter(city).cls].metrics[0].name


def _truncated(city: City, ms: int) -> Message:
    return _topic(city), orjson.dumps({"ts": ms, _metric(city): 1.0})[:-3]


def _not_a_number(city: City, ms: int) -> Message:
    return _topic(city), f'{{"ts":{ms},"{_metric(city)}":NaN}}'.encode()


def _too_big(city: City, ms: int) -> Message:
    return _topic(city), f'{{"ts":{ms},"{_metric(city)}":1e999}}'.encode()


def _clock_ahead(city: City, ms: int) -> Message:
    return _topic(city), orjson.dumps({"ts": ms + YEAR_MS, _metric(city): 1.0})


def _unknown_device(city: City, ms: int) -> Message:
    return _topic(city, device="zm-new"), orjson.dumps({"ts": ms, "flow": 12.5})


def _unknown_topic(_: City, ms: int) -> Message:
    return "ucifi/gateway/lamp/battery", orjson.dumps({"ts": ms, "value": 87})


def _wrong_community(city: City, ms: int) -> Message:
    other = min(c for c in city.communities if c != _meter(city).community)
    return _topic(city, community=other), orjson.dumps({"ts": ms, _metric(city): 1.0})


_MAKERS: dict[Fault, Callable[[City, int], Message]] = {
    Fault.TRUNCATED: _truncated,
    Fault.NOT_A_NUMBER: _not_a_number,
    Fault.TOO_BIG_A_NUMBER: _too_big,
    Fault.CLOCK_AHEAD: _clock_ahead,
    Fault.UNKNOWN_DEVICE: _unknown_device,
    Fault.UNKNOWN_TOPIC: _unknown_topic,
    Fault.WRONG_COMMUNITY: _wrong_community,
}

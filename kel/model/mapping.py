"""Mappings: how a vendor's JSON is read, as the city's files say it; a new device needs no code.

Laws:
- a topic pattern is an MQTT filter in which one level may be `{device}`: the sender's address;
- without it the address stands in the payload, and all senders share one group, so one partition;
- places in the payload are JSON pointers (RFC 6901): looked for in a reading, and, for device and
  time, in the whole message where the reading has none.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

DEVICE = "{device}"

TimeForm = Literal["iso", "unix_s", "unix_ms"]


@dataclass(frozen=True, slots=True)
class MappedMetric:
    """One metric: the value `at` a pointer, × `scale` + `offset`, is in `unit`.

    `values`: what words (or numbers) in the payload stand for; `unit` empty: the class's own.
    """

    at: str
    metric: str
    unit: str = ""
    scale: float = 1.0
    offset: float = 0.0
    values: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class JsonMapping:
    """One vendor's format; `id` is the `source` of the devices that speak it.

    `device`: pointer to the address where the topic does not hold it; `time`: pointer to the time,
    None: the arrival counts; `readings`: pointer to the list of readings (empty: the message
    itself), None: the message is one reading.
    """

    id: str
    label: str
    topic: str
    metrics: tuple[MappedMetric, ...]
    device: str | None = None
    time: str | None = None
    time_form: TimeForm = "iso"
    readings: str | None = None

    @property
    def filter(self) -> str:
        """The MQTT filter that hears it."""
        return self.topic.replace(DEVICE, "+")

    @property
    def login(self) -> str:
        """Who may write there: the login that is called as the topics begin (`mosquitto/acl`)."""
        return self.topic.split("/")[0]

    @property
    def group(self) -> str | None:
        """The one locality group of all its senders; None where each topic names its sender."""
        return None if DEVICE in self.topic else f"mapping:{self.id}"

    def matches(self, topic: str) -> bool:
        return self._pattern.fullmatch(topic) is not None

    def address_in(self, topic: str) -> str | None:
        """The address that the topic names, or None."""
        found = self._pattern.fullmatch(topic)
        return found["device"] if found and DEVICE in self.topic else None

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        parts = {"+": "[^/]*", DEVICE: "(?P<device>[^/]+)", "#": ".*"}
        levels = (parts.get(level, re.escape(level)) for level in self.topic.split("/"))
        return re.compile("/".join(levels), re.DOTALL)


def steps_of(pointer: str) -> tuple[str, ...]:
    """The steps of a JSON pointer. Raises ValueError where it is none."""
    if pointer == "":
        return ()
    if not pointer.startswith("/"):
        raise ValueError(f"{pointer!r} is no JSON pointer: it starts with /")
    if re.search(r"~(?![01])", pointer):
        raise ValueError(f"{pointer!r} is no JSON pointer: ~ is written ~0, / within a name ~1")
    return tuple(
        step.replace("~1", "/").replace("~0", "~") for step in pointer.removeprefix("/").split("/")
    )

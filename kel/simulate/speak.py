"""The city's voices: readings and requests as the MQTT messages that real devices send.

Laws:
- what is said reads back as the same values;
- messages come in order of their arrival; those of one device in order of its time;
- a Sparkplug edge node remembers its births and its sequence, nothing else has a memory.
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from kel.model.city import City
from kel.model.frame import Frame
from kel.simulate import bad
from kel.simulate.bad import Bad
from kel.simulate.voices import Message, Row, frigate, kel_json, ucifi
from kel.simulate.voices.chirpstack import ChirpStack
from kel.simulate.voices.sparkplug import EdgeNode
from kel.simulate.world import Step

Timed = tuple[int, Message]  # arrival in µs, message
DELAY_US = 200_000  # of what carries no arrival of its own


class Speaker:
    """Speaks for all devices and citizens of the city. `mistakes`: bad messages and their times."""

    def __init__(self, city: City, mistakes: Sequence[Bad] = ()) -> None:
        self._city = city
        self._mistakes = mistakes
        self._radio = ChirpStack([d for d in city.devices.values() if d.source == "chirpstack"])
        self._nodes: dict[str, EdgeNode] = {}

    def speak(self, step: Step) -> list[Message]:
        """All messages of a step: readings, sightings, requests."""
        told = [timed for frame in step.frames for timed in self._frame(frame)]
        told += [(s.at_us + DELAY_US, frigate.event(s)) for s in step.sightings]
        told += [(int(str(r["ts"])) * 1000 + DELAY_US, kel_json.request(r)) for r in step.requests]
        told.sort(key=_arrival)
        return [message for _, message in told]

    def birth(self, node: str, at_us: int) -> list[Message]:
        """The edge node `group/node` introduces itself again; nothing where it never spoke."""
        return self._nodes[node].birth(at_us) if node in self._nodes else []

    def bad_messages(self, since_us: int, until_us: int) -> list[Message]:
        """The bad messages of [since, until): each of them must be rejected, by itself."""
        return [
            bad.message(self._city, mistake)
            for mistake in self._mistakes
            if since_us <= mistake.at_us < until_us
        ]

    def _frame(self, frame: Frame) -> Iterator[Timed]:
        for number, time, arrival, row in sorted(_rows(frame), key=_row_arrival):
            device = self._city.by_number[number]
            match device.source:
                case "sparkplug":
                    for message in self._node(device.address).say(device, time, row):
                        yield arrival, message
                case "chirpstack" if len(row) == 1:
                    yield arrival, self._radio.status(device, time, row["battery"])
                case "chirpstack":
                    yield arrival, self._radio.up(device, time, row)
                case "ucifi":
                    yield arrival, ucifi.report(device, time, row)
                case "frigate":
                    pass  # told by the sightings, which know more
                case _:
                    yield arrival, kel_json.telemetry(device, time, row)

    def _node(self, address: str) -> EdgeNode:
        node = address.rsplit("/", 1)[0]
        return self._nodes.setdefault(node, EdgeNode(node))


def _arrival(timed: Timed) -> int:
    return timed[0]


def _row_arrival(row: tuple[int, int, int, Row]) -> tuple[int, int]:
    return row[2], row[0]


def _rows(frame: Frame) -> Iterator[tuple[int, int, int, Row]]:
    """Number, time, arrival and values of each row, without what it does not report."""
    names = tuple(frame.metrics)
    columns: Iterable[list[float]] = (column.tolist() for column in frame.metrics.values())
    holes = any(np.isnan(column).any() for column in frame.metrics.values())
    device, time, arrival = frame.device.tolist(), frame.time.tolist(), frame.arrival.tolist()
    for number, at, came, values in zip(
        device, time, arrival, zip(*columns, strict=True), strict=True
    ):
        row = dict(zip(names, values, strict=True))
        yield number, at, came, {m: v for m, v in row.items() if v == v} if holes else row

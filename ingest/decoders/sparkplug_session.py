"""What is known of a Sparkplug edge node: its session, and what its births introduced.

Laws:
- names, types and units come with a birth, of the node or of one device behind it, and hold until
  the next birth of the same; an alias is looked up among its own device's only;
- a session begins with NBIRTH and ends with its NDEATH. The same NBIRTH again is no new one, and
  neither is an older one, told by its time: unless its `bdSeq` is ahead (the node's clock was set
  back) or a rebirth had been wanted;
- `seq` counts to 255 and wraps, over all messages of a session. A message out of its turn is a gap,
  unless it is older than the last one or the last one itself: then it was delivered again;
- what is remembered is plain data, bounded by `MOST_INTRODUCED` of a node.
"""

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, NamedTuple

from ingest.checks import shown
from ingest.decoders.sparkplug_b_pb2 import Metric, Payload
from ingest.validate import Reason, Refused

MOST_INTRODUCED = 10_000  # names of an edge node and all its devices
WRAP = 256  # of seq and of bdSeq
SIGNED_BITS = {1: 8, 2: 16, 3: 32, 4: 64}  # Int8, Int16, Int32, Int64 by datatype
OF_PROTOCOL = ("Node Control/", "Device Control/", "Node Info/", "Device Info/", "Properties/")
BD_SEQ = "bdSeq"
UNIT = "engUnit"  # the property of a metric that names its unit


class Name(NamedTuple):
    """A metric as its birth introduced it."""

    name: str
    bits: int  # of a signed integer, else 0
    unit: str  # as the node calls it; empty where it does not say


Introduced = tuple[int | None, str, int, str]  # alias, name, datatype, unit: as it is remembered


@dataclass(slots=True)
class Birth:
    """What one NBIRTH or DBIRTH introduced. `at`: the payload's time (ms)."""

    at: int
    told: list[Introduced]
    by_alias: dict[int, Name] = field(default_factory=dict)
    by_name: dict[str, Name] = field(default_factory=dict)

    def learn(self) -> "Birth":
        """Raises Refused where one alias names two metrics."""
        for alias, name, datatype, unit in self.told:
            known = Name(name, SIGNED_BITS.get(datatype, 0), unit)
            self.by_name[name] = known
            if alias is not None and self.by_alias.setdefault(alias, known).name != name:
                detail = f"alias {alias} names {shown(self.by_alias[alias].name)} and {shown(name)}"
                raise Refused(Reason.CONTRADICTION, detail)
        return self

    def without_aliases(self) -> "Birth":
        """What names still mean where aliases may have come to mean another."""
        return Birth(self.at, [], {}, self.by_name)


class Turn(Enum):
    """Where a message stands in its session's sequence."""

    NEXT = auto()
    GAP = auto()  # messages before it were lost
    AGAIN = auto()  # it was here before: it changes nothing of what is known


@dataclass(slots=True)
class Edge:
    """An edge node's session. Times are payloads' own (ms)."""

    session: int | None  # bdSeq
    born: int  # when its NBIRTH was told
    seq: int
    at: int  # of the last message in sequence
    alive: bool = True
    rebirth_wanted: bool = False
    births: dict[str, Birth] = field(default_factory=dict)  # by device

    def turn(self, seq: int, at: int) -> Turn:
        """The place of a message that the node told at a time; remembers it, unless it is old."""
        ahead = (seq - self.seq) % WRAP
        if ahead != 1 and (at < self.at or (at == self.at and not 0 < ahead < WRAP // 2)):
            return Turn.AGAIN
        self.seq, self.at = seq, at
        return Turn.NEXT if ahead == 1 else Turn.GAP

    def is_reborn(self, session: int | None, at: int) -> bool:
        """Whether an NBIRTH of this bdSeq and time begins anything new."""
        if not at:
            return True  # it does not say when: nothing can be told
        if at == self.born:
            return session != self.session
        if at > self.born or self.rebirth_wanted:
            return True
        if session is None or self.session is None:
            return False
        return 0 < (session - self.session) % WRAP < WRAP // 2

    def end(self) -> None:
        """The node is gone. Its time stays known, so that an old birth does not bring it back."""
        self.alive = False
        self.births.clear()

    def introduce(self, device: str, payload: Payload) -> None:
        """Take over what a birth names; what the device had named before is forgotten.

        Raises Refused where it names too much, or two metrics alike.
        """
        self.births.pop(device, None)
        told = [_introduced(metric) for metric in payload.metrics if not of_protocol(metric.name)]
        names = len(told) + sum(len(birth.told) for birth in self.births.values())
        if names > MOST_INTRODUCED:
            raise Refused(
                Reason.TOO_LARGE, f"{names} names behind one node, {MOST_INTRODUCED} at most"
            )
        self.births[device] = Birth(payload.timestamp, told).learn()

    def state(self) -> dict[str, Any]:
        """As JSON-like data."""
        births = {device: [birth.at, birth.told] for device, birth in self.births.items()}
        return {
            "session": self.session,
            "born": self.born,
            "seq": self.seq,
            "at": self.at,
            "alive": self.alive,
            "rebirth_wanted": self.rebirth_wanted,
            "births": births,
        }


def edge_of(state: dict[str, Any]) -> Edge:
    """The edge node that `Edge.state` told."""
    births = {
        device: Birth(at, [(alias, name, datatype, unit) for alias, name, datatype, unit in told])
        for device, (at, told) in state["births"].items()
    }
    for birth in births.values():
        birth.learn()
    return Edge(**(state | {"births": births}))


def session_of(payload: Payload) -> int | None:
    """bdSeq, or None where the node does not say it."""
    numbers = (m.long_value or m.int_value for m in payload.metrics if m.name == BD_SEQ)
    return next(numbers, None)


def of_protocol(name: str) -> bool:
    """Whether a metric is the protocol's own, not something that was measured."""
    return name == BD_SEQ or name.startswith(OF_PROTOCOL)


def _introduced(metric: Metric) -> Introduced:
    alias = metric.alias if metric.HasField("alias") else None
    return alias, metric.name, metric.datatype, _unit(metric)


def _unit(metric: Metric) -> str:
    if not metric.HasField("properties"):
        return ""
    properties = zip(metric.properties.keys, metric.properties.values, strict=False)
    return next((value.string_value for key, value in properties if key == UNIT), "")

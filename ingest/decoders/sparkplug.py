"""Sparkplug B, first form: pump SCADA behind edge nodes.

`spBv1.0/{group}/{type}/{node}[/{device}]`, payloads as `sparkplug_b.proto`. A device's address is
`group/node/device`; metric names are KEL's own, any other name becomes an other reading, and
`bdSeq` and names such as `Node Control/Rebirth` or `Properties/…` are the protocol's.

Laws:
- names and types come with NBIRTH and DBIRTH; DATA may carry aliases only, and means nothing
  before a birth: refused with `no_birth`, and a rebirth is wanted;
- an alias is unique within its edge node; NBIRTH forgets all of the node, NDEATH too;
- `seq` counts to 255 and wraps, over all messages of a node but NDEATH; a gap is counted, the
  message itself is taken (aliases still hold) and a rebirth is wanted, at most one a minute;
- `bdSeq` ties NDEATH to its NBIRTH: the death of an older session changes nothing;
- a metric's own timestamp counts, else the payload's; historical metrics are rows of their past;
- NDEATH was written when its session began, so its time is its arrival.
Source: Eclipse Sparkplug 3.0.0 specification, chapters 5 and 6.
"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from google.protobuf.message import DecodeError

from ingest.checks import in_time, shown
from ingest.decoders.sparkplug_b_pb2 import Metric, Payload
from ingest.registry import Registry
from ingest.sink import Sink, usable
from ingest.validate import Dropped, Reason, Refused
from kel.model.device import Device
from kel.model.message import Message
from kel.model.moment import MINUTE_US

BIRTHS = frozenset({"NBIRTH", "DBIRTH"})
DATA = frozenset({"NDATA", "DDATA"})
COMMANDS = frozenset({"NCMD", "DCMD"})
SIGNED_BITS = {1: 8, 2: 16, 3: 32, 4: 64}  # Int8, Int16, Int32, Int64 by datatype
OF_PROTOCOL = ("Node Control/", "Device Control/", "Node Info/", "Device Info/", "Properties/")
OF_NODE = ""  # stands for "no device" among the aliases
ASK_AGAIN = MINUTE_US

Named = tuple[str, str, int]  # device (or OF_NODE), metric name, datatype


@dataclass(slots=True)
class Edge:
    """What is known of one edge node's session since its NBIRTH."""

    seq: int
    session: int | None  # bdSeq
    born: set[str] = field(default_factory=set)  # devices that had their DBIRTH
    aliases: dict[int, Named] = field(default_factory=dict)
    types: dict[tuple[str, str], int] = field(default_factory=dict)  # by device and name


class Sparkplug:
    name = "sparkplug"

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._behind: dict[str, list[Device]] = {}  # devices of each edge node
        for device in registry.by_source(self.name):
            node = "/".join(device.address.split("/")[:2])
            self._behind.setdefault(node, []).append(device)
        self._edges: dict[str, Edge] = {}
        self._asked: dict[str, int] = {}  # when a rebirth was last wanted

    def matches(self, topic: str) -> bool:
        match topic.split("/"):
            case ["spBv1.0", "STATE", _] | ["spBv1.0", _, "NCMD" | "DCMD", *_]:
                return True
            case ["spBv1.0", _, "NBIRTH" | "NDEATH" | "NDATA", _]:
                return True
            case ["spBv1.0", _, "DBIRTH" | "DDEATH" | "DDATA", _, device]:
                return device != OF_NODE
        return False

    def decode(self, message: Message, sink: Sink) -> None:
        _, group, kind, *rest = message.topic.split("/")
        if group == "STATE" or kind in COMMANDS:
            sink.drop(Dropped.COMMAND)
            return
        node = f"{group}/{rest[0]}"
        if node not in self._behind:
            raise Refused(Reason.UNKNOWN_DEVICE, f"no device behind {shown(node)} is registered")
        payload = _payload(message.payload)
        if kind == "NDEATH":
            self._node_death(node, payload, message.arrival, sink)
            return
        edge = self._follow(node, kind, payload, message.arrival, sink)
        device = rest[1] if len(rest) > 1 else OF_NODE
        if kind == "DDEATH":
            self._device_death(edge, node, device, payload, message.arrival, sink)
        else:
            self._metrics(edge, node, device, kind, payload, message.arrival, sink)

    def state(self) -> Any:
        edges = {
            node: asdict(edge)
            | {
                "born": sorted(edge.born),
                "aliases": [[alias, *named] for alias, named in edge.aliases.items()],
                "types": [[*key, datatype] for key, datatype in edge.types.items()],
            }
            for node, edge in self._edges.items()
        }
        return {"edges": edges, "asked": self._asked}

    def load(self, state: Any) -> None:
        self._asked = dict(state["asked"])
        self._edges = {
            node: Edge(
                seq=edge["seq"],
                session=edge["session"],
                born=set(edge["born"]),
                aliases={alias: (device, name, t) for alias, device, name, t in edge["aliases"]},
                types={(device, name): t for device, name, t in edge["types"]},
            )
            for node, edge in state["edges"].items()
        }

    def _follow(self, node: str, kind: str, payload: Payload, arrival: int, sink: Sink) -> Edge:
        """The node's session, after this message's place in its sequence."""
        if not payload.HasField("seq") or payload.seq > 255:
            raise Refused(Reason.NO_SEQUENCE, "seq is missing or beyond 255")
        if kind == "NBIRTH":
            self._edges[node] = edge = Edge(payload.seq, _session(payload))
            return edge
        known = self._edges.get(node)
        if known is None:
            self._want_rebirth(node, arrival, sink)
            raise Refused(Reason.NO_BIRTH, f"no NBIRTH of {shown(node)} was seen")
        if payload.seq not in (known.seq, (known.seq + 1) % 256):  # the same again: delivered twice
            sink.gap()
            self._want_rebirth(node, arrival, sink)
        known.seq = payload.seq
        return known

    def _metrics(
        self,
        edge: Edge,
        node: str,
        name: str,
        kind: str,
        payload: Payload,
        arrival: int,
        sink: Sink,
    ) -> None:
        device = self._registry.find(self.name, f"{node}/{name}" if name else node)
        if kind in BIRTHS and (device or not name):
            _learn(edge, name, payload.metrics)
        if device is None and not name:
            _count_of_node(payload.metrics, sink)
            return
        device = usable(device, self.name, f"{node}/{name}")
        if name and name not in edge.born:
            self._want_rebirth(node, arrival, sink)
            raise Refused(Reason.NO_BIRTH, f"no DBIRTH of {device.id} was seen", device.id)
        if kind == "DBIRTH":
            sink.status(device, _time(payload, arrival), True)
        try:
            rows = _rows(edge, name, payload, arrival, sink)
        except Refused as why:
            if why.reason is Reason.NO_BIRTH:
                self._want_rebirth(node, arrival, sink)
            raise
        if kind in DATA and not rows and not sink.reported():
            raise Refused(Reason.EMPTY, "no metric has a value", device.id)
        for time, values in rows.items():
            sink.row(device, time, values)

    def _device_death(
        self, edge: Edge, node: str, name: str, payload: Payload, arrival: int, sink: Sink
    ) -> None:
        edge.born.discard(name)
        address = f"{node}/{name}"
        device = usable(self._registry.find(self.name, address), self.name, address)
        sink.status(device, _time(payload, arrival), False)

    def _node_death(self, node: str, payload: Payload, arrival: int, sink: Sink) -> None:
        edge, session = self._edges.get(node), _session(payload)
        if edge and None not in (edge.session, session) and edge.session != session:
            sink.drop(Dropped.STALE_DEATH)
            return
        at = in_time(arrival, arrival)
        self._edges.pop(node, None)
        for device in self._behind[node]:
            sink.status(device, at, False)

    def _want_rebirth(self, node: str, arrival: int, sink: Sink) -> None:
        last = self._asked.get(node)
        if last is None or abs(arrival - last) >= ASK_AGAIN:
            self._asked[node] = arrival
            sink.rebirth(node)


def _payload(data: bytes) -> Payload:
    try:
        return Payload.FromString(data)
    except DecodeError:
        raise Refused(Reason.NOT_PROTOBUF, "not a Sparkplug B payload") from None


def _session(payload: Payload) -> int | None:
    """bdSeq, or None where the node does not say it."""
    numbers = (m.long_value or m.int_value for m in payload.metrics if m.name == "bdSeq")
    return next(numbers, None)


def _learn(edge: Edge, device: str, metrics: Iterable[Metric]) -> None:
    """Names and types of a birth; what the node or device had named before is forgotten."""
    edge.aliases = {a: named for a, named in edge.aliases.items() if named[0] != device}
    edge.types = {key: t for key, t in edge.types.items() if key[0] != device}
    for metric in metrics:
        if metric.HasField("alias"):
            edge.aliases[metric.alias] = (device, metric.name, metric.datatype)
        edge.types[device, metric.name] = metric.datatype
    if device != OF_NODE:
        edge.born.add(device)


def _count_of_node(metrics: Iterable[Metric], sink: Sink) -> None:
    if any(not _of_protocol(metric.name) for metric in metrics):
        sink.drop(Dropped.NODE_METRIC)


def _of_protocol(name: str) -> bool:
    return name == "bdSeq" or name.startswith(OF_PROTOCOL)


def _rows(
    edge: Edge, device: str, payload: Payload, arrival: int, sink: Sink
) -> dict[int, dict[str, object]]:
    """Metric names and values by time (µs)."""
    rows: dict[int, dict[str, object]] = {}
    for metric, name, datatype in _named(edge, device, payload.metrics):
        if _of_protocol(name) or metric.is_null:
            continue
        if metric.is_transient:
            sink.drop(Dropped.TRANSIENT)
            continue
        time = _time(metric if metric.HasField("timestamp") else payload, arrival)
        value = _value(metric, datatype)
        if value is None:
            continue
        if rows.setdefault(time, {}).setdefault(name, value) != value:
            raise Refused(Reason.CONTRADICTION, f"{shown(name)} has two values at one moment")
    return rows


def _named(edge: Edge, device: str, metrics: Iterable[Metric]) -> Iterator[tuple[Metric, str, int]]:
    """Each metric with its name and datatype, from the birth where the message leaves them out."""
    for metric in metrics:
        if metric.HasField("name"):
            name, datatype = metric.name, edge.types.get((device, metric.name), 0)
        else:
            owner, name, datatype = edge.aliases.get(metric.alias, (None, "", 0))
            if owner != device or not metric.HasField("alias"):
                raise Refused(Reason.NO_BIRTH, f"alias {metric.alias} was not introduced")
        yield metric, name, metric.datatype or datatype


def _value(metric: Metric, datatype: int) -> object:
    """The number, boolean or text of a metric; an empty list stands for what is none of these."""
    kind = metric.WhichOneof("value")
    if kind is None:
        return None
    value = getattr(metric, kind)
    bits = SIGNED_BITS.get(datatype)
    if bits and kind in ("int_value", "long_value"):
        return _signed(value, bits)
    return [] if isinstance(value, bytes) else value


def _signed(value: int, bits: int) -> int:
    """Two's complement of `bits` bits in an unsigned field, e.g. 0xFFFFFFFF of 32 bits is -1."""
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def _time(holder: Metric | Payload, arrival: int) -> int:
    """Microseconds of a metric's or a payload's timestamp."""
    if not holder.HasField("timestamp"):
        raise Refused(Reason.NO_TIME, "neither metric nor payload has a timestamp")
    return in_time(holder.timestamp * 1000, arrival)

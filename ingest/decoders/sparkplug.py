"""Sparkplug B: pump SCADA behind edge nodes.

`spBv1.0/{group}/{type}/{node}[/{device}]`, payloads as `sparkplug_b.proto`. A device's address is
`group/node/device`, or `group/node` where the edge node itself measures. Metric names are KEL's
own, any other name becomes an other reading; `bdSeq` and names such as `Node Control/Rebirth` or
`Properties/…` are the protocol's. `spBv1.0/STATE/{host}` (`STATE/{host}` before 3.0), NCMD and DCMD
are other hosts' words: counted and left out.

Laws (what a session is, stands in `sparkplug_session`):
- names, types and units come with NBIRTH and DBIRTH; DATA may carry aliases only, and means nothing
  before a birth: refused with `no_birth`, and a rebirth is wanted, at most one a minute and node;
- a gap in `seq` is counted, the message itself is taken (aliases still hold), a rebirth is wanted;
- a message that is delivered again changes nothing of what is known. Its readings are taken, they
  are those of before; but what it says by alias is refused where a later birth may have given the
  alias another name;
- DBIRTH brings a device, DDEATH takes it, NDEATH takes all of the node. `bdSeq` ties NDEATH to its
  NBIRTH: the death of an older session changes nothing. NDEATH was written when its session began,
  so its time is its arrival;
- a metric's own timestamp counts, else the payload's; a historical metric must have its own: it is
  a row of its past, and of a device whose times are not believed it is counted and left out;
- null, NaN, infinite, bad (0) and stale (500) values, transient ones, and what is no number
  (DataSet, Template, bytes, arrays) are counted and left out; DateTime is a number of ms since
  1970;
- one metric that cannot be (its unit, range, type, name or time) costs none of the others, and no
  birth its device: they are taken, and the message is kept as a reject too. Where a message of data
  has nothing else to say, it is refused;
- `engUnit` of a birth is brought into the unit of the device's class (`kel.model.units`).
Source: Eclipse Sparkplug 3.0.0 specification, chapters 4 to 6; quality codes 6.4.9, where Ignition
sets the highest bit for bad.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, NamedTuple

from google.protobuf.message import DecodeError

from ingest.address import TopicCache
from ingest.checks import in_time, shown
from ingest.decoders.sparkplug_b_pb2 import Metric, Payload
from ingest.decoders.sparkplug_session import (
    SIGNED_BITS,
    Birth,
    Edge,
    Name,
    Turn,
    edge_of,
    of_protocol,
    session_of,
)
from ingest.registry import Registry
from ingest.scaling import Scaling
from ingest.sink import MOST_DAYS, PAST, Sink, usable
from ingest.validate import MOST_NAMES, Dropped, Reason, Refused
from kel.model.device import Clock, Device, DeviceClass
from kel.model.message import Message
from kel.model.moment import MINUTE_US

DATA = frozenset({"NDATA", "DDATA"})
OF_NODE = ""  # stands for "no device"
ASK_AGAIN = MINUTE_US
APART_MS = MINUTE_US // 1000  # how much earlier than a birth its node's clock may say it is
NOT_GOOD = frozenset({0, 500})  # bad, stale
BAD = 1 << 31
BOOLEAN = 11  # datatype
FLOATS = ("float_value", "double_value")


@dataclass(slots=True)
class Said:
    """What a message's metrics say. `empty`: it has none but the protocol's own.

    rows: metric names and values by time (ms); strays: why some metrics cannot be.
    """

    rows: dict[int, dict[str, object]]
    strays: list[Refused]
    empty: bool = True


class Sender(NamedTuple):
    """What a topic says. `name`: of the device behind the node, or OF_NODE."""

    kind: str
    node: str
    name: str
    address: str
    device: Device | None


class Sparkplug:
    name = "sparkplug"

    def __init__(self, registry: Registry, classes: Mapping[str, DeviceClass]) -> None:
        self._registry = registry
        self._scaling = Scaling(classes)
        self._behind: dict[str, list[Device]] = {}  # devices of each edge node
        for device in registry.by_source(self.name):
            self._behind.setdefault(_node_in(device.address), []).append(device)
        self._senders = TopicCache(self._sender)
        self._edges: dict[str, Edge] = {}
        self._asked: dict[str, int] = {}  # when a rebirth was last wanted (µs)

    def matches(self, topic: str) -> bool:
        match topic.split("/"):
            case ["STATE", _] | ["spBv1.0", "STATE", _] | ["spBv1.0", _, "NCMD" | "DCMD", *_]:
                return True
            case ["spBv1.0", _, "NBIRTH" | "NDEATH" | "NDATA", _]:
                return True
            case ["spBv1.0", _, "DBIRTH" | "DDEATH" | "DDATA", _, device]:
                return device != OF_NODE
        return False

    def decode(self, message: Message, sink: Sink) -> None:
        sender = self._senders[message.topic]
        if sender is None:
            sink.drop(Dropped.COMMAND)
            return
        payload, arrival = _payload(message.payload), message.arrival
        if sender.kind == "NDEATH":
            self._node_death(sender.node, payload, arrival, sink)
        elif sender.kind == "NBIRTH":
            self._node_birth(sender, payload, arrival, sink)
        else:
            self._told(sender, payload, arrival, sink)

    def state(self) -> Any:
        nodes = {node: edge.state() for node, edge in self._edges.items()}
        return {"nodes": nodes, "asked": self._asked}

    def load(self, state: Any) -> None:
        self._asked = dict(state["asked"])
        self._edges = {node: edge_of(edge) for node, edge in state.get("nodes", {}).items()}

    def _sender(self, topic: str) -> Sender | None:
        """Who speaks; None for what others say to devices and about themselves."""
        levels = topic.split("/")
        if "STATE" in levels[:2] or levels[2] in ("NCMD", "DCMD"):
            return None
        _, group, kind, node, *rest = levels
        node, name = f"{group}/{node}", rest[0] if rest else OF_NODE
        address = _address(node, name)
        if node not in self._behind:
            detail = f"no device behind {shown(node)} is registered"
            raise Refused(Reason.UNKNOWN_DEVICE, detail, sender=(self.name, address))
        return Sender(kind, node, name, address, self._registry.find(self.name, address))

    def _node_birth(self, sender: Sender, payload: Payload, arrival: int, sink: Sink) -> None:
        seq, session, at = _seq(payload), session_of(payload), payload.timestamp
        known = self._edges.get(sender.node)
        if known and not known.is_reborn(session, at):
            sink.drop(Dropped.DUPLICATE)
            return
        edge = Edge(session, at, seq, at)
        self._edges[sender.node] = edge
        if sender.device:
            self._born(edge, sender, payload, arrival, sink)
        else:
            _count_of_node(payload, sink)

    def _told(self, sender: Sender, payload: Payload, arrival: int, sink: Sink) -> None:
        """What comes within a session: NDATA, DBIRTH, DDATA, DDEATH."""
        seq, edge = _seq(payload), self._edges.get(sender.node)
        if edge is None or not edge.alive:
            self._want_rebirth(sender.node, arrival, sink)
            raise Refused(Reason.NO_BIRTH, f"no NBIRTH of {shown(sender.node)} was seen")
        birth = edge.births.get(sender.name)
        if sender.kind in DATA and birth and 0 < payload.timestamp < birth.at - APART_MS:
            birth, turn = birth.without_aliases(), Turn.AGAIN  # of an older session
        else:
            turn = edge.turn(seq, payload.timestamp or edge.at)
        if turn is Turn.GAP:
            sink.gap()
            self._want_rebirth(sender.node, arrival, sink)
        if sender.kind in DATA:
            self._data(birth, sender, payload, arrival, sink)
        elif turn is Turn.AGAIN:
            sink.drop(Dropped.DUPLICATE)
        elif sender.kind == "DBIRTH":
            self._born(edge, sender, payload, arrival, sink)
        else:
            edge.births.pop(sender.name, None)
            device = usable(sender.device, self.name, sender.address)
            sink.status(device, _time(device, payload.timestamp, arrival), False)

    def _born(self, edge: Edge, sender: Sender, payload: Payload, arrival: int, sink: Sink) -> None:
        if sender.device:
            edge.introduce(sender.name, payload)
        device = usable(sender.device, self.name, sender.address)
        said = self._read(device, edge.births[sender.name], payload, arrival, sink)
        sink.status(device, _time(device, payload.timestamp, arrival), True)
        _put(device, said, sink)

    def _data(
        self, birth: Birth | None, sender: Sender, payload: Payload, arrival: int, sink: Sink
    ) -> None:
        if sender.device is None and sender.name == OF_NODE:
            _count_of_node(payload, sink)
            return
        device = usable(sender.device, self.name, sender.address)
        try:
            if birth is None:
                raise Refused(Reason.NO_BIRTH, f"no birth of {device.id} was seen", device.id)
            said = self._read(device, birth, payload, arrival, sink)
        except Refused as why:
            if why.reason is Reason.NO_BIRTH:
                self._want_rebirth(sender.node, arrival, sink)
            raise
        if said.empty:
            raise Refused(Reason.EMPTY, "no metric has a value", device.id)
        if said.strays and not said.rows:
            raise said.strays[0]
        _put(device, said, sink)

    def _read(
        self, device: Device, birth: Birth, payload: Payload, arrival: int, sink: Sink
    ) -> Said:
        said = Said({}, [])
        declared = sink.tables[device.cls].declared
        for metric in payload.metrics:
            known = _named(birth, metric)
            if known is None:
                continue
            said.empty = False
            kind = metric.WhichOneof("value")
            left_out = _left_out(metric, kind, device.clock)
            if kind == "string_value" and known.name not in declared:
                left_out = left_out or Dropped.TEXT_VALUE
            if left_out:
                sink.drop(left_out)
                continue
            ms = metric.timestamp or (0 if metric.is_historical else payload.timestamp)
            try:
                if ms not in said.rows and _time(device, ms, arrival) < arrival - PAST:
                    detail = f"more than {MOST_DAYS} days before its arrival"
                    raise Refused(Reason.BAD_TIME, detail)
                value = self._possible(device, known, _value(metric, kind, known.bits), sink)
            except Refused as why:
                said.strays.append(Refused(why.reason, why.detail, device.id))
                continue
            name = known.name
            held = said.rows.setdefault(ms, {}).setdefault(name, value)
            if held is not value and held != value:
                raise Refused(Reason.CONTRADICTION, f"{shown(name)} has two values at one moment")
        return said

    def _possible(self, device: Device, known: Name, value: object, sink: Sink) -> object:
        """The value in the class's unit; refuses what cannot be."""
        if known.unit and type(value) is not str:
            value = self._scaling.value(device.cls, known.name, known.unit, value)
        sink.check(device, known.name, value)
        return value

    def _node_death(self, node: str, payload: Payload, arrival: int, sink: Sink) -> None:
        edge, session = self._edges.get(node), session_of(payload)
        if edge:
            if None not in (edge.session, session) and edge.session != session:
                sink.drop(Dropped.STALE_DEATH)
                return
            edge.end()
        at = in_time(arrival, arrival)
        for device in self._behind[node]:
            sink.status(device, at, False)

    def _want_rebirth(self, node: str, arrival: int, sink: Sink) -> None:
        if node in self._edges:
            self._edges[node].rebirth_wanted = True
        last = self._asked.get(node)
        if last is None or abs(arrival - last) >= ASK_AGAIN:
            self._asked[node] = arrival
            sink.rebirth(node)


def rebirth_command(at_us: int) -> bytes:
    """The payload of an NCMD that asks an edge node to introduce itself again.

    It goes to `spBv1.0/{group}/NCMD/{node}`, not retained. `at_us`: when it is asked (µs).
    Source: Eclipse Sparkplug 3.0.0 specification, "Rebirth" in chapter 5.
    """
    payload = Payload(timestamp=at_us // 1000)
    payload.metrics.add(
        name="Node Control/Rebirth",
        timestamp=at_us // 1000,
        datatype=BOOLEAN,
        boolean_value=True,
    )
    return payload.SerializeToString()


def edge_nodes(registry: Registry) -> frozenset[str]:
    """The edge nodes (`group/node`) that devices of the city are behind."""
    return frozenset(_node_in(device.address) for device in registry.by_source(Sparkplug.name))


def node_of(topic: str) -> str | None:
    """The edge node (`group/node`) that a Sparkplug topic names, or None."""
    match topic.split("/"):
        case ["spBv1.0", group, _, node, *_]:
            return f"{group}/{node}"
    return None


def _node_in(address: str) -> str:
    return "/".join(address.split("/")[:2])


def _address(node: str, name: str) -> str:
    return f"{node}/{name}" if name else node


def _payload(data: bytes) -> Payload:
    try:
        return Payload.FromString(data)
    except DecodeError:
        raise Refused(Reason.NOT_PROTOBUF, "not a Sparkplug B payload") from None


def _seq(payload: Payload) -> int:
    seq: int = payload.seq
    if seq > 255 or (not seq and not payload.HasField("seq")):
        raise Refused(Reason.NO_SEQUENCE, "seq is missing or beyond 255")
    return seq


def _count_of_node(payload: Payload, sink: Sink) -> None:
    if any(not of_protocol(metric.name) for metric in payload.metrics):
        sink.drop(Dropped.NODE_METRIC)


def _put(device: Device, said: Said, sink: Sink) -> None:
    """All rows; one that says more than a row may (a birth of many tags) as several."""
    for stray in said.strays:
        sink.stray(stray)
    for ms, values in said.rows.items():
        if len(values) <= MOST_NAMES:
            sink.row(device, ms * 1000, values)
            continue
        told = list(values.items())
        for first in range(0, len(told), MOST_NAMES):
            sink.row(device, ms * 1000, dict(told[first : first + MOST_NAMES]))


def _named(birth: Birth, metric: Metric) -> Name | None:
    """The metric as its birth introduced it; None where it is the protocol's own."""
    name = metric.name
    if not name:
        known = birth.by_alias.get(metric.alias)
        if known is None or not (metric.alias or metric.HasField("alias")):
            raise Refused(Reason.NO_BIRTH, f"alias {metric.alias} was not introduced")
        return known
    if of_protocol(name):
        return None
    known = birth.by_name.get(name)
    return known or Name(name, SIGNED_BITS.get(metric.datatype, 0), "")


def _left_out(metric: Metric, kind: str | None, clock: Clock) -> Dropped | None:
    """Why a metric's value is no reading, or None."""
    if kind is None or metric.is_null:
        return Dropped.NO_VALUE
    if metric.is_transient:
        return Dropped.TRANSIENT
    if kind in ("bytes_value", "dataset_value", "template_value"):
        return Dropped.NOT_A_NUMBER
    if metric.HasField("properties") and not _is_good(metric):
        return Dropped.NO_VALUE
    if kind in FLOATS and not isfinite(getattr(metric, kind)):
        return Dropped.NO_VALUE
    if metric.is_historical and clock is Clock.ARRIVAL:
        return Dropped.HISTORICAL
    return None


def _is_good(metric: Metric) -> bool:
    properties = zip(metric.properties.keys, metric.properties.values, strict=False)
    codes = (v.int_value for key, v in properties if key == "Quality" and v.HasField("int_value"))
    return all(code not in NOT_GOOD and code < BAD for code in codes)


def _value(metric: Metric, kind: str, bits: int) -> object:
    """The number, boolean or text of a metric."""
    value: int | float | bool | str = getattr(metric, kind)
    if bits and kind in ("int_value", "long_value"):
        return _signed(int(value), bits)
    return value


def _signed(value: int, bits: int) -> int:
    """Two's complement of `bits` bits in an unsigned field, e.g. 0xFFFFFFFF of 32 bits is -1."""
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def _time(device: Device, ms: int, arrival: int) -> int:
    """Microseconds of a timestamp (ms), 0 is none; the arrival of a device without a clock."""
    if device.clock is Clock.ARRIVAL:
        return in_time(arrival, arrival)
    if not ms:
        raise Refused(Reason.NO_TIME, "neither metric nor payload has a timestamp of its own")
    return in_time(ms * 1000, arrival)

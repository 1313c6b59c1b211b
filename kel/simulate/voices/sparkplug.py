"""Sparkplug B: SCADA edge nodes with the pumps behind them.

Laws:
- a node's NBIRTH comes first, then a device's DBIRTH with its first readings (names and aliases),
  then DDATA with aliases only;
- `seq` counts all messages of a node but its NBIRTH's own 0, to 255 and from 0 again;
- a rebirth on demand says the last readings once more, with the time they were taken.
Source: Eclipse Sparkplug 3.0.0 specification, chapters 5 and 6.
"""

from dataclasses import dataclass, field

from ingest.decoders.sparkplug_b_pb2 import Payload
from kel.model.device import Device
from kel.simulate.voices import Message, Row

NAMESPACE = "spBv1.0"
INT64, DOUBLE, BOOLEAN = 4, 10, 11  # datatypes
MOST_METRICS = 32  # of a device: keeps the aliases of a node apart
SWITCHES = ("running",)


@dataclass(slots=True)
class Pump:
    """A device behind the node, and what it said last."""

    device: Device
    first_alias: int
    time_us: int = 0
    row: Row = field(default_factory=dict)


class EdgeNode:
    """One edge node: `group/node`."""

    def __init__(self, address: str, session: int = 0) -> None:
        self.group, self.node = address.split("/")
        self._session = session  # bdSeq
        self._seq: int | None = None
        self._pumps: dict[str, Pump] = {}

    def say(self, device: Device, time_us: int, row: Row) -> list[Message]:
        """The messages that tell one report of one device: DDATA, with births where due."""
        told = [] if self._seq is not None else [self._node_birth(time_us)]
        pump = self._pumps.get(device.id)
        born = pump is not None
        if pump is None:
            pump = Pump(device, len(self._pumps) * MOST_METRICS + 1)
            self._pumps[device.id] = pump
        pump.time_us, pump.row = time_us, row
        return [*told, self._data(pump) if born else self._device_birth(pump)]

    def birth(self, at_us: int) -> list[Message]:
        """NBIRTH and all DBIRTHs, as a host asks for by `Node Control/Rebirth`."""
        births = [self._node_birth(at_us)]
        return births + [self._device_birth(pump) for pump in self._pumps.values()]

    def _node_birth(self, at_us: int) -> Message:
        self._seq = None
        payload = Payload(timestamp=at_us // 1000, seq=self._next())
        payload.metrics.add(name="bdSeq", datatype=INT64, long_value=self._session)
        payload.metrics.add(name="Node Control/Rebirth", datatype=BOOLEAN, boolean_value=False)
        return f"{NAMESPACE}/{self.group}/NBIRTH/{self.node}", payload.SerializeToString()

    def _device_birth(self, pump: Pump) -> Message:
        return self._tell("DBIRTH", pump, names=True)

    def _data(self, pump: Pump) -> Message:
        return self._tell("DDATA", pump, names=False)

    def _tell(self, kind: str, pump: Pump, names: bool) -> Message:
        ms = pump.time_us // 1000
        payload = Payload(timestamp=ms, seq=self._next())
        for i, (name, value) in enumerate(pump.row.items()):
            metric = payload.metrics.add(alias=pump.first_alias + i, timestamp=ms)
            if names:
                metric.name = name
            if name in SWITCHES:
                metric.datatype, metric.boolean_value = BOOLEAN, bool(value)
            else:
                metric.datatype, metric.double_value = DOUBLE, value
        device = pump.device.address.rsplit("/", 1)[1]
        topic = f"{NAMESPACE}/{self.group}/{kind}/{self.node}/{device}"
        return topic, payload.SerializeToString()

    def _next(self) -> int:
        self._seq = 0 if self._seq is None else (self._seq + 1) % 256
        return self._seq

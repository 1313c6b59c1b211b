"""The formats that KEL understands, one small file each.

Adding one: a module with a class as `Decoder` asks, its line in `decoders`, a folder of cases.
"""

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from ingest.decoders.broker import Broker
from ingest.decoders.chirpstack import ChirpStack
from ingest.decoders.crews import Crews
from ingest.decoders.fiware import Fiware
from ingest.decoders.frigate import Frigate
from ingest.decoders.kel_json import KelJson
from ingest.decoders.mapping import Mapped
from ingest.decoders.onvif import Onvif
from ingest.decoders.requests import Requests
from ingest.decoders.senml import SenMl
from ingest.decoders.sparkplug import Sparkplug
from ingest.decoders.talq import Talq
from ingest.decoders.things_stack import ThingsStack
from ingest.decoders.ucifi import Ucifi
from ingest.decoders.zigbee2mqtt import Zigbee2Mqtt
from ingest.registry import Registry
from ingest.sink import Sink
from kel.model.device import DeviceClass
from kel.model.message import Message


class Decoder(Protocol):
    """One format. `name` is the `source` of the devices that speak it.

    `matches` is asked once for a topic; of the decoders that match, the first in the list takes it.
    `decode` adds what the message says to the sink, or raises `Refused`. It is asked again about a
    message that is in doubt, and must say the same, unless it `Remembers`.
    """

    name: str

    def matches(self, topic: str) -> bool: ...

    def decode(self, message: Message, sink: Sink) -> None: ...


@runtime_checkable
class Remembers(Protocol):
    """A decoder that carries something from message to message, as JSON-like data."""

    name: str

    def state(self) -> Any: ...

    def load(self, state: Any) -> None: ...


def decoders(registry: Registry, classes: Mapping[str, DeviceClass]) -> tuple[Decoder, ...]:
    """Fresh decoders of all formats, the most frequent first, and of the city's own mappings."""
    return (
        KelJson(registry),
        Ucifi(registry, classes),
        Sparkplug(registry, classes),
        ChirpStack(registry, classes),
        ThingsStack(registry, classes),
        Frigate(registry, classes),
        Crews(),
        Requests(registry),
        Broker(),
        Onvif(registry, classes),
        Zigbee2Mqtt(registry, classes),
        Talq(registry, classes),
        Fiware(registry, classes),
        SenMl(registry, classes),
        *(Mapped(registry, classes, mapping) for mapping in registry.mappings),
    )

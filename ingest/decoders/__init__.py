"""The formats that KEL understands, one small file each.

Adding one: a module with a class as `Decoder` asks, its line in `decoders`, a folder of cases.
"""

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from ingest.decoders.chirpstack import ChirpStack
from ingest.decoders.crews import Crews
from ingest.decoders.frigate import Frigate
from ingest.decoders.kel_json import KelJson
from ingest.decoders.requests import Requests
from ingest.decoders.sparkplug import Sparkplug
from ingest.decoders.ucifi import Ucifi
from ingest.registry import Registry
from ingest.sink import Sink
from kel.model.device import DeviceClass
from kel.model.message import Message


class Decoder(Protocol):
    """One format. `name` is the `source` of the devices that speak it.

    `matches` is asked once for a topic; of the decoders that match, the first in the list takes it.
    `decode` adds what the message says to the sink, or raises `Refused`.
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
    """Fresh decoders of all formats, the most frequent first."""
    return (
        KelJson(registry),
        Ucifi(registry),
        Sparkplug(registry),
        ChirpStack(registry),
        Frigate(registry, classes),
        Crews(),
        Requests(registry),
    )

"""The ways an order reaches a crew: one file a channel, each only shapes what is sent. Pure.

Laws:
- a channel knows how an order looks and where it goes; sending is not its work;
- a crew knows an order by its id: the same order may reach it twice, through two channels;
- an order that was taken back is told too, so that nobody drives for nothing.
"""

from collections.abc import Mapping
from types import ModuleType
from typing import Protocol, cast

from dispatch.channels import mqtt
from kel.model.city import City
from kel.model.incident import Incident
from kel.model.order import WorkOrder


class Channel(Protocol):
    """`topic` is where an order's message goes, `render` what it says.

    `incident` is None where it has ended already, `why` is said of an order that is over; `beside`
    is of a part the order that takes it over, of a relief the part that it continues, where known.
    The payload holds only what JSON can say.
    """

    @staticmethod
    def topic(order: WorkOrder) -> str: ...

    @staticmethod
    def render(
        city: City,
        order: WorkOrder,
        incident: Incident | None,
        why: str = "",
        beside: WorkOrder | None = None,
    ) -> Mapping[str, object]: ...


def _channel(module: ModuleType) -> Channel:
    return cast(Channel, module)


CHANNELS: tuple[Channel, ...] = (_channel(mqtt),)

__all__ = ["CHANNELS", "Channel"]

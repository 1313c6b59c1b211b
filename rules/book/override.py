"""Overrides: what a city's rulebook says otherwise of a rule, for some of its devices.

Laws:
- an override names one rule and at least one place; where it names several, all must hold;
- the more specific beats the less (community < zone < feeder < devices), and of equals the later;
- tables are merged field by field; what a rule is (its id, kind, watch), and which others it hears,
  is never overridden.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import ConfigDict, Field

from kel.model.device import Device
from rules.core.rule import Names, Shape, Slug

PLACES = ("community", "zone", "feeder", "devices")  # the more specific the later
FIXED = ("id", "kind", "watch", "tells", "unless")

Table = Mapping[str, Any]


class Override(Shape):
    """Other limits (or whatever else a rule says) for some of its devices; `off` switches the rule
    off there. All other fields are those of the rule's kind."""

    model_config = ConfigDict(frozen=True, extra="allow")

    rule: Slug = Field(description="id of the rule")
    community: str | None = None
    zone: str | None = None
    feeder: str | None = None
    devices: Names | None = None
    off: bool | None = Field(default=None, strict=True)

    @property
    def level(self) -> int:
        return max((n for n, place in enumerate(PLACES) if getattr(self, place)), default=-1)

    @property
    def changes(self) -> Table:
        """What it says of the rule."""
        return self.model_extra or {}

    def takes(self, device: Device) -> bool:
        return (
            self.community in (None, device.community)
            and self.zone in (None, device.zone)
            and self.feeder in (None, device.feeder)
            and (self.devices is None or device.id in self.devices)
        )


def taking(overrides: Sequence[Override], rule: str, device: Device) -> tuple[int, ...]:
    """Which overrides say something of the rule at this device, the weakest first."""
    found = [n for n, o in enumerate(overrides) if o.rule == rule and o.takes(device)]
    return tuple(sorted(found, key=lambda n: (overrides[n].level, n)))


def is_off(overrides: Iterable[Override]) -> bool:
    """Whether they switch the rule off: the last one that says anything of it does."""
    said = [o.off for o in overrides if o.off is not None]
    return bool(said and said[-1])


def merge(table: Table, changes: Table) -> dict[str, Any]:
    """`table` with `changes`, and tables in it likewise."""
    merged = dict(table)
    for name, value in changes.items():
        old = merged.get(name)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        merged[name] = merge(old, value) if both else value  # type: ignore[arg-type]
    return merged

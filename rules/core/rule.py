"""The shape of a rule: what every `[[rule]]` of a city's rulebook may say; kinds add to it.

Laws:
- a shape knows types and ranges only; what needs the city is in `rules.book.check`;
- `key` is the hash of what decides *when* a rule fires: its label, category, severity and runbook,
  and which devices it watches, may change without losing what the rule remembers of a device.
"""

import re
from collections.abc import Mapping
from datetime import time, timedelta
from functools import cached_property
from hashlib import sha256
from json import dumps
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
)

from kel.model.alert import Severity
from kel.model.device import Device
from kel.model.moment import MICROSECOND

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
# Said to people or asked after a repair, and which devices: decides nothing about one of them.
_SHOWN: Any = {
    **dict.fromkeys(("label", "category", "severity", "runbook", "verify"), True),
    "watch": {"zone", "feeder", "community", "devices", "tags"},
}


def parse_duration(text: object) -> timedelta:
    """The duration that `text` says: a whole number and s, m, h or d, such as "90s" or "2h"."""
    found = re.fullmatch(r"(\d{1,6})([smhd])", text) if isinstance(text, str) else None
    if not found:
        raise ValueError(f'{text!r} is no duration; write a number and s, m, h or d, as in "10m"')
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def microseconds(duration: timedelta) -> int:
    return duration // MICROSECOND


def _some_duration(text: object) -> timedelta:
    duration = parse_duration(text)
    if not duration:
        raise ValueError("must be longer than nothing")
    return duration


def _time_of_day(text: object) -> time:
    found = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)", text) if isinstance(text, str) else None
    if not found:
        raise ValueError(f'{text!r} is no time of day; write "HH:MM", as in "02:00"')
    return time(int(found[1]), int(found[2]))


def _severity(name: object) -> Severity:
    if not isinstance(name, str) or name.upper() not in Severity.__members__ or not name.islower():
        known = ", ".join(s.name.lower() for s in Severity)
        raise ValueError(f"{name!r} is no severity; known: {known}")
    return Severity[name.upper()]


def said(duration: timedelta) -> str:
    """The duration as a rulebook says it."""
    seconds = int(duration.total_seconds())
    if not seconds:
        return "0s"
    units = ((24 * 3600, "d"), (3600, "h"), (60, "m"))
    return next((f"{seconds // n}{u}" for n, u in units if seconds % n == 0), f"{seconds}s")


def _names(told: object) -> object:
    """One name stands for a list of one."""
    return (told,) if isinstance(told, str) else told


def _as_text(pattern: str, example: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": pattern, "examples": [example]})


_DURATION = (PlainSerializer(said), _as_text(r"^[0-9]{1,6}[smhd]$", "10m"))
Duration = Annotated[timedelta, BeforeValidator(parse_duration), *_DURATION]
SomeDuration = Annotated[timedelta, BeforeValidator(_some_duration), *_DURATION]
TimeOfDay = Annotated[
    time, BeforeValidator(_time_of_day), _as_text(r"^([01][0-9]|2[0-3]):[0-5][0-9]$", "02:00")
]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Positive = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=0)]
Fraction = Annotated[float, Field(strict=True, allow_inf_nan=False, gt=0, le=1)]
Slug = Annotated[str, Field(pattern=r"^[a-z0-9]+([_-][a-z0-9]+)*$", max_length=64)]
Month = Annotated[int, Field(ge=1, le=12)]
NamedSeverity = Annotated[
    Severity,
    BeforeValidator(_severity),
    PlainSerializer(lambda s: s.name.lower()),
    WithJsonSchema({"type": "string", "enum": [s.name.lower() for s in Severity]}),
]
Names = Annotated[
    tuple[str, ...],
    Field(min_length=1),
    BeforeValidator(_names),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]
NOTHING = timedelta(0)


class Shape(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", validate_by_name=True)


class Watch(Shape):
    """Which devices, and which of their metrics, a rule looks at; all that is said must hold."""

    cls: str = Field(alias="class")
    metric: str | None = None
    zone: str | None = None
    feeder: str | None = None
    community: str | None = None
    devices: tuple[str, ...] | None = None
    tags: Names | None = Field(default=None, description="words that a device must all have")

    def takes(self, device: Device) -> bool:
        return (
            device.cls == self.cls
            and self.zone in (None, device.zone)
            and self.feeder in (None, device.feeder)
            and self.community in (None, device.community)
            and (self.devices is None or device.id in self.devices)
            and (self.tags is None or device.tags.issuperset(self.tags))
        )


class Limit(Shape):
    """Above or below a number: exactly one of them (checked in `rules.book.check`)."""

    above: Number | None = None
    below: Number | None = None


class Clear(Limit):
    for_: Duration = Field(default=NOTHING, alias="for")


class While(Limit):
    """Another metric of the same device that must be so, for the rule to judge at all."""

    metric: str


class RuleShape(Shape):
    """`tells` is false for a rule that is only a part of compositions: it makes no alert. `when`
    names calendars that must all be open, else the rule does not judge. `verify`: within so long
    after a repair the sensors must agree that it helped."""

    id: Slug
    kind: str
    label: str = Field(min_length=1, max_length=200)
    category: str
    severity: NamedSeverity
    runbook: Slug | None = None
    watch: Watch
    tells: bool = True
    when: Names | None = Field(default=None, description="calendars in which alone it judges")
    verify: SomeDuration | None = Field(
        default=None, description="the sensors must agree with a repair within this"
    )

    @cached_property
    def key(self) -> str:
        """Twelve hex digits of what decides when this rule fires."""
        return digest(_content(self, _SHOWN))

    @property
    def content(self) -> Mapping[str, Any]:
        """All that it says, as plain values."""
        return _content(self)


def _content(rule: RuleShape, exclude: Any = None) -> Mapping[str, Any]:
    return rule.model_dump(mode="json", by_alias=True, exclude_none=True, exclude=exclude)


def digest(content: Any) -> str:
    """Twelve hex digits of the canonical JSON of `content`."""
    text = dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return sha256(text.encode()).hexdigest()[:12]

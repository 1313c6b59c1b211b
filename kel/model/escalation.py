"""Escalation: who is called when nobody has acknowledged, by time, severity and the roster.

Law: all of it is the city's (`escalation.toml`); a city without the file calls nobody.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta

from kel.model.alert import Severity

ON_CALL = "on-call"  # a step that calls whom the roster names


@dataclass(frozen=True, slots=True)
class Step:
    """Unacknowledged for `after` at `severity` or above: call, and again `every` so often.

    Of the steps that call one contact the highest that has come decides how often.
    `call` is a contact's id, or `on-call` for whom the roster names at that hour.
    """

    after: timedelta
    every: timedelta
    severity: Severity
    call: str = ON_CALL


@dataclass(frozen=True, slots=True)
class Duty:
    """A line of the roster: this contact, on days (0 = Monday) that begin it, by local time.

    `end` at or before `start` runs past midnight.
    """

    who: str
    days: frozenset[int]
    start: time
    end: time


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From `start` to `end` (local) only `severity` and above rings; the rest waits for `end`."""

    start: time
    end: time
    severity: Severity


@dataclass(frozen=True, slots=True)
class Escalation:
    """`contacts`: the name of each that can be called, by id, which is also the MQTT login.

    `margin`: how long after its planned end an order that was accepted may still be out. `orders`:
    who is called, from the first moment on, about such an order and about one that no crew accepted
    in time; None: nobody.
    """

    steps: tuple[Step, ...] = ()
    roster: tuple[Duty, ...] = ()
    quiet: QuietHours | None = None
    contacts: Mapping[str, str] = field(default_factory=dict)
    margin: timedelta | None = None
    orders: Step | None = None

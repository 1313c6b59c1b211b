"""What a rule kind tells: a device's alert began or ended. The evaluator makes alerts of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite

from kel.model.alert import Evidence
from kel.model.device import Device
from kel.model.moment import from_us


@dataclass(frozen=True, slots=True)
class Fired:
    device: Device
    started: int  # µs
    detected: int  # µs
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Cleared:
    device: Device
    at: int  # µs
    why: str  # said to people


Event = Fired | Cleared
Facts = Mapping[str, float | str]


def evidence(cls: str, device: str, metric: str, since: int, until: int, facts: Facts) -> Evidence:
    """Evidence over [since, until] (µs), its figures rounded to what a person reads.

    A figure that is not finite says nothing, and nothing that keeps alerts could write it down: it
    is left out.
    """
    told = {k: v for k, v in facts.items() if not isinstance(v, float) or isfinite(v)}
    rounded = {k: round(v, 3) if isinstance(v, float) else v for k, v in told.items()}
    return Evidence(cls, device, metric, from_us(since), from_us(until), rounded)

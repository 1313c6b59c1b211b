"""What a rule kind tells: a device's alert began or ended. The evaluator makes alerts of it."""

from collections.abc import Mapping
from math import isfinite
from typing import NamedTuple

from kel.model.alert import Evidence
from kel.model.device import Device
from kel.model.moment import from_us


class Fired(NamedTuple):
    device: Device
    started: int  # µs
    detected: int  # µs
    evidence: Evidence


class Cleared(NamedTuple):
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
    told = {
        name: round(fact, 3) if isinstance(fact, float) else fact
        for name, fact in facts.items()
        if not isinstance(fact, float) or isfinite(fact)
    }
    return Evidence(cls, device, metric, from_us(since), from_us(until), told)

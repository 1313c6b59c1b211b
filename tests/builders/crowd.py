"""Many devices alike, so that how often a kind cries wolf can be counted in one go."""

from collections.abc import Mapping

import numpy as np

from kel.model.alert import Alert
from kel.model.device import Device
from kel.model.frame import Float64, Frame
from rules.evaluate import Evaluator
from tests.builders.rules_city import CLASSES, city, device, rulebook

FIRST = 1000


def crowd(
    cls: str, rule: Mapping[str, str], times: list[int], values: Mapping[str, Float64]
) -> list[list[Alert]]:
    """The last words of what is told of each device.

    times: (n,) µs; values: by metric (devices, n), NaN: not reported.
    """
    size = len(next(iter(values.values())))
    devices = [_device(cls, number) for number in range(size)]
    place = city(devices)
    one = Evaluator(rulebook(rule, of=place), place, devices)
    moments = np.tile(np.array(times, np.int64), size)
    numbers = np.repeat(np.arange(FIRST, FIRST + size, dtype=np.int32), len(times))
    none = np.full(len(moments), np.nan)
    columns = {m: values[m].ravel() if m in values else none for m in CLASSES[cls]}
    alerts = one.frame(Frame(cls, moments, moments.copy(), numbers, columns))
    alerts += one.tick(times[-1] + 1)
    told: list[list[Alert]] = [[] for _ in devices]
    for alert in {a.id: a for a in alerts}.values():
        told[int(alert.device.removeprefix("d-"))].append(alert)
    return told


def _device(cls: str, number: int) -> Device:
    return device(FIRST + number, f"d-{number}", cls, zone="z01" if cls == "zone" else None)

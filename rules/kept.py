"""Alerts as a state keeps them: written as bytes, and read again. Pure.

Law: what earlier versions wrote is read. They kept a figure that was not finite as null, which no
evidence may hold: it said nothing, and is left out.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter
from pydantic_core import from_json

from kel.model.alert import Alert

_ALERTS: TypeAdapter[list[Alert]] = TypeAdapter(list[Alert])


def write(alerts: Iterable[Alert]) -> NDArray[np.generic]:
    return np.frombuffer(_ALERTS.dump_json(list(alerts)), np.uint8)


def read(kept: NDArray[np.generic]) -> list[Alert]:
    """The alerts that `write` was given. Raises ValueError where these are none."""
    return _ALERTS.validate_python([_sound(alert) for alert in from_json(kept.tobytes())])


def _sound(alert: dict[str, Any]) -> dict[str, Any]:
    evidence = alert["evidence"]
    facts = {name: fact for name, fact in evidence["facts"].items() if fact is not None}
    return {**alert, "evidence": {**evidence, "facts": facts}}

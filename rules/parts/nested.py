"""The states of a kind's parts within its own: each name under the part's.

Laws: `part(nested(a=state), "a") == state`.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[np.generic]]


def nested(**parts: Arrays) -> dict[str, NDArray[np.generic]]:
    """One state of several, as `part.name`."""
    return {
        f"{part}.{name}": array for part, state in parts.items() for name, array in state.items()
    }


def part(state: Arrays, name: str) -> dict[str, NDArray[np.generic]]:
    """The state of one part."""
    prefix = f"{name}."
    return {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}

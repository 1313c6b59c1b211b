"""What is kept in arrays by slot, written out and remembered again. Pure.

Law: what was kept before an array was there has none: that array stays as it began.
"""

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from rules.core.rows import Slots


def copies(of: object, names: Iterable[str]) -> dict[str, NDArray[np.generic]]:
    """Copies of these arrays of it, by name."""
    return {name: getattr(of, name).copy() for name in names}


def remember(
    of: object,
    names: Iterable[str],
    state: Mapping[str, NDArray[np.generic]],
    old: Slots,
    new: Slots,
) -> None:
    """Into its arrays what `copies` gave; what was slot old[i] is now slot new[i]."""
    for name in names:
        if name in state:
            getattr(of, name)[new] = state[name][old]

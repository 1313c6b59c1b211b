"""Limits, and what values say of them. A value equal to a limit is neither above nor below it."""

import numpy as np

from kel.model.frame import Float64
from rules.core.hold import Verdicts
from rules.core.rows import Bool
from rules.core.rule import Limit


def beyond(limit: Limit, value: Float64) -> Bool:
    """Whether each value, (n,), lies strictly above, or below, the limit; NaN never does."""
    if limit.above is not None:
        above: Bool = value > limit.above
        return above
    below: Bool = value < (np.nan if limit.below is None else limit.below)
    return below


def verdicts(limit: Limit, clear: Limit, value: Float64) -> Verdicts:
    """SET beyond the limit, CLEAR beyond `clear`, BETWEEN in between, for each value, (n,).

    Where `clear` has no limit of its own, whatever is not over the limit clears.
    """
    raised = beyond(limit, value)
    own = clear.above is not None or clear.below is not None
    down = beyond(clear, value) if own else ~raised
    return raised.view(np.int8) - (down & ~raised).view(np.int8)

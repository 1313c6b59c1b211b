"""The kinds of rules, one file a kind, in one explicit list.

A kind watches the devices of one class in one partition. It is given new rows (by device, in order
of time) and ticks (each later than the one before), and tells what fired and cleared.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from kel.model.alert import Alert
from kel.model.city import City
from rules.event import Event
from rules.kinds.missing import MissingKind
from rules.kinds.night_flow import NightFlowKind
from rules.kinds.share import ShareKind
from rules.kinds.threshold import ThresholdKind
from rules.rows import Roster, Rows, Slots


class Kind(Protocol):
    def frame(self, rows: Rows) -> list[Event]:
        """What the rows show; also rows of devices that the rule does not watch may come."""
        ...

    def tick(self, now: int) -> list[Event]:
        """What is so at `now` (µs), later than every tick before."""
        ...

    def adopt(self, alert: Alert) -> bool:
        """Take over an active alert, of an earlier wording of the rule; false if not watched."""
        ...

    def state(self) -> dict[str, NDArray[np.generic]]:
        """All that is remembered: arrays by slot, or such as name their own devices."""
        ...

    def load(self, state: Mapping[str, NDArray[np.generic]], old: Slots, new: Slots) -> None:
        """Remember it again: what was slot old[i] is now slot new[i].

        Where the rule is new, `state` holds only `seen`: when each old slot's device last spoke.
        """
        ...


KINDS: Mapping[str, Callable[[Any, City, Roster], Kind]] = {
    "threshold": ThresholdKind,
    "missing": MissingKind,
    "night_flow": NightFlowKind,
    "share": ShareKind,
}

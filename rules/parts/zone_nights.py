"""The figure of each of a zone's nights: what its lowest hour takes beyond what is used then.

    v = lowest hour − legitimate × connections × season / 1000          m³/h

Laws (and those of `rules.parts.nights`):
- the season's factor of a month holds at its middle, and goes straight to the next;
- a night of which no hour is known is not told.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from kel.model.city import City
from kel.model.frame import Float64
from rules.core.rows import Bool, Roster, Rows, Slots
from rules.core.spans import Closed, Spans
from rules.parts.nights import Nights, lowest, seasonal


class ZoneNights:
    """Of the devices of a roster; `zoned`, (slots,): which of them measure a zone.

    `legitimate`: l per connection and hour; `season`: its factors by month.
    """

    def __init__(
        self,
        nights: Nights,
        city: City,
        roster: Roster,
        legitimate: float,
        season: Mapping[int, float],
    ) -> None:
        zones = [city.zones.get(d.zone or "") for d in roster.devices]
        self.zoned: Bool = np.array([z is not None for z in zones], np.bool_)
        connections = np.array([z.connections if z else 0 for z in zones], np.float64)
        self.use = legitimate * connections / 1000
        self.season = np.array([season.get(m, 1.0) for m in range(1, 13)])
        self.nights, self.length = nights, nights.length
        self.spans = Spans(len(roster), nights.width)

    def rows(self, rows: Rows, metric: str) -> Closed:
        """The nights that rows close."""
        rows = rows.only(self.nights.inside(rows)) if len(rows) else rows
        table = self.nights.quarters(rows.time, rows.column(metric))
        return _known(self.spans.rows(rows.slot, self.nights.ends(rows.time), table))

    def tick(self, now: int) -> Closed:
        """Those that are over."""
        return _known(self.spans.tick(now))

    def figure(self, closed: Closed) -> Float64:
        """Of each night, (n,)."""
        season = seasonal(self.nights.months(closed.end), self.season)
        figure: Float64 = lowest(closed) - self.use[closed.slot] * season
        return figure

    def state(self) -> dict[str, NDArray[np.generic]]:
        return self.spans.state()

    def load(self, state: Mapping[str, NDArray[np.generic]], old: Slots, new: Slots) -> None:
        self.spans.load(state, old, new)


def _known(closed: Closed) -> Closed:
    return closed.take(np.flatnonzero(~np.isnan(lowest(closed))))

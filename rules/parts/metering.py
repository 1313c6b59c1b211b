"""What meters brought through over windows of event time, each from its own readings.

Laws:
- a flow holds until the next reading, at most for `fresh`; a counter's difference is spread evenly
  over the time between two readings, if that is no longer than `fresh` and nothing was lost (a
  counter that went back says nothing of that time);
- windows are counted from 1970 UTC; each time between two readings is cut where a window ends;
- a window is settled by a tick that is `wait` after its end: at once for flows; for counters after
  `fresh`, when the reading that ends the last difference must have come;
- what is told of a time that was settled is left out; values are added one by one in order of time.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kel.model.frame import Float64, Int64
from kel.model.moment import HOUR_US
from rules.core.rows import NEVER, Bool, Rows, Slots


class Window(NamedTuple):
    """A settled window: where it ends (µs), each meter's mean flow (meters,) m³/h, NaN where
    nothing is known, and for what share of the window it is (meters,)."""

    end: int
    flow: Float64
    covered: Float64


class Metering:
    """Of meters with these device `numbers`; `counter`: (meters,), which of them count."""

    def __init__(self, numbers: Int64, counter: Bool, window: int, fresh: int) -> None:
        self.numbers, self.counter = numbers, counter
        self.window, self.fresh = window, fresh
        self.wait = fresh if counter.any() else 0
        self.time = np.full(len(numbers), NEVER, np.int64)  # of the last reading
        self.value = np.full(len(numbers), np.nan)
        self.open: dict[int, Float64] = {}  # by end: (2, meters), Σ flow × µs and Σ µs
        self.settled = NEVER  # the end of the last settled window

    def read(self, rows: Rows, meter: Slots, value: Float64) -> None:
        """Readings in order of meter and time; meter: (n,); value: (n,), in m³/h or m³."""
        if not len(rows):
            return
        time = rows.time
        heads = rows.heads
        before, earlier = np.empty_like(value), np.empty_like(time)
        before[1:], earlier[1:] = value[:-1], time[:-1]
        before[heads], earlier[heads] = self.value[meter[heads]], self.time[meter[heads]]
        known = np.flatnonzero(earlier != NEVER)
        self._add(meter[known], earlier[known], time[known], before[known], value[known])
        self._begin(meter, time)
        ends = rows.ends
        self.time[meter[ends]], self.value[meter[ends]] = time[ends], value[ends]

    def _begin(self, meter: Slots, time: Int64) -> None:
        """Every window that a reading reaches is told, whichever reading comes next, and when."""
        reach = np.where(self.counter[meter], time, time + self.fresh - 1)
        for window in np.unique(np.concatenate([time, reach]) // self.window).tolist():
            end = (window + 1) * self.window
            if end > self.settled:
                self._sums(end)

    def _add(self, meter: Slots, since: Int64, until: Int64, old: Float64, new: Float64) -> None:
        """What flowed between two readings of each meter, (n,)."""
        length = until - since
        counts = self.counter[meter]
        lost = counts & ((length > self.fresh) | (new < old))
        rate = np.where(counts, (new - old) / (length / HOUR_US), old)
        end = np.where(lost, since, np.minimum(until, since + self.fresh))
        begin = np.maximum(since, self.settled)
        cut = (begin // self.window + 1) * self.window
        # each time in two parts, this window's and the next one's, in order of time
        begins = np.stack([begin, cut], axis=1).ravel()
        stops = np.stack([np.minimum(end, cut), end], axis=1).ravel()
        windows = np.stack([cut, cut + self.window], axis=1).ravel()
        kept = np.flatnonzero(stops > begins)
        length = (stops[kept] - begins[kept]).astype(np.float64)
        whose, rates, windows = meter[kept // 2], rate[kept // 2], windows[kept]
        for close in np.unique(windows).tolist():
            these = windows == close
            sums = self._sums(close)
            np.add.at(sums[0], whose[these], rates[these] * length[these])
            np.add.at(sums[1], whose[these], length[these])

    def _sums(self, end: int) -> Float64:
        return self.open.setdefault(end, np.zeros((2, len(self.numbers))))

    def tick(self, now: int) -> list[Window]:
        """The windows that readings reached and `now` settles, in order of time."""
        due = sorted(end for end in self.open if end + self.wait <= now)
        windows = [self._settle(end) for end in due]
        # also windows of which nothing was heard are over
        over = (now - self.wait) // self.window * self.window
        self.settled = max(self.settled, over)
        return windows

    def _settle(self, end: int) -> Window:
        sums = self.open.pop(end)
        held = np.flatnonzero((self.time != NEVER) & (self.time < end) & ~self.counter)
        start = max(self.settled, end - self.window)
        begin = np.maximum(self.time[held], start)
        length = np.maximum(np.minimum(self.time[held] + self.fresh, end) - begin, 0)
        sums[0, held] += self.value[held] * length
        sums[1, held] += length
        self.settled = end
        total, known = sums
        flow = np.where(known > 0, total / np.where(known > 0, known, 1.0), np.nan)
        return Window(end, flow, known / self.window)

    def state(self) -> dict[str, NDArray[np.generic]]:
        ends = sorted(self.open)
        sums = np.stack([self.open[end] for end in ends]) if ends else np.zeros((0, 2, 0))
        return {
            "meter": self.numbers.copy(),
            "time": self.time.copy(),
            "value": self.value.copy(),
            "settled": np.array([self.settled]),
            "open_end": np.array(ends, np.int64),
            "open": sums,
        }

    def load(self, state: Mapping[str, NDArray[np.generic]]) -> None:
        """Go on with the meters that are still here."""
        place = {int(number): at for at, number in enumerate(state["meter"])}
        pairs = [(place[n], at) for at, n in enumerate(self.numbers.tolist()) if n in place]
        old, new = np.array(pairs, np.intp).reshape(-1, 2).T
        self.time[new], self.value[new] = state["time"][old], state["value"][old]
        self.settled = int(state["settled"][0])
        for end, sums in zip(state["open_end"].tolist(), state["open"], strict=True):
            self._sums(end)[:, new] = sums[:, old]

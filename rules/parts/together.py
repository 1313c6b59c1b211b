"""Spans of all devices of a roster side by side: what a kind needs that judges a network at once.

Laws:
- the spans are those of `rules.core.spans`; one is told, of all slots together, by the first tick
  that is not before its end, and only if rows were in it;
- they are told in order of time.
"""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from kel.model.frame import Float64
from rules.core.rows import Rows, Slots
from rules.core.spans import Closed, Spans, ends_every, matrix
from rules.parts.nested import nested, part


class Together:
    """The means of `metrics` over spans of `every` µs, (slots, metrics) each."""

    def __init__(self, size: int, metrics: tuple[str, ...], every: int) -> None:
        self.metrics, self.every = metrics, every
        self.shape = size, len(metrics)
        self.spans = Spans(*self.shape)
        self.waiting: dict[int, Float64] = {}  # spans that no tick has passed, by their end

    def rows(self, rows: Rows) -> None:
        if len(rows):
            end = ends_every(rows.time, self.every)
            self._wait(self.spans.rows(rows.slot, end, matrix(rows, self.metrics)))

    def tick(self, now: int) -> Iterator[tuple[int, Float64]]:
        """The spans that are over at `now`: their ends (µs), and their means, NaN: not known."""
        self._wait(self.spans.tick(now))
        for end in sorted(end for end in self.waiting if end <= now):
            yield end, self.waiting.pop(end)

    def _wait(self, closed: Closed) -> None:
        means = closed.means
        for place, end in enumerate(closed.end.tolist()):
            if end not in self.waiting:
                self.waiting[end] = np.full(self.shape, np.nan)
            self.waiting[end][closed.slot[place]] = means[place]

    def state(self) -> dict[str, NDArray[np.generic]]:
        ends = sorted(self.waiting)
        means = [self.waiting[end] for end in ends]
        stacked = np.array(means, np.float64).reshape(len(means), *self.shape)
        own = {"end": np.array(ends, np.int64), "means": stacked}
        return nested(own=own, spans=self.spans.state())

    def load(self, state: Mapping[str, NDArray[np.generic]], old: Slots, new: Slots) -> None:
        """Of the same devices."""
        own = part(state, "own")
        self.spans.load(part(state, "spans"), old, new)
        means = own["means"].astype(np.float64)
        self.waiting = dict(zip(own["end"].tolist(), means, strict=True))

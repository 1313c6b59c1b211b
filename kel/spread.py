"""How long things took: counted by limits, for ever and for the last minute. Pure.

Laws: times are seconds; what the last minute is, is said by the `now` (s) that comes with each
call, and never goes back; memory does not grow with what is counted.
"""

from bisect import bisect_left
from collections import deque

LIMITS = (0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.35, 0.5, 0.75, 1, 1.5, 2.5, 5, 10, 30, 60, 300, 3600)
MINUTE_S = 60.0
SLICES = 6  # of a minute, so that the oldest can be forgotten


class Spread:
    """Counts by limit: `counts[i]` took at most `limits[i]` and more than the limit before it; the
    last one is for what took longer than all."""

    def __init__(self, limits: tuple[float, ...] = LIMITS) -> None:
        self.limits = limits
        self.counts = [0] * (len(limits) + 1)
        self.sum = 0.0
        self._recent: deque[tuple[float, list[int]]] = deque()  # when a slice began, its counts

    @property
    def count(self) -> int:
        return sum(self.counts)

    def add(self, seconds: float, now: float, count: int = 1) -> None:
        """So many took so long; what is below 0 (a clock that was set) counts as 0."""
        seconds = max(0.0, seconds)
        which = bisect_left(self.limits, seconds)
        self.counts[which] += count
        self.sum += seconds * count
        if not self._recent or now - self._recent[-1][0] >= MINUTE_S / SLICES:
            self._recent.append((now, [0] * len(self.counts)))
            self._forget(now)
        self._recent[-1][1][which] += count

    def quantile(self, share: float, now: float) -> float | None:
        """The time that this share of the last minute's did not exceed, by straight lines between
        the limits (as Prometheus' histogram_quantile); None where there was nothing."""
        self._forget(now)
        counts = [sum(each) for each in zip(*(c for _, c in self._recent), strict=True)]
        wanted, below = share * sum(counts), 0
        for which, count in enumerate(counts):
            if count and below + count >= wanted:
                return self._between(which, (wanted - below) / count)
            below += count
        return None

    def _between(self, which: int, part: float) -> float:
        if which == len(self.limits):
            return self.limits[-1]
        low = self.limits[which - 1] if which else 0.0
        return low + (self.limits[which] - low) * part

    def _forget(self, now: float) -> None:
        while self._recent and now - self._recent[0][0] > MINUTE_S:
            self._recent.popleft()

"""Leaks that run at the same time, told apart by what each does to a network's sensors.

A leak draws the residuals of all sensors (m,) in a direction of its own, its signature, by so much
as it has grown. At each judgement the mean residuals d are split among the signatures that are
known, none of them less than nothing: d − base ≈ Σ aₖ sₖ, and what is left is e.

Laws:
- e is more than noise where |e| > `above` · u, with u the length that noise alone should have now;
- e that is more than noise for `hold` is a new leak's signature, told on the sensor that fell most
  of the known ones on which none is told. But a leak lowers what is near it: an e whose sudden part
  (or, where nothing was sudden, e itself) is strongest upwards is some leak's end that no signature
  explains. That, and what no sensor is left for, moves `base` untold;
- a signature follows what is left of d beside the others until `settle` after it was told, and
  again whenever its leak has grown to `again` times the size with which it was learned;
- a leak is over when aₖ is under `gone` times one sensor's expected error for `forget`;
- a sensor that is not known is left out; one that comes back comes back as the signatures say.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kel.model.frame import Float64
from rules.core.rows import NEVER, Bool
from rules.parts.nnls import nnls

SUDDEN = 0.5  # of |e|: a change of the last hours that is smaller does not decide


@dataclass(frozen=True, slots=True)
class Limits:
    """above: in lengths of noise; gone: in errors of one sensor; again: a ratio; the others: µs."""

    above: float
    again: float
    gone: float
    hold: int
    settle: int
    forget: int


class Born(NamedTuple):
    """A new leak, told on `sensor`: more than noise since (µs), the length of what is left and its
    limit, and by how much each sensor moved, (m,), in sigmas."""

    sensor: int
    since: int
    size: float
    limit: float
    by: Float64


class Over(NamedTuple):
    sensor: int


class Signatures:
    """`sensor`: (k,) on which each running leak was told; `direction`: (k, m)."""

    def __init__(self, size: int, limits: Limits) -> None:
        self.limits = limits
        self.base = np.zeros(size)
        self.known = np.ones(size, np.bool_)
        self.since = NEVER  # e is more than noise since
        self.direction = np.zeros((0, size))
        self.size = np.zeros(0)  # when learned
        self.told, self.faint = np.zeros(0, np.int64), np.zeros(0, np.int64)
        self.sensor = np.zeros(0, np.int64)

    def judge(self, now: int, d: Float64, change: Float64, error: float) -> list[Born | Over]:
        """d: (m,) mean residuals, NaN: not known; change: (m,) what of them came in the last hours;
        error: of each of them, expected."""
        known = ~np.isnan(d)
        if not known.any():
            return []
        back, self.known = known & ~self.known, known
        x = np.where(known, d - self.base, 0.0)
        if back.any():
            amount = self._split(x, known & ~back)
            self.base[back] += (x - amount @ self.direction)[back]
            x = np.where(known, d - self.base, 0.0)
        noise = error * float(np.sqrt(np.count_nonzero(known)))
        amount = self._follow(now, x, known)
        left = np.where(known, x - amount @ self.direction, 0.0)
        limit = self.limits.above * noise
        length = float(np.linalg.norm(left))
        events: list[Born | Over] = []
        if length <= limit:
            self.since = NEVER
        elif self.since == NEVER:
            self.since = now
        if self.since != NEVER and now - self.since >= self.limits.hold:
            sudden = np.where(known & ~np.isnan(change), change, 0.0)
            by = sudden if np.linalg.norm(sudden) > SUDDEN * length else left
            order = np.argsort(by, kind="stable").tolist()  # what fell most first
            free = [s for s in order if known[s] and s not in self.sensor]
            if by.max() > -by.min() or not free:
                self.base += left
            else:
                events.append(self._born(now, left, by, free[0], limit))
                amount = np.append(amount, length)
            self.since = NEVER
        return events + self._forget(now, amount, error)

    def _split(self, x: Float64, known: Bool) -> Float64:
        """How much of each signature, (k,), is in x."""
        if not len(self.size):
            return np.zeros(0)
        return nnls(self.direction[:, known].T, x[known])

    def _follow(self, now: int, x: Float64, known: Bool) -> Float64:
        """The amounts, (k,), after the young and the grown have learned their signature again."""
        amount = self._split(x, known)
        for leak in range(len(amount)):
            young = now - self.told[leak] < self.limits.settle
            grown = amount[leak] > self.limits.again * self.size[leak]
            if not grown and not (young and amount[leak] > self.size[leak] / 2):
                continue
            others = amount.copy()
            others[leak] = 0.0
            own = np.where(known, x - others @ self.direction, 0.0)
            self.size[leak] = np.linalg.norm(own)
            self.direction[leak] = own / self.size[leak]
            amount = self._split(x, known)
        return amount

    def _born(self, now: int, left: Float64, by: Float64, sensor: int, limit: float) -> Born:
        length = float(np.linalg.norm(left))
        self.direction = np.vstack([self.direction, left / length])
        self.size = np.append(self.size, length)
        self.told, self.faint = np.append(self.told, now), np.append(self.faint, NEVER)
        self.sensor = np.append(self.sensor, sensor)
        return Born(sensor, self.since, length, limit, by)

    def _forget(self, now: int, amount: Float64, error: float) -> list[Born | Over]:
        faint = amount < self.limits.gone * error
        self.faint = np.where(faint, np.where(self.faint == NEVER, now, self.faint), NEVER)
        over = faint & (now - self.faint >= self.limits.forget)
        if not over.any():
            return []
        events: list[Born | Over] = [Over(int(s)) for s in self.sensor[over]]
        for name in _BY_LEAK:
            setattr(self, name, getattr(self, name)[~over])
        return events

    def state(self) -> dict[str, NDArray[np.generic]]:
        return {**{n: getattr(self, n).copy() for n in _ARRAYS}, "since": np.array([self.since])}

    def load(self, state: Mapping[str, NDArray[np.generic]]) -> None:
        for name in _ARRAYS:
            setattr(self, name, state[name].copy())
        self.since = int(state["since"][0])


_BY_LEAK = ("direction", "size", "told", "faint", "sensor")
_ARRAYS = ("base", "known", *_BY_LEAK)

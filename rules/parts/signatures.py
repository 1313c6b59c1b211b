"""Leaks that run at the same time, told apart by what each does to a network's sensors.

A leak draws the residuals of all sensors (m,) in a direction of its own, its signature, by so much
as it has grown. At each judgement the mean residuals d are split among the signatures that are
known, none of them less than nothing: d − base ≈ Σ aₖ sₖ, and what is left is e.

Laws:
- e is more than noise where |e| > `above` · u, with u the length that noise alone should have now
  in as many directions as no running leak is fitted to;
- e that is more than noise for `hold` is a new leak's signature, told on the sensor that fell most
  of the known ones on which none is told. But a leak lowers what is near it: an e whose sudden part
  (or, where nothing was sudden, e itself) is strongest upwards is some leak's end that no signature
  explains. That, and what no sensor is left for, moves `base` untold;
- a step, what moved since the same hours a mean ago, that is `STEP` times noise for `hold` is a new
  leak where it is strongest downwards, even if known signatures could explain it: none jumps;
- upwards it is an end. Until no mean spans it, nothing is told, and what is left then moves `base`;
- within `mean` and `hold` of a leak that was told, or of an end, a step is taken for a part of it;
- a signature follows what is left of d beside the others until `settle` after it was told, and
  whenever its leak has grown to `again` times the size with which it was learned, as long as the
  others explain the rest;
- a leak is over when aₖ is under `gone` times one sensor's expected error for `forget`;
- a sensor that is not known is left out; one that comes back comes back as the signatures say.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kel.model.frame import Float64
from rules.core.by_slot import copies
from rules.core.rows import NEVER, Bool
from rules.parts.nnls import nnls

STEP = 3.5  # lengths of noise
SUDDEN = 0.5  # of |e|: a change of the last hours that is smaller does not decide


@dataclass(frozen=True, slots=True)
class Limits:
    """above: in lengths of noise; gone: in errors of one sensor; again: a ratio; the others: µs."""

    above: float
    again: float
    gone: float
    mean: int
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
        self.since = self.moving = NEVER  # e is more than noise, or a step, since
        self.ended = NEVER  # the newest end that was seen as a step
        self.direction = np.zeros((0, size))
        self.size = np.zeros(0)  # when learned
        self.told, self.faint = np.zeros(0, np.int64), np.zeros(0, np.int64)
        self.sensor = np.zeros(0, np.int64)

    def judge(
        self, now: int, d: Float64, error: float, step: Float64, step_error: float
    ) -> list[Born | Over]:
        """d: (m,) mean residuals, NaN: not known; step: (m,) those of the last `hold` less those of
        the same hours a mean before; the errors: expected of each of them."""
        known = ~np.isnan(d)
        if not known.any():
            return []
        back, self.known = known & ~self.known, known
        x = np.where(known, d - self.base, 0.0)
        if back.any():
            amount = self._split(x, known & ~back)
            self.base[back] += (x - amount @ self.direction)[back]
            x = np.where(known, d - self.base, 0.0)
        amount = self._follow(now, x, known)
        left = np.where(known, x - amount @ self.direction, 0.0)
        free = max(int(np.count_nonzero(known)) - int(np.count_nonzero(amount)), 1)
        limit = self.limits.above * error * math.sqrt(free)
        step = np.where(known & ~np.isnan(step), step, 0.0)
        born = self._stepped(now, step, known, step_error)
        if born:  # the mean spans it in part: it is as large as what is seen of it, and will grow
            amount = self._split(x, known)
            self.size[-1] = amount[-1]
        else:
            born = self._lasted(now, left, step, known, limit)
            amount = np.append(amount, self.size[len(amount) :])
        events: list[Born | Over] = [born] if born else []
        return events + self._forget(now, amount, error)

    def _stepped(self, now: int, step: Float64, known: Bool, error: float) -> Born | None:
        """What a step that lasted tells; an end is kept in mind."""
        newest = max(int(self.told.max(initial=NEVER)), self.ended)
        limit = STEP * error * float(np.sqrt(np.count_nonzero(known)))
        taken = newest != NEVER and now - newest < self.limits.mean + self.limits.hold
        if taken or np.linalg.norm(step) <= limit:
            self.moving = NEVER
            return None
        if self.moving == NEVER:
            self.moving = now
        since = self.moving
        if now - since < self.limits.hold:
            return None
        self.since = self.moving = NEVER
        free = self._free(step, known)
        if step.max() > -step.min():
            self.ended = now
        return self._born(now, since, step, step, free[0], limit) if free else None

    def _lasted(
        self, now: int, left: Float64, step: Float64, known: Bool, limit: float
    ) -> Born | None:
        """What is left for so long that it is a leak's, or `base` moves by it."""
        length = float(np.linalg.norm(left))
        ended = now - self.ended if self.ended != NEVER else self.limits.mean + self.limits.hold
        if length <= limit or ended < self.limits.mean:
            self.since = NEVER
            return None
        if ended < self.limits.mean + self.limits.hold:
            self.base += left
            self.since = NEVER
            return None
        if self.since == NEVER:
            self.since = now
        since = self.since
        if now - since < self.limits.hold:
            return None
        self.since = NEVER
        by = step if np.linalg.norm(step) > SUDDEN * length else left
        free = self._free(by, known)
        if not free:
            self.base += left
            return None
        return self._born(now, since, left, by, free[0], limit)

    def _free(self, by: Float64, known: Bool) -> list[int]:
        """The known sensors without a leak, what fell most first; none of an end."""
        if by.max() > -by.min():
            return []
        order = np.argsort(by, kind="stable").tolist()
        return [s for s in order if known[s] and s not in self.sensor]

    def _split(self, x: Float64, known: Bool) -> Float64:
        """How much of each signature, (k,), is in x."""
        if not len(self.size):
            return np.zeros(0)
        return nnls(self.direction[:, known].T, x[known])

    def _follow(self, now: int, x: Float64, known: Bool) -> Float64:
        """The amounts, (k,), after the young and the grown have learned their signature again."""
        amount, calm = self._split(x, known), self.since == NEVER
        for leak in range(len(amount)):
            young = now - self.told[leak] < self.limits.settle
            grown = calm and amount[leak] > self.limits.again * self.size[leak]
            if not grown and not (young and amount[leak] > self.size[leak] / 2):
                continue
            others = amount.copy()
            others[leak] = 0.0
            own = np.where(known, x - others @ self.direction, 0.0)
            self.size[leak] = np.linalg.norm(own)
            self.direction[leak] = own / self.size[leak]
            amount = self._split(x, known)
        return amount

    def _born(
        self, now: int, since: int, left: Float64, by: Float64, sensor: int, limit: float
    ) -> Born:
        length = float(np.linalg.norm(left))
        self.direction = np.vstack([self.direction, left / length])
        self.size = np.append(self.size, length)
        self.told, self.faint = np.append(self.told, now), np.append(self.faint, NEVER)
        self.sensor = np.append(self.sensor, sensor)
        return Born(sensor, since, length, limit, by)

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
        arrays = copies(self, _ARRAYS)
        return arrays | {name: np.array([getattr(self, name)]) for name in _MOMENTS}

    def load(self, state: Mapping[str, NDArray[np.generic]]) -> None:
        for name in _ARRAYS:
            setattr(self, name, state[name].copy())
        for name in _MOMENTS:
            if name in state:  # what was pending under other limits begins anew
                setattr(self, name, int(state[name][0]))


_BY_LEAK = ("direction", "size", "told", "faint", "sensor")
_ARRAYS = ("base", "known", *_BY_LEAK)
_MOMENTS = ("since", "moving", "ended")
LEARNED = (*_ARRAYS, "ended")  # of its state, whatever the limits are

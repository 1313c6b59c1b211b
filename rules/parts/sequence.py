"""What other rules told in a place, and whether it came one after the other.

Laws:
- each step comes no earlier than the one before (at the same moment is early enough), and the
  last no later than `within` after the first;
- of several first steps the latest counts, which leaves the most time;
- only what is heard to begin is a step, not what was active already when the listening began;
- a step may have cleared by the time that the next one comes; the whole holds until the last
  step's rule is clear in the place.
"""

from collections.abc import Container, Iterable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Heard(NamedTuple):
    """A member's alert began or ended on a device; all times in µs.

    at: when it counts; begun: 1, or 0 for its end; told: when it was detected, or cleared; started:
    when its condition began; metric: the place of its evidence's metric in the device's class.
    """

    at: int
    member: int
    device: int
    begun: int
    told: int
    started: int = 0
    metric: int = 0


Chain = tuple[Heard, ...]


class Sequence:
    """One place's steps: `steps` are members in their order, `within` in µs."""

    def __init__(self, steps: tuple[int, ...], within: int) -> None:
        self.steps, self.within = steps, within
        self.chains: dict[int, Chain] = {}  # by the step that was reached
        self.done: Chain | None = None

    def hear(self, moment: Iterable[Heard]) -> None:
        """All that is told of one moment, after all that was told of earlier ones."""
        began = [
            (heard.told, self.steps.index(heard.member), heard)
            for heard in moment
            if heard.begun and heard.member in self.steps
        ]
        for _, reached, heard in sorted(began):
            self._reach(reached, heard)

    def _reach(self, reached: int, heard: Heard) -> None:
        before: Chain = ()
        if reached:
            before = self.chains.get(reached - 1, ())
            if not before or heard.at > before[0].at + self.within:
                return
        chain = self.chains[reached] = (*before, heard)
        if reached == len(self.steps) - 1 and self.done is None:
            self.done = chain


# as plain arrays

DONE = -1  # the step of a chain that was completed


def table(heard: Iterable[Heard]) -> NDArray[np.generic]:
    return np.array(list(heard), np.int64).reshape(-1, len(Heard._fields))


def kept(sequences: Mapping[int, Sequence]) -> dict[str, NDArray[np.generic]]:
    """The state of sequences, each by a number of its place: what `recall` takes."""
    rows: list[tuple[int, ...]] = []
    for number, sequence in sequences.items():
        for step, chain in (*sequence.chains.items(), (DONE, sequence.done or ())):
            rows += [(number, step, *heard) for heard in chain]
    done = [number for number, sequence in sequences.items() if sequence.done is not None]
    return {
        "chain": np.array(rows, np.int64).reshape(-1, len(Heard._fields) + 2),
        "done": np.array(done, np.int64),
    }


def recall(
    sequences: Mapping[int, Sequence],
    state: Mapping[str, NDArray[np.generic]],
    devices: Container[int],
) -> None:
    """Remember what these places heard of `devices`, by number, that still are."""
    for number in state["done"].tolist():
        if number in sequences:
            sequences[number].done = ()
    for number, step, *row in state["chain"].tolist():
        heard = Heard(*row)
        if number not in sequences or heard.device not in devices:
            continue
        sequence = sequences[number]
        if step == DONE:
            sequence.done = (*(sequence.done or ()), heard)
        else:
            sequence.chains[step] = (*sequence.chains.get(step, ()), heard)

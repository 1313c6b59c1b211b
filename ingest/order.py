"""Order: rows wait a little for earlier ones of their device, before the rules see them. Pure.

Laws:
- a row waits until its bridge's tick says that `tolerance` has passed since its arrival; it is then
  released, and with it whatever waits of its device and is earlier, in order of time;
- a row is late where the rules have passed its moment: a row of its device of that time or a later
  one was released before. Late rows are never released;
- that depends on arrivals and ticks, which are data, and never on how messages were cut into
  batches;
- a bridge whose tick lies more than BEHIND behind the newest one is left out: its rows are released
  and time goes on without it;
- no more than MOST rows wait: then all of them are released at once, however young they are;
- rows of devices of another partition never wait: their order is not ours to know.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kel.model.device import Device
from kel.model.frame import Frame, Int64, join, once
from kel.model.moment import MINUTE_US
from kel.model.reading import Doubted

BEHIND = 10 * MINUTE_US
MOST = 50_000
NEVER, EVER = np.iinfo(np.int64).min, np.iinfo(np.int64).max

Bool = NDArray[np.bool_]
State = dict[str, NDArray[Any]]


@dataclass(slots=True)
class Waiting:
    """Rows of one class that wait, in the order in which they came; each part with its bridge."""

    parts: list[tuple[str, Frame]]
    rows: int = 0
    oldest: int = EVER  # no row arrived before


class Order:
    """The rows of one partition's devices. `tolerance` in µs."""

    def __init__(self, tolerance: int, devices: Iterable[Device]) -> None:
        self._tolerance = tolerance
        self._numbers = np.array(sorted(d.number for d in devices), np.int64)
        # by slot, the last of which stands for all strangers: the newest time that was heard, …
        self._heard = np.full(len(self._numbers) + 1, NEVER)
        self._heard[-1] = EVER  # of a stranger everything is in doubt, and nothing late
        self._released = np.full(len(self._numbers) + 1, NEVER)  # … and that rules have seen
        self._slots = np.full(int(self._numbers.max(initial=-1)) + 2, len(self._numbers), np.int32)
        self._slots[self._numbers] = np.arange(len(self._numbers))
        self._waiting: dict[str, Waiting] = {}  # by class
        self.ticks: dict[str, int] = {}  # the last tick of each bridge that is not left out

    @property
    def clock(self) -> int | None:
        """The time that has come for all: the slowest bridge's tick, less the tolerance."""
        return min(self.ticks.values()) - self._tolerance if self.ticks else None

    def put(self, bridge: str, frame: Frame) -> tuple[Frame, Doubted | None]:
        """Take in rows that came through this bridge, in order of (device, time), each moment once.

        Returns those later than all that was heard of their devices, which nobody can have stored,
        and the others, which somebody may have. Rows of another partition's devices are in doubt
        too, and the rules do not see them.
        """
        slot = self._slot_of(frame)
        heard, released = self._heard[slot], self._released[slot]
        fresh, late = frame.time > heard, frame.time <= released
        np.maximum.at(self._heard, slot, frame.time)
        if fresh.all():
            self._wait(bridge, frame)
            return frame, None
        self._wait(bridge, frame.take(~late & (slot < len(self._numbers))))
        others = ~fresh
        newest = frame.time == heard
        return frame.take(fresh), Doubted(frame.take(others), late[others], newest[others])

    def tick(self, bridge: str, now: int) -> list[Frame]:
        """Time has come to `now` at this bridge: a frame a class of what is released, in order."""
        self.ticks[bridge] = max(now, self.ticks.get(bridge, NEVER))
        newest = max(self.ticks.values())
        gone = [name for name, tick in self.ticks.items() if tick < newest - BEHIND]
        for name in gone:
            del self.ticks[name]
        return [
            frame
            for cls in sorted(self._waiting)
            for frame in self._release(cls, newest - BEHIND - self._tolerance)
        ]

    def overdue(self) -> list[Frame]:
        """What must be released without a tick, since too much waits."""
        if sum(waiting.rows for waiting in self._waiting.values()) <= MOST:
            return []
        return [f for cls in sorted(self._waiting) for f in self._release(cls, EVER)]

    def state(self) -> State:
        """All that is remembered, as plain arrays by name; what `load` takes."""
        state: State = {
            "device": self._numbers.copy(),
            "heard": self._heard[:-1].copy(),
            "released": self._released[:-1].copy(),
            "bridges": np.array(list(self.ticks), np.str_),
            "ticks": np.array(list(self.ticks.values()), np.int64),
        }
        for cls, waiting in self._waiting.items():
            if not waiting.rows:
                continue
            frame = join([part for _, part in waiting.parts])
            names = [bridge for bridge, part in waiting.parts for _ in range(len(part))]
            state |= {
                f"row/{cls}/bridge": np.array(names, np.str_),
                f"row/{cls}/time": frame.time,
                f"row/{cls}/arrival": frame.arrival,
                f"row/{cls}/device": frame.device,
            }
            state |= {f"metric/{cls}/{name}": column for name, column in frame.metrics.items()}
        return state

    def load(self, state: Mapping[str, NDArray[Any]], metrics: Mapping[str, Iterable[str]]) -> None:
        """Go on from `state`. `metrics`: by class, those that it has now.

        Devices that are no longer of this partition are passed over, and their rows.
        """
        slot = self._slot_of_numbers(state["device"])
        here = slot < len(self._numbers)
        self._heard[slot[here]] = state["heard"][here]
        self._released[slot[here]] = state["released"][here]
        self.ticks = dict(
            zip(state["bridges"].tolist(), map(int, state["ticks"].tolist()), strict=True)
        )
        for cls, names in metrics.items():
            if f"row/{cls}/time" in state:
                self._load_rows(state, cls, names)

    def passed(self, numbers: Int64, seen: Int64) -> None:
        """Of each device, the newest time that rules have seen, where no more is known."""
        slot = self._slot_of_numbers(numbers)
        here = slot < len(self._numbers)
        np.maximum.at(self._heard, slot[here], seen[here])
        np.maximum.at(self._released, slot[here], seen[here])

    def _load_rows(self, state: Mapping[str, NDArray[Any]], cls: str, names: Iterable[str]) -> None:
        time = state[f"row/{cls}/time"]
        nothing = np.full(len(time), np.nan)
        columns = {name: state.get(f"metric/{cls}/{name}", nothing) for name in names}
        frame = Frame(cls, time, state[f"row/{cls}/arrival"], state[f"row/{cls}/device"], columns)
        known = self._slot_of(frame) < len(self._numbers)
        bridges = state[f"row/{cls}/bridge"]
        cuts = np.flatnonzero(np.append(True, bridges[1:] != bridges[:-1]))
        for begin, end in zip(cuts, np.append(cuts[1:], len(bridges)), strict=True):
            rows = np.arange(begin, end)
            self._wait(str(bridges[begin]), frame.take(rows[known[begin:end]]))

    def _slot_of(self, frame: Frame) -> NDArray[np.intp]:
        return self._slot_of_numbers(frame.device)

    def _slot_of_numbers(self, numbers: NDArray[np.integer]) -> NDArray[np.intp]:
        """The slot of each device number; the last one is that of all strangers."""
        beyond = len(self._slots) - 1
        known = np.where((numbers < 0) | (numbers > beyond), beyond, numbers)
        return self._slots[known].astype(np.intp)

    def _wait(self, bridge: str, frame: Frame) -> None:
        if not len(frame):
            return
        waiting = self._waiting.setdefault(frame.cls, Waiting([]))
        waiting.parts.append((bridge, frame))
        waiting.rows += len(frame)
        waiting.oldest = min(waiting.oldest, int(frame.arrival.min()))

    def _release(self, cls: str, left_out: int) -> list[Frame]:
        """What is due of a class: by its own bridge's tick, or because it arrived by `left_out`."""
        waiting = self._waiting[cls]
        due_at = [max(self._due(bridge), left_out) for bridge, _ in waiting.parts]
        if not waiting.rows or waiting.oldest > max(due_at):
            return []
        frame = join([part for _, part in waiting.parts])
        lengths = [len(part) for _, part in waiting.parts]
        due = frame.arrival <= np.repeat(np.array(due_at, np.int64), lengths)
        if not due.any():
            return []
        slot = self._slot_of(frame)
        until = np.full(len(self._released), NEVER)
        np.maximum.at(until, slot[due], frame.time[due])
        out = frame.time <= until[slot]
        self._waiting[cls] = Waiting([])
        begin = 0
        for bridge, part in waiting.parts:
            stays = ~out[begin : begin + len(part)]
            begin += len(part)
            if stays.any():
                self._wait(bridge, part if stays.all() else part.take(stays))
        np.maximum.at(self._released, slot[out], frame.time[out])
        return [once(frame if out.all() else frame.take(out))]

    def _due(self, bridge: str) -> int:
        """Up to which arrival this bridge's rows have waited long enough."""
        return self.ticks[bridge] - self._tolerance if bridge in self.ticks else NEVER

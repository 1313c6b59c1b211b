"""What all kinds that learn share: from which day on they learn, and what they tell of it.

`learn_from = 2026-11-01` says that from that day's local midnight on a device's normal is a new
one: a zone that grew for good, a pump with a new impeller. At that moment, or where it has passed
at the next span, what was learned before is forgotten and the device's alert of the rule ends.

Laws:
- each slot obeys a day once, also over restarts and over edits of the rule's other fields; until
  the day has come it is judged by what it had learned;
- nothing that was read before the day is learned from. Where the day has passed, a kind learns from
  what it still knows of the time since, and from what comes;
- an alert ends at the day's midnight, or where that had passed when the rule was edited, at the
  last tick before the edit.
"""

from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Annotated
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, WithJsonSchema

from kel.model.frame import Int64
from kel.model.moment import from_us, to_us
from rules.core.event import Cleared
from rules.core.hold import FIRING, IDLE
from rules.core.judge import Judge, Told
from rules.core.rows import ENDLESS, NEVER, Bool, Slots

Arrays = Mapping[str, NDArray[np.generic]]


def _day(told: object) -> date:
    if isinstance(told, date) and not isinstance(told, datetime):
        return told
    try:
        return date.fromisoformat(told if isinstance(told, str) else "")
    except ValueError:
        raise ValueError(f"{told!r} is no day; write it as in 2026-11-01") from None


Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]


class Afresh:
    """Of `size` slots, which of them have begun anew on `day`; None: there is no such day."""

    def __init__(self, size: int, day: date | None, timezone: str) -> None:
        self.zone = ZoneInfo(timezone)
        midnight = datetime.combine(day, time(0), self.zone) if day else None
        self.day, self.at = day, to_us(midnight) if midnight else ENDLESS
        self.obeyed = np.full(size, NEVER, np.int64)  # which midnight, µs
        self.since = np.full(size, self.at)  # when it is obeyed, µs: not before the rule was edited

    @property
    def why(self) -> str:
        """Why an alert ends with it."""
        return f"νέο σύνηθες από {self.day:%d/%m/%Y}: ο κανόνας μαθαίνει ξανά" if self.day else ""

    def due(self, slot: Slots, end: Int64) -> Bool:
        """Which slots, (n,), must begin anew before what ends then, (n,) µs, is judged."""
        due: Bool = (end > self.since[slot]) & (self.obeyed[slot] != self.at)
        return due

    def waiting(self, now: int) -> Slots:
        """All slots that must have begun anew by `now`."""
        return np.flatnonzero((self.obeyed != self.at) & (now >= self.since))

    def learns(self, slot: Slots, begin: Int64) -> Bool:
        """Which of what begins at these moments, (n,) µs, may be learned from: where a slot, (n,),
        has begun anew, nothing of before."""
        learns: Bool = (begin >= self.at) | (self.obeyed[slot] != self.at)
        return learns

    def told(self, since: int, until: int, readings: float) -> dict[str, float | str]:
        """What evidence says of what was learned: its days on the local calendar, both included,
        and how many readings."""
        if not 0 < since < until or not readings:  # or kept before it was noted
            return {}
        first, last = (from_us(us).astimezone(self.zone) for us in (since, until - 1))
        return {
            "learned_from": f"{first:%Y-%m-%d}",
            "learned_until": f"{last:%Y-%m-%d}",
            "learned_readings": float(readings),
        }

    def state(self) -> dict[str, NDArray[np.generic]]:
        return {"obeyed": self.obeyed.copy()}

    def load(self, state: Arrays, old: Slots, new: Slots) -> None:
        """Of a kind's state, of which this is the part `afresh` and its open spans `spans`: the day
        is not obeyed before what they had come to, or where nothing is remembered, before the
        device last spoke."""
        if "afresh.obeyed" in state:
            self.obeyed[new] = state["afresh.obeyed"][old]
        clock = state["spans.clock"] if "spans.clock" in state else state["seen"][old]
        self.since[new] = np.maximum(self.at, clock)


def begin_anew(afresh: Afresh, judge: Judge, slots: Slots) -> tuple[list[Told], list[Cleared]]:
    """These slots judge anew: what had been due before, and the alerts that end with it."""
    due = judge.settle(slots, afresh.since[slots])
    firing = slots[judge.hold.phase[slots] >= FIRING]
    ended = [
        Cleared(judge.roster.devices[slot], int(afresh.since[slot]), afresh.why)
        for slot in firing.tolist()
    ]
    judge.hold.phase[slots] = IDLE
    afresh.obeyed[slots] = afresh.at
    return due, ended

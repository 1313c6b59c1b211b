"""When other rules have an alert on a device: nothing is learned from it then (`unless`).

A device's first days are taken as its normal, whatever happened in them. What went wrong only other
rules can say; statistics cannot: a few spans far from the others may be a fault, or a rare way in
which the device is run.

Laws:
- an alert counts from the moment it was detected to the moment it cleared;
- with `unless`, spans are judged and learned from at ticks alone, when all that the other rules
  tell of their time was heard; what they tell later of a span changes nothing of it.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from kel.model.frame import Int64
from kel.model.mistake import Mistake, Path
from rules.core.entry import Entry, unknown
from rules.core.event import Cleared, Event, Fired
from rules.core.rows import ENDLESS, Bool, Roster, Slots
from rules.core.spans import Closed


class Ailing:
    """The alerts of `rules` on the roster's devices, and the spans that wait for a tick."""

    def __init__(self, roster: Roster, rules: Collection[str] | None) -> None:
        self.roster, self.rules = roster, tuple(rules or ())
        self.spells: list[tuple[int, int, int, int]] = []  # slot, rule, detected, cleared (µs)
        self.waiting: list[Closed] = []

    def hear(self, rule: str, event: Event) -> None:
        slot = self.roster.slot_of.get(event.device.id, -1)
        if slot < 0 or rule not in self.rules:
            return
        which = slot, self.rules.index(rule)
        on = next((s for s in self.spells if s[:2] == which and s[3] == ENDLESS), None)
        if isinstance(event, Fired) and on is None:
            self.spells.append((*which, event.detected, ENDLESS))
        elif isinstance(event, Cleared) and on is not None:
            self.spells.remove(on)
            self.spells.append((*which, on[2], max(event.at, on[2])))

    def well(self, slot: Slots, begin: Int64, end: Int64) -> Bool:
        """Which spans, (n,), no alert of the other rules fell into."""
        well = np.ones(len(slot), np.bool_)
        for ill, _, since, until in self.spells:
            well &= (slot != ill) | (until <= begin) | (since >= end)
        return well

    def now(self, closed: Closed) -> Closed:
        """What of the spans that rows closed is judged now; the others wait for a tick."""
        if not self.rules or not len(closed.slot):
            return closed
        self.waiting.append(closed)
        return closed.take(np.empty(0, np.intp))

    def due(self, closed: Closed, now: int) -> Closed:
        """What is judged at a tick: the spans that it closed, and those that have waited for it."""
        if not self.waiting:
            return closed
        together = _joined([*self.waiting, closed])
        over = together.end <= now
        later = together.take(np.flatnonzero(~over))
        self.waiting = [later] if len(later.slot) else []
        return together.take(np.flatnonzero(over))

    def forget(self, before: int) -> None:
        """What was over before a moment (µs) can fall into no span any more."""
        self.spells = [spell for spell in self.spells if spell[3] >= before]

    def state(self) -> dict[str, NDArray[np.generic]]:
        numbers = self.roster.numbers
        state: dict[str, NDArray[np.generic]] = {
            "spells": np.array(
                [(numbers[slot], *rest) for slot, *rest in sorted(self.spells)], np.int64
            ).reshape(-1, 4)
        }
        if self.waiting:
            waiting = _joined(self.waiting)
            state["device"] = numbers[waiting.slot]
            state |= {name: getattr(waiting, name) for name in ("end", "sums", "counts")}
        return state

    def load(self, state: Mapping[str, NDArray[np.generic]], new: Slots) -> None:
        """Of the slots `new`, which alone are remembered."""
        mine = set(new.tolist())
        told = state["spells"].astype(np.int64) if "spells" in state else np.zeros((0, 4), np.int64)
        slots = self.roster.slots(told[:, 0]).tolist()
        self.spells += [
            (slot, *map(int, row[1:]))
            for slot, row in zip(slots, told.tolist(), strict=True)
            if slot in mine
        ]
        if "device" in state:
            slot = self.roster.slots(state["device"].astype(np.int64)).astype(np.intp)
            kept = Closed(slot, *(state[name] for name in ("end", "sums", "counts")))  # type: ignore[arg-type]
            kept = kept.take(np.flatnonzero(np.isin(slot, list(mine))))
            self.waiting += [kept] if len(kept.slot) else []


def _joined(closed: Sequence[Closed]) -> Closed:
    """All of them, in order of slot and time."""
    joined = Closed(*(np.concatenate(column) for column in zip(*closed, strict=True)))
    return joined.take(np.lexsort((joined.end, joined.slot)))


def check_unless(entry: Entry) -> Iterator[Mistake]:
    """The rules of `unless` are there, and of the same devices."""
    told, tables = entry.get("unless"), entry.document.data.get("rule")
    watch = {
        t.get("id"): t.get("watch")
        for t in (tables if isinstance(tables, list) else ())
        if isinstance(t, Mapping)
    }
    own = entry.text("id")
    names = told if isinstance(told, list) else [told] if isinstance(told, str) else []
    for index, name in enumerate(names):
        place: Path = ("unless", index) if isinstance(told, list) else ("unless",)
        if name not in watch:
            others = [str(rule) for rule in watch if rule != own]
            yield entry.wrong(place, unknown("rule", str(name), others))
        else:
            of = watch[name]
            cls = of.get("class") if isinstance(of, Mapping) else None
            if cls != entry.text("watch", "class"):
                what = f"rule {name!r} is told of class {cls!r}, never of these devices"
                yield entry.wrong(place, what)

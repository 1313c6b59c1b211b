"""What the rules would have told, had the readings that came late come in time. Pure.

Laws:
- the same rows go through the same rules twice, once without the late ones: what differs is theirs
  alone, not another rulebook's or a cold start's;
- two alerts are the same trouble where rule and device are the same and they were active at one
  time; what changed of one is when it began, was detected, or ended;
- only what could differ is looked at: alerts that were active at, or after, the first late reading.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

import numpy as np
from numpy.typing import NDArray

from kel.backtest.alerts import active
from kel.backtest.replay import Replay
from kel.backtest.stretch import Stretch, in_days, stretches
from kel.model.alert import Alert
from kel.model.city import City
from kel.model.device import Device
from kel.model.frame import Frame
from kel.model.labels import clock
from kel.model.moment import from_us, to_us
from rules.book.rulebook import Rulebook

LateRows = Mapping[str, set[tuple[int, int]]]  # class → (device number, time µs)


@dataclass(frozen=True, slots=True)
class Restated:
    """One alert as the rules told it, and as they would have with the late readings.

    `was` is None where it would have fired and did not; `now` where it fired and would not have.
    """

    was: Alert | None
    now: Alert | None

    @property
    def about(self) -> Alert:
        found = self.now or self.was
        assert found is not None
        return found

    @property
    def detected(self) -> datetime:
        """When it was first detected, of either."""
        return min(alert.detected_at for alert in (self.was, self.now) if alert is not None)

    @property
    def untold(self) -> bool:
        """Whether nobody was told of what lasts to this day."""
        return self.was is None and self.now is not None and self.now.cleared_at is None

    def sentence(self, readings: int, zone: tzinfo) -> str:
        """What a person reads: what would have been, and that late readings say so."""
        alert = self.about
        by = (
            f"με {readings} μετρήσεις που ήρθαν αργά"
            if readings > 1
            else ("με μία μέτρηση που ήρθε αργά")
        )
        head = f"{by}: {alert.rule}, {alert.device}"
        if self.was is None:
            lasts = " και δεν έχει λήξει" if self.untold else ""
            return f"{head} θα είχε ειδοποιήσει {_clock(alert.detected_at, zone)}{lasts}"
        if self.now is None:
            return f"{head} δεν θα είχε ειδοποιήσει ({_clock(alert.detected_at, zone)})"
        told = (
            ("αρχίσει", self.was.started_at, self.now.started_at),
            ("ειδοποιήσει", self.was.detected_at, self.now.detected_at),
            ("λήξει", self.was.cleared_at, self.now.cleared_at),
        )
        changed = [
            f"{word} {_clock(now, zone)} αντί {_clock(was, zone)}"
            for word, was, now in told
            if was != now
        ]
        return f"{head} θα είχε {', '.join(changed)}"


def restated(
    city: City,
    rulebook: Rulebook,
    devices: Sequence[Device],
    frames: Mapping[str, Frame],
    late: LateRows,
    until: datetime,
) -> list[Restated]:
    """What the late rows change of the alerts of `devices`, in order of what it is about.

    `frames`: all their stored readings, late ones too, from as long before the first late one as
    the rules remember, up to `until`.
    """
    if not (moments := [time for rows in late.values() for _, time in rows]):
        return []
    whole = {cls: in_days(frame) for cls, frame in frames.items() if len(frame)}
    seen = {cls: frame.take(~_is_late(frame, late.get(cls, set()))) for cls, frame in whole.items()}
    was, now = (_alerts(city, rulebook, devices, rows, until) for rows in (seen, whole))
    found = _pairs(was, now, until)
    first = min(moments)
    return [pair for pair in found if _differs(pair) and _reaches(pair, first, until)]


def _is_late(frame: Frame, late: set[tuple[int, int]]) -> NDArray[np.bool_]:
    rows = zip(frame.device.tolist(), frame.time.tolist(), strict=True)
    return np.fromiter((row in late for row in rows), np.bool_, len(frame))


def _alerts(
    city: City,
    rulebook: Rulebook,
    devices: Sequence[Device],
    frames: Mapping[str, Frame],
    until: datetime,
) -> list[Alert]:
    replay = Replay(rulebook, city, devices)
    for stretch in stretches(frames):
        replay.feed(stretch)
    replay.feed(Stretch(to_us(until), to_us(until), ()))  # silence lasts up to then
    return replay.alerts


def _pairs(was: Iterable[Alert], now: Iterable[Alert], until: datetime) -> Iterator[Restated]:
    """Each alert of before with the first of now that is the same trouble, and what is left."""
    waiting = list(now)
    for old in was:
        like = next((new for new in waiting if _same_trouble(old, new, until)), None)
        if like is not None:
            waiting.remove(like)
        yield Restated(old, like)
    yield from (Restated(None, new) for new in waiting)


def _same_trouble(old: Alert, new: Alert, until: datetime) -> bool:
    if (old.rule, old.device) != (new.rule, new.device):
        return False
    (began, ended), (begins, ends) = active(old, until), active(new, until)
    return began <= ends and begins <= ended


def _differs(pair: Restated) -> bool:
    if pair.was is None or pair.now is None:
        return True
    moments = [(a.started_at, a.detected_at, a.cleared_at) for a in (pair.was, pair.now)]
    return moments[0] != moments[1]


def _reaches(pair: Restated, first_us: int, until: datetime) -> bool:
    return active(pair.about, until)[1] >= from_us(first_us)


def _clock(moment: datetime | None, zone: tzinfo) -> str:
    return clock(moment, zone) if moment else "ποτέ ως τώρα"

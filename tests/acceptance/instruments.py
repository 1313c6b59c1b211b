"""The example city's devices on an ordinary October day, and what a story lets them measure.

All devices of the city report, each class as often as it says, on the full minute. What nobody
tells otherwise is ordinary: water flows a little, pumps stand on their design point, lamps burn
from dusk till dawn. A small wobble, made of time and device alone, keeps ordinary figures from
looking stuck. Cameras say nothing until a story lets them see something.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from kel.model.city import City
from kel.model.device import Device
from kel.model.frame import Float64, Frame, Int64
from kel.model.moment import MINUTE_US, SECOND_US, to_us

MINUTE = timedelta(minutes=1)
ATHENS = ZoneInfo("Europe/Athens")
DUSK, DAWN = time(19), time(7)  # in mid-October, within the margins that the rules leave
EFFICIENCY = 0.68  # of pumps as designed
CUBIC_METRE_KW = 0.002725  # ρ·g/3600: kW that lift one m³/h by one metre
FOREVER = int(np.iinfo(np.int64).max)


def at(clock: str, day: int = 14) -> datetime:
    """A moment of October 2026 by the clock in Athens (UTC+3 until the 25th); 14th: Wednesday."""
    hour, minute = map(int, clock.split(":"))
    return datetime(2026, 10, day, hour, minute, tzinfo=ATHENS).astimezone(UTC)


def clock(moment: datetime | None) -> str:
    """The moment as the clock in Athens shows it, on the day of the stories or another one."""
    if moment is None:
        return "—"
    local = moment.astimezone(ATHENS)
    return f"{local:%H:%M}" if local.day == 14 else f"{local:%d. %H:%M}"


@dataclass(frozen=True)
class Told:
    """From `since` until before `until` (µs) a device measures these instead; None: is silent."""

    device: int
    since: int
    until: int
    metrics: Mapping[str, float] | None


@dataclass
class Instruments:
    """The devices of `city`, and what was told of them."""

    city: City
    _told: list[Told] = field(default_factory=list)
    _seen: list[tuple[int, int, dict[str, float]]] = field(default_factory=list)

    def measure(
        self, device: str, since: datetime, until: datetime | None = None, **metrics: float
    ) -> None:
        """From `since` on, until before `until`, the device measures these."""
        self._tell(device, since, until, metrics)

    def ramp(
        self, device: str, metric: str, since: datetime, until: datetime, first: float, last: float
    ) -> None:
        """Minute by minute the metric goes straight from `first` at `since` to `last` at `until`,
        and stays there."""
        minutes = round((until - since) / MINUTE)
        for n in range(minutes + 1):
            value = first + (last - first) * n / minutes
            begins = since + n * MINUTE
            self.measure(
                device, begins, begins + MINUTE if n < minutes else None, **{metric: value}
            )

    def silence(self, device: str, since: datetime, until: datetime | None = None) -> None:
        """The device sends nothing from `since` on, until before `until`."""
        self._tell(device, since, until, None)

    def see(self, camera: str, moment: datetime, **scores: float) -> None:
        """The camera sends this once."""
        self._seen.append((self.city.devices[camera].number, to_us(moment), scores))

    def _tell(
        self,
        device: str,
        since: datetime,
        until: datetime | None,
        metrics: Mapping[str, float] | None,
    ) -> None:
        number = self.city.devices[device].number
        last = FOREVER if until is None else to_us(until)
        self._told.append(Told(number, to_us(since), last, metrics))

    def frames(self, since: datetime, until: datetime) -> Iterator[Frame]:
        """What they all send after `since`, up to and at `until`: one frame a class."""
        first, last = to_us(since) + 1, to_us(until)
        for cls in self.city.classes:
            seen = cls == "camera"
            frame = self._sightings(first, last) if seen else self._ordinary(cls, first, last)
            if frame is not None and len(frame):
                yield frame

    def _ordinary(self, cls: str, first: int, last: int) -> Frame | None:
        devices = [d for d in self.city.devices.values() if d.cls == cls]
        every = int(self.city.classes[cls].every.total_seconds()) * SECOND_US
        times = np.arange(-(-first // every) * every, last + 1, every, dtype=np.int64)
        if not len(times):
            return None
        numbers = np.array([d.number for d in devices], np.int32)
        time, device = np.repeat(times, len(numbers)), np.tile(numbers, len(times))
        wobble = np.sin(time / (60 * MINUTE_US) + device) + 0.3 * np.sin(time / 1e6 + device)
        columns = {m.name: np.full(len(time), np.nan) for m in self.city.classes[cls].metrics}
        for name, (value, sway) in _usual(cls, devices, times).items():
            columns[name] = value + sway * wobble
        frame = Frame(cls, time, time, device, columns)
        return frame.take(self._change(frame))

    def _change(self, frame: Frame) -> NDArray[np.bool_]:
        """Put what was told into the frame; which of its rows are sent at all."""
        sent = np.ones(len(frame), np.bool_)
        for told in self._told:
            if not len(frame) or told.since > frame.time[-1] or told.until <= frame.time[0]:
                continue
            rows = (frame.device == told.device) & (frame.time >= told.since)
            rows &= frame.time < told.until
            if told.metrics is None:
                sent &= ~rows
            elif rows.any():
                for metric, value in told.metrics.items():
                    # what never moves at all is stuck; switches stay what they are
                    drift = 0.002 * value * np.sin(frame.time[rows] / 1e6)
                    frame.metrics[metric][rows] = value + drift * (value not in (0.0, 1.0))
        return sent

    def _sightings(self, first: int, last: int) -> Frame | None:
        due = [e for e in self._seen if first <= e[1] <= last]
        due.sort(key=lambda e: (e[1], e[0]))
        if not due:
            return None
        moments = np.array([moment for _, moment, _ in due], np.int64)
        columns = {
            m.name: np.array([scores.get(m.name, np.nan) for *_, scores in due], np.float64)
            for m in self.city.classes["camera"].metrics
        }
        numbers = np.array([number for number, *_ in due], np.int32)
        return Frame("camera", moments, moments, numbers, columns)


def _usual(
    cls: str, devices: list[Device], times: Int64
) -> dict[str, tuple[Float64 | float, float]]:
    """Of each metric its ordinary value a row, and how much it sways around it."""

    def design(name: str) -> Float64:
        return np.tile([d.attributes.get(name, 0.0) for d in devices], len(times))

    lit = np.repeat([float(_lit(int(t))) for t in times], len(devices))
    if cls == "pump":
        flow, head = design("design_flow"), design("design_head")
        power = CUBIC_METRE_KW * flow * head / EFFICIENCY
        running = {"flow": (flow, 0.01), "head": (head, 0.01), "power": (power, 0.001)}
        return {**running, "running": (1.0, 0.0), "tank_level": (3.0, 0.2)}
    return {
        "zone": {"flow": (4.0, 0.2), "pressure": (4.0, 0.02)},
        "leak": {"pressure": (4.0, 0.02), "noise": (25.0, 1.0), "battery": (90.0, 0.1)},
        "feeder": {"voltage": (229.0, 0.5), "power": (3.0 * lit + 0.04, 0.002), "door": (0.0, 0.0)},
        "lamp": {
            "power": (design("rated_power") * lit + 0.8, 0.02),
            "failure": (0.0, 0.0),
            "gear_failure": (0.0, 0.0),
            "day_burner": (0.0, 0.0),
        },
        "fire": {"smoke": (0.5, 0.1), "temperature": (18.0, 1.0), "battery": (90.0, 0.1)},
    }[cls]


def _lit(moment: int) -> bool:
    local = datetime.fromtimestamp(moment / SECOND_US, ATHENS).time()
    return local >= DUSK or local < DAWN

"""Fire and smoke: what fire sensors measure, and what cameras see.

Laws:
- smoke at a sensor = size × exp(−distance / 400 m), later the farther it is, from a base of haze;
- a sensor reports every minute while it measures ALARM or more;
- a camera's sighting has a beginning, updates and an end under one id.

Cameras also see people and cars by day: few here, and KEL drops them (P.D. 75/2020).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kel.model.device import Device
from kel.model.frame import Float64, Int64
from kel.model.ids import make_id
from kel.model.moment import MINUTE_US, SECOND_US
from kel.simulate.block import Block
from kel.simulate.calendar import DAY_US
from kel.simulate.ground import metres_to
from kel.simulate.noise import Stream, keys, swing, uniform
from kel.simulate.schedule import QUARTER_US, Due
from kel.simulate.troubles import Kind, Trouble, of_kinds

REACH_M = 400.0
DRIFT_US_PER_M = SECOND_US // 4
ALARM = 3.0  # % obscuration
UPDATE_US = 30 * SECOND_US
LOOKS_A_DAY = 4
LOOK_US = 20 * SECOND_US


class FireSensors:
    """The fire sensors, in the order given."""

    def __init__(self, seed: int, sensors: Sequence[Device]) -> None:
        self._seed = seed
        self._key = keys(d.id for d in sensors)
        self._lat = np.array([d.place.lat for d in sensors])
        self._lon = np.array([d.place.lon for d in sensors])

    def read(self, due: Due, block: Block, troubles: Sequence[Trouble]) -> dict[str, Float64]:
        """smoke %, temperature °C, humidity %, battery % of each report."""
        row, _ = block.rows(due)
        key = self._key[due.position]
        smoke = self.smoke(due, troubles)
        haze = 0.25 + 0.2 * swing(self._seed, Stream.SMOKE, key, due.time)
        own = swing(self._seed, Stream.AIR, key, 0)
        air = own + 0.3 * swing(self._seed, Stream.AIR, key, due.time)
        warm = 0.15 * smoke
        used = (uniform(self._seed, Stream.CITY, key, 11) + due.time / DAY_US / 1500) % 1
        humidity: Float64 = np.clip(block.weather.humidity[row] - 2 * air, 5.0, 100.0)
        return {
            "smoke": np.round(smoke + haze, 2),
            "temperature": np.round(block.weather.temperature[row] + air + warm, 1),
            "humidity": np.round(humidity, 1),
            "battery": np.round(100 - 60 * used),
        }

    def smoke(self, due: Due, troubles: Sequence[Trouble]) -> Float64:
        """% obscuration by fires at each report's sensor."""
        smoke = np.zeros(len(due.time))
        for fire in of_kinds(troubles, Kind.SMOKE):
            away = metres_to(self._lat, self._lon, fire.place)[due.position]
            age = due.time - fire.starts_us - fire.delay_us - away * DRIFT_US_PER_M
            grown = np.clip(age / max(fire.ramp_us, MINUTE_US), 0.0, 1.0)
            if fire.ends_us is not None:
                grown *= due.time < fire.ends_us
            smoke += fire.size * np.exp(-away / REACH_M) * grown
        return smoke


@dataclass(frozen=True, slots=True)
class Sighting:
    """One message of a camera about something it sees: `kind` is new, update or end."""

    camera: str
    at_us: int
    kind: str
    id: str
    label: str
    score: float
    starts_us: int

    @property
    def now(self) -> float:
        """The score that counts from this moment: nothing is in sight after the end."""
        return 0.0 if self.kind == "end" else self.score


def sightings(
    seed: int, cameras: Sequence[Device], troubles: Sequence[Trouble], since_us: int, until_us: int
) -> list[Sighting]:
    """All that cameras tell in [since, until), in order of time."""
    known = {c.id for c in cameras}
    seen = [
        sighting
        for fire in of_kinds(troubles, Kind.SMOKE)
        for camera in fire.devices
        if camera in known
        for sighting in _smoke(fire, camera, since_us, until_us)
    ]
    seen += _passers_by(seed, cameras, since_us, until_us)
    return sorted(seen, key=lambda s: (s.at_us, s.camera, s.id, s.kind))


def _smoke(fire: Trouble, camera: str, since_us: int, until_us: int) -> Iterator[Sighting]:
    starts = _quarter(fire.starts_us)
    ends = None if fire.ends_us is None else max(-_quarter(-fire.ends_us), starts + UPDATE_US)
    mark = str(make_id("sighting", fire.id, camera))[:6]
    known = f"{starts / SECOND_US:.6f}-{mark}"

    def tell(at: int, kind: str) -> Sighting:
        score = _score((at - starts) / max(fire.ramp_us, MINUTE_US))
        return Sighting(camera, at, kind, known, "smoke", score, starts)

    first = max((since_us - starts + UPDATE_US - 1) // UPDATE_US, 0)
    at = starts + first * UPDATE_US
    while at < until_us and (ends is None or at < ends):
        yield tell(at, "new" if at == starts else "update")
        at += UPDATE_US
    if ends is not None and since_us <= ends < until_us:
        yield tell(ends, "end")


def _score(age: float) -> float:
    return round(0.76 + 0.17 * min(max(age, 0.0), 1.0), 4)


def _passers_by(
    seed: int, cameras: Sequence[Device], since_us: int, until_us: int
) -> Iterator[Sighting]:
    """People and cars, a few times a camera and day between 6 and 19 UTC."""
    key = keys(c.id for c in cameras)
    days = range((since_us - LOOK_US) // DAY_US, until_us // DAY_US + 1)
    for day in days if cameras else ():
        for look in range(LOOKS_A_DAY):
            step = day * LOOKS_A_DAY + look
            share = uniform(seed, Stream.CAMERA, key, step)
            kind = uniform(seed, Stream.CAMERA, key, -1 - step)
            starts = day * DAY_US + _quarters(share * 13 * 60 + 6 * 60)
            for i in np.flatnonzero((starts + LOOK_US >= since_us) & (starts < until_us)).tolist():
                yield from _look(cameras[i].id, int(starts[i]), kind[i], since_us, until_us)


def _look(
    camera: str, starts: int, share: float, since_us: int, until_us: int
) -> Iterator[Sighting]:
    label = "person" if share < 0.5 else "car"
    known = f"{starts / SECOND_US:.6f}-{str(make_id('sighting', camera, starts))[:6]}"
    score = round(0.6 + 0.35 * float(share), 4)
    for kind, at in (("new", starts), ("end", starts + LOOK_US)):
        if since_us <= at < until_us:
            yield Sighting(camera, at, kind, known, label, score, starts)


def _quarter(us: int) -> int:
    return us // QUARTER_US * QUARTER_US


def _quarters(minutes: NDArray[np.float64]) -> Int64:
    return (minutes * (MINUTE_US // QUARTER_US)).astype(np.int64) * QUARTER_US

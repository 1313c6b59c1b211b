"""Troubles of the weeks before the story, drawn from a seed and the causes its file declares."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from zlib import crc32

import numpy as np

from kel.model.city import City
from kel.model.moment import HOUR_US, MICROSECOND, MINUTE_US, to_us
from kel.model.place import Point
from kel.simulate import causes
from kel.simulate.calendar import DAY_US, local_time
from kel.simulate.ground import beside
from kel.simulate.story import History
from kel.simulate.story_entries import CauseEntry
from kel.simulate.troubles import Kind, Report, Trouble

# How often devices report in the history: coarser than live, and still more often than the rules
# of the example city call silence.
HISTORY_EVERY = {
    "pump": 5 * MINUTE_US,
    "zone": 10 * MINUTE_US,
    "leak": 15 * MINUTE_US,
    "lamp": 60 * MINUTE_US,
    "feeder": 15 * MINUTE_US,
    "fire": 15 * MINUTE_US,
}

QUIET_BEFORE_END_US = 12 * HOUR_US  # the story begins with a city in order
PEOPLE_WAKE, PEOPLE_SLEEP = 7.0, 22.5  # local hours in which citizens report
SPREAD_M = 700.0  # of matters around a community's centre
CLASS_OF = {
    Kind.PUMP_WEAR: "pump",
    Kind.LAMP_FAILURE: "lamp",
    Kind.SMOKE: "camera",
    Kind.SENSOR_SILENT: "leak",
}


def history_troubles(
    city: City, seed: int, start: datetime, days: int, history: History
) -> list[Trouble]:
    """The troubles of `days` from `start`, in order of their begin.

    Each cause has a generator of its own, so that changing one leaves the others as they were.
    Nothing has the same trouble twice at a time.
    """
    troubles: list[Trouble] = []
    for i, cause in enumerate(history.causes):
        random = np.random.default_rng([seed, crc32(f"{cause.kind}/{cause.category}".encode())])
        count = random.poisson(cause.per_week * days / 7)
        span = days * DAY_US - QUIET_BEFORE_END_US
        for n in range(count):
            starts = to_us(start) + int(random.random() * span) // MINUTE_US * MINUTE_US
            ends = starts + history.found_after // MICROSECOND
            bare = causes.bare(f"h{i:02d}-{n:03d}", cause.kind, starts, cause.ramp, ends)
            trouble = _cause(city, random, cause, bare)
            troubles.append(replace(trouble, reports=_reports(city, random, cause, trouble)))
    return list(_apart(sorted(troubles, key=lambda t: (t.starts_us, t.id))))


def _apart(troubles: Iterable[Trouble]) -> Iterator[Trouble]:
    """Without those that befall what has the same trouble already."""
    busy: dict[tuple[object, ...], int] = {}
    for trouble in troubles:
        on = (trouble.kind, trouble.zone, trouble.feeder, trouble.devices)
        if trouble.kind is Kind.MATTER or busy.get(on, 0) <= trouble.starts_us:
            busy[on] = trouble.ends_us or trouble.starts_us
            yield trouble


def _cause(city: City, random: np.random.Generator, cause: CauseEntry, bare: Trouble) -> Trouble:
    size = round(float(random.uniform(*cause.size)), 2)
    if cause.kind in CLASS_OF:
        cls = CLASS_OF[cause.kind]
        device = _one(random, sorted(d.id for d in city.devices.values() if d.cls == cls))
    match cause.kind:
        case Kind.BURST | Kind.SERVICE_LEAK:
            zone = _one(random, sorted(city.zones))
            place = _around(random, city.zones[zone].centre, 300.0)
            return causes.water(city, bare, zone, place, size, float(random.uniform(0.6, 1.3)))
        case Kind.FEEDER_OUTAGE:
            return causes.outage(city, bare, _one(random, sorted(city.feeders)))
        case Kind.MATTER:
            community = _one(random, sorted(city.communities))
            place = _around(random, city.communities[community].centre, SPREAD_M)
            return causes.matter(city, bare, cause.category, community, place)
        case Kind.PUMP_WEAR:
            return causes.pump(city, bare, device, size)
        case Kind.LAMP_FAILURE:
            return causes.lamp(city, bare, device)
        case Kind.SMOKE:
            place = _around(random, city.devices[device].place, 300.0)
            return causes.smoke(city, bare, device, place, size)
        case Kind.SENSOR_SILENT:
            return causes.silence(city, bare, device)


def _reports(
    city: City, random: np.random.Generator, cause: CauseEntry, trouble: Trouble
) -> tuple[Report, ...]:
    """Some citizens tell of it within the next hours; by night they sleep."""
    low, high = cause.reports
    told = []
    for _ in range(int(random.integers(low, high + 1)) if cause.texts else 0):
        after = int(random.uniform(15, 150)) * MINUTE_US
        at = _awake(trouble.starts_us + after, city.timezone)
        place = _around(random, trouble.place, 60.0)
        text = _one(random, cause.texts)
        told.append(Report(at, cause.category, text, place, trouble.community))
    return tuple(sorted(told, key=lambda r: r.at_us))


def _awake(at_us: int, zone: str) -> int:
    hour = float(local_time(np.array([at_us]), zone).hour[0])
    if PEOPLE_WAKE <= hour <= PEOPLE_SLEEP:
        return at_us
    wait = (PEOPLE_WAKE - hour) % 24 + (at_us // MINUTE_US % 60) / 60
    return at_us + int(wait * 60) * MINUTE_US


def _around(random: np.random.Generator, place: Point, spread_m: float) -> Point:
    north, east = random.uniform(-spread_m, spread_m, 2)
    return beside(place, float(north), float(east))


def _one(random: np.random.Generator, choice: Sequence[str]) -> str:
    return choice[int(random.integers(len(choice)))]

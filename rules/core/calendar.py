"""When a rule judges: its calendars as spans of event time, place by place.

Laws:
- a span holds its beginning and not its end; local time is the zone's, with summer time, as in
  `rules.core.window`;
- calendars turn at whole minutes alone, so that a day of UTC is known by its 1440 minutes; it is
  worked out when it is first asked for;
- a place is a community, and only where the fire risk is told by community does it matter which.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from datetime import date, time
from functools import reduce
from operator import and_, or_
from typing import NamedTuple

import numpy as np

from kel.model.calendar import Calendar, is_holiday
from kel.model.city import City
from kel.model.device import Device
from kel.model.frame import Int64
from kel.model.moment import MINUTE_US
from rules.core.rows import ENDLESS, Bool, Slots
from rules.core.window import DAY_US, Window

HORIZON = 800  # days that are looked ahead: a season that is over comes again within a year
_MINUTES = np.arange(DAY_US // MINUTE_US, dtype=np.int64) * MINUTE_US
_EPOCH = date(1970, 1, 1).toordinal()


class Almanac:
    """Whether a city's calendars hold, at moments of local wall time, in one community."""

    def __init__(self, city: City, community: str) -> None:
        self._calendars = city.calendars
        # what is told of the city alone gives way to what is told of the community
        own = sorted(
            (r for r in city.fire_risk if r.community in (None, community)),
            key=lambda r: r.community is not None,
        )
        self._risk = {r.day.toordinal() - _EPOCH: r.level for r in own}

    def holds(self, name: str, local: Int64) -> Bool:
        """Whether the calendar holds at each local wall time, (n,) µs."""
        calendar = self._calendars[name]
        parts = [np.ones(len(local), np.bool_), *self._own(calendar, local)]
        parts += [self.holds(other, local) for other in calendar.all_of]
        parts += [~self.holds(other, local) for other in calendar.none_of]
        if calendar.any_of:
            parts.append(reduce(or_, [self.holds(other, local) for other in calendar.any_of]))
        found: Bool = reduce(and_, parts)
        return found

    def _own(self, calendar: Calendar, local: Int64) -> list[Bool]:
        """What it says by itself."""
        day = local // DAY_US
        told: list[Bool] = []
        if calendar.hours:
            told.append(Window(*calendar.hours, "UTC").inside(local))
        if calendar.days is not None:
            told.append(np.isin((day + 3) % 7, sorted(calendar.days)))  # 1 January 1970: Thursday
        if calendar.season:
            told.append(_in_season(calendar, day))
        if calendar.holidays is not None:
            feast = _by_day(day, lambda n: int(is_holiday(date.fromordinal(n + _EPOCH))))
            told.append((feast == 1) == calendar.holidays)
        if calendar.fire_risk is not None:
            told.append(_by_day(day, lambda n: self._risk.get(n, 0)) >= calendar.fire_risk)
        return told


def _in_season(calendar: Calendar, day: Int64) -> Bool:
    assert calendar.season
    dates = day.astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    place = (months.astype(np.int64) % 12 + 1) * 100 + (dates - months).astype(np.int64) + 1
    first, last = (month * 100 + number for month, number in calendar.season)
    begun: Bool = place >= first
    not_over: Bool = place <= last
    return begun & not_over if first <= last else begun | not_over


def _by_day(day: Int64, value: Callable[[int], int]) -> Int64:
    days, where = np.unique(day, return_inverse=True)
    values: Int64 = np.array([value(n) for n in days.tolist()], np.int64)[where]
    return values


class _Walk(NamedTuple):
    """Between two moments (µs) nothing turns; `turn`: what comes then, ENDLESS where none did."""

    since: int
    until: int
    turn: int


class Spans:
    """The open spans of some calendars at one place."""

    def __init__(self, names: Sequence[str], city: City, community: str) -> None:
        self._names = names
        self._almanac = Almanac(city, community)
        self._wall = Window(time(0), time(0), city.timezone)  # for its clock alone
        self._days: dict[int, tuple[bool, list[int]]] = {}
        self._joined: tuple[int, int, bool, Int64] | None = None
        self._walked: dict[bool, _Walk] = {}  # the last, to what is open and to what is shut

    def _day(self, number: int) -> tuple[bool, list[int]]:
        """Whether a day of UTC begins open, and where it turns after that (µs)."""
        found = self._days.get(number)
        if found is None:
            times = number * DAY_US + _MINUTES
            local = self._wall.local(times)
            held = reduce(and_, [self._almanac.holds(name, local) for name in self._names])
            turns = np.flatnonzero(held[1:] != held[:-1]) + 1
            found = self._days[number] = bool(held[0]), times[turns].tolist()
        return found

    def open_at(self, moment: int) -> bool:
        begins, turns = self._day(moment // DAY_US)
        return begins ^ bool(bisect_right(turns, moment) % 2)

    def turn(self, moment: int, to: bool) -> int:
        """The first moment from `moment` on that is open, or closed; ENDLESS if none is near."""
        if moment == ENDLESS or self.open_at(moment) == to:
            return moment
        day, walk = moment // DAY_US, self._walked.get(to)
        if walk is None or not walk.since <= moment < walk.until:
            walk = _Walk(moment, day * DAY_US, ENDLESS)
        if walk.turn == ENDLESS:  # what was walked already turns nowhere: go on behind it
            walk = self._walk(walk, moment, to)
        self._walked[to] = walk
        return walk.turn

    def _walk(self, walk: _Walk, moment: int, to: bool) -> _Walk:
        day, last = moment // DAY_US, moment // DAY_US + HORIZON
        for number in range(walk.until // DAY_US, last):
            begins, turns = self._day(number)
            if number > day and begins == to:
                return _Walk(walk.since, number * DAY_US, number * DAY_US)
            later = turns[bisect_right(turns, moment) :]
            if later:
                return _Walk(walk.since, later[0], later[0])
        return _Walk(walk.since, last * DAY_US, ENDLESS)

    def counted(self, times: Int64) -> Int64:
        """Which span each moment, (n,), lies in, counted from the first day of these: odd is open,
        even is closed."""
        first, last = int(times.min()) // DAY_US, int(times.max()) // DAY_US
        begins, turns = self._join(first, last)
        if not len(turns):
            return np.full(len(times), int(begins), np.int64)
        count: Int64 = np.searchsorted(turns, times, "right").astype(np.int64) + int(begins)
        return count

    def _join(self, first: int, last: int) -> tuple[bool, Int64]:
        if self._joined and self._joined[:2] == (first, last):
            return self._joined[2:]
        begins, turns = self._day(first)[0], []
        now = begins
        for number in range(first, last + 1):
            opens, inside = self._day(number)
            turns += [number * DAY_US] * (opens != now) + inside
            now = opens ^ bool(len(inside) % 2)
        self._joined = first, last, begins, np.array(turns, np.int64)
        return self._joined[2:]


class Opening:
    """When a rule judges each of some devices: while all the calendars `names` hold there."""

    def __init__(self, names: Sequence[str], city: City, devices: Sequence[Device]) -> None:
        self._names, self._city = names, city
        self._apart = any(risk.community for risk in city.fire_risk)
        self._spans: dict[str, Spans] = {}
        of = [self._of(device.community) for device in devices]
        places = {id(spans): spans for spans in of}
        self._places = list(places.values())
        number = {name: n for n, name in enumerate(places)}
        self._place = np.array([number[id(spans)] for spans in of], np.intp)

    def _of(self, community: str) -> Spans:
        key = community if self._apart else ""
        if key not in self._spans:
            self._spans[key] = Spans(self._names, self._city, community)
        return self._spans[key]

    def at(self, devices: Sequence[Device]) -> "Opening":
        """The same calendars for other devices, such as the cabinets of feeders."""
        return Opening(self._names, self._city, devices)

    def open_at(self, device: Device, moment: int) -> bool:
        return self._of(device.community).open_at(moment)

    def shuts(self, slot: int, moment: int) -> int:
        """The first moment from `moment` on at which the rule does not judge the slot."""
        return self._places[int(self._place[slot])].turn(moment, to=False)

    def opens(self, slot: int, moment: int) -> int:
        """The first moment from `moment` on at which the rule judges the slot, or ENDLESS."""
        return self._places[int(self._place[slot])].turn(moment, to=True)

    def begins(self, slot: Slots, times: Int64) -> Int64:
        """For each slot the first moment from its time on, (n,), at which it is judged."""
        counted = self.counted(slot, times)
        found = times.copy()
        shut = counted % 2 == 0
        place = self._place[slot]
        for number in np.unique(place[shut]).tolist():
            here = shut & (place == number)
            for span in np.unique(counted[here]).tolist():
                among = here & (counted == span)
                first = int(np.flatnonzero(among)[0])
                found[among] = self._places[number].turn(int(times[first]), to=True)
        return found

    def openings(self, slot: int, after: int, until: int) -> list[int]:
        """The moments after `after`, up to `until`, at which it opens for the slot."""
        found: list[int] = []
        at = after
        while (at := self.opens(slot, self.shuts(slot, at))) <= until:
            if at > after:
                found.append(at)
        return found

    def counted(self, slot: Slots, times: Int64) -> Int64:
        """Which span each row, (n,), lies in: odd is open; the same number, the same span."""
        if not len(times):
            return np.zeros(0, np.int64)
        if len(self._places) == 1:
            return self._places[0].counted(times)
        counted = np.empty(len(times), np.int64)
        place = self._place[slot]
        for number, spans in enumerate(self._places):
            here = place == number
            if here.any():
                counted[here] = spans.counted(times[here])
        return counted

    def mask(self, slot: Slots, times: Int64) -> Bool:
        """Whether the rule judges the slot of each row, (n,), at its moment."""
        inside: Bool = self.counted(slot, times) % 2 == 1
        return inside


def opening_of(
    names: Sequence[str] | None, city: City, devices: Sequence[Device]
) -> Opening | None:
    """When a rule judges whose `when` is `names`; None: always."""
    return Opening(names, city, devices) if names else None

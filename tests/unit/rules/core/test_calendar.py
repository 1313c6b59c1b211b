"""When a rule judges: calendars as spans of event time, against plain datetimes."""

from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.core.calendar import HORIZON, Opening, Spans, opening_of
from rules.core.rows import ENDLESS
from tests.builders.calendars import CALENDARS, MINUTE, is_open
from tests.builders.rules_city import DEVICES, at, city, device

CITY = city()
ELSEWHERE = replace(device(99, "zm-50", "zone"), community="krioneri")
ZONES = [d for d in DEVICES if d.cls == "zone"] + [ELSEWHERE]
DAY = 24 * 60 * MINUTE

# calendar, a moment in Athens' own time, whether it is open
TABLE = [
    ("night", "2026-07-01T21:59:59+03:00", False),
    ("night", "2026-07-01T22:00:00+03:00", True),
    ("night", "2026-07-02T05:59:59+03:00", True),
    ("night", "2026-07-02T06:00:00+03:00", False),
    ("weekend", "2026-07-03T23:59:00+03:00", False),
    ("weekend", "2026-07-04T00:00:00+03:00", True),
    ("irrigation", "2026-04-30T23:59:00+03:00", False),
    ("irrigation", "2026-05-01T00:00:00+03:00", True),
    ("irrigation", "2026-09-30T23:59:00+03:00", True),
    ("irrigation", "2026-10-01T00:00:00+03:00", False),
    ("winter", "2027-01-10T12:00:00+02:00", True),
    ("winter", "2028-02-29T12:00:00+02:00", True),
    ("winter", "2027-03-01T00:00:00+02:00", False),
    ("feast", "2026-04-13T12:00:00+03:00", True),  # Easter Monday
    ("feast", "2027-05-03T12:00:00+03:00", True),  # Easter Monday of another year
    ("feast", "2026-04-14T00:00:00+03:00", False),
    ("workday", "2026-04-13T12:00:00+03:00", False),
    ("workday", "2026-04-14T12:00:00+03:00", True),
    ("fire", "2026-07-02T12:00:00+03:00", True),
    ("fire", "2026-07-03T00:00:00+03:00", False),  # nothing is known of that day
    ("rest", "2026-08-15T12:00:00+03:00", False),  # a feast, and the risk of fire is high
    ("summer-night", "2026-09-30T23:59:00+03:00", True),
    ("summer-night", "2026-10-01T01:00:00+03:00", False),
]


@pytest.mark.parametrize(("name", "moment", "inside"), TABLE)
def test_a_calendar_holds_when_its_words_say(name: str, moment: str, inside: bool) -> None:
    opening = Opening([name], CITY, [ZONES[0]])
    now = at(moment)
    assert bool(opening.mask(np.array([0]), np.array([now]))[0]) is inside
    assert opening.open_at(ZONES[0], now) is inside
    assert is_open(CITY, [name], ZONES[0].community, now) is inside  # the reference, too


def test_the_risk_of_a_community_counts_before_that_of_the_city() -> None:
    opening = Opening(["fire"], CITY, ZONES)
    noon = at("2026-07-01T12:00:00+03:00")
    told = opening.mask(np.arange(len(ZONES)), np.full(len(ZONES), noon))
    assert told.tolist() == [False] * (len(ZONES) - 1) + [True]


def test_without_names_there_is_no_opening() -> None:
    assert opening_of(None, CITY, ZONES) is None


NIGHTS = [  # the night's beginning, its length in hours
    ("2026-07-01T22:00:00+03:00", 8),
    ("2026-03-28T22:00:00+02:00", 7),  # summer time begins
    ("2026-10-24T22:00:00+03:00", 9),  # … and ends
]


@pytest.mark.parametrize(("begin", "hours"), NIGHTS)
def test_a_night_lasts_as_long_as_clocks_say(begin: str, hours: int) -> None:
    opening = Opening(["night"], CITY, ZONES)
    start = at(begin)
    shuts = start + hours * 60 * MINUTE
    assert opening.opens(0, start - 60 * MINUTE) == start
    assert {opening.shuts(0, m) for m in (start, start + 1, shuts - 1, shuts)} == {shuts}
    assert opening.openings(0, start, start + DAY + 60 * MINUTE)[0] > shuts


def test_what_is_far_is_found_and_what_never_comes_is_endless() -> None:
    season, never = Opening(["irrigation"], CITY, ZONES), Opening(["rest", "workday"], CITY, ZONES)
    autumn = at("2026-10-01T00:00:00+03:00")
    assert season.opens(0, autumn) == at("2027-05-01T00:00:00+03:00")
    assert season.shuts(0, at("2026-05-01T00:00:00+03:00")) == autumn
    assert never.opens(0, autumn) == never.opens(0, ENDLESS) == ENDLESS


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(st.integers(0, 2**32))
def test_arrays_agree_with_plain_datetimes(seed: int) -> None:
    rng = Random(seed)
    names = rng.sample(sorted(CALENDARS), rng.choice((1, 1, 2)))
    start = at(rng.choice(("2026-03-27T12:00", "2026-10-23T12:00", "2026-06-30", "2026-12-31")))
    moments = [start + rng.randrange(4 * DAY) for _ in range(20)]
    moments += [start + rng.randrange(4 * 24 * 4) * 15 * MINUTE - rng.randint(0, 1) for _ in "1234"]
    slots = [rng.randrange(len(ZONES)) for _ in moments]
    opening = Opening(names, CITY, ZONES)
    slot, times = np.array(slots), np.array(moments)
    plain = [
        is_open(CITY, names, ZONES[s].community, m) for s, m in zip(slots, moments, strict=True)
    ]
    assert opening.mask(slot, times).tolist() == plain
    begins = opening.begins(slot, times)
    for s, m, inside, begin in zip(slots, moments, plain, begins.tolist(), strict=True):
        assert (begin == m) is inside
        assert begin == opening.opens(s, m)
        turns = opening.shuts(s, m) if inside else begin
        if turns != ENDLESS:
            community = ZONES[s].community
            assert is_open(CITY, names, community, turns) is not inside
            assert is_open(CITY, names, community, turns - 1) is inside or turns == m


def test_rows_of_one_span_have_one_number() -> None:
    opening = Opening(["spells"], CITY, ZONES)
    start = at("2026-07-01T03:00:00+03:00")
    times = start + np.arange(150) * MINUTE
    counted = opening.counted(np.zeros(150, np.intp), times)
    assert (counted % 2 == 1).tolist() == opening.mask(np.zeros(150, np.intp), times).tolist()
    assert (np.diff(counted) >= 0).all() and len(set(counted[counted % 2 == 1].tolist())) == 3


class Counted(Spans):
    """Counts the days that are looked at."""

    looked = 0

    def _day(self, number: int) -> tuple[bool, list[int]]:
        self.looked += 1
        return super()._day(number)


FAR = [(["irrigation"], "2026-10-01", True), (["irrigation"], "2026-05-01", False)]
FAR += [(["rest", "workday"], "2026-10-01", True)]  # never


@pytest.mark.parametrize(("names", "day", "to"), FAR)
def test_what_is_far_is_looked_for_once(names: list[str], day: str, to: bool) -> None:
    spans = Counted(names, CITY, "drosia")
    start = at(f"{day}T00:00:00+03:00")
    for second in range(1000):
        spans.turn(start + second * MINUTE // 60, to)
    assert spans.looked <= HORIZON + 1 + 1000  # each time the day that is asked for


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(st.integers(0, 2**32))
def test_what_was_asked_before_changes_no_answer(seed: int) -> None:
    rng = Random(seed)
    names = rng.sample(sorted(CALENDARS), rng.choice((1, 1, 2)))
    spans = Spans(names, CITY, "drosia")
    start, moment = at(rng.choice(("2026-03-27T12:00", "2026-07-01", "2026-10-01"))), 0
    for _ in range(12):
        moment += rng.choice((0, 1, MINUTE, 60 * MINUTE, DAY, 40 * DAY, -DAY))
        to = rng.random() < 0.5
        alone = Spans(names, CITY, "drosia")
        alone._days = spans._days  # what a day is does not change; only what was walked is new
        assert spans.turn(start + moment, to) == alone.turn(start + moment, to)

"""Whose turn it is, and which hours are quiet: by the city's clock, also where it is changed."""

from datetime import UTC, datetime, time, timedelta

import pytest

from kel.model.alert import Severity
from kel.model.escalation import Duty, Escalation, QuietHours
from rules.incidents.duty import next_handover, on_call, quiet_until
from tests.builders.city import WEEK, at

ATHENS = "Europe/Athens"
ROSTER = Escalation(
    roster=(
        Duty("weekend", frozenset({5, 6}), time(7), time(23)),
        Duty("day", frozenset(range(5)), time(7), time(23)),
        Duty("night", WEEK, time(23), time(7)),
    )
)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("clock", "day", "who"),
    [
        ("06:59", 4, "night"),
        ("07:00", 4, "day"),
        ("22:59", 6, "day"),
        ("23:00", 6, "night"),
        ("12:00", 7, "weekend"),
    ],
)
def test_whose_turn_it_is(clock: str, day: int, who: str) -> None:
    assert on_call(ROSTER, at(clock, day), ATHENS) == who


def test_between_two_handovers_it_stays_the_same_persons_turn() -> None:
    moment, end = at("12:00", 4), at("12:00", 11)
    while moment < end:
        until = next_handover(ROSTER, moment, ATHENS)
        assert until is not None and until > moment
        turns = set()
        while moment < until:
            turns.add(on_call(ROSTER, moment, ATHENS))
            moment += timedelta(minutes=15)
        assert len(turns) == 1


def test_without_a_roster_there_is_no_handover() -> None:
    assert next_handover(Escalation(), at("12:00"), ATHENS) is None


NIGHT = QuietHours(time(23), time(7), Severity.HIGH)
SMALL = QuietHours(time(23), time(3, 30), Severity.HIGH)


@pytest.mark.parametrize(
    ("quiet", "moment", "end"),
    [
        (NIGHT, at("22:59"), None),
        (NIGHT, at("23:00"), at("07:00", 5)),
        (NIGHT, at("06:59"), at("07:00")),
        (NIGHT, at("07:00"), None),
        # 29 March 2026, 01:00 UTC: 03:00 becomes 04:00; 25 October: 04:00 becomes 03:00
        (NIGHT, utc("2026-03-28T22:00"), utc("2026-03-29T04:00")),
        (NIGHT, utc("2026-10-24T22:00"), utc("2026-10-25T05:00")),
        (SMALL, utc("2026-10-24T22:00"), utc("2026-10-25T00:30")),
        (SMALL, utc("2026-10-25T01:10"), utc("2026-10-25T01:30")),  # the clock shows 03:10 again
    ],
)
def test_when_the_quiet_hours_end(
    quiet: QuietHours, moment: datetime, end: datetime | None
) -> None:
    assert quiet_until(quiet, moment, ATHENS) == end

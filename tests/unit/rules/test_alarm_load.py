from datetime import UTC, datetime, timedelta

import pytest

from kel.model.alert import Severity
from rules.alarm_load import Call, Priority, Standing, alarm_load

START = datetime(2026, 10, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def calls(*minutes, severity=Severity.LOW):
    return [Call(START + m * MINUTE, severity) for m in minutes]


def stands(source, begin_h, end_h=None):
    until = None if end_h is None else START + end_h * HOUR
    return Standing(source, START + begin_h * HOUR, until)


def test_a_quiet_day_keeps_all():
    found = alarm_load(calls(10, 300, 900), [stands("r d", 1, 2)], START, START + 24 * HOUR)
    assert (found.calls, found.alerts, found.most_a_day) == (3, 1, 3)
    assert found.per_hour == pytest.approx(3 / 24)
    assert all(found.keeps.values())


@pytest.mark.parametrize(("count", "floods"), [(10, 0), (11, 1)])
def test_more_than_ten_in_ten_minutes_is_a_flood(count, floods):
    many = [Call(START + n * 50 * MINUTE / 60, Severity.LOW) for n in range(count)]
    found = alarm_load(many, [], START, START + HOUR)
    assert (found.floods, found.keeps["floods"]) == (floods, not floods)
    assert found.flood_share == pytest.approx(floods / 6)
    assert alarm_load(many, [], START, START + HOUR, operators=2).floods == 0


@pytest.mark.parametrize(("minutes", "keeps"), [(144, True), (145, False)])
def test_one_in_ten_minutes_is_the_most_that_a_day_may_bring(minutes, keeps):
    spread = calls(*(n * 1440 / minutes for n in range(minutes)))
    assert alarm_load(spread, [], START, START + 24 * HOUR).keeps["per_hour"] is keeps


@pytest.mark.parametrize(
    ("minutes", "count", "per_hour", "most_a_day"),
    [
        (5, 1, None, None),  # twelve an hour, made of one call
        (59, 30, None, None),
        (60, 6, True, None),
        (60, 7, False, None),
        (1439, 100, True, None),  # what is missing of the day may bring the rest
        (1439, 151, False, False),  # and what is too much already stays too much
        (1440, 100, True, True),
    ],
)
def test_a_rate_is_judged_of_a_period_that_has_one(minutes, count, per_hour, most_a_day):
    spread = calls(*(n * minutes / count for n in range(count)))
    found = alarm_load(spread, [], START, START + minutes * MINUTE)
    assert (found.keeps["per_hour"], found.keeps["most_a_day"]) == (per_hour, most_a_day)


def test_the_worst_day_counts_not_the_mean_one():
    found = alarm_load(calls(*range(0, 1360, 9)), [], START, START + 240 * HOUR)
    assert found.most_a_day == 152
    assert found.keeps["per_hour"]
    assert not found.keeps["most_a_day"]


@pytest.mark.parametrize(
    ("begin", "end", "stale"),
    [(0, 24, 0), (0, 25, 1), (-30, None, 1), (-30, 0, 0), (47, None, 0), (23, None, 1)],
)
def test_what_stands_longer_than_a_day_is_stale(begin, end, stale):
    found = alarm_load([], [stands("r d", begin, end)], START, START + 48 * HOUR)
    assert found.stale == stale


@pytest.mark.parametrize(("many", "keeps"), [(4, True), (5, False)])
def test_fewer_than_five_may_be_stale_on_any_day(many, keeps):
    alerts = [stands(f"r d{n}", -30) for n in range(many)]
    assert alarm_load([], alerts, START, START + 24 * HOUR).keeps["stale"] is keeps


def test_those_of_different_days_are_not_added_up():
    one_a_day = [stands(f"r d{n}", 24 * n, 24 * n + 48) for n in range(9)]
    assert alarm_load([], one_a_day, START, START + 240 * HOUR).stale == 1


@pytest.mark.parametrize(("apart_s", "chatters"), [(30, True), (31, False)])
def test_three_of_one_source_within_a_minute_chatter(apart_s, chatters):
    begun = [START + timedelta(seconds=apart_s * n) for n in range(3)]
    alerts = [Standing("r d", at, at + timedelta(seconds=5)) for at in reversed(begun)]
    others = [Standing(f"r e{n}", START, None) for n in range(5)]
    found = alarm_load([], [*alerts, *others], START, START + HOUR)
    assert found.chattering == (("r d",) if chatters else ())


def test_priorities_are_shares_of_the_calls():
    mixed = [
        *calls(1, 2, severity=Severity.INFO),
        *calls(3, severity=Severity.LOW),
        *calls(4, severity=Severity.MEDIUM),
        *calls(5, severity=Severity.CRITICAL),
    ]
    shares = alarm_load(mixed, [], START, START + HOUR).shares
    assert shares == {Priority.LOW: 0.6, Priority.MEDIUM: 0.2, Priority.HIGH: 0.2}


def test_the_period_is_half_open():
    found = alarm_load(calls(-1, 0, 59, 60), [], START, START + HOUR)
    assert found.calls == 2


@pytest.mark.parametrize(("hours", "operators"), [(0, 1), (-1, 1), (1, 0)])
def test_no_time_or_nobody_is_refused(hours, operators):
    with pytest.raises(ValueError, match="at least one operator"):
        alarm_load([], [], START, START + hours * HOUR, operators)

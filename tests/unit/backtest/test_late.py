from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from kel.backtest.late import restated
from kel.model.moment import from_us
from tests.builders.rules_city import DEVICES, MINUTE, at, city, frame, rulebook

CITY = city()
ATHENS = ZoneInfo("Europe/Athens")
START = at("2026-07-01T06:00")
NUMBER = 11  # zm-01
LOW = {
    "id": '"low"',
    "kind": '"threshold"',
    "watch": '{class="zone", metric="pressure"}',
    "below": "2.0",
    "unit": '"bar"',
    "for_": '"10m"',
}
SILENT = {"id": '"silent"', "kind": '"missing"', "watch": '{class="zone"}', "after": '"20m"'}
METERS = [d for d in DEVICES if d.id == "zm-01"]


def told(values, rules, late=()):
    """What late readings change: values every five minutes, those at `late` places late."""
    rows = [
        (START + n * 5 * MINUTE, NUMBER, {"pressure": value})
        for n, value in enumerate(values)
        if value is not None
    ]
    came_late = {(NUMBER, START + n * 5 * MINUTE) for n in late}
    until = from_us(START + 5 * len(values) * MINUTE)
    frames = {"zone": frame("zone", rows)}
    return restated(CITY, rulebook(*rules), METERS, frames, {"zone": came_late}, until)


def moments(alert):
    if alert is None:
        return None
    start = from_us(START)
    return tuple(
        (moment - start) // timedelta(minutes=1) if moment else None
        for moment in (alert.started_at, alert.detected_at, alert.cleared_at)
    )


@pytest.mark.parametrize(
    ("values", "late", "was", "now"),
    [
        # it was low before anybody heard of it
        ([3, 1, 1, 1, 1, 1, 3, 3], [1, 2], (15, 25, 30), (5, 15, 30)),
        # it was over before anybody heard of it
        ([1, 1, 1, 3, 1, 3, 3, 3], [3], (0, 10, 25), (0, 10, 15)),
        # nobody heard of it at all
        ([3, 1, 1, 1, 3, 3, 3, 3], [1, 2, 3], None, (5, 15, 20)),
        # it was not so: it had come back in between
        ([1, 3, 1, 3, 3, 3, 3, 3], [1], (0, 10, 15), None),
        # it goes on
        ([3, 3, 3, 1, 1, 1, 1, 1], [3, 4], (25, 35, None), (15, 25, None)),
    ],
)
def test_what_late_readings_change(values, late, was, now):
    (pair,) = told(values, [LOW], late)
    assert (moments(pair.was), moments(pair.now)) == (was, now)
    assert pair.about is (pair.now or pair.was)


@pytest.mark.parametrize(
    ("values", "late"),
    [
        ([3] * 8, [2, 3]),  # nothing was wrong
        ([1, 1, 1, 1, 1, 1, 3, 3], [3]),  # it was low anyhow
        ([1, 1, 1, 1, 3, 3, 3, 3], [6]),  # it was over
        ([1, 1, 1, 1, 3, 3, 3, 3], []),
    ],
)
def test_what_changes_nothing_is_not_told(values, late):
    assert told(values, [LOW], late) == []


def test_one_who_spoke_late_was_not_silent():
    (pair,) = told([3, None, *[3] * 6, None], [SILENT], late=range(2, 7))
    assert moments(pair.was) == (0, 20, 35)
    assert pair.now is None


def test_silence_lasts_up_to_now():
    """The last words came late: without them the silence began earlier, and lasts."""
    (pair,) = told([3, 3, 3, 3, *[None] * 8], [SILENT], late=[2, 3])
    assert moments(pair.was) == (5, 25, None)
    assert moments(pair.now) == (15, 35, None)


@pytest.mark.parametrize(
    ("values", "late", "text"),
    [
        (
            [3, 1, 1, 1, 1, 1, 3, 3],
            [1, 2],
            "με 2 μετρήσεις που ήρθαν αργά: low, zm-01 θα είχε "
            "αρχίσει 01/07 09:05 αντί 01/07 09:15, ειδοποιήσει 01/07 09:15 αντί 01/07 09:25",
        ),
        (
            [1, 3, 1, 3, 3, 3, 3, 3],
            [1],
            "με μία μέτρηση που ήρθε αργά: low, zm-01 δεν θα είχε ειδοποιήσει (01/07 09:10)",
        ),
        (
            [3, 1, 1, 1, 3, 3, 3, 3],
            [1, 2, 3],
            "με 3 μετρήσεις που ήρθαν αργά: low, zm-01 θα είχε ειδοποιήσει 01/07 09:15",
        ),
        (
            [3, 3, 3, 1, 1, 1],
            [3, 4, 5],
            "με 3 μετρήσεις που ήρθαν αργά: low, zm-01 θα είχε ειδοποιήσει 01/07 09:25 και δεν "
            "έχει λήξει",
        ),
    ],
)
def test_it_is_told_in_words(values, late, text):
    (pair,) = told(values, [LOW], late)
    assert pair.sentence(len(late), ATHENS) == text

"""night_flow: what a zone may take at night, and a burst from its first hour to its repair."""

import pytest

from kel.model.alert import Alert
from kel.model.moment import to_us
from rules.evaluate import Evaluator
from tests.builders.rules_city import DEVICES, HOUR, MINUTE, at, city, frame, rulebook

CITY = city()
# z01: 1000 connections, 10 km of mains: (2 × 1000 × season + 30 × 10 + 2 × 1000) / 1000 m³/h
EXPECTED = 4.3
RULE = {
    "kind": '"night_flow"',
    "watch": '{class="zone", metric="flow"}',
    "window": '["02:00", "04:00"]',
    "above": "6.0",
    "legitimate": "2.0",
    "background": "{per_km=30.0, per_connection=2.0}",
    "season": "{7=1.5}",
    "for": '"20m"',
    "clear": '{below=3.0, for="20m"}',
}
WINTER = at("2026-01-13T00:00+02:00")  # local midnight


def engine() -> Evaluator:
    return Evaluator(rulebook(RULE), CITY, DEVICES)


def flows(start: int, *rows: tuple[float, float]) -> list[Alert]:
    """All that is told of flows of z01 at (minutes after `start`, m³/h)."""
    one = engine()
    told = [(start + int(m * MINUTE), 11, {"flow": f}) for m, f in rows]
    return one.frame(frame("zone", told)) + one.tick(told[-1][0])


def hours(*values: float, start: float = 0, every: int = 5) -> list[tuple[float, float]]:
    return [(start + i * every, v) for i, v in enumerate(values)]


def day(burst_from: float, burst_to: float, size: float) -> list[tuple[float, float]]:
    """A zone's day in local hours: little at night, much from seven, and a burst on top."""
    rows = []
    for minute in range(0, 24 * 60, 5):
        hour = minute / 60
        demand = 3.0 if hour < 5 else 3.0 + min(hour - 5, 2) * 8 if hour < 20 else 12.0
        burst = size if burst_from <= hour < burst_to else 0.0
        rows.append((float(minute), demand + burst))
    return rows


def spans(alerts: list[Alert], start: int) -> list[tuple[float | None, ...]]:
    return [
        tuple(
            round((to_us(m) - start) / HOUR, 3) if m else None
            for m in (a.started_at, a.detected_at, a.cleared_at)
        )
        for a in {a.id: a for a in alerts}.values()
    ]


def test_a_burst_is_told_within_its_night_and_cleared_after_its_repair_by_day() -> None:
    alerts = flows(WINTER, *day(2 + 40 / 60, 7.25, 25.0))
    assert spans(alerts, WINTER) == [(2.667, 3.0, round(7.25 + 20 / 60, 3))]
    assert alerts[0].evidence.facts == {
        "value": 28.0,
        "expected": EXPECTED,
        "excess": 23.7,
        "limit": 6.0,
        "unit": "m³/h",
        "for_s": 1200.0,
    }
    assert alerts[1].cleared_why == "η παροχή επανήλθε στο αναμενόμενο"


def test_a_burst_repaired_in_the_same_window_clears_by_its_excess() -> None:
    alerts = flows(WINTER, *day(2.0, 3.0, 25.0))
    assert spans(alerts, WINTER) == [(2.0, 2.333, 3.333)]


def test_a_burst_nobody_repairs_goes_on_through_the_evening() -> None:
    assert spans(flows(WINTER, *day(2.5, 48, 25.0)), WINTER) == [(2.5, 2.833, None)]


def test_a_usual_day_fires_nothing() -> None:
    assert flows(WINTER, *day(0, 0, 0)) == []


@pytest.mark.parametrize(
    ("flow", "month", "fires"),
    [
        (EXPECTED + 5.99, 1, False),
        (EXPECTED + 6.01, 1, True),
        (EXPECTED + 6.01, 7, False),  # gardens: 1 m³/h more is expected
        (EXPECTED + 7.01, 7, True),
    ],
)
def test_people_pipes_and_season_explain_a_flow(flow: float, month: int, fires: bool) -> None:
    zone = "+03:00" if month == 7 else "+02:00"
    start = at(f"2026-{month:02}-13T02:00{zone}")
    alerts = flows(start, *hours(*[flow] * 13))
    assert bool(alerts) == fires


# Readings every 5 minutes, of 20 m³/h, from local time for so long (minutes), and whether it fires.
WINDOWS = [
    ("2026-01-13T02:00+02:00", 25, True),
    ("2026-01-13T03:40+02:00", 60, True),  # fulfilled exactly at the window's end
    ("2026-01-13T03:45+02:00", 60, False),  # 15 minutes of the window are too few
    ("2026-01-13T04:00+02:00", 300, False),
    ("2026-10-25T03:00+02:00", 25, True),  # the second three o'clock is in the window
    ("2026-10-25T03:55+02:00", 60, False),
    ("2026-03-29T02:40+02:00", 60, True),  # fulfilled as the clock goes from 3 to 4
    ("2026-03-29T02:45+02:00", 60, False),
    ("2026-03-29T04:00+03:00", 60, False),
]


@pytest.mark.parametrize(("begin", "minutes", "fires"), WINDOWS)
def test_only_the_local_window_counts(begin: str, minutes: int, fires: bool) -> None:
    rows = [(float(m), 20.0) for m in range(0, minutes + 1, 5)]
    assert bool(flows(at(begin), *rows)) == fires


def test_what_is_pending_at_the_windows_end_does_not_wait_for_the_next_night() -> None:
    rows = hours(20.0, start=235) + hours(20.0, 20.0, start=24 * 60 + 120)
    assert flows(WINTER, *rows) == []


def test_a_slow_fall_of_the_evening_is_no_repair() -> None:
    burst = [(m, f) for m, f in day(2.0, 99, 25.0) if m < 20 * 60]
    evening = [(20 * 60 + m, 60 - m * 0.25) for m in range(0, 180, 5)]  # 45 m³/h in three hours
    assert spans(flows(WINTER, *burst, *evening), WINTER) == [(2.0, 2.333, None)]


def test_a_repair_in_steps_is_seen() -> None:
    burst = [(m, f) for m, f in day(2.0, 99, 25.0) if m < 360]
    steps = hours(30.0, 22.0, 14.0, 13.0, 14.0, 13.0, 14.0, 13.0, 14.0, start=360)
    ((_, _, cleared),) = spans(flows(WINTER, *burst, *steps), WINTER)
    assert cleared == round((370 + 20) / 60, 3)


def test_a_repair_that_does_not_hold_clears_nothing() -> None:
    burst = [(m, f) for m, f in day(2.0, 99, 25.0) if m < 360]
    again = hours(12.0, 12.0, 36.0, 36.0, 36.0, 36.0, 36.0, 36.0, start=360)
    assert spans(flows(WINTER, *burst, *again), WINTER) == [(2.0, 2.333, None)]

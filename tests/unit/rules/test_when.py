"""A rule with `when`: what becomes of its timers and alerts as calendars open, shut and change."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, time

import pytest

from kel.model.alert import Alert
from kel.model.calendar import Calendar, FireRisk
from kel.model.city import City
from kel.model.moment import to_us
from rules.evaluate import SHUT, Evaluator
from tests.builders.rules_city import DEVICES, at, city, frame, rulebook

CITY = city()
PRESSURE = {
    "kind": '"threshold"',
    "watch": '{class="zone", metric="pressure"}',
    "below": "2.0",
    "unit": '"bar"',
    "for": '"10m"',
    "clear": '{above=2.5, for="5m"}',
    "when": '"night"',  # 22:00–06:00 in Athens: 19:00–03:00 UTC in summer
}
SILENT = {"kind": '"missing"', "watch": '{class="zone"}', "after": '"30m"', "when": '"night"'}
DAY = "2026-07-01T"
Row = tuple[str, float]  # UTC, bar


def engine(of: City = CITY, **fields: str) -> Evaluator:
    return Evaluator(rulebook({**PRESSURE, **fields}, of=of), of, DEVICES)


def give(one: Evaluator, rows: Iterable[Row], until: str | None = None) -> list[Alert]:
    told = one.frame(frame("zone", [(at(DAY + t), 11, {"pressure": bar}) for t, bar in rows]))
    return told + (one.tick(at(DAY + until)) if until else [])


def shown(alerts: Iterable[Alert]) -> list[tuple[str, str]]:
    """(fired or cleared, UTC) in the order told."""
    return [
        ("cleared", f"{a.cleared_at:%H:%M}")
        if a.cleared_at
        else ("fired", f"{a.detected_at:%H:%M}")
        for a in alerts
    ]


# rows, the tick after them, what is told
STORIES: list[tuple[str, list[Row], str, list[tuple[str, str]]]] = [
    ("by day nothing is judged", [("10:00", 1.0), ("11:00", 1.0)], "12:00", []),
    ("a row at the opening counts", [("19:00", 1.0)], "19:10", [("fired", "19:10")]),
    ("one just before does not", [("18:59", 1.0)], "20:00", []),
    (
        "nor does it together with one inside: that begins",
        [("18:55", 1.0), ("19:01", 1.0)],
        "19:30",
        [("fired", "19:11")],
    ),
    ("pending is forgotten at the end, without a row", [("02:51", 1.0)], "09:00", []),
    ("and so it is where it would be due at the very end", [("02:50", 1.0)], "09:00", []),
    (
        "just before the end it still fires, and ends with the night",
        [("02:49", 1.0)],
        "09:00",
        [("fired", "02:59"), ("cleared", "03:00")],
    ),
    (
        "what fires ends with the night, whatever rows say by day",
        [("01:00", 1.0), ("02:00", 1.0), ("03:10", 1.0), ("04:00", 3.0)],
        "09:00",
        [("fired", "01:10"), ("cleared", "03:00")],
    ),
    (
        "what clears anyhow clears at its own moment",
        [("01:00", 1.0), ("02:00", 3.0), ("02:30", 3.0)],
        "09:00",
        [("fired", "01:10"), ("cleared", "02:05")],
    ),
    (
        "what was clearing is cleared by the end",
        [("01:00", 1.0), ("02:58", 3.0)],
        "09:00",
        [("fired", "01:10"), ("cleared", "03:00")],
    ),
    (
        "the next night it begins anew",
        [("01:00", 1.0), ("10:00", 1.0), ("19:30", 1.0)],
        "20:00",
        [("fired", "01:10"), ("cleared", "03:00"), ("fired", "19:40")],
    ),
]


@pytest.mark.parametrize(
    ("rows", "until", "told"), [s[1:] for s in STORIES], ids=[s[0] for s in STORIES]
)
@pytest.mark.parametrize("cut", [False, True], ids=["at once", "row by row"])
def test_stories(rows: list[Row], until: str, told: list[tuple[str, str]], cut: bool) -> None:
    one = engine()
    alerts = [a for row in rows for a in give(one, [row])] if cut else give(one, rows)
    assert shown(alerts + one.tick(at(DAY + until))) == told


def test_the_reason_says_that_the_calendar_ended_and_another_does_not() -> None:
    one = engine()
    alerts = give(one, [("01:00", 1.0), ("02:00", 3.0), ("02:20", 1.0)], "09:00")
    assert [a.cleared_why for a in alerts if a.cleared_at] == ["η τιμή επανήλθε", SHUT]


def test_the_end_is_told_by_the_first_row_after_it_too() -> None:
    one = engine()
    give(one, [("01:00", 1.0)], "02:00")
    assert shown(give(one, [("05:00", 1.0)])) == [("cleared", "03:00")]


def test_silence_counts_from_the_opening() -> None:
    one = Evaluator(rulebook(SILENT, of=CITY), CITY, [d for d in DEVICES if d.id == "zm-01"])
    give(one, [("10:00", 3.0)], "10:01")
    assert one.tick(at(DAY + "19:29")) == []
    (alert,) = one.tick(at(DAY + "19:30"))
    assert to_us(alert.started_at) == at(DAY + "19:00")
    assert to_us(alert.evidence.since) == at(DAY + "10:00")  # its last word
    (alert,) = one.tick(at("2026-07-02T12:00"))
    assert alert.cleared_at and to_us(alert.cleared_at) == at("2026-07-02T03:00")
    assert alert.cleared_why == SHUT


def test_the_night_when_clocks_change_is_an_hour_longer() -> None:
    one = engine()
    night = [(at("2026-10-24T23:00"), 11, {"pressure": 1.0})]
    alerts = one.frame(frame("zone", night)) + one.tick(at("2026-10-25T12:00"))
    assert [a.cleared_at and to_us(a.cleared_at) for a in alerts][1:] == [at("2026-10-25T04:00")]


def with_night(start: str, end: str) -> City:
    hours = time.fromisoformat(start), time.fromisoformat(end)
    night = replace(CITY.calendars["night"], hours=hours)
    return replace(CITY, calendars={**CITY.calendars, "night": night})


EDITS = [  # the night afterwards, and what becomes of what was pending since 01:00 UTC (04:00)
    (("22:00", "06:00"), [("fired", "01:10"), ("cleared", "03:00")]),
    (("21:00", "07:00"), [("fired", "01:10"), ("cleared", "04:00")]),
    (("22:00", "04:11"), [("fired", "01:10"), ("cleared", "01:11")]),
    (("22:00", "04:10"), []),
    (("22:00", "03:00"), []),
]


@pytest.mark.parametrize(("night", "told"), EDITS)
def test_an_edit_of_a_calendar_keeps_what_still_lies_in_it(
    night: tuple[str, str], told: list[tuple[str, str]]
) -> None:
    old, new = engine(), engine(with_night(*night))
    assert give(old, [("01:00", 1.0)], "01:05") == []
    new.load(old.state())
    assert shown(new.tick(at(DAY + "12:00"))) == told
    assert (old.rulebook.version == new.rulebook.version) is (night == ("22:00", "06:00"))


def test_what_fires_ends_at_the_next_tick_where_a_new_calendar_shuts_it_out() -> None:
    old, new = engine(), engine(with_night("22:00", "03:00"))
    assert shown(give(old, [("01:00", 1.0)], "01:20")) == [("fired", "01:10")]
    new.load(old.state())
    (alert,) = new.tick(at(DAY + "01:25"))
    assert alert.cleared_at == alert.detected_at and alert.cleared_why == SHUT


def test_tomorrows_fire_risk_changes_neither_version_nor_timers() -> None:
    def on(*levels: FireRisk) -> City:
        calendars = {"fire": Calendar("fire", "Φωτιά", fire_risk=4)}
        return replace(CITY, calendars=calendars, fire_risk=levels)

    today = FireRisk(date(2026, 7, 1), 4)
    old = engine(on(today), when='"fire"')
    new = engine(on(today, FireRisk(date(2026, 7, 2), 5)), when='"fire"')
    assert old.rulebook.version == new.rulebook.version
    give(old, [("20:55", 1.0)], "20:58")  # the day ends at 21:00 UTC
    new.load(old.state())
    assert shown(new.tick(at(DAY + "21:30"))) == [("fired", "21:05")]
    assert shown(old.tick(at(DAY + "21:30"))) == []

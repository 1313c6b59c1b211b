"""The roll of an incident, and what it saves: many members do not cost many times many."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from kel.model.city import City
from rules.incidents import describe, growing, joining, passing
from rules.incidents.roll import roll_of
from rules.incidents.work import Work
from tests.builders.city import alert, at, cleared, small_city
from tests.builders.incidents import Day

SECOND = timedelta(seconds=1)
CITY = small_city()


def test_a_roll_is_in_order_and_leaves_out_what_nobody_knows() -> None:
    later = alert(CITY, "ls-01", "service_leak", at("03:10"))
    first = alert(CITY, "zm-01", "low_pressure", at("03:00"))
    again = alert(CITY, "zm-01", "main_burst", at("03:20"))
    unknown = alert(CITY, "zm-02", "low_pressure", at("03:30"))
    known = {a.id: a for a in (again, later, first)}
    roll = roll_of((unknown.id, again.id, later.id, first.id), known)
    assert roll.alerts == [first, later, again]
    assert roll.at(["zm-01", "zm-02", "ls-01"]) == [first, again, later]
    assert roll.latest == again.detected_at
    assert roll_of((unknown.id,), known).latest is None


def test_what_changed_of_an_alert_stands_in_the_roll() -> None:
    day = Day()
    low = alert(CITY, "zm-01", "low_pressure", at("03:00"))
    day.put(low)
    work = Work.on(CITY, day.situation)
    assert work.alerts_of(day.one) == [low]
    over = cleared(low, at("03:10"))
    work.put_alert(over)
    assert work.alerts_of(day.one) == [over]


def line(lamps: int) -> City:
    """The small city, with so many lamps behind its first feeder."""
    devices = {d.id: d for d in CITY.devices.values() if d.cls != "lamp"}
    lamp = CITY.devices["la-01-001"]
    more = [replace(lamp, number=1000 + n, id=f"la-{n:04d}") for n in range(lamps)]
    return replace(CITY, devices={**devices, **{d.id: d for d in more}})


def work_of(lamps: int, patch: pytest.MonkeyPatch) -> dict[str, Counter[str]]:
    """How often the desk asks what explains what, and what is due, as a line goes out and back."""
    city, counts = line(lamps), Counter[str]()

    def counted(module: Any, name: str) -> None:
        real = getattr(module, name)

        def call(*args: Any) -> Any:
            counts[name] += 1
            return real(*args)

        patch.setattr(module, name, call)

    for module in (joining, describe, growing):
        counted(module, "explains")
    counted(passing, "_of_incident")
    counted(joining, "roll_of")
    day, found = Day(city), dict[str, Counter[str]]()
    feeder = alert(city, "fc-01", "feeder", at("20:00"))
    dark = [
        alert(city, f"la-{n:04d}", "lamp", at("20:00") + (n + 1) * SECOND) for n in range(lamps)
    ]
    back = at("21:00")
    for name, signs in {
        "out": [feeder, *dark],
        "feeder back": [cleared(feeder, back)],
        "lamps back": [cleared(a, back + (n + 1) * SECOND) for n, a in enumerate(dark)],
    }.items():
        counts.clear()
        day.put(*signs)
        found[name] = counts.copy()
    assert set(day.one.alerts) == {feeder.id, *(a.id for a in dark)}
    assert day.situation.quiet_since(day.one) == back + lamps * SECOND
    patch.undo()
    return found


def test_twice_the_members_are_twice_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    some, twice = work_of(40, monkeypatch), work_of(80, monkeypatch)
    for phase in ("out", "feeder back"):
        for what, times in some[phase].items():
            assert twice[phase][what] <= 2.2 * times + 5, (phase, what)
    # while lamps come back one by one, those that are still dark are looked at each time
    assert twice["lamps back"]["explains"] <= 4.4 * some["lamps back"]["explains"]
    assert some["lamps back"]["explains"] <= 40 * 41
    for what in ("_of_incident", "roll_of"):
        assert twice["lamps back"][what] <= 2.2 * some["lamps back"][what]
    assert some["out"]["explains"] > 0 and some["out"]["_of_incident"] > 0  # it counts

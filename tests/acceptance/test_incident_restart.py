"""Worker and desk are made anew in the middle of a busy night, wherever a seed says.

Nothing may be told, opened, rung, sent or booked twice, and the night ends as if nothing had been.
"""

from datetime import timedelta
from functools import cache
from random import Random

import pytest

from kel.model.incident import IncidentState
from tests.acceptance.instruments import at
from tests.acceptance.measured import Measured
from tests.acceptance.story import STEP, Habit

START, END = at("01:30"), at("09:00")
RESTARTS = 9


def busy_night() -> Measured:
    """A burst that citizens see too, a dark cabinet, works with a window, a leak nobody takes."""
    late = Habit(works=timedelta(hours=3))
    story = Measured(START, habits={"water-1": Habit(accepts=None), "electric": late})
    devices = story.devices
    devices.measure("fc-02", at("02:05"), at("04:30"), voltage=0.0, power=0.0)
    for n in range(1, 9):
        devices.silence(f"la-02-{n:03d}", at("02:05"), at("04:30"))
    devices.measure("zm-07", at("02:40"), at("05:10"), flow=40.0, pressure=1.8)
    devices.measure("ls-10", at("02:45"), noise=55.0)
    story.request("main_burst", at("03:10"), 38.12600, 23.86070, "anoixi")
    window = {"starts_at": at("02:00").isoformat(), "ends_at": at("06:00").isoformat()}
    story.say(at("01:40"), "silence", why="πλύσιμο δικτύου", zone="z03", **window)
    devices.measure("zm-03", at("02:10"), at("04:00"), pressure=1.0)
    devices.measure("ls-07", at("03:15"), pressure=0.8)
    devices.see("cam-11", at("04:02"), smoke=0.9)
    return story


@cache
def undisturbed() -> Measured:
    story = busy_night()
    story.run(END)
    return story


def test_the_busy_night_has_something_of_everything() -> None:
    story = undisturbed()
    assert [i.category for i in story.incidents()] == [
        "feeder",
        "main_burst",
        "service_leak",
        "fire",
        "low_pressure",
    ]
    told = {e.what for e in story.changes.incident_events}
    assert {"hushed", "joined", "called", "expired", "overdue", "verified", "closed"} <= told
    assert {h.spoke for h in story.changes.hidden.values()} == {True, False}
    assert story.incidents()[0].state is IncidentState.CLOSED
    assert story.changes.costs


@pytest.mark.parametrize("seed", [20261014, 7, 1821])
def test_restarts_tell_nothing_twice_and_change_no_end(seed: int) -> None:
    steps = round((END - START) / STEP)
    story, when = busy_night(), set(Random(seed).sample(range(1, steps), RESTARTS))
    for step in range(1, steps + 1):
        story.run(START + step * STEP)
        if step in when:
            story.restart()
    peace = undisturbed()
    assert story.alerts == peace.alerts
    assert story.situation == peace.situation
    assert story.changes == peace.changes
    assert story.all_ids_differ()

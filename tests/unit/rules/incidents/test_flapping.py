"""What comes and goes: one incident, told once, closed only after a quiet time."""

from datetime import timedelta

from kel.model.incident import IncidentState
from kel.model.order import OrderState
from tests.builders.city import alert, at, cleared
from tests.builders.incidents import CITY, Day, order_of

MINUTE = timedelta(minutes=1)


def flap(day: Day, times: int, start: str = "10:00", every: int = 20, rule: str = "gauge") -> None:
    """The rule fires every so many minutes, and clears after five."""
    for n in range(times):
        began = at(start) + n * every * MINUTE
        fired = alert(CITY, "zm-01", "low_pressure", began, rule=rule)
        day.put(fired)
        day.put(cleared(fired, began + 5 * MINUTE))


def test_two_firings_are_no_flapping_and_the_third_is_told_once() -> None:
    day = Day()
    flap(day, 2)
    assert day.told("flapping") == []
    flap(day, 30, start="10:40")
    assert day.told("flapping") == ["κανόνας gauge, zm-01"]
    assert day.one.flapping_at == at("10:40")
    assert len(day.one.alerts) == 32
    assert [e.what for e in day.events] == [
        "opened",
        "cleared",
        "joined",
        "cleared",
        "joined",
        "flapping",
    ]


def test_three_firings_far_apart_are_no_flapping() -> None:
    day = Day()
    flap(day, 4, every=61)  # closes between them: an incident each
    assert day.told("flapping") == []


def test_other_rules_and_devices_of_the_incident_are_told_as_ever() -> None:
    day = Day()
    flap(day, 4)
    noise = alert(CITY, "ls-01", "service_leak", at("11:10"))
    day.put(noise)
    day.put(cleared(noise, at("11:20")))
    assert len(day.told("joined")) == 2 + 1  # the second and the third firing, and the noise
    assert len(day.told("cleared")) == 2 + 1  # after the third it is known


def test_it_closes_only_after_three_quiet_hours() -> None:
    day = Day()
    flap(day, 6)  # the last one clears at 11:45
    day.put(now=at("14:44"))
    assert day.one.state is IncidentState.OPEN
    day.put(now=at("15:00"))
    assert [i.closed_at for i in day.ended.values()] == [at("14:45")]


def test_an_hour_between_firings_opens_no_new_incident_any_more() -> None:
    day = Day()
    flap(day, 3)
    flap(day, 5, start="12:30", every=150)
    assert len(day.told("opened")) == 1 and not day.ended


def test_it_opens_again_once_after_a_repair_not_at_every_firing() -> None:
    day = Day()
    flap(day, 3)  # 10:45
    done = order_of(day.one, OrderState.COMPLETED, completed_at=at("12:00"))
    day.follow(done, at("12:00"))
    flap(day, 12, start="12:10")  # until 15:50
    assert len(day.told("reopened")) + len(day.told("still_active")) == 1
    assert day.one.state is IncidentState.OPEN


def test_a_repair_that_ends_it_is_verified_after_the_quiet_time() -> None:
    day = Day()
    flap(day, 3)  # 10:45
    day.follow(order_of(day.one, OrderState.COMPLETED, completed_at=at("12:00")), at("12:00"))
    day.put(now=at("13:44"))
    assert day.one.state is IncidentState.RESOLVED
    day.put(now=at("13:45"))
    assert day.one.state is IncidentState.VERIFIED

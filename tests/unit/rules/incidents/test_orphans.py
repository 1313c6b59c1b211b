"""Children that speak again: their cause is gone, and they are not."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from kel.model.incident import IncidentState
from kel.model.order import OrderState
from tests.builders.city import alert, at, cleared
from tests.builders.incidents import CITY, Day, command, order_of

# a cause, a child that it explains, and how long the child may outlast it
CASES = [
    (("fc-01", "feeder"), ("la-01-003", "lamp"), timedelta(hours=26)),  # feeder over lamps
    (("ps-01", "pump"), ("zm-02", "low_pressure"), timedelta(hours=3)),  # pump over zone
    (("zm-01", "main_burst"), ("ls-01", "service_leak"), timedelta(hours=3)),  # zone over sensors
]


def hushed(cause: tuple[str, str], child: tuple[str, str], **values: Any) -> tuple[Day, Any, Any]:
    """A day on which the child was hushed at 10:10, and its cause cleared at 11:00."""
    day = Day()
    above = alert(CITY, *cause, at("10:00"))
    below = alert(CITY, *child, at("10:10"), **values)
    day.put(above, below)
    assert len(day.told("hushed")) == 1
    day.put(cleared(above, at("11:00")))
    return day, above, below


@pytest.mark.parametrize(("cause", "child", "grace"), CASES)
def test_a_child_speaks_when_its_cause_is_gone_and_it_is_not(
    cause: tuple[str, str], child: tuple[str, str], grace: timedelta
) -> None:
    day, above, below = hushed(cause, child)
    first = day.one
    day.put(now=at("11:00") + grace - timedelta(minutes=1))
    assert set(day.one.alerts) == {above.id, below.id}
    day.put(now=at("11:00") + grace)
    own = next(i for i in day.situation.incidents.values() if i.id != first.id)
    assert (own.alerts, own.category, own.cause) == ((below.id,), child[1], child[0])
    assert day.told("opened")[-1] == (
        f"κανόνας {child[1]} · η αιτία (2026-0001) πέρασε, η ειδοποίηση μένει"
    )
    name = CITY.devices[child[0]].name
    assert day.told("spoke") == [f"{name}: η αιτία πέρασε, η ειδοποίηση μένει"]


@pytest.mark.parametrize(("cause", "child", "grace"), CASES)
def test_a_child_that_clears_in_time_says_nothing(
    cause: tuple[str, str], child: tuple[str, str], grace: timedelta
) -> None:
    day, _, below = hushed(cause, child)
    day.put(cleared(below, at("11:30")))
    day.put(now=at("11:00") + 2 * grace)
    assert day.told("spoke") == [] and len(day.told("opened")) == 1


def test_its_rule_says_how_long_it_may_take() -> None:
    lamp = ("la-01-003", "lamp")
    day, _, below = hushed(("fc-01", "feeder"), lamp, verify=timedelta(minutes=45))
    day.put(now=at("11:44"))
    assert day.told("spoke") == []
    day.put(now=at("11:45"))
    assert day.named("2026-0002").alerts == (below.id,)


def test_children_of_one_feeder_speak_as_one() -> None:
    day = Day()
    feeder = alert(CITY, "fc-01", "feeder", at("20:00"))
    lamps = [alert(CITY, f"la-01-00{n}", "lamp", at("20:05")) for n in (1, 2, 3)]
    day.put(feeder, *lamps)
    day.put(cleared(feeder, at("21:00")), cleared(lamps[0], at("21:10")))
    day.put(now=at("23:30", day=5))
    own = day.named("2026-0002")
    assert set(own.alerts) == {lamp.id for lamp in lamps[1:]}
    assert len(day.told("spoke")) == 2


def test_a_child_of_two_causes_waits_for_both() -> None:
    day = Day()
    feeder = alert(CITY, "fc-01", "feeder", at("20:00"))
    again = alert(CITY, "fc-01", "feeder", at("20:02"), rule="power")
    lamp = alert(CITY, "la-01-001", "lamp", at("20:05"), verify=timedelta(hours=1))
    day.put(feeder, again, lamp)
    day.put(cleared(feeder, at("21:00")))
    day.put(now=at("23:00"))
    assert day.told("spoke") == []
    day.put(cleared(again, at("23:10")))
    day.put(now=at("23:59"))
    assert day.told("spoke") == []
    day.put(now=at("00:10", day=5))
    assert len(day.told("spoke")) == 1


def test_the_repair_of_the_cause_is_verified_whatever_its_child_does() -> None:
    day = Day()
    feeder = alert(CITY, "fc-01", "feeder", at("20:00"))
    lamp = alert(CITY, "la-01-001", "lamp", at("20:05"))
    day.put(feeder, lamp)
    day.follow(order_of(day.one, OrderState.COMPLETED, completed_at=at("21:00")), at("21:00"))
    day.put(cleared(feeder, at("21:05")))
    day.put(now=at("23:10", day=5))  # 26 hours after the cause was gone
    assert day.told("still_active") == []
    states = {i.number: i.state for i in day.situation.incidents.values()}
    assert states == {"2026-0001": IncidentState.VERIFIED, "2026-0002": IncidentState.OPEN}


def test_closing_the_cause_by_hand_lets_its_orphans_speak() -> None:
    day, _, below = hushed(("fc-01", "feeder"), ("la-01-003", "lamp"))
    day.put(command("close", "2026-0001", "11:10", why="τέλος", force="yes"))
    assert (day.one.number, day.one.alerts) == ("2026-0002", (below.id,))
    assert day.told("closed") == ["τέλος"]
    assert not day.situation.hidden


def test_a_child_whose_cause_lasts_is_dismissed_with_it() -> None:
    day = Day()
    day.put(
        alert(CITY, "fc-01", "feeder", at("10:00")), alert(CITY, "la-01-001", "lamp", at("10:05"))
    )
    day.put(command("close", "2026-0001", "11:10", why="διακοπή ΔΕΔΔΗΕ", force="yes"))
    assert not day.situation.incidents
    assert len(day.situation.hidden) == 2


def test_a_silenced_child_is_hidden_when_it_would_speak() -> None:
    day, _, below = hushed(("ps-01", "pump"), ("zm-02", "low_pressure"))
    ends = at("20:00").isoformat()
    day.put(command("silence", "", "11:30", why="έργα", zone="z02", ends_at=ends))
    day.put(now=at("14:30"))
    assert set(day.situation.hidden) == {below.id}
    day.put(now=at("20:30"))
    assert day.named("2026-0002").opened_at == at("20:00")


def test_a_child_that_had_an_incident_of_its_own_gets_a_new_one() -> None:
    """It was absorbed by its cause: the incident that it had opened stays closed."""
    day = Day()
    low = alert(CITY, "zm-02", "low_pressure", at("10:05"))
    pump = alert(CITY, "ps-01", "pump", at("10:00"), at("10:20"))
    day.put(low)
    day.put(pump)
    day.put(cleared(pump, at("11:00")))
    day.put(now=datetime.fromisoformat(at("15:00").isoformat()))
    assert day.named("2026-0003").alerts == (low.id,)
    assert len({e.id for e in day.events}) == len(day.events)


@pytest.mark.parametrize("hours", [(1, 2), (2, 1)])
def test_each_child_speaks_at_its_own_moment(hours: tuple[int, int]) -> None:
    day = Day()
    feeder = alert(CITY, "fc-01", "feeder", at("20:00"))
    lamps = [
        alert(CITY, f"la-01-00{n}", "lamp", at("20:05"), verify=timedelta(hours=h))
        for n, h in enumerate(hours, 1)
    ]
    day.put(feeder, *lamps)
    day.put(cleared(feeder, at("20:30")))
    day.put(now=at("23:30"))
    assert [e.at for e in day.events if e.what == "spoke"] == [at("21:30"), at("22:30")]

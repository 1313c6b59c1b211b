from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kel.model.city import City
from kel.model.moment import HOUR_US, MINUTE_US, to_us
from kel.model.place import Point
from kel.simulate.crews import CrewSim

MADE = datetime(2026, 10, 20, 5, 0, tzinfo=UTC)
ORDER = "0b6a2f1e-0000-5000-8000-{:012d}"


def order(n: int = 1, **changes: Any) -> dict[str, Any]:
    payload: dict[str, Any] = {
        "order": ORDER.format(n),
        "number": f"2026-{n:04d}",
        "crew": "water-1",
        "category": "main_burst",
        "title": "Θραύση κεντρικού αγωγού",
        "place": {"lat": 38.1262, "lon": 23.8606, "text": "Άνοιξη"},
        "incident": n,
        "made_at": MADE.isoformat(),
        "expires_at": (MADE + timedelta(minutes=30)).isoformat(),
        "depart_at": (MADE + timedelta(minutes=20)).isoformat(),
        "arrive_at": (MADE + timedelta(minutes=35)).isoformat(),
        "finish_at": (MADE + timedelta(hours=5, minutes=35)).isoformat(),
        "items": [
            {
                "item": "clamp-dn150",
                "name": "Σέλα",
                "quantity": 1,
                "unit": "τεμ.",
                "from": "water-1",
            },
            {"item": "sand", "name": "Άμμος", "quantity": 4.0, "unit": "m³", "from": "warehouse"},
        ],
        "people": [f"p{n}", "p0"],
        "vehicles": ["van-water-1"],
        "state": "sent",
        "attempt": 1,
    }
    return payload | changes


def at(hours: float) -> int:
    return to_us(MADE) + int(hours * HOUR_US)


def all_of(sim: CrewSim, hours: float = 24) -> list[tuple[str, dict[str, Any]]]:
    return sim.due(at(0), at(hours))


def test_a_crew_accepts_arrives_and_completes(city: City) -> None:
    sim = CrewSim(city, 1)
    sim.order(order())
    replies = all_of(sim)
    assert [crew for crew, _ in replies] == ["water-1"] * 3
    assert [r["action"] for _, r in replies] == ["accept", "arrive", "complete"]
    accept, arrive, complete = (r["ts"] * 1000 for _, r in replies)
    assert 2 * MINUTE_US <= accept - at(0) <= 5 * MINUTE_US
    assert abs(arrive - at(35 / 60)) <= 10 * MINUTE_US
    assert 0.8 * 5 <= (complete - arrive) / HOUR_US <= 1.25 * 5
    last = replies[-1][1]
    assert [u["item"] for u in last["used"]] == ["clamp-dn150", "sand"]
    assert all(abs(u["quantity"] - q) <= 1 for u, q in zip(last["used"], (1, 4), strict=True))
    assert 2 < last["km"] < 8
    assert len({r["id"] for _, r in replies}) == 3


def test_the_same_order_gives_the_same_answers_however_the_time_is_cut(city: City) -> None:
    one, two = CrewSim(city, 1), CrewSim(city, 1)
    one.order(order())
    two.order(order())
    two.order(order())
    steps = [r for i in range(24 * 12) for r in two.due(at(i / 12), at((i + 1) / 12))]
    assert all_of(one) == steps
    assert all_of(one) == []


def test_a_withdrawn_order_is_dropped(city: City) -> None:
    sim = CrewSim(city, 1)
    sim.order(order())
    assert [r["action"] for _, r in sim.due(at(0), at(0.2))] == ["accept"]
    sim.order(order(state="withdrawn"))
    sim.order(order())
    assert sim.due(at(0.2), at(24)) == []
    assert sim.done(at(0), at(24)) == []


def test_an_order_withdrawn_before_it_came_is_never_answered(city: City) -> None:
    sim = CrewSim(city, 1)
    sim.order(order(state="withdrawn"))
    sim.order(order())
    assert all_of(sim) == []


def test_no_answer_lies_in_the_past(city: City) -> None:
    sim = CrewSim(city, 1)
    sim.order(order())
    since = at(3)
    replies = sim.due(since, at(24))
    times = [r["ts"] * 1000 for _, r in replies]
    assert times[0] == since
    assert times == sorted(times)
    assert times[2] > since + 4 * HOUR_US


def test_done_names_the_job_that_ended(city: City) -> None:
    sim = CrewSim(city, 1)
    sim.order(order())
    complete = int(all_of(sim)[-1][1]["ts"]) * 1000
    done = sim.done(complete, complete + 1)
    assert [(d.order, d.incident, d.crew, d.category, d.at_us) for d in done] == [
        (ORDER.format(1), 1, "water-1", "main_burst", complete)
    ]
    assert done[0].place == Point(38.1262, 23.8606)
    assert sim.done(at(0), complete) == []


def test_nobody_is_at_two_places(city: City) -> None:
    sim = CrewSim(city, 1)
    sim.order(order(1))
    sim.order(order(2))
    replies = all_of(sim, 48)
    first = next(r["ts"] for _, r in replies if r["order"] == ORDER.format(1) and "used" in r)
    second = next(
        r["ts"] for _, r in replies if r["order"] == ORDER.format(2) and r["action"] == "arrive"
    )
    assert second >= first + 5 * 60_000


@pytest.mark.parametrize("n", range(40))
def test_use_is_planned_or_one_off_and_never_negative(city: City, n: int) -> None:
    sim = CrewSim(city, 1)
    sim.order(deepcopy(order(n)))
    used = all_of(sim)[-1][1]["used"]
    assert all(u["quantity"] >= 0 for u in used)
    assert [abs(u["quantity"] - q) in (0, 1) for u, q in zip(used, (1, 4), strict=True)] == [
        True
    ] * 2


def test_what_came_from_two_places_is_reported_once(city: City) -> None:
    two = [{"item": "sand", "quantity": 2, "from": place} for place in ("water-1", "warehouse")]
    sim = CrewSim(city, 1)
    sim.order(order(items=two))
    assert [u["item"] for u in all_of(sim)[-1][1]["used"]] == ["sand"]


def test_who_is_to_hand_over_leaves_the_rest_at_that_moment(city: City) -> None:
    hand_over = MADE + timedelta(hours=3)
    sim = CrewSim(city, 1)
    sim.order(order(finish_at=hand_over.isoformat(), remaining_min=155))  # five hours in all
    replies = all_of(sim)
    assert [r["action"] for _, r in replies] == ["accept", "arrive", "leave"]
    last = replies[-1][1]
    assert int(last["ts"]) * 1000 == to_us(hand_over)
    assert last["used"]
    assert sim.done(at(0), at(24)) == []  # nothing is mended yet


def test_a_relief_works_as_long_as_it_was_told(city: City) -> None:
    """Not as long as such a job usually takes: others have begun it."""
    arrive = MADE + timedelta(minutes=35)
    sim = CrewSim(city, 1)
    sim.order(order(continues="Ε-1", finish_at=(arrive + timedelta(hours=1)).isoformat()))
    _, arrives, completes = (int(r["ts"]) * 1000 for _, r in all_of(sim))
    assert 0.8 <= (completes - arrives) / HOUR_US <= 1.25

"""The plan: the right crew with the right things, or the smallest constraint in its way."""

import random
from dataclasses import replace
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest

from dispatch.plan import Assignment, Plan, plan
from dispatch.shifts import spans
from kel.model.alert import Severity
from kel.model.city import City
from kel.model.crew import Shift
from kel.model.ids import make_id
from kel.model.incident import Incident, IncidentState
from kel.model.order import OrderItem, OrderState, WorkOrder
from kel.model.situation import Situation, Whereabouts
from kel.model.stock import WAREHOUSE, Stock
from tests.builders.city import alert, at, cleared, north, request, situation, small_city

CITY = small_city()
NOON = at("10:00")  # a Wednesday


def _incident(category: str, name: str = "", lat: float = 38.13, **values: Any) -> Incident:
    given: dict[str, Any] = {
        "id": make_id("incident", category, name),
        "number": "2026-0001",
        "category": category,
        "severity": CITY.categories[category].severity,
        "state": IncidentState.OPEN,
        "cause": None,
        "community": "drosia",
        "place": north(lat),
        "opened_at": at("09:00"),
        "started_at": at("09:00"),
        "title": category,
    }
    return Incident(**{**given, **values})


def _situation(*incidents: Incident, **changes: Any) -> Situation:
    return situation(incidents={i.id: i for i in incidents}, **changes)


def _plan(*incidents: Incident, now: datetime = NOON, city: City = CITY, **changes: Any) -> Plan:
    return plan(city, _situation(*incidents, **changes), now)


def _only(made: Plan) -> Assignment:
    assert made.unplanned == ()
    (assignment,) = made.assignments
    return assignment


def _why(made: Plan) -> tuple[str, str]:
    assert made.assignments == ()
    (unplanned,) = made.unplanned
    return unplanned.constraint, unplanned.reason


def _order(incident: Incident, crew: str, state: OrderState, **values: Any) -> WorkOrder:
    given: dict[str, Any] = {
        "id": make_id("order", incident.id, crew, state),
        "number": "Ε-2026-0007",
        "incident": incident.id,
        "category": incident.category,
        "crew": crew,
        "people": (),
        "vehicles": (),
        "items": (),
        "state": state,
        "place": incident.place,
        "made_at": at("09:00"),
        "expires_at": at("09:30"),
        "depart_at": at("09:00"),
        "arrive_at": at("09:20"),
        "finish_at": at("12:00"),
        "km": 4.0,
    }
    return WorkOrder(**{**given, **values})


# --- what is assigned -------------------------------------------------------------------------


def test_a_burst_gets_plumbers_a_digger_and_its_materials() -> None:
    made = _only(_plan(_incident("main_burst")))
    assert made.crew == "water-1"
    assert made.people == ("water-1-1", "water-1-2", "water-1-3")
    assert made.vehicles == ("v1", "d1")
    assert made.items == (
        OrderItem("clamp", "water-1", Decimal(1)),
        OrderItem("sand", WAREHOUSE, Decimal(4)),
    )
    # 1.11 km to the warehouse and 2.22 km on, × 1.35, at 30 km/h = 10 min, and 15 min to load
    assert made.depart_at == NOON
    assert made.arrive_at == at("10:25")
    assert made.finish_at == at("15:25")
    assert made.km == pytest.approx(9.0, abs=0.05)  # there and back


def test_without_the_warehouse_the_way_is_shorter() -> None:
    stock = {
        (p, i): Stock(p, i, Decimal(9)) for p in ("water-1", "water-2") for i in ("clamp", "sand")
    }
    made = _only(_plan(_incident("main_burst"), stock=stock))
    assert {i.place for i in made.items} == {"water-1"}
    assert made.arrive_at == at("10:10")


@pytest.mark.parametrize(
    ("clock", "day", "crew"),
    [
        ("02:50", 4, "water-2"),  # on call at night
        ("07:00", 4, "water-1"),
        ("15:00", 4, "water-2"),
        ("12:00", 7, "water-2"),  # on call on Saturday
        ("10:00", 25, "water-2"),  # a holiday
    ],
)
def test_a_severe_job_gets_the_crew_that_works_then(clock: str, day: int, crew: str) -> None:
    now = at(clock, day)
    made = _only(_plan(_incident("main_burst", opened_at=now), now=now))
    assert (made.crew, made.depart_at) == (crew, now)


def test_from_its_last_job_a_crew_is_nearer() -> None:
    there = {"water-1": Whereabouts("water-1", north(38.162), at("09:50"))}
    made = _only(_plan(_incident("low_pressure", lat=38.16), whereabouts=there))
    assert made.arrive_at == at("10:01")


def test_the_crew_that_arrives_first_then_fewer_kilometres_then_the_name() -> None:
    crews = dict(CITY.crews)
    crews["water-0"] = replace(crews["water-1"], id="water-0", vehicles=("v4",))
    near = small_city(crews=crews)
    assert _only(_plan(_incident("low_pressure"), city=near)).crew == "water-0"
    crews["water-0"] = replace(crews["water-0"], base=north(38.05))
    far = small_city(crews=crews)
    assert _only(_plan(_incident("low_pressure"), city=far)).crew == "water-1"


def test_short_jobs_follow_each_other_in_one_plan() -> None:
    lamps = [_incident("lamp", str(n), lat=38.105) for n in range(2)]
    stock = {("electric", "fuse"): Stock("electric", "fuse", Decimal(5))}
    short = dict(CITY.categories)
    short["lamp"] = replace(short["lamp"], hours=0.5)
    made = _plan(*lamps, city=small_city(categories=short), stock=stock)
    first, second = made.assignments
    assert {first.crew, second.crew} == {"electric"}
    assert second.depart_at == first.finish_at


def test_a_category_that_takes_no_people_is_no_job() -> None:
    assert _plan(_incident("sensor")) == Plan((), ())


@pytest.mark.parametrize(
    ("state", "waits"),
    [
        (IncidentState.OPEN, True),
        (IncidentState.ACKNOWLEDGED, True),
        (IncidentState.IN_PROGRESS, True),
        (IncidentState.RESOLVED, False),
    ],
)
def test_which_states_wait_for_a_crew(state: IncidentState, waits: bool) -> None:
    made = _plan(_incident("low_pressure", state=state))
    assert bool(made.assignments) is waits


@pytest.mark.parametrize(
    ("state", "resolved_at", "waits"),
    [
        (OrderState.SENT, None, False),
        (OrderState.ARRIVED, None, False),
        (OrderState.COMPLETED, None, False),
        (OrderState.COMPLETED, at("09:40"), True),  # done once, and open again since
        (OrderState.WITHDRAWN, None, True),
    ],
)
def test_an_incident_that_is_served_is_no_job(
    state: OrderState, resolved_at: datetime | None, waits: bool
) -> None:
    pump = _incident("pump", resolved_at=resolved_at)
    order = _order(pump, "pumps", state, completed_at=at("09:40"), finish_at=at("09:40"))
    made = _plan(pump, orders={order.id: order})
    assert bool(made.assignments) is waits


def test_a_critical_fire_goes_first_at_once_and_waits_for_no_material() -> None:
    fire = _incident("fire", lat=38.2)
    made = _only(_plan(fire, stock={(WAREHOUSE, "foam"): Stock(WAREHOUSE, "foam", Decimal(5))}))
    assert (made.crew, made.depart_at) == ("green-fire", NOON)
    assert made.items == (OrderItem("foam", WAREHOUSE, Decimal(5)),)
    direct = 0.1 * 111.195 * 1.35 / 30 * 60  # minutes: no way round by the warehouse
    assert made.arrive_at - NOON < timedelta(minutes=direct + 1)


EVERYBODY = ("green-fire-1", "green-fire-2", "green-fire-3")


@pytest.mark.parametrize(
    ("out", "leaves", "why"),
    [
        (EVERYBODY, "12:00", "the whole crew is out: it goes as soon as it can"),
        (EVERYBODY[2:], "10:00", "those who are at hand and know the tanker go at once"),
        (EVERYBODY[:2], "12:00", "nobody at hand knows the tanker"),
    ],
)
def test_a_critical_fire_does_not_wait_where_somebody_is_at_hand(
    out: tuple[str, ...], leaves: str, why: str
) -> None:
    small, fire = _incident("fire", "small", severity=Severity.HIGH), _incident("fire", "big")
    order = _order(small, "green-fire", OrderState.ARRIVED, arrived_at=at("09:20"), people=out)
    made = _plan(replace(small, state=IncidentState.IN_PROGRESS), fire, orders={order.id: order})
    assert _only(made).depart_at == at(leaves), why
    assert leaves == "12:00" or not set(_only(made).people) & set(out)


# --- the order of jobs ------------------------------------------------------------------------


def test_what_waiting_costs_decides_who_gets_the_crew() -> None:
    leak, burst = _incident("service_leak", opened_at=at("06:00")), _incident("main_burst")
    made = _plan(leak, burst)
    assert [a.incident for a in made.assignments] == [burst.id]
    assert made.unplanned[0].constraint == "shift"  # of the other plumbers, at 15:00


def test_then_severity_then_age() -> None:
    old, severe = (
        _incident("pump", "old", opened_at=at("06:00"), severity=Severity.MEDIUM),
        _incident("pump", "severe", opened_at=at("09:00"), severity=Severity.HIGH),
    )
    assert _plan(old, severe).assignments[0].incident == severe.id
    young = replace(old, id=make_id("incident", "young"), opened_at=at("08:00"))
    assert _plan(young, old).assignments[0].incident == old.id


def test_nothing_is_taken_twice() -> None:
    feeders = [_incident("feeder", str(n)) for n in range(2)]
    crews = dict(CITY.crews)
    crews["electric-2"] = replace(crews["electric"], id="electric-2", vehicles=("v4",))
    one = {(WAREHOUSE, "breaker"): Stock(WAREHOUSE, "breaker", Decimal(1))}
    made = _plan(*feeders, city=small_city(crews=crews), stock=one)
    assert len(made.assignments) == 1
    assert made.unplanned[0].constraint == "stock"


def test_a_vehicle_that_two_crews_share_goes_with_one() -> None:
    crews = dict(CITY.crews)
    crews["water-0"] = replace(crews["water-1"], id="water-0", vehicles=("v4", "d1"))
    bursts = [_incident("main_burst", str(n)) for n in range(2)]
    made = _plan(*bursts, city=small_city(crews=crews))
    assert [a.crew for a in made.assignments] == ["water-0"]


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_dictionaries_makes_no_difference(seed: int) -> None:
    incidents = [
        *(_incident("low_pressure", str(n)) for n in range(3)),
        _incident("main_burst"),
        _incident("feeder"),
    ]
    whole = _plan(*incidents)
    shuffle = random.Random(seed)
    crews = dict(shuffle.sample(list(CITY.crews.items()), len(CITY.crews)))
    mixed = shuffle.sample(incidents, len(incidents))
    assert _plan(*mixed, city=small_city(crews=crews)) == whole


# --- why not ----------------------------------------------------------------------------------


def test_no_crew_has_the_skills() -> None:
    assert _why(_plan(_incident("tree"))) == (
        "skills",
        "κανένα συνεργείο δεν τα έχει όλα: χειριστής αλυσοπρίονου",
    )


def test_too_few_people() -> None:
    categories = dict(CITY.categories)
    categories["pump"] = replace(categories["pump"], people=3)
    assert _why(_plan(_incident("pump"), city=small_city(categories=categories))) == (
        "people",
        "χρειάζονται 3 άτομα· Αντλιοστάσια έχει 2",
    )


def test_no_vehicle() -> None:
    categories = dict(CITY.categories)
    categories["pump"] = replace(categories["pump"], vehicles=("crane",))
    assert _why(_plan(_incident("pump"), city=small_city(categories=categories))) == (
        "vehicle",
        "δεν υπάρχει διαθέσιμο όχημα (γερανοφόρο): Αντλιοστάσια",
    )


def test_no_material_names_item_quantity_and_lead_time() -> None:
    stock = {(WAREHOUSE, "clamp"): Stock(WAREHOUSE, "clamp", Decimal(1))}
    stock[WAREHOUSE, "sand"] = Stock(WAREHOUSE, "sand", Decimal("2.5"), Decimal(1))
    assert _why(_plan(_incident("main_burst"), stock=stock)) == (
        "stock",
        "λείπει υλικό: Άμμος, χρειάζονται 4 m³, διαθέσιμα 1,5· παραγγελία σε 2 ημέρες",
    )


@pytest.mark.parametrize(
    ("now", "reason"),
    [
        (at("02:50"), "περιμένει τη βάρδια του συνεργείου Ύδρευση 1 07:00"),
        (at("23:30"), "περιμένει τη βάρδια του συνεργείου Ύδρευση 1 Πέμπτη 07:00"),
        (at("12:00", day=7), "περιμένει τη βάρδια του συνεργείου Ύδρευση 1 Δευτέρα 07:00"),
    ],
)
def test_a_job_that_is_not_severe_waits_for_the_shift(now: datetime, reason: str) -> None:
    assert _why(_plan(_incident("service_leak"), now=now)) == ("shift", reason)


def test_a_job_of_the_shift_that_begins_soon_is_sent_now() -> None:
    made = _only(_plan(_incident("service_leak"), now=at("06:20")))
    assert (made.crew, made.depart_at) == ("water-1", at("07:00"))


def test_a_job_that_would_not_end_in_the_shift_goes_to_the_next() -> None:
    made = _plan(_incident("service_leak"), now=at("12:30"))  # 3 h and the way: after 15:00
    assert _why(made) == ("shift", "περιμένει τη βάρδια του συνεργείου Ύδρευση 2 15:00")


@pytest.mark.parametrize(("clock", "remaining"), [("11:30", 0), ("11:40", 5)])
def test_a_severe_job_may_take_two_hours_of_overtime(clock: str, remaining: int) -> None:
    """To end a job they begin in time; what does not fit is begun all the same, and left."""
    city = small_city(crews={"water-1": CITY.crews["water-1"]})
    made = _only(_plan(_incident("main_burst"), city=city, now=at(clock)))
    assert made.depart_at == at(clock)
    assert made.finish_at <= at("17:00")
    assert made.remaining == timedelta(minutes=remaining)


# --- what is begun by people who cannot end it --------------------------------------------------


@pytest.mark.parametrize(
    ("clock", "crew", "leaves", "hands_over"),
    [
        ("03:30", "water-2", "03:30", None),  # 03:55 and 5 hours: within the overtime
        ("03:40", "water-2", "03:40", "07:10"),
        ("04:30", "water-2", "04:30", "07:10"),
        ("06:10", "water-2", "06:10", "07:10"),
        ("06:20", "water-1", "07:00", None),  # who can end it leaves within 45 minutes
        ("12:30", "water-1", "12:30", "15:10"),  # by day it is the same
        ("14:10", "water-1", "14:10", "15:10"),
        ("14:20", "water-2", "15:00", None),
    ],
)
def test_a_burst_is_begun_at_once_by_those_on_call(
    clock: str, crew: str, leaves: str, hands_over: str | None
) -> None:
    made = _only(_plan(_incident("main_burst", opened_at=at(clock)), now=at(clock)))
    assert (made.crew, made.depart_at) == (crew, at(leaves))
    if hands_over is None:
        assert made.remaining == timedelta()
    else:
        assert made.finish_at == at(hands_over)
    assert made.finish_at - made.arrive_at + made.remaining == timedelta(hours=5)


@pytest.mark.parametrize(
    ("waiting", "severity", "begins"),
    [
        (1, Severity.CRITICAL, True),
        (19, Severity.HIGH, False),  # 2.5 hours sooner: 47.50 €, less than a second way
        (20, Severity.HIGH, True),
        (999, Severity.MEDIUM, False),
    ],
)
def test_what_is_high_is_begun_only_where_waiting_is_dear(
    waiting: int, severity: Severity, begins: bool
) -> None:
    categories = dict(CITY.categories)
    categories["main_burst"] = replace(categories["main_burst"], waiting=Decimal(waiting))
    city = small_city(categories=categories)
    made = _plan(_incident("main_burst", severity=severity), city=city, now=at("12:30"))
    assert bool(made.assignments) is begins
    if begins:
        assert made.assignments[0].remaining
    else:
        assert made.unplanned[0].constraint == "shift"


def test_a_job_longer_than_every_shift_is_done_in_parts() -> None:
    categories = dict(CITY.categories)
    categories["service_leak"] = replace(categories["service_leak"], hours=12.0)
    city = small_city(categories=categories)
    made = _only(_plan(_incident("service_leak"), city=city, now=at("06:30")))
    assert (made.crew, made.depart_at, made.finish_at) == ("water-1", at("07:00"), at("15:00"))
    assert made.remaining == timedelta(hours=12) - (made.finish_at - made.arrive_at)


def test_an_assigned_crew_is_relieved_by_nobody_else() -> None:
    """Until an operator assigns another: it works to the end of its overtime."""
    burst = _incident("main_burst", crew="water-2")
    assert _only(_plan(burst, now=at("04:30"))).finish_at == at("09:00")


def test_a_relief_that_could_come_sooner_comes_when_the_part_ends() -> None:
    crews = {"water-1": CITY.crews["water-1"]}
    late = Shift(frozenset(range(7)), time(7), time(23))
    crews["water-3"] = replace(CITY.crews["water-2"], id="water-3", shifts=(late,))
    burst = _incident("main_burst", state=IncidentState.IN_PROGRESS)
    part = _order(
        burst,
        "water-1",
        OrderState.ARRIVED,
        arrive_at=at("13:00"),
        finish_at=at("15:00"),
        remaining=timedelta(hours=3),
    )
    soon = at("14:20")
    made = _plan(burst, now=soon, city=small_city(crews=crews), orders={part.id: part})
    relief = _only(made)
    assert (relief.crew, relief.continues) == ("water-3", part.number)
    assert relief.depart_at > soon
    assert relief.arrive_at == part.finish_at


@pytest.mark.parametrize("seed", range(40))
def test_nobody_works_beyond_their_hours_and_overtime(seed: int) -> None:
    """Whatever happens when: each order lies in its crew's hours, and begins and ends in them."""
    chance = random.Random(seed)
    now = at("00:00") + timedelta(minutes=5 * chance.randrange(12 * 24 * 9))
    categories = {
        c.id: replace(c, hours=chance.choice([0.5, 2.0, 5.0, 9.0, 14.0]))
        for c in CITY.categories.values()
    }
    city = small_city(categories=categories)
    names = chance.sample(sorted(categories), 4)
    incidents = [_incident(n, severity=Severity(chance.randrange(1, 5))) for n in names]
    severity = {i.id: i.severity for i in incidents}
    for made in _plan(*incidents, now=now, city=city).assignments:
        severe = severity[made.incident] >= Severity.HIGH
        overtime = timedelta(hours=2) if severe else timedelta()
        working = spans(city.crews[made.crew], city.timezone, now, on_call=severe)
        inside = [(s, e) for s, e in working if s <= made.depart_at < e]
        assert len(inside) == 1
        assert made.arrive_at < made.finish_at <= inside[0][1] + overtime
        category = categories[next(i.category for i in incidents if i.id == made.incident)]
        planned = made.finish_at - made.arrive_at + made.remaining
        assert planned == timedelta(hours=category.hours)


def test_a_crew_without_any_shift_ahead() -> None:
    crews = {"pumps": replace(CITY.crews["pumps"], shifts=())}
    assert _why(_plan(_incident("pump"), city=small_city(crews=crews))) == (
        "shift",
        "Αντλιοστάσια: καμία βάρδια τις επόμενες ημέρες",
    )


def test_a_busy_crew_says_with_what_and_until_when() -> None:
    first, second = _incident("pump", "first"), _incident("pump", "second")
    order = _order(first, "pumps", OrderState.ACCEPTED)
    made = _plan(first, second, orders={order.id: order})
    assert _why(made) == ("busy", "Αντλιοστάσια: απασχολημένο με την εντολή Ε-2026-0007 ως 12:00")
    late = _plan(first, second, orders={order.id: order}, now=at("12:30"))
    assert _why(late) == ("busy", "Αντλιοστάσια: απασχολημένο με την εντολή Ε-2026-0007")


@pytest.mark.parametrize("state", [OrderState.DECLINED, OrderState.EXPIRED])
def test_a_crew_that_refused_is_not_asked_again_within_the_hour(state: OrderState) -> None:
    pump = _incident("pump")
    order = _order(pump, "pumps", state)
    assert _why(_plan(pump, orders={order.id: order})) == (
        "declined",
        "Αντλιοστάσια: αρνήθηκε, δεν απάντησε ή έφυγε· ξανά από 10:30",
    )
    assert _only(_plan(pump, orders={order.id: order}, now=at("10:30"))).crew == "pumps"


def test_another_crew_goes_where_the_first_refused() -> None:
    crews = dict(CITY.crews)
    crews["water-3"] = replace(crews["water-1"], id="water-3", vehicles=("v4",))
    leak = _incident("service_leak")
    order = _order(leak, "water-1", OrderState.DECLINED)
    made = _plan(leak, city=small_city(crews=crews), orders={order.id: order})
    assert _only(made).crew == "water-3"


def test_what_has_passed_by_itself_is_left_alone_unless_somebody_asked() -> None:
    low = cleared(alert(CITY, "zm-01", "low_pressure", at("09:00")), at("09:30"))
    alone = _incident("low_pressure", alerts=(low.id,))
    assert _why(_plan(alone, alerts={low.id: low}))[0] == "cleared"
    asked = request("low_pressure", at("09:10"))
    made = _plan(replace(alone, requests=(asked.id,)), alerts={low.id: low})
    assert _only(made).crew == "water-1"
    severe = replace(alone, severity=Severity.HIGH)
    assert _only(_plan(severe, alerts={low.id: low})).crew == "water-1"

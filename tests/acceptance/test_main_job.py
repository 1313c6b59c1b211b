"""Timed stories: what the desk makes of a night in the small city, minute by minute."""

from datetime import timedelta
from decimal import Decimal

from kel.model.alert import Severity
from kel.model.incident import IncidentState, Material
from kel.model.order import OrderState
from kel.model.stock import WAREHOUSE
from tests.acceptance.story import Habit, Story
from tests.builders.city import LAMPS, alert, at, cleared, request, small_city

CITY = small_city()
HOURS = timedelta(hours=1)


def test_a_burst_at_night_from_the_first_sign_to_the_end() -> None:
    story = Story(at("02:30"), habits={"water-2": Habit(works=4 * HOURS)})
    burst = alert(CITY, "zm-01", "main_burst", at("02:40"), at("02:50"))
    noise = alert(CITY, "ls-02", "service_leak", at("02:42"), at("02:58"))
    wet = request("main_burst", at("03:05"), 38.1331)
    story.push(burst, noise, wet)
    story.run(at("02:50"))

    incident = story.incident("main_burst")
    assert (incident.opened_at, incident.severity) == (at("02:50"), Severity.CRITICAL)
    (order,) = story.orders_of(incident)
    assert order.crew == "water-2"  # on call; water-1 sleeps
    assert order.vehicles == ("v2", "d2")
    assert {(i.item, i.place, i.planned) for i in order.items} == {
        ("clamp", WAREHOUSE, Decimal(1)),
        ("sand", WAREHOUSE, Decimal(4)),
    }
    assert (order.made_at, order.expires_at) == (at("02:50"), at("03:05"))

    story.run(at("03:30"))
    incident = story.incident("main_burst")
    assert incident.state is IncidentState.IN_PROGRESS
    assert (len(incident.alerts), len(incident.requests)) == (2, 1)

    story.run(at("07:30"))
    incident = story.incident("main_burst")
    done = story.orders_of(incident)[0]
    assert done.state is OrderState.COMPLETED
    assert (incident.state, incident.resolved_at) == (IncidentState.RESOLVED, done.completed_at)
    assert story.situation.stock_at(WAREHOUSE, "clamp").on_hand == 9
    assert story.situation.stock_at(WAREHOUSE, "clamp").reserved == 0

    story.push(cleared(noise, at("07:40")), cleared(burst, at("08:10")))
    story.run(at("09:00"))
    incident = story.incident("main_burst")
    assert (incident.state, incident.closed_at) == (IncidentState.CLOSED, at("08:40"))
    assert story.history(incident) == [
        "opened",
        "planned",
        "in_progress",
        "hushed",
        "joined",
        "resolved",
        "cleared",
        "cleared",
        "verified",
        "closed",
    ]
    assert not story.situation.incidents
    assert sum(c.amount for c in story.changes.costs) > 0
    assert story.all_ids_differ()


def test_a_dark_feeder_is_one_incident_whatever_its_lamps_say() -> None:
    story = Story(at("20:00"))
    lamps = [
        alert(CITY, f"la-01-{n:03d}", "lamp", at("20:05"), at("20:20") + timedelta(minutes=3 * n))
        for n in range(1, LAMPS + 1)
    ]
    feeder = alert(CITY, "fc-01", "feeder", at("20:05"), at("20:31"))
    story.push(*lamps, feeder)
    story.run(at("21:10"))
    incident = story.incident("feeder")
    assert list(story.situation.incidents) == [incident.id]
    assert (incident.cause, len(incident.alerts)) == ("fc-01", LAMPS + 1)
    late = [a for a in lamps if a.detected_at > feeder.detected_at]
    assert len(story.told(incident, "hushed")) == len(late)
    assert [o.category for o in story.orders_of(incident)][-1] == "feeder"


def test_work_on_a_sign_is_not_the_repair_of_its_cause() -> None:
    """A crew is at a lamp when the feeder goes: the lamp's completion leaves the feeder to do."""
    story = Story(at("20:00"), habits={"electric": Habit(works=timedelta(minutes=45))})
    story.push(alert(CITY, "la-01-001", "lamp", at("20:00"), at("20:10")))
    story.push(alert(CITY, "fc-01", "feeder", at("20:40"), at("20:45")))
    story.run(at("23:00"))
    incident = story.incident("feeder")
    lamp, feeder = story.orders_of(incident)
    assert (lamp.category, lamp.state) == ("lamp", OrderState.COMPLETED)
    assert feeder.category == "feeder"
    assert feeder.made_at - (lamp.completed_at or at("23:59")) < timedelta(minutes=5)
    assert story.told(incident, "part_done") == [
        (lamp.completed_at, "Ε-2026-0001 ήταν για: Βλάβη φωτιστικού")
    ]


def test_a_lamps_order_is_taken_back_when_the_feeder_turns_out_to_be_the_cause() -> None:
    story = Story(at("20:00"), habits={"electric": Habit(accepts=timedelta(minutes=20))})
    story.push(alert(CITY, "la-01-001", "lamp", at("20:00"), at("20:10")))
    story.run(at("20:10"))
    story.push(alert(CITY, "fc-01", "feeder", at("20:05"), at("20:20")))
    story.run(at("20:25"))
    incident = story.incident("feeder")
    first, second = story.orders_of(incident)
    assert (first.category, first.state) == ("lamp", OrderState.WITHDRAWN)
    assert (second.category, second.crew) == ("feeder", "electric")
    assert [m.payload["state"] for m in story.changes.outbox] == ["sent", "withdrawn", "sent"]


def test_smoke_is_sent_at_once_and_a_second_source_only_raises_it() -> None:
    story = Story(at("14:00"))
    smoke = alert(CITY, "cam-01", "fire", at("14:10"), severity=Severity.HIGH, metric="smoke")
    story.push(smoke, alert(CITY, "fs-01", "fire", at("14:22"), severity=Severity.HIGH))
    story.run(at("14:10"))
    incident = story.incident("fire")
    assert [o.crew for o in story.orders_of(incident)] == ["green-fire"]
    assert incident.severity is Severity.HIGH
    story.run(at("14:25"))
    incident = story.incident("fire")
    assert incident.severity is Severity.CRITICAL
    assert len(story.orders_of(incident)) == 1


def test_low_pressure_behind_a_failing_pump_is_no_incident_of_its_own() -> None:
    story = Story(at("10:00"))
    story.push(
        alert(CITY, "ps-01", "pump", at("10:05"), at("10:20")),
        alert(CITY, "zm-01", "low_pressure", at("10:15"), at("10:40")),
        alert(CITY, "zm-02", "low_pressure", at("10:15"), at("10:41")),
        request("low_pressure", at("10:50"), 38.161, community="stamata"),
    )
    story.run(at("11:00"))
    incident = story.incident("pump")
    assert list(story.situation.incidents) == [incident.id]
    assert (len(incident.alerts), len(incident.requests)) == (3, 1)
    assert [o.crew for o in story.orders_of(incident)] == ["pumps"]


def test_silence_from_a_crew_hands_the_job_to_another() -> None:
    story = Story(at("14:30"), habits={"water-1": Habit(accepts=None)})
    story.push(
        alert(CITY, "zm-01", "low_pressure", at("14:20"), at("14:35"), severity=Severity.HIGH)
    )
    story.run(at("15:30"))
    incident = story.incident("low_pressure")
    first, second = story.orders_of(incident)
    assert (first.crew, first.state) == ("water-1", OrderState.EXPIRED)
    assert (second.crew, second.state) == ("water-2", OrderState.ARRIVED)
    assert second.made_at == first.expires_at == at("14:50")
    assert incident.state is IncidentState.IN_PROGRESS
    assert story.history(incident)[:4] == ["opened", "planned", "expired", "planned"]


def test_a_job_nobody_can_do_says_why_once_and_goes_when_it_can() -> None:
    story = Story(at("04:00"))
    story.push(alert(CITY, "ls-01", "service_leak", at("03:50"), at("04:05")))
    story.run(at("08:00"))
    incident = story.incident("service_leak")
    assert story.told(incident, "unplanned") == [
        (at("04:05"), "περιμένει τη βάρδια του συνεργείου Ύδρευση 1 07:00")
    ]
    (order,) = story.orders_of(incident)
    assert (order.made_at, order.depart_at) == (at("06:15"), at("07:00"))


def test_a_repair_that_did_not_hold_is_planned_again() -> None:
    story = Story(at("08:00"), habits={"pumps": Habit(works=HOURS)})
    pump = alert(CITY, "ps-01", "pump", at("08:00"), at("08:15"))
    story.push(pump)
    story.run(at("16:00"))
    incident = story.incident("pump")
    first, second = story.orders_of(incident)
    assert first.completed_at is not None
    assert story.told(incident, "still_active")[0][0] == first.completed_at + 3 * HOURS
    assert second.attempt == 2
    assert second.made_at > first.completed_at + 3 * HOURS


def test_trouble_that_passes_sends_nobody_and_closes_by_itself() -> None:
    story = Story(at("02:00"))
    low = alert(CITY, "zm-01", "low_pressure", at("02:05"), at("02:10"))
    story.push(low, cleared(low, at("02:40")))
    story.run(at("04:00"))
    incident = story.incident("low_pressure")
    assert (incident.state, incident.closed_at) == (IncidentState.CLOSED, at("03:40"))
    assert story.orders_of(incident) == []


def test_a_crew_that_used_more_than_the_ledger_knew_is_believed() -> None:
    used = (Material("clamp", Decimal(2)), Material("saddle", Decimal(1)))
    story = Story(at("08:00"), habits={"water-1": Habit(used=used)})
    story.push(alert(CITY, "zm-01", "main_burst", at("08:00"), at("08:05")))
    story.run(at("12:00"))
    order = story.orders_of(story.incident("main_burst"))[0]
    assert order.state is OrderState.COMPLETED
    assert {(i.item, i.used) for i in order.items} == {
        ("clamp", Decimal(2)),
        ("saddle", Decimal(1)),
        ("sand", Decimal(0)),
    }
    kinds = {(m.item, m.kind.value, m.quantity) for m in story.changes.movements}
    assert ("clamp", "difference", Decimal(1)) in kinds  # one more than the van had
    assert all(s.on_hand >= 0 for s in story.situation.stock.values())


def test_a_restart_in_the_middle_changes_nothing() -> None:
    """What is loaded again is what is going on; inputs that were taken are seen once more."""
    signs = [
        alert(CITY, "zm-01", "main_burst", at("02:40"), at("02:50")),
        alert(CITY, "ls-02", "service_leak", at("02:42"), at("02:58")),
        request("main_burst", at("03:05"), 38.1331),
    ]
    straight, restarted = Story(at("02:30")), Story(at("02:30"))
    straight.push(*signs)
    restarted.push(*signs)
    straight.run(at("06:00"))
    restarted.run(at("03:10"))
    restarted.situation = restarted.situation.copy()
    restarted.push(*signs)
    restarted.run(at("06:00"))
    assert restarted.situation == straight.situation
    assert restarted.changes == straight.changes


def test_steps_of_another_length_make_the_same_incidents() -> None:
    signs = [
        alert(CITY, "zm-02", "low_pressure", at("10:02"), at("10:12")),
        alert(CITY, "ps-01", "pump", at("10:00"), at("10:18")),
        cleared(alert(CITY, "zm-02", "low_pressure", at("10:02"), at("10:12")), at("10:44")),
    ]
    nobody = {crew: Habit(accepts=None) for crew in CITY.crews}
    fine, coarse = Story(at("10:00"), habits=nobody), Story(at("10:00"), habits=nobody)
    for story in (fine, coarse):
        story.push(*signs)
    fine.run(at("11:00"))
    coarse.step(at("11:00"))
    assert fine.incident("pump") == coarse.incident("pump")

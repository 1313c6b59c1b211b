"""Incidents: one per cause, whatever reports it and in whatever order it is looked at."""

import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from kel.model.alert import Severity
from kel.model.ids import make_id
from kel.model.incident import Incident, IncidentState
from kel.model.order import OrderState
from kel.model.situation import Command, Inputs, Situation
from rules.incidents.correlate import correlate
from rules.incidents.following import follow_orders
from tests.builders.city import LAMPS, alert, at, cleared, north, request, small_city
from tests.builders.incidents import CITY, Day, command, moment_of, order_of


def acknowledge(number: str, clock: str = "03:00") -> Command:
    return command("acknowledge", number, clock)


# --- opening ---------------------------------------------------------------------------------


def test_an_alert_opens_an_incident_at_themoment_of_it_was_detected() -> None:
    day = Day()
    burst = alert(CITY, "zm-01", "main_burst", at("02:40"), at("02:50"))
    day.put(burst, now=at("02:55"))
    assert day.one.id == make_id("incident", burst.id)
    assert day.one.number == "2026-0001"
    assert (day.one.state, day.one.severity) == (IncidentState.OPEN, Severity.CRITICAL)
    assert (day.one.started_at, day.one.opened_at) == (at("02:40"), at("02:50"))
    assert day.one.title == "Θραύση αγωγού — ζώνη Δροσιά 2"
    assert (day.one.cause, day.one.zone, day.one.community) == ("zm-01", "z01", "drosia")
    assert [e.what for e in day.events] == ["opened"]


@pytest.mark.parametrize(
    ("device", "category", "metric", "title"),
    [
        ("ps-01", "pump", "head", "Βλάβη αντλιοστασίου — Αντλιοστάσιο Δροσιάς"),
        ("fc-01", "feeder", "power", "Διακοπή γραμμής φωτισμού — γραμμή Δροσιά Α"),
        ("la-01-003", "lamp", "failure", "Βλάβη φωτιστικού — Φωτιστικό 3"),
        ("cam-01", "fire", "smoke", "Πυρκαγιά: καπνός — Κάμερα Προφήτη Ηλία"),
        ("ls-01", "service_leak", "noise", "Διαρροή παροχής — ζώνη Δροσιά 2"),
    ],
)
def test_titles_name_the_place(device: str, category: str, metric: str, title: str) -> None:
    day = Day()
    day.put(alert(CITY, device, category, at("10:00"), metric=metric))
    assert day.one.title == title


def test_numbers_begin_anew_with_the_local_year() -> None:
    day = Day()
    day.situation.count("incident", "2025-0412")
    new_year = at("00:30", day=1) - timedelta(days=59)  # 22:30 of 31 December in UTC
    assert (new_year.year, new_year.month) == (2025, 12)
    day.put(alert(CITY, "ps-01", "pump", new_year))
    assert day.one.number == "2026-0001"


def test_an_alert_of_a_device_nobody_knows_any_more_is_taken_all_the_same() -> None:
    day = Day()
    day.put(replace(alert(CITY, "ps-01", "pump", at("10:00")), device="gone"))
    assert day.one.title == "Βλάβη αντλιοστασίου — Δροσιά"
    assert day.one.place == CITY.communities["drosia"].centre


def test_a_short_alert_seen_only_after_its_end_opens_and_clears() -> None:
    day = Day()
    day.put(
        cleared(alert(CITY, "zm-01", "low_pressure", at("10:00")), at("10:10")), now=at("10:30")
    )
    assert [(e.what, e.at) for e in day.events] == [
        ("opened", at("10:00")),
        ("cleared", at("10:10")),
    ]


# --- joining ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second", "together"),
    [
        (("zm-01", "main_burst", "02:50"), ("zm-01", "low_pressure", "03:20"), True),  # device
        (("zm-01", "main_burst", "02:50"), ("zm-01", "sensor", "03:20"), False),  # other family
        (("ls-01", "service_leak", "02:50"), ("ls-02", "low_pressure", "04:50"), True),  # zone
        (("ls-01", "service_leak", "02:50"), ("ls-02", "low_pressure", "04:51"), False),  # late
        (("ls-01", "service_leak", "02:50"), ("ls-03", "low_pressure", "03:00"), False),  # zone 2
        (("la-01-001", "lamp", "20:00"), ("la-01-009", "lamp", "21:00"), True),  # feeder
        (("la-01-001", "lamp", "20:00"), ("fc-02", "feeder", "20:10"), False),
        (("ps-01", "pump", "10:00"), ("zm-02", "low_pressure", "15:00"), True),  # topology
        (("ps-01", "pump", "10:00"), ("zm-02", "main_burst", "10:30"), False),
        (("cam-01", "fire", "14:00"), ("fs-01", "fire", "14:30"), True),  # 890 m, 30 min
        (("cam-01", "fire", "14:00"), ("fs-01", "fire", "14:31"), False),
        (("cam-01", "fire", "14:00"), ("cam-02", "fire", "14:01"), False),  # 4.4 km
    ],
)
def test_which_alerts_are_one_incident(
    first: tuple[str, str, str], second: tuple[str, str, str], together: bool
) -> None:
    day = Day()
    for device, category, clock in (first, second):
        day.put(alert(CITY, device, category, at(clock)))
    assert (len(day.situation.incidents) == 1) is together


def test_what_a_parent_explains_is_hushed() -> None:
    day = Day()
    day.put(alert(CITY, "ps-01", "pump", at("10:00")))
    day.put(alert(CITY, "zm-02", "low_pressure", at("10:20")))
    assert day.told("hushed") == ["το εξηγεί: Βλάβη αντλιοστασίου — Αντλιοστάσιο Δροσιάς"]
    assert (day.one.category, day.one.cause, len(day.one.alerts)) == ("pump", "ps-01", 2)


def test_the_highest_rank_names_the_incident_and_renews_its_title() -> None:
    day = Day()
    day.put(alert(CITY, "ls-01", "low_pressure", at("02:40")))
    assert day.one.title == "Χαμηλή πίεση — ζώνη Δροσιά 2"
    day.put(alert(CITY, "zm-01", "main_burst", at("02:50")))
    assert day.one.title == "Θραύση αγωγού — ζώνη Δροσιά 2"
    assert (day.one.cause, day.one.severity) == ("zm-01", Severity.CRITICAL)
    assert day.told("raised") == [
        "κατηγορία: Χαμηλή πίεση → Θραύση αγωγού, σοβαρότητα: μεσαία → κρίσιμη"
    ]
    assert day.one.place == CITY.devices["ls-01"].place  # nearest to the hole


def test_a_lower_rank_changes_nothing_but_the_history() -> None:
    day = Day()
    day.put(alert(CITY, "zm-01", "main_burst", at("02:40")))
    before = day.one
    day.put(alert(CITY, "zm-01", "low_pressure", at("02:50")))
    assert replace(day.one, alerts=before.alerts) == before
    assert day.told("raised") == []


def test_two_sources_of_a_fire_raise_it_and_one_alone_is_not_delayed() -> None:
    day = Day()
    smoke = alert(CITY, "cam-01", "fire", at("14:00"), severity=Severity.HIGH)
    day.put(smoke, now=at("14:00"))
    assert day.one.severity is Severity.HIGH
    day.put(replace(smoke, id=make_id("alert", "again"), detected_at=at("14:05")))
    assert day.one.severity is Severity.HIGH  # the same camera again is no second source
    day.put(alert(CITY, "fs-01", "fire", at("14:06"), severity=Severity.HIGH))
    assert day.one.severity is Severity.CRITICAL
    assert day.told("raised") == ["σοβαρότητα: υψηλή → κρίσιμη"]


def test_a_feeder_and_its_lamps_are_one_incident_in_eitherorder_of() -> None:
    lamps = [
        alert(CITY, f"la-01-{n:03d}", "lamp", at("20:00"), at("20:05") + timedelta(minutes=n))
        for n in range(1, LAMPS + 1)
    ]
    feeder = alert(CITY, "fc-01", "feeder", at("20:00"), at("20:40"))
    for signs in ([*lamps, feeder], [feeder, *lamps], [*lamps[:6], feeder, *lamps[6:]]):
        day = Day()
        day.put(*signs)
        assert (day.one.category, day.one.cause) == ("feeder", "fc-01")
        assert len(day.one.alerts) == LAMPS + 1


def test_a_parent_that_comes_later_absorbs_what_it_explains() -> None:
    day = Day()
    day.put(alert(CITY, "zm-01", "low_pressure", at("10:00")))
    day.put(alert(CITY, "zm-02", "low_pressure", at("10:05")))
    assert len(day.situation.incidents) == 2
    day.put(alert(CITY, "ps-01", "pump", at("09:55"), at("10:10")))
    assert (day.one.category, len(day.one.alerts), day.one.number) == ("pump", 3, "2026-0003")
    assert day.told("closed") == ["ενώθηκε με το 2026-0003"] * 2
    assert len(day.told("hushed")) == 2
    assert {i.alerts for i in day.ended.values()} == {()}  # an alert has one incident


def test_a_lamp_that_failed_last_week_is_not_the_feeders_doing() -> None:
    day = Day()
    day.put(alert(CITY, "la-01-001", "lamp", at("20:00", day=1)))
    day.put(alert(CITY, "fc-01", "feeder", at("20:00", day=4)))
    assert len(day.situation.incidents) == 2


def test_work_that_has_begun_is_not_absorbed() -> None:
    day = Day()
    day.put(alert(CITY, "zm-01", "low_pressure", at("10:00")))
    day.follow(order_of(day.one, OrderState.ACCEPTED, accepted_at=at("10:05")), at("10:05"))
    day.put(alert(CITY, "ps-01", "pump", at("10:10")))
    assert {i.category for i in day.situation.incidents.values()} == {"low_pressure", "pump"}


# --- citizens --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "joins"),
    [
        (request("low_pressure", at("03:30"), 38.134), True),  # near the zone's sensors
        (request("low_pressure", at("03:30"), 38.150), False),
        (request("low_pressure", at("03:30")), True),  # no place: the community decides
        (request("low_pressure", at("03:30"), community="stamata"), False),
        (request("low_pressure", at("08:50"), 38.134), True),
        (request("low_pressure", at("08:51"), 38.134), False),  # 6 h after the last sign
        (request("tree", at("03:30"), 38.130), False),
        (request("no-such", at("03:30"), 38.130), False),  # other joins nothing
    ],
)
def test_which_requests_join_a_burst(asked: Any, joins: bool) -> None:
    day = Day()
    day.put(alert(CITY, "zm-01", "main_burst", at("02:50")))
    day.put(asked)
    assert (len(day.situation.incidents) == 1) is joins


def test_a_request_alone_opens_an_incident_without_the_citizens_words() -> None:
    day = Day()
    asked = replace(request("tree", at("09:00"), 38.12), text="Παπαδοπούλου 6940000000")
    day.put(asked)
    assert (day.one.title, day.one.place) == ("Δέντρο — Δροσιά", north(38.12))
    assert day.one.requests == (asked.id,)
    assert "Παπαδοπούλου" not in day.one.title + "".join(e.why for e in day.events)


def test_a_category_nobody_knows_becomes_other() -> None:
    day = Day()
    day.put(request("no-such", at("09:00")))
    assert day.one.category == "other"


def test_an_alert_joins_what_citizens_had_reported() -> None:
    day = Day()
    day.put(request("low_pressure", at("02:45"), 38.134))
    day.put(alert(CITY, "zm-01", "main_burst", at("02:40"), at("02:50")))
    assert (day.one.category, day.one.zone, day.one.cause) == ("main_burst", "z01", "zm-01")
    assert day.one.started_at == at("02:40")
    assert day.told("joined") == ["το είχαν αναφέρει πολίτες"]


def test_several_dark_streets_reported_are_one_feeder() -> None:
    day = Day()
    day.put(request("lamp", at("20:10"), 38.1157), request("lamp", at("20:12"), 38.1205, n=2))
    assert len(day.situation.incidents) == 2
    day.put(alert(CITY, "fc-01", "feeder", at("20:00"), at("20:40")))
    assert (day.one.category, len(day.one.requests)) == ("feeder", 2)


def test_a_citizen_confirms_a_fire() -> None:
    day = Day()
    day.put(alert(CITY, "cam-01", "fire", at("14:00"), severity=Severity.HIGH))
    day.put(request("fire", at("14:10"), 38.205, community="stamata"))
    assert day.one.severity is Severity.CRITICAL


# --- seen again, in other batches --------------------------------------------------------------


def test_the_same_sign_again_changes_nothing() -> None:
    day = Day()
    burst = alert(CITY, "zm-01", "main_burst", at("02:50"))
    ended = cleared(burst, at("03:10"))
    asked = request("low_pressure", at("03:00"), 38.134)
    day.put(burst, asked)
    assert not day.put(burst, asked)
    day.put(ended)
    assert not day.put(ended)
    assert not day.put(burst)  # its beginning does not undo its end
    assert day.situation.quiet_since(day.one) == at("03:10")
    day.put(acknowledge(day.one.number))
    again = day.put(acknowledge(day.one.number))
    assert not (again.incidents or again.incident_events)  # only the answer that it was done


def test_the_cut_into_batches_makes_no_difference() -> None:
    signs: list[Any] = [
        alert(CITY, "ls-01", "low_pressure", at("02:42")),
        alert(CITY, "zm-01", "main_burst", at("02:40"), at("02:50")),
        cleared(alert(CITY, "la-01-002", "lamp", at("01:00")), at("02:00")),
        request("low_pressure", at("03:05"), 38.134),
        alert(CITY, "ps-01", "pump", at("02:00"), at("03:10")),
        alert(CITY, "zm-02", "low_pressure", at("03:20")),
        cleared(alert(CITY, "ls-01", "low_pressure", at("02:42")), at("04:00")),
    ]
    signs.sort(key=moment_of)

    def outcome(cuts: list[int]) -> tuple[dict[Any, Incident], set[Any]]:
        day = Day()
        for start, end in zip([0, *cuts], [*cuts, len(signs)], strict=True):
            if signs[start:end]:
                day.put(*signs[start:end])
        day.put(now=at("06:00"))
        return day.situation.incidents | day.ended, {(e.id, e.at) for e in day.events}

    whole = outcome([])
    for seed in range(20):
        cuts = sorted(random.Random(seed).sample(range(1, len(signs)), 3))
        assert outcome(cuts) == whole


def test_the_order_within_a_batch_and_of_dictionaries_makes_no_difference() -> None:
    signs = [
        alert(CITY, f"la-01-{n:03d}", "lamp", at("20:00"), at("20:30")) for n in range(1, LAMPS)
    ]
    whole = Day().put(*signs)
    for seed in range(5):
        shuffled = random.Random(seed).sample(signs, len(signs))
        devices = dict(random.Random(seed).sample(list(CITY.devices.items()), len(CITY.devices)))
        assert Day(small_city(devices=devices)).put(*shuffled) == whole


def test_the_situation_given_is_left_as_it_is() -> None:
    day = Day()
    day.put(alert(CITY, "ls-01", "low_pressure", at("02:42")))
    before = day.situation.copy()
    inputs = Inputs(at("03:00"), (alert(CITY, "zm-01", "main_burst", at("02:50")),))
    correlate(CITY, day.situation, inputs)
    assert day.situation == before


# --- life ------------------------------------------------------------------------------------


def test_an_operator_acknowledges_by_number() -> None:
    day = Day()
    day.put(alert(CITY, "ps-01", "pump", at("02:50")))
    day.put(acknowledge("2026-0001"))
    assert (day.one.state, day.one.acknowledged_at) == (IncidentState.ACKNOWLEDGED, at("03:00"))
    assert [(e.who, e.what) for e in day.events][-1] == ("Άννα", "acknowledged")


@pytest.mark.parametrize("number", ["2026-9999", "", "2025-0001"])
def test_a_command_for_an_incident_nobody_has_does_nothing(number: str) -> None:
    day = Day()
    day.put(alert(CITY, "ps-01", "pump", at("02:50")))
    changes = day.put(acknowledge(number))
    assert not (changes.incidents or changes.incident_events)
    assert day.answers == [f"δεν υπάρχει ενεργό συμβάν {number}"]


def _repaired(device: str = "zm-01", category: str = "low_pressure", **values: Any) -> Day:
    """A day on which something was detected at 10:00 and repaired at 12:00."""
    day = Day()
    day.put(alert(CITY, device, category, at("10:00"), **values))
    accepted = order_of(day.one, OrderState.ACCEPTED, accepted_at=at("10:10"))
    day.follow(accepted, at("10:10"))
    assert day.one.state is IncidentState.IN_PROGRESS
    day.follow(replace(accepted, state=OrderState.COMPLETED, completed_at=at("12:00")), at("12:05"))
    assert (day.one.state, day.one.resolved_at) == (IncidentState.RESOLVED, at("12:00"))
    return day


def test_a_repair_closes_when_its_sensors_agree() -> None:
    day = _repaired()
    day.put(cleared(alert(CITY, "zm-01", "low_pressure", at("10:00")), at("12:20")))
    assert (day.one.state, day.one.verified_at) == (IncidentState.VERIFIED, at("12:20"))
    day.put(now=at("12:49"))
    assert day.situation.incidents
    day.put(now=at("13:00"))
    (closed,) = day.ended.values()
    assert (closed.state, closed.closed_at) == (IncidentState.CLOSED, at("12:50"))
    assert (day.told("verified"), day.told("closed")) == (
        ["οι αισθητήρες συμφωνούν"],
        ["επαληθεύτηκε"],
    )


def test_a_repair_its_sensors_doubt_for_three_hours_is_open_again() -> None:
    day = _repaired()
    day.put(now=at("14:59"))
    assert day.one.state is IncidentState.RESOLVED
    day.put(now=at("15:10"))
    assert day.one.state is IncidentState.OPEN
    assert [e.at for e in day.events if e.what == "still_active"] == [at("15:00")]
    (order,) = day.situation.orders.values()
    assert not day.follow(order, at("15:10"))  # the old completion does not resolve it again


def test_a_second_repair_resolves_it_again() -> None:
    day = _repaired()
    day.put(now=at("15:10"))
    second = order_of(day.one, OrderState.COMPLETED, attempt=2, completed_at=at("17:00"))
    day.follow(second, at("17:00"))
    assert (day.one.state, day.one.resolved_at) == (IncidentState.RESOLVED, at("17:00"))


def test_a_part_resolves_nothing_and_its_relief_does() -> None:
    day = Day()
    day.put(alert(CITY, "zm-01", "main_burst", at("09:00")))
    taken = {"made_at": at("09:05"), "accepted_at": at("09:10")}
    left = timedelta(hours=1, minutes=5)
    part = order_of(
        day.one, OrderState.COMPLETED, completed_at=at("11:00"), remaining=left, **taken
    )
    day.follow(part, at("11:00"))
    assert (day.one.state, day.one.resolved_at) == (IncidentState.OPEN, None)
    assert day.told("part_done") == ["Ε-2026-0001: παράδοση βάρδιας, μένουν 1 ώ 05′"]
    relief = order_of(day.one, OrderState.COMPLETED, attempt=2, completed_at=at("13:00"), **taken)
    day.follow(relief, at("13:00"))
    assert (day.one.state, day.one.resolved_at) == (IncidentState.RESOLVED, at("13:00"))


@pytest.mark.parametrize(
    ("device", "category", "values"),
    [("zm-01", "main_burst", {"kind": "night_flow"}), ("fc-01", "feeder", {})],
)
def test_what_only_the_night_can_show_is_given_a_night(
    device: str, category: str, values: dict[str, str]
) -> None:
    day = _repaired(device, category, **values)
    day.put(now=at("10:00", day=5))
    assert day.one.state is IncidentState.RESOLVED
    day.put(now=at("14:00", day=5))
    assert day.one.state is IncidentState.OPEN


def test_new_trouble_after_the_repair_opens_it_at_once() -> None:
    day = _repaired()
    day.put(alert(CITY, "zm-01", "main_burst", at("12:10")))
    assert day.one.state is IncidentState.OPEN
    assert day.told("reopened") == ["νέα ειδοποίηση μετά την αποκατάσταση"]


def test_what_citizens_alone_reported_closes_half_an_hour_after_the_work() -> None:
    day = Day()
    day.put(request("tree", at("09:00"), 38.12))
    done = order_of(
        day.one, OrderState.COMPLETED, accepted_at=at("09:10"), completed_at=at("11:00")
    )
    day.follow(done, at("11:00"))
    assert [e.what for e in day.events] == ["opened", "in_progress", "resolved"]
    day.put(now=at("12:00"))
    assert [i.closed_at for i in day.ended.values()] == [at("11:30")]


@pytest.mark.parametrize(
    ("severity", "acknowledged", "asked", "closes"),
    [
        (Severity.MEDIUM, False, False, True),
        (Severity.HIGH, False, False, False),  # somebody has to have seen it
        (Severity.HIGH, True, False, True),
        (Severity.MEDIUM, False, True, False),  # a citizen waits
    ],
)
def test_what_passes_by_itself(
    severity: Severity, acknowledged: bool, asked: bool, closes: bool
) -> None:
    day = Day()
    low = alert(CITY, "zm-01", "low_pressure", at("10:00"), severity=severity)
    day.put(low)
    if acknowledged:
        day.put(acknowledge(day.one.number, "10:10"))
    if asked:
        day.put(request("low_pressure", at("10:15"), 38.13))
    day.put(cleared(low, at("10:30")))
    day.put(now=at("11:29"))
    assert not day.ended
    day.put(now=at("11:40"))
    assert [i.closed_at for i in day.ended.values()] == ([at("11:30")] if closes else [])


def test_nothing_passes_by_itself_while_a_crew_is_on_its_way() -> None:
    day = Day()
    low = alert(CITY, "zm-01", "low_pressure", at("10:00"))
    day.put(low)
    day.follow(order_of(day.one, OrderState.ACCEPTED, accepted_at=at("10:10")), at("10:10"))
    day.put(cleared(low, at("10:30")))
    day.put(now=at("12:00"))
    assert day.one.state is IncidentState.IN_PROGRESS


@pytest.mark.parametrize("state", [OrderState.DECLINED, OrderState.EXPIRED, OrderState.WITHDRAWN])
def test_a_refused_order_is_told_and_leaves_the_state(state: OrderState) -> None:
    day = Day()
    day.put(alert(CITY, "zm-01", "low_pressure", at("10:00")))
    day.follow(order_of(day.one, state), at("10:30"))
    assert day.one.state is IncidentState.OPEN
    assert len(day.told(state.value)) == 1


@pytest.mark.parametrize(
    ("state", "remaining", "told"),
    [
        (OrderState.SENT, 0, []),
        (OrderState.ARRIVED, 0, []),
        (OrderState.DECLINED, 0, []),
        (OrderState.EXPIRED, 0, []),
        (OrderState.WITHDRAWN, 0, ["withdrawn"]),
        (OrderState.COMPLETED, 0, ["resolved"]),
        (OrderState.COMPLETED, 60, ["part_done"]),
    ],
)
def test_an_order_of_an_incident_that_has_ended_leaves_it_so(
    state: OrderState, remaining: int, told: list[str]
) -> None:
    (order,) = _repaired().situation.orders.values()
    order = replace(order, state=state, remaining=timedelta(minutes=remaining))
    changes = follow_orders(CITY, Situation(), [order], at("13:00"))
    assert not changes.incidents
    assert [e.what for e in changes.incident_events] == told

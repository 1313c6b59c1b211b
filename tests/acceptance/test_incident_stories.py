"""What an operator sees of a day: one cause is one incident, and only what matters is told.

Each story is told by readings of the example city; its own rulebook judges them, the desk decides.
"""

from datetime import timedelta

from kel.model.alert import Severity
from kel.model.incident import IncidentState
from tests.acceptance.instruments import at
from tests.acceptance.measured import LAMPS, Measured
from tests.acceptance.story import Habit

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def test_an_ordinary_day_tells_nothing() -> None:
    story = Measured(at("02:00"))
    story.run(at("08:30"))
    story.run(at("18:00"), every=30 * MINUTE)
    story.run(at("20:30"))
    assert (story.alerts, story.changes.incidents) == ({}, {})


def test_a_burst_at_night_is_one_incident_and_a_leak_elsewhere_is_another() -> None:
    story = Measured(at("01:30"), habits={"water-2": Habit(works=4 * HOUR)})
    story.devices.measure("zm-07", at("02:40"), at("07:10"), flow=40.0, pressure=1.8)
    for sensor, noise in (("ls-18", 60.0), ("ls-20", 55.0), ("ls-10", 55.0)):
        until = None if sensor == "ls-10" else at("07:15")
        story.devices.measure(sensor, at("02:45"), until, noise=noise)
    story.request("main_burst", at("03:10"), 38.12600, 23.86070, "anoixi")
    story.request("low_pressure", at("03:25"), 38.12650, 23.86110, "anoixi")
    story.run(at("09:00"))

    burst, leak = story.incidents()
    assert burst.title == "Θραύση κεντρικού αγωγού — ζώνη Άνοιξη – Νότος"
    assert (burst.severity, burst.cause) == (Severity.CRITICAL, "zm-07")
    explained = "το εξηγεί: Θραύση κεντρικού αγωγού — Μετρητής ζώνης Άνοιξη – Νότος"
    assert story.tale(burst) == [
        "03:00 opened: κανόνας zone-night-flow",
        "03:00 planned: Ε-2026-0001: Ύδρευση 2 (απόγευμα και επιφυλακή), άφιξη 03:20",
        "03:03 in_progress: Ε-2026-0001",
        "03:10 joined: αίτημα πολίτη, 114 m",
        "03:20 joined: ίδια συσκευή",  # the same meter's low pressure
        "03:25 joined: αίτημα πολίτη, 66 m",
        f"03:30 hushed: {explained}",
        f"03:30 hushed: {explained}",
        "07:20 resolved: Ε-2026-0001",
        "07:25 cleared: η τιμή επανήλθε",
        "07:30 cleared: η παροχή επανήλθε στο αναμενόμενο",
        "08:00 cleared: η τιμή επανήλθε",
        "08:00 cleared: η τιμή επανήλθε",
        "08:00 verified: οι αισθητήρες συμφωνούν",
        "08:30 closed: επαληθεύτηκε",
    ]
    assert story.rules_of(burst) == {
        ("zone-night-flow", "zm-07"),
        ("zone-pressure-low", "zm-07"),
        ("leak-noise-high", "ls-18"),
        ("leak-noise-high", "ls-20"),
    }
    assert len(burst.requests) == 2
    assert [o.crew for o in story.orders_of(burst)] == ["water-2"]

    assert leak.title == "Διαρροή παροχής — ζώνη Άγιος Στέφανος – Δύση"
    assert story.rules_of(leak) == {("leak-noise-high", "ls-10")}
    assert story.tale(leak)[:3] == [
        "03:30 opened: κανόνας leak-noise-high",
        "03:30 unplanned: περιμένει τη βάρδια του συνεργείου Ύδρευση 1 (πρωινό) 07:00",
        "06:15 planned: Ε-2026-0002: Ύδρευση 1 (πρωινό), άφιξη 07:03",
    ]
    assert story.all_ids_differ()


def test_a_cabinet_without_voltage_is_one_incident_and_the_lamp_that_stays_dark_speaks() -> None:
    story = Measured(at("19:30"), habits={"electric": Habit(works=110 * MINUTE)})
    lamps = [f"la-02-{n:03d}" for n in range(1, LAMPS + 1)]
    story.devices.measure("fc-02", at("20:10"), at("22:10"), voltage=0.0, power=0.0)
    for lamp in lamps:
        dark = lamp == "la-02-003"
        story.devices.silence(lamp, at("20:10"), None if dark else at("22:10"))
    story.run(at("22:00"))

    (cabinet,) = story.incidents()
    assert story.rules_of(cabinet) == {
        ("feeder-voltage-lost", "fc-02"),
        ("feeder-lamps-silent", "fc-02"),
        *(("lamp-silent", lamp) for lamp in lamps),
    }
    name = "Πίλαρ φωτισμού 2 (Κυκλάμινων – Άγιος Στέφανος)"
    assert story.tale(cabinet) == [
        "20:15 opened: κανόνας feeder-voltage-lost",
        "20:15 planned: Ε-2026-0001: Ηλεκτροφωτισμός, άφιξη 20:20",
        "20:18 in_progress: Ε-2026-0001",
        "21:15 joined: ίδια συσκευή",
        *(f"21:40 hushed: το εξηγεί: Διακοπή γραμμής φωτισμού — {name}" for _ in lamps),
    ]

    story.run(at("03:00", 15))
    cabinet, lamp = story.incidents()
    about = "Φωτιστικό 3, Γραμμή 2 (Κυκλάμινων – Άγιος Στέφανος)"
    assert story.tale(cabinet, "opened", "planned", "in_progress", "joined", "hushed") == [
        "22:10 resolved: Ε-2026-0001",
        "22:15 cleared: η τιμή επανήλθε",
        *("22:30 cleared: η συσκευή ξαναμίλησε" for _ in lamps[1:]),
        "22:35 cleared: οι συσκευές της γραμμής επανήλθαν",
        f"15. 01:35 spoke: {about}: η αιτία πέρασε, η ειδοποίηση μένει",  # 3 h after the cause
        "15. 01:35 verified: οι αισθητήρες συμφωνούν",
        "15. 02:05 closed: επαληθεύτηκε",
    ]
    assert lamp.title == f"Βλάβη φωτιστικού — {about}"
    assert story.tale(lamp)[0] == (
        "15. 01:35 opened: κανόνας lamp-silent · η αιτία (2026-0001) πέρασε, η ειδοποίηση μένει"
    )
    assert (lamp.state, lamp.severity) == (IncidentState.OPEN, Severity.LOW)
    assert story.all_ids_differ()


def test_a_pump_that_trips_explains_the_low_pressure_of_its_zones() -> None:
    story = Measured(at("09:30"), habits={"pumps": Habit(works=2 * HOUR + 17 * MINUTE)})
    still = {"flow": 0.0, "head": 0.0, "power": 0.0, "running": 0.0}
    story.devices.measure("ps-04", at("10:00"), at("13:00"), **still)
    story.devices.ramp("ps-04", "tank_level", at("10:00"), at("13:00"), 3.5, 0.5)
    story.devices.ramp("ps-04", "tank_level", at("13:00"), at("14:00"), 0.5, 3.0)
    for meter in ("zm-04", "zm-05"):
        story.devices.measure(meter, at("10:40"), at("13:20"), pressure=1.2, flow=2.0)
    story.run(at("14:30"))

    (pump,) = story.incidents()
    assert pump.title == (
        "Βλάβη αντλιοστασίου — Αντλιοστάσιο 4 (Άγιος Στέφανος – Δύση και Δυτικό όριο)"
    )
    explained = (
        "το εξηγεί: Βλάβη αντλιοστασίου — Αντλιοστάσιο 4 (Άγιος Στέφανος – Δύση και Δυτικό όριο)"
    )
    assert story.tale(pump, "cleared") == [
        "10:40 opened: κανόνας tank-falling",
        "10:40 planned: Ε-2026-0001: Αντλιοστάσια, άφιξη 10:42",
        "10:43 in_progress: Ε-2026-0001",
        f"11:20 hushed: {explained}",
        f"11:20 hushed: {explained}",
        "12:28 joined: ίδια συσκευή",  # the tank is low, and no longer falls
        "13:00 resolved: Ε-2026-0001",
        "13:42 verified: οι αισθητήρες συμφωνούν",
        "14:12 closed: επαληθεύτηκε",
    ]
    assert story.rules_of(pump) == {
        ("tank-falling", "ps-04"),
        ("tank-low", "ps-04"),
        ("zone-pressure-low", "zm-04"),
        ("zone-pressure-low", "zm-05"),
    }
    assert [o.crew for o in story.orders_of(pump)] == ["pumps"]  # and no plumber


def test_planned_works_are_hidden_and_listed_but_a_fire_there_is_told_at_once() -> None:
    story = Measured(at("08:00"))
    story.say(
        at("08:30"),
        "silence",
        why="πλύσιμο δικτύου",
        community="agios-stefanos",
        starts_at=at("09:00").isoformat(),
        ends_at=at("13:00").isoformat(),
    )
    story.devices.measure("zm-03", at("09:10"), at("12:00"), pressure=1.0)
    story.devices.measure("ls-08", at("09:15"), at("12:00"), noise=60.0)
    story.devices.measure("ls-07", at("09:15"), pressure=0.8)
    story.devices.see("cam-05", at("10:01"), smoke=0.9)
    story.run(at("12:55"))

    (fire,) = story.incidents()
    assert (fire.category, fire.community) == ("fire", "agios-stefanos")
    assert story.tale(fire)[:2] == [
        "10:01 opened: κανόνας camera-smoke",
        "10:05 planned: Ε-2026-0001: Πράσινο και πολιτική προστασία, άφιξη 10:14",
    ]
    assert story.hidden_by("Σ-2026-0001") == [
        "zone-pressure-low zm-03 09:50–12:15 cleared",
        "leak-noise-high ls-08 10:00–12:45 cleared",
        "leak-pressure-low ls-07 10:00",
    ]

    story.run(at("13:30"))
    _, left = story.incidents()
    assert story.hidden_by("Σ-2026-0001")[-1] == "leak-pressure-low ls-07 10:00–13:00 spoke"
    assert story.rules_of(left) == {("leak-pressure-low", "ls-07")}
    assert (left.opened_at, left.started_at) == (at("13:00"), at("09:15"))
    assert story.tale(left)[:2] == [
        "13:00 opened: κανόνας leak-pressure-low · μετά τη σίγαση Σ-2026-0001",
        "13:00 planned: Ε-2026-0002: Ύδρευση 1 (πρωινό), άφιξη 13:03",
    ]


def test_weekly_works_are_hidden_in_their_hours_alone() -> None:
    """Wednesdays and Thursdays, 22:00 to 02:00: both nights are hidden, the hours between not."""
    story = Measured(at("21:00"))
    story.say(
        at("21:10"),
        "silence",
        why="συντήρηση βανών",
        zone="z03",
        days="wed,thu",
        since="22:00",
        until="02:00",
        ends_at=at("12:00", 30).isoformat(),
    )
    meter = story.devices
    meter.measure("zm-03", at("22:10"), at("00:30", 15), pressure=1.0)  # ends within the window
    meter.measure("zm-03", at("01:00", 15), at("05:00", 15), pressure=1.0)  # lasts beyond it
    meter.measure("zm-03", at("10:00", 15), at("11:00", 15), pressure=1.0)  # between two windows
    meter.measure("zm-03", at("22:10", 15), at("23:30", 15), pressure=1.0)  # the next window
    story.run(at("12:30", 15))
    story.run(at("22:00", 15), every=30 * MINUTE)
    story.run(at("03:00", 16))

    assert story.hidden_by("Σ-2026-0001") == [
        "zone-pressure-low zm-03 22:50–15. 00:45 cleared",
        "zone-pressure-low zm-03 15. 01:40–15. 02:00 spoke",
        "zone-pressure-low zm-03 15. 22:50–15. 23:45 cleared",
    ]
    after, between = story.incidents()
    assert story.tale(after, "unplanned") == [
        "15. 02:00 opened: κανόνας zone-pressure-low · μετά τη σίγαση Σ-2026-0001",
        "15. 05:15 cleared: η τιμή επανήλθε",
        "15. 06:15 closed: πέρασε μόνο του",
    ]
    assert story.tale(between)[0] == "15. 10:40 opened: κανόνας zone-pressure-low"

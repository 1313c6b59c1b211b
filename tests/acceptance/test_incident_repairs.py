"""What becomes of an incident once it is told: repaired or not, heard or not.

Each story is told by readings of the example city, as in `test_incident_stories`.
"""

from datetime import timedelta

from kel.model.cost import CostKind
from kel.model.incident import IncidentState
from tests.acceptance.instruments import at
from tests.acceptance.measured import Measured
from tests.acceptance.story import Habit

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def test_a_repair_is_verified_by_the_night_flow_that_falls() -> None:
    story = Measured(at("02:00"), habits={"water-2": Habit(works=4 * HOUR)})
    story.devices.measure("zm-07", at("02:40"), at("07:10"), flow=40.0)
    story.run(at("08:30"))
    (burst,) = story.incidents()
    assert burst.state is IncidentState.CLOSED
    assert story.tale(burst, "planned", "in_progress") == [
        "03:00 opened: κανόνας zone-night-flow",
        "07:20 resolved: Ε-2026-0001",
        "07:30 cleared: η παροχή επανήλθε στο αναμενόμενο",
        "07:30 verified: οι αισθητήρες συμφωνούν",
        "08:00 closed: επαληθεύτηκε",
    ]


def test_a_repair_that_the_night_flow_denies_is_planned_again() -> None:
    """The rule gives the flow three hours to fall (`verify`). The second repair holds."""
    habits = {"water-2": Habit(works=HOUR), "water-1": Habit(works=2 * HOUR)}
    story = Measured(at("02:00"), habits=habits)
    story.devices.measure("zm-07", at("02:40"), at("09:40"), flow=40.0)
    story.run(at("11:30"))
    (burst,) = story.incidents()
    assert story.tale(burst) == [
        "03:00 opened: κανόνας zone-night-flow",
        "03:00 planned: Ε-2026-0001: Ύδρευση 2 (απόγευμα και επιφυλακή), άφιξη 03:20",
        "03:03 in_progress: Ε-2026-0001",
        "04:20 resolved: Ε-2026-0001",
        "07:20 still_active: μετά την αποκατάσταση η ειδοποίηση μένει ενεργή: "
        "Μετρητής ζώνης Άνοιξη – Νότος",
        "07:20 planned: Ε-2026-0002: Ύδρευση 1 (πρωινό), άφιξη 07:40",
        "07:23 in_progress: Ε-2026-0002",
        "09:40 resolved: Ε-2026-0002",
        "10:00 cleared: η παροχή επανήλθε στο αναμενόμενο",
        "10:00 verified: οι αισθητήρες συμφωνούν",
        "10:30 closed: επαληθεύτηκε",
    ]
    assert [(o.attempt, o.crew) for o in story.orders_of(burst)] == [(1, "water-2"), (2, "water-1")]
    assert burst.reopened_at == at("07:20")
    assert story.all_ids_differ()


def test_a_burst_at_half_past_four_is_begun_by_the_crew_on_call_and_ended_by_the_days() -> None:
    """Five hours of work, and on call until 07:00: nobody waits for the morning to begin."""
    habits = {"water-2": Habit(works=5 * HOUR), "water-1": Habit(works=2 * HOUR)}
    story = Measured(at("02:00"), habits=habits)
    story.devices.measure("zm-07", at("04:05"), at("09:10"), flow=40.0)
    story.devices.ramp("zm-07", "pressure", at("04:00"), at("05:00"), 4.2, 2.0)
    story.devices.measure("zm-07", at("05:00"), at("09:10"), pressure=2.0)
    story.request("main_burst", at("04:30"), 38.12600, 23.86070, "anoixi")
    story.run(at("10:00"))

    (burst,) = story.incidents()
    assert story.tale(burst) == [
        "04:30 opened: αίτημα πολίτη",
        "04:30 planned: Ε-2026-0001: Ύδρευση 2 (απόγευμα και επιφυλακή), άφιξη 04:49, "
        "παράδοση βάρδιας 07:04",
        "04:33 in_progress: Ε-2026-0001",
        "04:45 joined: το είχαν αναφέρει πολίτες",
        "06:15 planned: Ε-2026-0002: Ύδρευση 1 (πρωινό), άφιξη 07:04, συνεχίζει την Ε-2026-0001",
        "07:04 part_done: Ε-2026-0001: παράδοση βάρδιας, μένουν 2 ώ 45′",
        "09:04 resolved: Ε-2026-0002",
        "09:10 cleared: οι κανόνες δεν ισχύουν πια μαζί",
        "09:10 verified: οι αισθητήρες συμφωνούν",
        "09:40 closed: επαληθεύτηκε",
    ]
    begun, ended = story.orders_of(burst)
    assert ended.items == ()  # what the job takes came with the first order
    hours: dict[tuple[str, str], float] = {}
    for entry in story.changes.costs:
        if entry.kind is CostKind.LABOUR:
            key = str(entry.order), str(entry.basis["band"])
            hours[key] = hours.get(key, 0.0) + float(entry.quantity)
    assert {key: round(whole, 2) for key, whole in hours.items()} == {
        (str(begun.id), "overtime-night"): 4.35,  # three people, 04:33 to 06:00
        (str(begun.id), "overtime"): 4.15,  # to 07:04, and 19 minutes back
        (str(ended.id), "shift"): 6.4,  # three others, 07:00 to 09:04, and 4 minutes back
    }
    materials = [e for e in story.changes.costs if e.kind is CostKind.MATERIAL]
    assert {e.order for e in materials} == {begun.id}
    wanted = {m.item: m.quantity for m in story.city.categories["main_burst"].materials}
    assert {e.item: e.quantity for e in materials} == wanted
    assert story.all_ids_differ()


def test_at_three_in_the_morning_a_burst_rings_and_a_leak_waits_for_day() -> None:
    """No crew answers; the operator comes at 04:12. What is low rings nobody at all."""
    silent = Habit(accepts=None)
    crews = ("water-1", "water-2", "electric")
    story = Measured(at("01:30"), habits=dict.fromkeys(crews, silent))
    story.devices.measure("la-02-003", at("02:00"), failure=1.0)
    story.devices.measure("zm-07", at("02:40"), flow=40.0)
    story.devices.measure("ls-10", at("02:45"), noise=55.0)
    story.run(at("04:00"))
    lamp, burst, leak = story.incidents()
    story.acknowledge(at("04:12"), burst.number)
    story.run(at("07:25"))

    night, engineer = "duty-night", "engineer"
    assert story.calls(burst) == [
        f"03:15 {night}",
        f"03:25 {night}",
        f"03:30 {engineer}",
        f"03:35 {night}",
        f"03:45 {night}",
        f"03:45 {engineer}",
        f"03:55 {night}",
        f"04:00 {engineer}",
        f"04:05 {night}",
        f"04:30 {night}",  # acknowledged, and the crew that was asked again has not answered
        f"05:30 {night}",
        f"05:45 {night}",
        f"06:45 {night}",
        "07:00 duty-day",
        "07:15 duty-day",
    ]
    water = "Ύδρευση 2 (απόγευμα και επιφυλακή), δεν απάντησε"
    assert [why for _, why in story.told(burst, "called")][:3] == [
        "Επιφυλακή νύχτας· χωρίς αναγνώριση 15′",
        f"Επιφυλακή νύχτας· χωρίς αναγνώριση 25′· Ε-2026-0001: {water}",
        "Υπεύθυνος μηχανικός· χωρίς αναγνώριση 30′",
    ]
    assert (at("04:30"), f"Επιφυλακή νύχτας· Ε-2026-0002: {water}") in story.told(burst, "called")
    ((when, _),) = story.told(burst, "acknowledged")
    assert when == at("04:12")
    assert story.calls(leak) == ["07:00 duty-day"]  # 05:30, had it not been night
    assert story.calls(lamp) == []
    assert lamp.opened_at == at("02:30")
    texts = [m.payload["text"] for m in story.changes.outbox if "call" in m.payload]
    assert texts[0] == (
        f"{burst.number}, κρίσιμη: Θραύση κεντρικού αγωγού — ζώνη Άνοιξη – Νότος. "
        "Περιμένει αναγνώριση από τις 03:00."
    )

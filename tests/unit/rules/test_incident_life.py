"""The life of an incident: handed on, assigned, verified, open again, and by whose word."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from kel.model.incident import Handover, IncidentState
from kel.model.order import OrderState, Reply
from kel.model.silence import Hidden
from kel.model.situation import Command, Inputs
from rules.incidents.commands import take_command
from rules.incidents.correlate import correlate
from rules.incidents.work import Work
from tests.builders.city import alert, at, cleared, reply, request
from tests.builders.incidents import CITY, Day, command, order_of

ASK = at("09:00", day=6).isoformat()
LOW = alert(CITY, "zm-01", "low_pressure", at("02:50"))
DARK = alert(CITY, "fc-01", "feeder", at("02:51"))


def low() -> Day:
    day = Day()
    day.put(LOW)
    return day


def refused(day: Day, *said: Any) -> str:
    """What the desk answers to a command that must change nothing."""
    before = day.situation.copy()
    changes = day.put(*said)
    assert not (changes.incidents or changes.incident_events or changes.silences)
    assert day.situation == before
    (answer,) = changes.answers
    assert not answer.done
    return answer.told


# --- handed on -------------------------------------------------------------------------------


def test_what_belongs_to_others_is_handed_on_and_asks_again_on_its_date() -> None:
    day = low()
    told: dict[str, Any] = {"to": "ΕΥΔΑΠ", "protocol": "4711", "ask_at": ASK}
    day.put(command("hand_on", "2026-0001", why="δικός τους αγωγός", **told))
    assert day.one.state is IncidentState.HANDED_ON
    assert day.one.handed == Handover("ΕΥΔΑΠ", "4711", at("03:00"), at("09:00", day=6))
    assert day.one.acknowledged_at == at("03:00")
    why = "ΕΥΔΑΠ, αρ. πρωτ. 4711, ερώτηση ξανά 06/03 09:00"
    assert day.told("handed_on") == [f"{why} · δικός τους αγωγός"]
    assert day.answers == [f"2026-0001: διαβιβάστηκε σε {why}"]

    day.put(now=at("08:59", day=6))
    assert day.one.state is IncidentState.HANDED_ON
    day.put(now=at("10:00", day=6))
    assert (day.one.state, day.one.reopened_at) == (IncidentState.OPEN, at("09:00", day=6))
    assert [(e.at, e.why) for e in day.events if e.what == "ask_again"] == [
        (at("09:00", day=6), "ΕΥΔΑΠ, αρ. πρωτ. 4711")
    ]
    assert day.one.handed is not None  # still theirs: nobody of ours is sent
    day.put(now=at("10:00", day=7))
    assert len(day.told("ask_again")) == 1


def test_it_can_be_handed_on_again_with_another_date() -> None:
    day = low()
    day.put(command("hand_on", "2026-0001", to="ΕΥΔΑΠ", ask_at=ASK))
    day.put(now=at("10:00", day=6))
    later = at("09:00", day=9).isoformat()
    day.put(command("hand_on", "2026-0001", "10:10", 6, to="ΕΥΔΑΠ", ask_at=later))
    assert day.one.state is IncidentState.HANDED_ON
    day.put(now=at("10:00", day=9))
    assert len(day.told("ask_again")) == 2


def test_what_was_handed_on_closes_when_its_sensors_agree() -> None:
    day = low()
    day.put(command("hand_on", "2026-0001", to="ΕΥΔΑΠ", ask_at=ASK))
    day.put(cleared(LOW, at("05:00")), now=at("05:00"))
    day.put(now=at("07:00"))
    assert [i.closed_at for i in day.ended.values()] == [at("06:00")]


@pytest.mark.parametrize(
    ("crew", "demanded", "told"),
    [("water-2", "water-2", "συνεργείο: Ύδρευση 2"), ("any", None, "όποιο συνεργείο μπορεί")],
)
def test_a_crew_that_is_assigned_takes_it_back(crew: str, demanded: str | None, told: str) -> None:
    day = low()
    day.put(command("hand_on", "2026-0001", to="ΕΥΔΑΠ", ask_at=ASK))
    day.put(command("assign", "2026-0001", "04:00", crew=crew))
    assert (day.one.state, day.one.handed) == (IncidentState.ACKNOWLEDGED, None)
    assert (day.one.crew, day.told("assigned")) == (demanded, [told])


def test_who_is_responsible_and_which_crew_is_to_come_are_two_things() -> None:
    day = low()
    day.put(command("assign", "2026-0001", "04:00", crew="water-2"))
    day.put(command("assign", "2026-0001", "04:05", person="Μ. Δήμου", why="ξέρει το δίκτυο"))
    assert (day.one.crew, day.one.assigned) == ("water-2", "Μ. Δήμου")
    day.put(command("assign", "2026-0001", "04:10", crew="water-1"))
    assert (day.one.crew, day.one.assigned) == ("water-1", "Μ. Δήμου")
    assert day.told("assigned") == [
        "συνεργείο: Ύδρευση 2",
        "υπεύθυνος: Μ. Δήμου · ξέρει το δίκτυο",
        "συνεργείο: Ύδρευση 1",
    ]
    assert day.answers[1] == "2026-0001: ανατέθηκε, υπεύθυνος: Μ. Δήμου"


def test_a_crew_that_can_never_do_it_is_not_assigned() -> None:
    day = low()
    day.put(command("assign", "2026-0001", "04:00", crew="electric"))
    (answer,) = day.answers
    assert "κανείς δεν είναι υδραυλικός" in answer
    assert day.one.crew is None


def test_a_person_may_be_responsible_while_it_is_with_others() -> None:
    day = low()
    day.put(command("hand_on", "2026-0001", to="ΕΥΔΑΠ", ask_at=ASK))
    day.put(command("assign", "2026-0001", "04:00", person="Μ. Δήμου"))
    assert (day.one.state, day.one.assigned) == (IncidentState.HANDED_ON, "Μ. Δήμου")


# --- what is refused -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "detail", "told"),
    [
        ("hand_on", {"ask_at": ASK}, "σε ποιον; …"),
        ("hand_on", {"to": " ", "ask_at": ASK}, "σε ποιον; …"),
        ("hand_on", {"to": "ΕΥΔΑΠ"}, "πότε να ερωτηθεί ξανά; …"),
        ("hand_on", {"to": "ΕΥΔΑΠ", "ask_at": at("02:00").isoformat()}, "πότε να ερωτηθεί ξανά; …"),
        ("hand_on", {"to": "ΕΥΔΑΠ", "ask_at": "tomorrow"}, "--ask: «tomorrow» δεν είναι στιγμή…"),
        ("hand_on", {"to": "ΕΥΔΑΠ", "ask_at": "2026-03-06T09:00"}, "--ask: «2026-03-06T09:00»…"),
        ("hand_on", {"to": "ΕΥΔΑΠ", "ask_at": "9999-12-31T23:59:59Z"}, "--ask: «9999-12-31…"),
        ("silence", {"why": "έργα", "ends_at": "9999-12-31T23:59:59Z"}, "--until: «9999-12-31…"),
        ("assign", {}, "σε ποιον; …"),
        ("assign", {"person": " "}, "σε ποιον; …"),
        ("assign", {"crew": "water-1", "person": "Άννα"}, "σε ποιον; …"),
        ("assign", {"crew": "water-9"}, "δεν υπάρχει συνεργείο water-9· υπάρχουν: electric, …"),
        ("merge", {"other": "2026-0001"}, "το 2026-0001 είναι το ίδιο συμβάν"),
        ("merge", {"other": "2026-0009"}, "δεν υπάρχει ενεργό συμβάν 2026-0009"),
        ("split", {"members": str(LOW.id)[:8]}, "κάτι πρέπει να μείνει στο 2026-0001"),
        ("split", {"members": "zzzz"}, "2026-0001: κανένα μέλος δεν αρχίζει από «zzzz»"),
        ("split", {}, "2026-0001: κανένα μέλος δεν αρχίζει από «»"),
        ("close", {}, "γιατί; …"),
        ("dance", {}, "δεν υπάρχει εντολή dance"),
    ],
)
def test_what_is_refused_and_why(what: str, detail: dict[str, Any], told: str) -> None:
    answer = refused(low(), command(what, "2026-0001", **detail))
    assert answer.startswith(told.removesuffix("…"))


def test_an_acknowledged_incident_is_not_acknowledged_again() -> None:
    day = low()
    day.put(command("acknowledge", "2026-0001"))
    again = command("acknowledge", "2026-0001", "03:10")
    assert refused(day, again) == "2026-0001: αναγνωρίστηκε ήδη, 04/03 03:00"


@pytest.mark.parametrize("what", ["hand_on", "close"])
def test_a_crew_at_work_is_left_to_finish(what: str) -> None:
    day = low()
    day.follow(order_of(day.one, OrderState.ARRIVED, accepted_at=at("02:55")), at("02:56"))
    said = command(what, "2026-0001", why="τέλος", to="ΕΥΔΑΠ", ask_at=ASK, force="yes")
    assert refused(day, said) == "συνεργείο εργάζεται για το 2026-0001: ας τελειώσει πρώτα"


# --- merge, split, close ---------------------------------------------------------------------


def two() -> Day:
    day = Day()
    day.put(LOW, DARK)
    assert [i.number for i in day.situation.incidents.values()] == ["2026-0001", "2026-0002"]
    return day


def test_what_an_operator_merges_goes_on_as_one() -> None:
    day = two()
    day.put(command("merge", "2026-0001", why="ίδια εκσκαφή", other="2026-0002", force="yes"))
    assert set(day.one.alerts) == {LOW.id, DARK.id}
    assert (day.one.number, day.one.category) == ("2026-0001", "feeder")  # the higher rank
    assert [(e.who, e.why) for e in day.events if e.what == "merged"] == [
        ("Άννα", "με το 2026-0002 · ίδια εκσκαφή")
    ]
    assert [(e.who, e.why) for e in day.events if e.what == "closed"] == [
        ("Άννα", "ενώθηκε με το 2026-0001")
    ]
    day.put(cleared(DARK, at("04:00")))
    assert day.told("cleared") == ["επανήλθε"]


def test_what_is_of_another_kind_is_merged_by_force_only() -> None:
    day = two()
    told = refused(day, command("merge", "2026-0001", other="2026-0002"))
    dark, dry = (CITY.categories[day.named(n).category].label for n in ("2026-0002", "2026-0001"))
    assert told == (
        f"το 2026-0002 είναι άλλο πράγμα ({dark}) από το 2026-0001 ({dry})· με --force ενώνονται"
    )


@pytest.mark.parametrize("cause", ["2026-0001", "2026-0002"])
def test_what_nobody_knows_the_kind_of_goes_with_everything(cause: str) -> None:
    day = Day()
    day.put(request("low_pressure", at("02:45"), 38.134), request("other", at("02:46"), 38.2))
    other = {"2026-0001": "2026-0002", "2026-0002": "2026-0001"}[cause]
    day.put(command("merge", cause, other=other))
    assert day.answers == [f"{other}: ενώθηκε με το {cause}"]


CALLED_BACK = [
    (command("merge", "2026-0001", other="2026-0002", force="yes"), "2026-0002: ενώθηκε με το …"),
    (command("close", "2026-0002", why="ψευδής", force="yes"), "2026-0002: έκλεισε"),
    (command("hand_on", "2026-0002", to="ΕΥΔΑΠ", ask_at=ASK), "2026-0002: διαβιβάστηκε σε ΕΥΔΑΠ…"),
    (command("assign", "2026-0002", crew="electric"), "2026-0002: ανατέθηκε, συνεργείο: …"),
]


@pytest.mark.parametrize(("said", "begins"), CALLED_BACK, ids=[c.what for c, _ in CALLED_BACK])
@pytest.mark.parametrize(
    ("state", "how"), [(OrderState.SENT, "στάλθηκε"), (OrderState.ACCEPTED, "καθ’ οδόν")]
)
def test_the_answer_says_which_order_is_taken_back(
    said: Command, begins: str, state: OrderState, how: str
) -> None:
    day = two()
    order = order_of(day.named("2026-0002"), state, crew="water-2", accepted_at=at("02:55"))
    day.situation.orders[order.id] = order
    day.put(said)
    (answer,) = day.answers
    assert answer.startswith(begins.removesuffix("…"))
    assert answer.endswith(f" · αποσύρεται η Ε-2026-0001: Ύδρευση 2, {how}")


def test_what_a_merged_incident_becomes_may_take_back_its_own_order() -> None:
    day = two()
    order = order_of(day.named("2026-0001"), OrderState.SENT)
    day.situation.orders[order.id] = order
    day.put(command("merge", "2026-0001", other="2026-0002", force="yes"))
    assert day.answers[0].endswith(" · αποσύρεται η Ε-2026-0001: Ύδρευση 1, στάλθηκε")


def test_an_incident_whose_crew_is_at_work_is_not_merged_away() -> None:
    day = two()
    lamp = day.named("2026-0002")
    day.follow(order_of(lamp, OrderState.ARRIVED, accepted_at=at("02:55")), at("02:56"))
    told = refused(day, command("merge", "2026-0001", other="2026-0002"))
    assert told == "συνεργείο εργάζεται για το 2026-0002: ενώστε το 2026-0001 με εκείνο"


def test_nor_is_one_whose_crew_arrives_just_now() -> None:
    day = two()
    lamp = day.named("2026-0002")
    order = order_of(lamp, OrderState.ACCEPTED, accepted_at=at("02:55"))
    day.follow(order, at("02:56"))
    merge = command("merge", "2026-0001", other="2026-0002", force="yes")

    def merged(*replies: Reply) -> bool:
        inputs = Inputs(at("03:00"), replies=replies, commands=(merge,))
        (answer,) = correlate(CITY, day.situation, inputs).answers
        return answer.done

    came = reply(order, "arrive", at("02:59"))
    assert not merged(came)
    assert merged(replace(came, crew="water-2"))  # who says so has no order for it
    assert merged(came, reply(order, "complete", at("02:59")))  # and is done


def test_what_an_operator_splits_off_is_an_incident_of_its_own() -> None:
    day = Day()
    wet = request("low_pressure", at("02:55"), 38.134)
    noise = alert(CITY, "ls-01", "service_leak", at("02:52"))
    day.put(LOW, noise, wet)
    members = f"{str(noise.id)[:8]},{str(wet.id)[:8]}"
    day.put(command("split", "2026-0001", why="άλλη βλάβη", members=members))
    first, second = day.named("2026-0001"), day.named("2026-0002")
    assert (first.alerts, first.requests) == ((LOW.id,), ())
    assert (second.alerts, second.requests) == ((noise.id,), (wet.id,))
    assert day.told("split") == ["1 ειδοποίηση, 1 αίτημα στο 2026-0002"]
    assert day.told("opened")[-1] == (
        "κανόνας service_leak · χωρίστηκε από το 2026-0001, άλλη βλάβη"
    )
    assert day.events[-1].who == "Άννα"
    day.put(cleared(noise, at("04:00")), now=at("04:00"))
    assert day.events[-1].incident == second.id


def test_an_incident_split_off_twice_has_another_id_each_time() -> None:
    day = Day()
    noise = alert(CITY, "ls-01", "service_leak", at("02:52"))
    day.put(noise, replace(LOW, started_at=at("02:53"), detected_at=at("02:53")))
    day.put(command("split", "2026-0001", members=str(noise.id)))
    day.put(command("merge", "2026-0001", "03:05", other="2026-0002"))
    day.put(command("split", "2026-0001", "03:10", members=str(noise.id)))
    assert {i.number for i in day.situation.incidents.values()} == {"2026-0001", "2026-0003"}
    assert len({e.id for e in day.events}) == len(day.events)


def test_what_is_merged_again_is_told_again() -> None:
    """Events are written once an id: what happens a second time needs an id of its own."""
    day = Day()
    noise = alert(CITY, "ls-01", "service_leak", at("02:52"))
    wet = request("low_pressure", at("02:55"), 38.134)
    day.put(noise, replace(LOW, started_at=at("02:53"), detected_at=at("02:53")), wet)
    away = f"{noise.id},{wet.id}"
    day.put(command("split", "2026-0001", members=away))
    day.put(command("merge", "2026-0001", "03:05", other="2026-0002"))
    day.put(command("split", "2026-0001", "03:10", members=away))
    day.put(command("merge", "2026-0001", "03:15", other="2026-0003"))
    merged = [e.at for e in day.events if e.what == "joined" and e.at in (at("03:05"), at("03:15"))]
    assert merged == [at("03:05")] * 2 + [at("03:15")] * 2
    assert len({e.id for e in day.events}) == len(day.events)


def test_a_moment_that_is_just_not_too_far_ahead_is_taken() -> None:
    day = low()
    day.put(command("hand_on", "2026-0001", to="ΕΥΔΑΠ", ask_at="9999-12-20T00:00:00Z"))
    assert day.one.state is IncidentState.HANDED_ON


def test_a_closed_incident_keeps_who_closed_it_and_why() -> None:
    day = low()
    day.put(cleared(LOW, at("02:55")))
    day.put(command("close", "2026-0001", why="δοκιμή βάνας"))
    assert [(e.who, e.why, e.at) for e in day.events if e.what == "closed"] == [
        ("Άννα", "δοκιμή βάνας", at("03:00"))
    ]
    assert not day.situation.incidents and not day.situation.alerts


def test_what_is_still_active_closes_by_force_only_and_stays_silent_until_it_clears() -> None:
    day = low()
    told = refused(day, command("close", "2026-0001", why="δοκιμή"))
    assert told == "2026-0001: 1 ενεργή ειδοποίηση: zm-01· με --force κλείνει"
    day.put(command("close", "2026-0001", "03:10", why="δοκιμή", force="yes"))
    assert not day.situation.incidents
    (dismissed,) = day.situation.hidden.values()
    assert dismissed == Hidden(LOW.id, dismissed.by, at("03:10"), dismissed=True)
    assert day.told("closed") == ["δοκιμή · με ενεργές ειδοποιήσεις: 1"]
    day.put(now=at("23:00"))
    assert not day.put(LOW).incidents  # its beginning again opens nothing
    day.put(cleared(LOW, at("23:30")))
    assert not day.situation.incidents and not day.situation.hidden and not day.situation.alerts
    again = alert(CITY, "zm-01", "low_pressure", at("23:40"))
    day.put(again)
    assert day.one.alerts == (again.id,)


# --- verified --------------------------------------------------------------------------------


def repaired(**values: Any) -> Day:
    """Detected at 10:00, repaired at 12:00."""
    day = Day()
    day.put(alert(CITY, "zm-01", "low_pressure", at("10:00"), **values))
    day.follow(
        order_of(day.one, OrderState.COMPLETED, accepted_at=at("10:05"), completed_at=at("12:00")),
        at("12:00"),
    )
    assert day.one.state is IncidentState.RESOLVED
    return day


@pytest.mark.parametrize(
    ("values", "opens"),
    [
        ({}, at("15:00")),  # as three hours are usual
        ({"verify": timedelta(minutes=40)}, at("12:40")),
        ({"verify": timedelta(hours=8)}, at("20:00")),
        ({"kind": "night_flow"}, at("14:00", day=5)),
        ({"kind": "night_flow", "verify": timedelta(hours=30)}, at("18:00", day=5)),
    ],
)
def test_a_repair_is_verified_within_its_rules_time_or_opens_again(
    values: dict[str, Any], opens: datetime
) -> None:
    day = repaired(**values)
    day.put(now=opens - timedelta(minutes=1))
    assert day.one.state is IncidentState.RESOLVED
    day.put(now=opens + timedelta(hours=1))
    assert (day.one.state, day.one.reopened_at) == (IncidentState.OPEN, opens)
    assert day.told("still_active") == ["μετά την αποκατάσταση η ειδοποίηση μένει ενεργή: zm-01"]


def test_new_trouble_opens_a_verified_incident_again() -> None:
    day = repaired()
    first = alert(CITY, "zm-01", "low_pressure", at("10:00"))
    day.put(cleared(first, at("12:10")))
    assert day.one.state is IncidentState.VERIFIED
    day.put(alert(CITY, "zm-01", "low_pressure", at("12:20")))
    assert (day.one.state, day.one.verified_at) == (IncidentState.OPEN, None)
    assert day.told("reopened") == ["νέα ειδοποίηση μετά την αποκατάσταση"]


def test_what_no_sensor_watches_is_never_called_verified() -> None:
    day = Day()
    day.put(request("tree", at("09:00"), 38.12))
    day.follow(order_of(day.one, OrderState.COMPLETED, completed_at=at("11:00")), at("11:00"))
    day.put(now=at("12:00"))
    assert day.told("verified") == []
    assert [i.verified_at for i in day.ended.values()] == [None]


def test_a_command_about_orders_is_answered_elsewhere() -> None:
    work = Work.on(CITY, low().situation)
    take_command(work, command("withdraw", "2026-0001"))
    assert not work.changes

"""Work that its crew cannot end: begun at once, handed over on the spot, ended by the relief."""

import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from dispatch.commanded import commanded
from dispatch.crews import standing
from dispatch.relief import UNSAID, ends_by, left_of, part_of, remaining_at, served
from kel.model.cost import CostKind
from kel.model.ids import make_id
from kel.model.incident import Incident, IncidentState, Material
from kel.model.order import OrderItem, OrderState, Reply, WorkOrder
from kel.model.situation import Changes, Command, Inputs, Situation
from kel.model.stock import WAREHOUSE, MovementKind
from kel.run.decide import decide
from tests.acceptance.story import Habit, NoReadings, Story
from tests.builders.city import alert, at, cleared, reply, situation, small_city
from tests.builders.incidents import command

CITY = small_city()
BURST = CITY.categories["main_burst"]
HOUR = timedelta(hours=1)


def used(**quantities: str) -> tuple[Material, ...]:
    return tuple(Material(item, Decimal(quantity)) for item, quantity in quantities.items())


class Night:
    """A main bursts at 04:30, when water-2 is on call until 07:00 and water-1 begins then."""

    def __init__(self) -> None:
        self.situation: Situation = situation()
        self.changes = Changes()
        self.decide("04:30", alert(CITY, "zm-01", "main_burst", at("04:20"), at("04:30")))

    def decide(self, clock: str | datetime, *said: Any) -> Changes:
        now = at(clock) if isinstance(clock, str) else clock
        replies = tuple(s for s in said if isinstance(s, Reply))
        commands = tuple(s for s in said if isinstance(s, Command))
        alerts = tuple(s for s in said if not isinstance(s, Reply | Command))
        inputs = Inputs(now, alerts, replies=replies, commands=commands)
        decided = decide(CITY, self.situation, inputs, NoReadings())
        self.situation.apply(decided)
        self.situation.take(inputs)
        self.changes.add(decided)
        return decided

    def say(self, order: WorkOrder, action: str, clock: str, **values: Any) -> Changes:
        return self.decide(clock, reply(order, action, at(clock), **values))

    @property
    def burst(self) -> Incident:
        (incident,) = self.changes.incidents.values()
        return incident

    def stands(self) -> tuple[IncidentState, datetime | None]:
        """The incident's state, and when it was repaired."""
        return self.burst.state, self.burst.resolved_at

    @property
    def orders(self) -> list[WorkOrder]:
        return sorted(self.changes.orders.values(), key=lambda o: o.attempt)

    @property
    def part(self) -> WorkOrder:
        return self.orders[0]

    @property
    def relief(self) -> WorkOrder:
        return self.orders[1]

    def tell(self, what: str, clock: str, **detail: Any) -> Command:
        """An operator's word to the burst."""
        return command(what, "2026-0001", clock, why="γιατί", **detail)

    def at_work(self) -> "Night":
        self.say(self.part, "accept", "04:35")
        self.say(self.part, "arrive", "04:55")
        return self

    def relieved(self) -> "Night":
        """At 06:30 the relief was sent for; it accepts and arrives."""
        self.at_work()
        self.decide("06:30")
        self.say(self.relief, "accept", "07:00")
        self.say(self.relief, "arrive", "07:10")
        return self

    def phone(self, crew: str) -> str:
        """What the crew was told last."""
        told = [
            m.payload["text"] for m in self.changes.outbox if m.topic.endswith(f"{crew}/orders")
        ]
        return str(told[-1])

    def told(self, what: str) -> list[str]:
        return [e.why for e in self.changes.incident_events if e.what == what]

    def costs(self, kind: str) -> Mapping[str, Decimal]:
        """How much of each thing was charged."""
        found: dict[str, Decimal] = {}
        for entry in self.changes.costs:
            if entry.kind.value == kind:
                name = str(entry.item or entry.basis.get("person"))
                found[name] = found.get(name, Decimal(0)) + entry.quantity
        return found

    def in_stock(self, item: str) -> Decimal:
        return sum((s.on_hand for s in self.situation.stock.values() if s.item == item), Decimal(0))


def test_the_crew_on_call_begins_and_hands_over_when_the_day_crew_can_be_there() -> None:
    night = Night()
    part = night.part
    assert (part.crew, part.depart_at) == ("water-2", at("04:30"))
    assert part.arrive_at == at("04:55")  # by the warehouse, for sand
    assert part.finish_at == at("07:10")  # 3.3 km from its base without one
    assert part.remaining == timedelta(hours=5) - (part.finish_at - part.arrive_at)
    assert part.continues == ""
    (sent,) = (m for m in night.changes.outbox if "order" in m.payload)
    assert sent.payload["remaining_min"] == 165
    assert "Παράδοση βάρδιας 07:10: δεν έχει βρεθεί" in str(sent.payload["text"])
    assert night.told("planned") == [
        "Ε-2026-0001: Ύδρευση 2, άφιξη 04:55, παράδοση βάρδιας 07:10",
    ]


def test_the_relief_is_sent_for_before_the_shift_and_is_there_when_they_hand_over() -> None:
    night = Night().at_work()
    assert len(night.orders) == 1
    night.decide("06:10")
    assert len(night.orders) == 1
    assert not night.told("unplanned")  # nothing is in the way yet
    night.decide("06:15")
    relief = night.relief
    assert (relief.crew, relief.continues) == ("water-1", night.part.number)
    assert (relief.depart_at, relief.arrive_at) == (at("07:00"), at("07:10"))
    assert relief.finish_at - relief.arrive_at == night.part.remaining
    assert relief.items == ()  # all that the job takes is on the spot
    assert relief.expires_at == at("07:15")  # who is not yet at work answers when the shift begins
    night.decide("06:20")
    assert len(night.orders) == 2
    message = next(m for m in night.changes.outbox if m.payload.get("order") == str(relief.id))
    assert message.payload["text"] == (
        "Αναχώρηση 07:00, άφιξη 07:10. Συνεχίζετε την εργασία του συνεργείου Ύδρευση 2 "
        "(Ε-2026-0001), σας περιμένει στο σημείο."
    )


def test_a_burst_handed_over_is_charged_once_and_resolved_by_the_relief() -> None:
    night = Night().relieved()
    night.say(night.part, "leave", "07:15", used=used(clamp="1", sand="3"))
    assert night.part.state is OrderState.COMPLETED
    assert night.part.remaining == timedelta(hours=2, minutes=40)
    assert night.told("part_done") == ["Ε-2026-0001: παράδοση βάρδιας, μένουν 2 ώ 40′"]
    assert night.stands() == (IncidentState.IN_PROGRESS, None)
    night.say(night.relief, "complete", "09:40", used=used(sand="1"))
    assert night.stands() == (IncidentState.RESOLVED, at("09:40"))
    assert night.costs("material") == {"clamp": 1, "sand": 4}
    people = night.costs("labour")
    assert set(people) == {f"water-{crew}-{n}" for crew in (1, 2) for n in (1, 2, 3)}
    assert float(people["water-2-1"]) == pytest.approx(3 + 5 / 60, abs=1e-3)  # 04:35 to 07:40
    assert float(people["water-1-1"]) == pytest.approx(2 + 50 / 60, abs=1e-3)  # 07:00 to 09:50
    assert night.in_stock("sand") == 6 and night.in_stock("clamp") == 10
    assert not [s for s in night.situation.stock.values() if s.reserved]
    assert not [m for m in night.changes.movements if m.kind.value == "difference"]


def test_what_the_first_crew_did_not_use_is_kept_for_the_relief() -> None:
    night = Night().at_work()
    night.decide("06:30")
    night.say(night.part, "leave", "06:40", used=used(sand="1"))
    assert {i.item: i.planned for i in night.relief.items} == {"clamp": 1, "sand": 3}
    kept = sum(s.reserved for s in night.situation.stock.values() if s.item == "sand")
    assert kept == 3
    night.say(night.relief, "complete", "09:40", used=used(clamp="1", sand="3"))
    assert night.costs("material") == {"clamp": 1, "sand": 4}
    assert night.in_stock("sand") == 6


def test_a_tap_that_was_lost_holds_up_nothing() -> None:
    """Nobody of the first crew says a word; half an hour after the relief came, it is over."""
    night = Night().relieved()
    night.decide("07:35")
    assert night.part.state is OrderState.ARRIVED
    night.decide("07:40")
    assert (night.part.state, night.part.completed_at) == (OrderState.COMPLETED, at("07:10"))
    assert night.told("part_done") == [
        "Ε-2026-0001: παράδοση βάρδιας, μένουν 2 ώ 45′, χωρίς δήλωση"
    ]
    assert set(night.costs("labour")) == {f"water-2-{n}" for n in (1, 2, 3)}
    night.say(night.relief, "complete", "09:40", used=used(clamp="1", sand="4"))
    assert night.costs("material") == {"clamp": 1, "sand": 4}
    assert night.in_stock("sand") == 6 and night.in_stock("clamp") == 10


def test_the_reliefs_end_is_also_the_end_of_a_part_that_nobody_spoke_of() -> None:
    night = Night().relieved()
    night.say(night.relief, "complete", "07:30", used=used(clamp="1", sand="4"))
    assert [o.state for o in night.orders] == [OrderState.COMPLETED] * 2
    assert night.part.completed_at == at("07:10")
    assert night.burst.state is IncidentState.RESOLVED
    assert night.costs("material") == {"clamp": 1, "sand": 4}
    assert night.in_stock("sand") == 6


def test_without_relief_a_silent_part_is_over_two_hours_later() -> None:
    night = Night().at_work()
    night.decide("06:15")
    for clock in ("07:15", "07:30", "08:30"):
        night.decide(clock)  # the relief never answers
    assert night.part.state is OrderState.ARRIVED
    assert ends_by(night.situation, night.part) == night.part.finish_at + 2 * HOUR <= at("09:10")
    night.decide("09:10")
    assert (night.part.state, night.part.completed_at) == (
        OrderState.COMPLETED,
        night.part.finish_at,
    )
    assert night.told("part_done")


def outlived() -> Night:
    """The incident is closed, and its crew is at work on it."""
    night = Night().at_work()
    closed = replace(night.burst, state=IncidentState.CLOSED, closed_at=at("05:00"))
    night.situation.apply(Changes(incidents={closed.id: closed}))
    return night


@pytest.mark.parametrize("who", ["the crew", "an operator", "the crew, late", "an operator, late"])
def test_what_a_crew_did_of_an_incident_that_closed_meanwhile_is_booked(who: str) -> None:
    night = outlived()
    if who == "the crew":
        night.say(night.part, "complete", "07:00", used=used(clamp="1"))
        assert night.told("resolved") == ["Ε-2026-0001: μετά το κλείσιμο"]
    elif who == "an operator":
        night.decide("07:00", night.tell("complete", "07:00", used="clamp=1"))
    else:
        night.decide("09:10")
        assert night.told("part_done") == ["Ε-2026-0001: μετά το κλείσιμο, χωρίς δήλωση"]
        assert night.situation.orders and night.situation.ended  # its crew may still say
        assert standing(night.situation, CITY.crews["water-2"], at("09:10")).order is None
        assert night.costs("material") == {}
        if who == "the crew, late":
            night.say(night.part, "complete", "11:00", used=used(clamp="1"))
            assert night.told("reported") == ["Ε-2026-0001"]
        else:
            night.decide("11:00", night.tell("complete", "11:00", used="clamp=1"))
            assert night.told("reported") == ["Ε-2026-0001, Άννα: γιατί"]
            (answer,) = night.changes.answers
            assert answer.told == ("Ε-2026-0001: δηλώθηκε από Άννα · υλικά: Σέλα DN150 1 τεμ")
    assert night.part.state is OrderState.COMPLETED
    assert len(night.costs("labour")) == 3
    assert night.costs("material") == {"clamp": 1}
    assert night.in_stock("clamp") == 10
    assert not night.situation.orders and not night.situation.ended  # the crew is free


@pytest.mark.parametrize(("days", "rejected"), [(29, []), (31, ["unknown_order"])])
def test_a_silent_crew_is_waited_for_a_month(days: int, rejected: list[str]) -> None:
    night = outlived()
    night.decide("09:10")
    later = at("09:10") + timedelta(days=days)
    night.decide(later, reply(night.part, "complete", later, used=used(clamp="1")))
    assert [r.reason for r in night.changes.rejects] == rejected
    assert not night.situation.orders and not night.situation.ended


def test_a_note_of_the_crews_own_is_only_a_note() -> None:
    """It may write what KEL writes where a crew says nothing: said once, it is said."""
    night = Night().at_work()
    for minute in (0, 1, 2):
        said = reply(night.part, "complete", at("05:50"), used=used(clamp="1"), note=UNSAID)
        said = replace(said, id=make_id("reply", minute))
        night.decide(at("05:50") + minute * timedelta(minutes=1), said)
    assert not night.part.unsaid
    assert night.costs("material") == {"clamp": 1} and night.in_stock("clamp") == 10
    late = outlived()
    late.decide("09:10")
    for hour in (11, 12):
        said = reply(late.part, "leave", at(f"{hour}:00"), used=used(clamp="1"), note=UNSAID)
        late.decide(f"{hour}:00", replace(said, id=make_id("reply", hour)))
    assert late.in_stock("clamp") == 10 and late.costs("material") == {"clamp": 1}
    assert [r.reason for r in late.changes.rejects] == ["unknown_order"]


def test_completed_and_closed_in_one_decision_is_booked() -> None:
    night = Night()
    night.say(night.part, "accept", "04:35")
    done = reply(night.part, "complete", at("05:49"), used=used(clamp="1"))
    night.decide("05:50", done, night.tell("close", "05:50", force="yes"))
    assert (night.burst.state, night.part.state) == (IncidentState.CLOSED, OrderState.COMPLETED)
    assert night.costs("material") == {"clamp": 1}
    assert len(night.costs("labour")) == 3
    assert night.told("resolved") == ["Ε-2026-0001: μετά το κλείσιμο"]


@pytest.mark.parametrize("what", ["close", "hand_on"])
def test_an_incident_whose_crew_arrives_just_now_is_left_to_it(what: str) -> None:
    night = Night()
    night.say(night.part, "accept", "04:35")
    detail: dict[str, Any] = {"force": "yes", "to": "ΕΥΔΑΠ", "ask_at": at("09:00", 9).isoformat()}
    said = night.tell(what, "04:56", **detail)
    (answer,) = night.decide("04:56", reply(night.part, "arrive", at("04:55")), said).answers
    assert answer.told == "συνεργείο εργάζεται για το 2026-0001: ας τελειώσει πρώτα"
    assert night.stands() == (IncidentState.IN_PROGRESS, None)


def test_an_incident_does_not_close_under_the_hands_of_its_relief() -> None:
    """The part's end and the relief's arrival are heard together; the sensors agree at once."""
    night = Night().at_work()
    night.decide("06:30")
    night.say(night.relief, "accept", "07:00")
    (sign,) = night.situation.alerts.values()
    done = reply(night.part, "complete", at("07:09"), used=used(clamp="1"))
    night.decide("07:11", done, reply(night.relief, "arrive", at("07:10")))
    night.decide("07:30", cleared(sign, at("07:25")))
    night.decide("08:10")
    assert night.burst.state is IncidentState.VERIFIED
    night.say(night.relief, "complete", "08:30", used=used(sand="1"))
    assert night.stands() == (IncidentState.RESOLVED, at("08:30"))
    assert night.costs("material") == {"clamp": 1, "sand": 1}
    night.decide("09:05")
    assert night.burst.state is IncidentState.CLOSED


@pytest.mark.parametrize("heard", ["apart", "together"])
def test_who_was_done_before_the_relief_came_ended_the_job_whenever_it_is_heard(heard: str) -> None:
    night = Night().at_work()
    night.decide("06:30")
    night.say(night.relief, "accept", "07:00")
    done = reply(night.part, "complete", at("06:50"), arrival=at("07:30"))
    came = reply(night.relief, "arrive", at("07:10"))
    if heard == "apart":
        night.decide("07:10", came)
        night.decide("07:30", done)
    else:
        night.decide("07:30", came, done)
    assert night.stands() == (IncidentState.RESOLVED, at("06:50"))
    assert night.part.remaining == timedelta(0)


@pytest.mark.parametrize("what", ["decline", "assign"])
def test_a_relief_of_those_who_do_not_go_is_made_whole(what: str) -> None:
    night = Night()
    night.say(night.part, "accept", "04:35")
    night.decide("06:20")
    assert night.relief.continues == night.part.number
    if what == "decline":
        night.say(night.part, "decline", "06:25")
    else:
        night.decide("06:25", night.tell("assign", "06:25", crew="water-1"))
    part, relief, whole = night.orders
    assert part.state in (OrderState.DECLINED, OrderState.WITHDRAWN)
    assert relief.state is OrderState.WITHDRAWN
    told = [e.why for e in night.changes.order_events if e.order == relief.id]
    assert told[-1] == "το συνεργείο που θα άρχιζε δεν πάει"
    assert (whole.crew, whole.continues) == ("water-1", "")
    assert whole.finish_at - whole.arrive_at == 5 * HOUR
    assert {i.item: i.planned for i in whole.items} == {"clamp": 1, "sand": 4}


def test_a_relief_that_is_there_is_not_turned_round() -> None:
    night = Night().relieved()
    night.say(night.part, "decline", "07:15")
    assert night.relief.state is OrderState.ARRIVED


@pytest.mark.parametrize("action", ["leave", "complete"])
def test_what_a_crew_says_after_its_part_was_over_is_booked_once(action: str) -> None:
    night = Night().relieved()
    night.decide("07:41")
    over = night.part
    night.say(over, action, "07:45", used=used(clamp="1", sand="3", saddle="2"))
    assert (night.part.state, night.part.completed_at) == (over.state, over.completed_at)
    assert night.costs("material") == {"clamp": 1, "sand": 3, "saddle": 2}
    again = night.say(over, "leave", "07:50", used=used(sand="3"))
    assert [r.reason for r in again.rejects] == ["order_closed"]
    assert not again.costs
    assert len(night.told("part_done")) == 1
    night.say(night.relief, "complete", "09:40", used=used(sand="1"))
    assert night.stands() == (IncidentState.RESOLVED, at("09:40"))
    assert night.costs("material") == {"clamp": 1, "sand": 4, "saddle": 2}
    assert night.in_stock("sand") == 6 and night.in_stock("clamp") == 10
    assert not [s for s in night.situation.stock.values() if s.reserved]
    said = [(e.at, e.why) for e in night.changes.order_events if e.order == over.id]
    assert said[-1] == (at("07:45"), "δηλώθηκε αργότερα")
    for kept in (night.changes.movements, night.changes.order_events, night.changes.costs):
        assert len({e.id for e in kept}) == len(kept)


def test_who_ends_the_job_before_the_relief_comes_spares_it_the_way() -> None:
    night = Night().at_work()
    night.decide("06:15")
    night.say(night.part, "complete", "06:50", used=used(clamp="1", sand="4"))
    assert (night.burst.state, night.part.remaining) == (IncidentState.RESOLVED, timedelta(0))
    assert night.relief.state is OrderState.WITHDRAWN
    assert night.told("part_done") == []
    told = [m.payload["text"] for m in night.changes.outbox if "order" in m.payload]
    assert "Μην πάτε. Η Ε-2026-0002 αποσύρθηκε: το συμβάν αποκαταστάθηκε." in told


def test_the_phone_of_neither_crew_says_sent_after_taken_back() -> None:
    night = Night()
    night.say(night.part, "accept", "04:35")
    part = replace(night.part, remaining=3 * HOUR)
    relief = replace(part, id=make_id("order", 2), number="Ε-2026-0002", crew="water-1")
    relief = replace(relief, continues=part.number, attempt=2, made_at=at("04:40"))
    night.situation.apply(Changes(orders={part.id: part, relief.id: relief}))
    closed = command("close", "2026-0001", "04:50", why="ψευδής", force="yes")
    inputs = Inputs(at("04:50"), commands=(closed,))
    decided = decide(CITY, night.situation, inputs, NoReadings())
    assert [m.payload["state"] for m in decided.outbox if "order" in m.payload] == ["withdrawn"] * 2


def test_done_said_when_the_relief_is_there_leaves_the_rest_to_it() -> None:
    night = Night().relieved()
    night.say(night.part, "complete", "07:20", used=used(clamp="1"))
    assert night.part.remaining == timedelta(hours=2, minutes=35)
    assert night.stands() == (IncidentState.IN_PROGRESS, None)
    assert night.told("part_done")


def test_a_crew_may_leave_what_it_was_to_end() -> None:
    """No part was planned; the crew's time is over, the rest is planned anew with what is left."""
    night = Night()
    part = replace(night.part, remaining=timedelta(0), finish_at=night.part.arrive_at + 5 * HOUR)
    night.situation.apply(Changes(orders={part.id: part}))
    night.say(part, "accept", "04:35")
    night.say(part, "arrive", "04:55")
    night.say(part, "leave", "06:55", used=used(clamp="1", sand="2"))
    assert night.told("part_done") == ["Ε-2026-0001: παράδοση βάρδιας, μένουν 3 ώ 00′"]
    assert night.stands() == (IncidentState.OPEN, None)
    relief = night.relief
    assert (relief.crew, relief.finish_at - relief.arrive_at) == ("water-1", 3 * HOUR)
    assert relief.items == (OrderItem("sand", WAREHOUSE, Decimal(2)),)
    night.say(relief, "accept", "07:00")
    assert night.stands() == (IncidentState.IN_PROGRESS, None)


def test_a_relief_that_refuses_leaves_the_next_one_to_be_found() -> None:
    night = Night().at_work()
    night.decide("06:15")
    assert "συνεχίζει το συνεργείο Ύδρευση 1" in night.phone("water-2")
    night.say(night.relief, "decline", "06:20")
    assert "δεν έχει βρεθεί ακόμη ποιος συνεχίζει" in night.phone("water-2")
    assert not served(night.situation, night.burst)
    night.decide("07:30")  # asked again an hour after the deadline, no sooner
    assert len(night.orders) == 2
    assert night.told("unplanned") == ["περιμένει τη βάρδια του συνεργείου Ύδρευση 2 15:00"]
    night.decide("08:15")
    assert (night.orders[2].crew, night.orders[2].continues) == ("water-1", night.part.number)


@pytest.mark.parametrize(
    ("what", "arrived", "index"),
    [("complete", True, 0), ("withdraw", True, 1), ("withdraw", False, 1)],
)
def test_an_operators_word_is_for_the_crew_at_work_or_for_the_one_that_goes_on(
    what: str, arrived: bool, index: int
) -> None:
    night = Night()
    night.say(night.part, "arrive" if arrived else "accept", "04:55")
    night.decide("06:30")
    said = command(what, night.burst.number, "06:40", why="τηλέφωνο")
    found = commanded(CITY, night.situation, [said], at("06:40"))
    meant = [r.order for r in found.replies] + list(found.taken_back)
    assert meant == [night.orders[index].id]


def test_what_has_begun_does_not_pass_by_itself() -> None:
    """The valves are closed and the flow is back: acknowledged, quiet, and the hole is open."""
    night = Night().at_work()
    (sign,) = night.situation.alerts.values()
    seen = replace(night.burst, acknowledged_at=at("05:00"))
    night.situation.apply(Changes(incidents={seen.id: seen}))
    night.say(night.part, "leave", "05:30")
    night.decide("05:35", replace(sign, cleared_at=at("05:32"), cleared_why="επανήλθε"))
    night.decide("06:00")
    assert len(night.orders) == 1  # who has just left is not sent back at once
    night.decide("06:45")
    assert night.burst.state is IncidentState.ACKNOWLEDGED
    assert night.relief.crew == "water-1"


@pytest.mark.parametrize(
    ("clock", "left"),
    [
        ("04:00", timedelta(hours=5)),  # a phone's clock that is behind
        ("04:55", timedelta(hours=5)),
        ("07:10", timedelta(hours=2, minutes=45)),
        ("09:40", timedelta(minutes=30)),  # where the crew says that something is left, it is
        ("12:00", timedelta(minutes=30)),
    ],
)
def test_what_is_left_at_a_moment(clock: str, left: timedelta) -> None:
    part = Night().at_work().part
    assert remaining_at(part, at(clock)) == left


def test_a_crew_that_came_late_leaves_more() -> None:
    night = Night()
    night.say(night.part, "accept", "04:40")
    night.say(night.part, "arrive", "05:25")
    left = left_of(night.situation, night.burst, BURST)
    assert left.hours == pytest.approx(3.25)
    assert left.materials == ()


def test_after_a_repair_that_did_not_help_the_job_is_whole_again() -> None:
    night = Night().relieved()
    night.say(night.part, "leave", "07:15", used=used(clamp="1", sand="4"))
    night.say(night.relief, "complete", "09:40")
    assert part_of(night.situation, night.burst) is None
    assert left_of(night.situation, night.burst, BURST) == BURST


def test_a_reply_that_comes_twice_changes_nothing() -> None:
    night = Night().relieved()
    said = reply(night.part, "leave", at("07:15"), used=used(clamp="1", sand="4"))
    night.decide("07:20", said)
    before = night.situation.copy()
    again = night.decide("07:25", said)
    assert not again.orders
    assert not again.costs
    assert before.stock == night.situation.stock


@pytest.mark.parametrize("seed", range(12))
def test_however_it_is_shared_nothing_is_charged_twice(seed: int) -> None:
    """A burst at any hour of a week, crews quick or slow, or who say nothing."""
    chance = random.Random(seed)
    began = at("00:00") + timedelta(minutes=5 * chance.randrange(12 * 24 * 7))
    habits = {
        crew: Habit(
            accepts=chance.choice([None, timedelta(minutes=3), timedelta(minutes=12)]),
            works=chance.choice([None, 2 * HOUR, 5 * HOUR, 7 * HOUR]),
        )
        for crew in ("water-1", "water-2")
    }
    story = Story(began - timedelta(minutes=5), habits=habits)
    story.push(alert(CITY, "zm-01", "main_burst", began))
    story.run(began + 48 * HOUR)
    burst = story.incident("main_burst")
    repair = [
        o
        for o in story.orders_of(burst)
        if o.completed_at and (burst.resolved_at is None or o.completed_at <= burst.resolved_at)
    ]
    first_end = next((n for n, o in enumerate(repair) if not o.remaining), len(repair) - 1)
    for material in BURST.materials:
        lines = [i for o in repair[: first_end + 1] for i in o.items if i.item == material.item]
        assert sum(i.used or 0 for i in lines) <= material.quantity
        charged = sum(c.quantity for c in story.changes.costs if c.item == material.item)
        moved = -sum(
            m.quantity
            for m in story.changes.movements
            if m.item == material.item and m.kind is MovementKind.USE
        )
        assert charged == moved
        before = sum(s.on_hand for s in situation().stock.values() if s.item == material.item)
        assert before - moved == sum(
            s.on_hand for s in story.situation.stock.values() if s.item == material.item
        )
    for earlier, later in pairwise(repair):  # on the spot together only to hand over
        assert later.arrived_at is not None and earlier.completed_at is not None
        assert earlier.completed_at - later.arrived_at <= timedelta(minutes=30)
    assert story.all_ids_differ()
    charged_to = {c.order for c in story.changes.costs if c.kind is CostKind.LABOUR}
    assert charged_to == {o.id for o in story.orders_of(burst) if o.completed_at}

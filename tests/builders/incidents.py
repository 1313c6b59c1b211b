"""A day of incidents in the small city: signs go in, what is told of them is kept."""

from datetime import datetime, timedelta
from typing import Any

from kel.model.alert import Alert
from kel.model.city import City
from kel.model.ids import make_id
from kel.model.incident import Incident, IncidentEvent, IncidentState
from kel.model.order import OrderState, Outgoing, WorkOrder
from kel.model.silence import Hidden
from kel.model.situation import Changes, Command, Inputs, Situation
from rules.incidents.correlate import correlate
from rules.incidents.following import follow_orders
from tests.builders.city import at, small_city

CITY = small_city()


class Day:
    """A situation that signs are put into, and the events told of them."""

    def __init__(self, city: City = CITY) -> None:
        self.city, self.situation = city, Situation()
        self.events: list[IncidentEvent] = []
        self.ended: dict[Any, Incident] = {}
        self.answers: list[str] = []
        self.calls: list[Outgoing] = []
        self.hidden: dict[Any, Hidden] = {}

    def put(self, *signs: Any, now: datetime | None = None) -> Changes:
        def of(kind: str) -> tuple[Any, ...]:
            return tuple(s for s in signs if type(s).__name__ == kind)

        latest = max([moment_of(s) for s in signs], default=now)
        inputs = Inputs(now or latest, of("Alert"), of("Request"), (), of("Command"))  # type: ignore[arg-type]
        return self.take(correlate(self.city, self.situation, inputs), inputs)

    def take(self, changes: Changes, inputs: Inputs | None = None) -> Changes:
        self.situation.apply(changes)
        if inputs is not None:
            self.situation.take(inputs)
        self.events += changes.incident_events
        self.ended |= {
            i.id: i for i in changes.incidents.values() if i.state is IncidentState.CLOSED
        }
        self.answers += [a.told for a in changes.answers]
        self.calls += changes.outbox
        self.hidden |= changes.hidden
        return changes

    def follow(self, order: WorkOrder, now: datetime) -> Changes:
        self.situation.orders[order.id] = order
        return self.take(follow_orders(self.city, self.situation, [order], now))

    @property
    def one(self) -> Incident:
        (only,) = self.situation.incidents.values()
        return only

    def named(self, number: str) -> Incident:
        (found,) = (i for i in self.situation.incidents.values() if i.number == number)
        return found

    def told(self, what: str) -> list[str]:
        return [e.why for e in self.events if e.what == what]


def moment_of(sign: Any) -> datetime:
    if isinstance(sign, Alert):
        return sign.cleared_at or sign.detected_at
    return sign.at  # type: ignore[no-any-return]


def order_of(incident: Incident, state: OrderState, **values: Any) -> WorkOrder:
    start = values.pop("made_at", incident.opened_at)
    given: dict[str, Any] = {
        "id": make_id("order", incident.id, values.get("attempt", 1)),
        "number": "Ε-2026-0001",
        "incident": incident.id,
        "category": incident.category,
        "crew": "water-1",
        "people": (),
        "vehicles": (),
        "items": (),
        "state": state,
        "place": incident.place,
        "made_at": start,
        "expires_at": start + timedelta(minutes=30),
        "depart_at": start,
        "arrive_at": start,
        "finish_at": start,
        "km": 1.0,
    }
    return WorkOrder(**{**given, **values})


def command(
    what: str, number: str = "", clock: str = "03:00", day: int = 4, why: str = "", **detail: Any
) -> Command:
    """An operator's command; `detail` (text) as the command line would give it."""
    about = (what, number, clock, day, why, *sorted(detail.items()))
    return Command(make_id("command", *about), at(clock, day), "Άννα", what, number, why, detail)

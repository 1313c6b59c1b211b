"""A working copy of the situation, and the changes made to it so far. Pure.

Laws:
- the situation given stays as it was; all that is decided goes through `put` and `tell`;
- every change is told to the agenda: what it keeps is never of what was.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from kel.model.alert import Alert
from kel.model.city import City
from kel.model.ids import make_id
from kel.model.incident import ACTIVE, Incident, IncidentEvent
from kel.model.order import ENDS_ORDER, OPEN_ORDER, Action, OrderState, Reply, WorkOrder
from kel.model.silence import Hidden, Silence
from kel.model.situation import Answer, Changes, Command, Situation
from rules.incidents.agenda import Agenda
from rules.incidents.joining import View

KEL = "kel"  # who did it, where nobody else did
WORKED = frozenset({OrderState.ACCEPTED, OrderState.ARRIVED, OrderState.COMPLETED})


@dataclass(slots=True)
class Work(View):
    """A working copy of the situation, and the changes made to it so far."""

    changes: Changes = field(default_factory=Changes)
    owner: dict[UUID, UUID] = field(default_factory=dict)  # alert or request → its incident
    taken_up: set[UUID] = field(default_factory=set)  # incidents whose crews are just replying
    arriving: set[UUID] = field(default_factory=set)  # incidents where crews are just there
    clock: datetime | None = None  # how far what happens has come
    agenda: Agenda = field(default_factory=Agenda)
    orders: dict[UUID, list[WorkOrder]] = field(default_factory=dict)  # by incident

    @classmethod
    def on(cls, city: City, situation: Situation, replies: Iterable[Reply] = ()) -> "Work":
        work = cls(city, situation.copy())
        said = list(replies)
        gone = {r.order for r in said if r.action in ENDS_ORDER or r.action is Action.DECLINE}
        for reply in said:
            order = situation.orders.get(reply.order)
            if order is not None and reply.action is not Action.DECLINE:
                work.taken_up.add(order.incident)
                own = order.state in OPEN_ORDER and order.crew == reply.crew
                if own and reply.action is Action.ARRIVE and order.id not in gone:
                    work.arriving.add(order.incident)
        for incident in work.situation.incidents.values():
            work._own(incident)
            work.agenda.changed(("incident", incident.id))
        for order in situation.orders.values():
            work.orders.setdefault(order.incident, []).append(order)
        for silence in work.situation.silences:
            work.agenda.changed(("silence", silence))
        for alert in work.situation.hidden:
            work.agenda.changed(("hidden", alert))
        return work

    def _own(self, incident: Incident) -> None:
        self.owner.update(dict.fromkeys((*incident.alerts, *incident.requests), incident.id))

    def put(self, incident: Incident) -> None:
        self.changes.incidents[incident.id] = incident
        self.agenda.changed(("incident", incident.id))
        if incident.state in ACTIVE:
            self.situation.incidents[incident.id] = incident
            self._own(incident)
        else:
            self.situation.incidents.pop(incident.id, None)
            self.forget_roll(incident.id)

    def put_alert(self, alert: Alert) -> None:
        """Keep the alert as it is now; the incident that it is in, if any, has to look again."""
        self.situation.alerts[alert.id] = alert
        owner = self.owner.get(alert.id)
        if owner is not None:
            self.forget_roll(owner)
            self.agenda.changed(("incident", owner))

    def tell(
        self,
        incident: Incident,
        at: datetime,
        what: str,
        why: str,
        *,
        about: object,
        who: str = KEL,
    ) -> None:
        self.tell_of(incident.id, at, what, why, about=about, who=who)

    def tell_of(
        self, incident: UUID, at: datetime, what: str, why: str, *, about: object, who: str = KEL
    ) -> None:
        """As `tell`, also of an incident that has ended."""
        event = make_id("incident_event", incident, what, about)
        self.changes.incident_events.append(IncidentEvent(event, incident, at, what, who, why))

    def answer(self, command: Command, told: str, *, done: bool) -> None:
        self.changes.answers.append(Answer(command.id, command.at, done, told))

    def put_silence(self, silence: Silence) -> None:
        self.changes.silences[silence.id] = silence
        self.agenda.changed(("silence", silence.id))
        if silence.ended_at is None:
            self.situation.silences[silence.id] = silence
        else:
            self.situation.silences.pop(silence.id, None)

    def put_hidden(self, hidden: Hidden) -> None:
        self.changes.hidden[hidden.alert, hidden.by] = hidden
        self.agenda.changed(("hidden", hidden.alert))
        if hidden.over_at is None:
            self.situation.hidden[hidden.alert] = hidden
        else:
            self.situation.hidden.pop(hidden.alert, None)

    def worked_on(self, incident: Incident) -> bool:
        """Whether a crew has taken it up, so that it must stay what it is."""
        worked = any(o.state in WORKED for o in self.situation.orders_of(incident.id))
        return worked or incident.id in self.taken_up

    def on_the_way(self, incident: Incident) -> bool:
        """Whether a crew is on its way or at work."""
        out = {OrderState.ACCEPTED, OrderState.ARRIVED}
        going = any(o.state in out for o in self.situation.orders_of(incident.id))
        return going or incident.id in self.taken_up

    def at_work(self, incident: Incident) -> bool:
        """Whether a crew is there, or says just now that it is: nobody ends it under its hands."""
        orders = self.situation.orders_of(incident.id)
        there = any(o.state is OrderState.ARRIVED for o in orders)
        return there or incident.id in self.arriving

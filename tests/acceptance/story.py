"""A tiny harness for timed stories: push signs at their times, let the desk decide, expect.

The desk decides every five minutes of the story, as it does live, through `kel.run.decide`; the
crews in it answer after fixed times. Nothing here knows a clock, a socket or a database.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import numpy as np

from kel.costs.readings import Readings
from kel.model.alert import Alert
from kel.model.city import City
from kel.model.frame import Float64, Int64
from kel.model.ids import make_id
from kel.model.incident import Incident, Material
from kel.model.order import Action, OrderState, Reply, WorkOrder
from kel.model.request import Request
from kel.model.situation import Changes, Command, Inputs, Situation
from kel.run.decide import decide
from tests.builders.city import situation, small_city

STEP = timedelta(minutes=5)
Sign = Alert | Request | Reply | Command


class NoReadings(Readings):
    """A store in which nothing was measured."""

    def series(
        self, device: str, metric: str, since: datetime, until: datetime
    ) -> tuple[Int64, Float64]:
        return np.empty(0, dtype=np.int64), np.empty(0)


@dataclass(frozen=True)
class Habit:
    """How long a crew takes: to accept, then to work; it arrives as planned. Never: None.

    Of a part it works until it is to hand over.
    """

    accepts: timedelta | None = timedelta(minutes=3)
    works: timedelta | None = timedelta(hours=2)
    used: tuple[Material, ...] | None = None  # None: as planned


@dataclass
class Story:
    """`city`, what happens in it, and all that the desk decided so far."""

    start: datetime
    city: City = field(default_factory=small_city)
    situation: Situation = field(default_factory=situation)
    habits: Mapping[str, Habit] = field(default_factory=dict)  # by crew
    changes: Changes = field(default_factory=Changes)
    readings: Readings = field(default_factory=NoReadings)
    _waiting: list[tuple[datetime, Sign]] = field(default_factory=list)

    def push(self, *signs: Sign) -> None:
        """Each sign reaches the desk at its own moment."""
        for sign in signs:
            self._waiting.append((_moment(sign), sign))

    def acknowledge(self, moment: datetime, number: str, who: str = "Άννα") -> None:
        self.push(Command(make_id("command", number), moment, who, "acknowledge", number))

    def run(self, until: datetime) -> None:
        """Let the desk decide at every step up to `until`."""
        while self.start + STEP <= until:
            self.start += STEP
            self.step(self.start)

    def step(self, now: datetime) -> Changes:
        """Decide once at `now` on all that came until then."""
        due = sorted(
            ((m, s) for m, s in self._waiting if m <= now), key=lambda w: (w[0], str(w[1].id))
        )
        self._waiting = [w for w in self._waiting if w[0] > now]
        signs = [s for _, s in due]
        inputs = Inputs(
            now,
            tuple(s for s in signs if isinstance(s, Alert)),
            tuple(s for s in signs if isinstance(s, Request)),
            tuple(s for s in signs if isinstance(s, Reply)),
            tuple(s for s in signs if isinstance(s, Command)),
        )
        before = self.situation.copy()
        decided = decide(self.city, self.situation, inputs, self.readings)
        assert self.situation == before, "the desk changed the situation that it decided on"
        self.situation.apply(decided)
        self.situation.take(inputs)
        self.changes.add(decided)
        for order in decided.orders.values():
            if order.state is OrderState.SENT:
                self._answer(order)
        return decided

    def _answer(self, order: WorkOrder) -> None:
        habit = self.habits.get(order.crew, Habit())
        if habit.accepts is None:
            return
        accepted = order.made_at + habit.accepts
        arrived = max(order.arrive_at, accepted)
        self.push(_reply(order, Action.ACCEPT, accepted), _reply(order, Action.ARRIVE, arrived))
        if habit.works is not None:
            planned = tuple(Material(i.item, i.planned) for i in order.items)
            used = planned if habit.used is None else habit.used
            done, ends = arrived + habit.works, Action.COMPLETE
            if order.remaining and done > order.finish_at:
                done, ends = order.finish_at, Action.LEAVE
            self.push(_reply(order, ends, done, used))

    # what to expect

    def incident(self, category: str) -> Incident:
        """The one incident of that category that ever was and was not merged into another."""
        (found,) = [
            i
            for i in self.changes.incidents.values()
            if i.category == category and (i.alerts or i.requests)
        ]
        return found

    def orders_of(self, incident: Incident) -> list[WorkOrder]:
        found = [o for o in self.changes.orders.values() if o.incident == incident.id]
        return sorted(found, key=lambda o: o.attempt)

    def history(self, incident: Incident) -> list[str]:
        """What happened to the incident, in words, in order of time."""
        events = [e for e in self.changes.incident_events if e.incident == incident.id]
        return [e.what for e in sorted(events, key=lambda e: e.at)]

    def told(self, incident: Incident, what: str) -> list[tuple[datetime, str]]:
        """When and why the incident's event `what` happened, each time."""
        return [
            (e.at, e.why)
            for e in self.changes.incident_events
            if e.incident == incident.id and e.what == what
        ]

    def all_ids_differ(self) -> bool:
        """Whether no event, message, movement or cost was made twice."""
        made: list[UUID] = []
        for ledger in (
            self.changes.incident_events,
            self.changes.order_events,
            self.changes.outbox,
            self.changes.movements,
            self.changes.costs,
        ):
            made += [line.id for line in ledger]
        return len(set(made)) == len(made)


def _reply(
    order: WorkOrder, action: Action, at: datetime, used: tuple[Material, ...] = ()
) -> Reply:
    return Reply(make_id("reply", order.id, action), order.id, order.crew, action, at, at, used)


def _moment(sign: Sign) -> datetime:
    if isinstance(sign, Alert):
        return sign.cleared_at or sign.detected_at
    return sign.at if isinstance(sign, Command) else sign.arrival

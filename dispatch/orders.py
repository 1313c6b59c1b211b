"""Work orders: sent with what they need, answered, expired, withdrawn. Pure.

Laws:
- an order and what it reserves are made in one go, or not at all;
- one open order an incident, or a part and its relief; each next one counts as another attempt;
- what nobody accepts in time lapses and is free for another crew; what is no longer wanted is
  taken back, and the crew is told;
- ids are made of incident and attempt, events of order and state: a replay makes the same.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from dispatch import reasons, stock
from dispatch.answers import answer
from dispatch.board import Assignment
from dispatch.messages import messages
from dispatch.plan import AHEAD, Plan, Unplanned
from dispatch.relief import served
from dispatch.shifts import at_work, spans
from kel.model.alert import Severity
from kel.model.city import City
from kel.model.ids import make_id
from kel.model.incident import REPAIRED, Incident, IncidentEvent
from kel.model.order import OPEN_ORDER, OrderEvent, OrderState, WorkOrder
from kel.model.situation import Changes, Situation

__all__ = ["answer", "dispatch", "expire", "withdraw"]

ANSWER_WITHIN = timedelta(minutes=30)
ANSWER_WITHIN_SEVERE = timedelta(minutes=15)  # severity high and above
TAKEN_BACK_FOR = timedelta(hours=12)  # how long a phone that was off still gets to hear of it
# Why an order is taken back, by what happened to its incident: the words of its history.
TAKEN_BACK = {
    "closed": "το συμβάν έκλεισε",
    "resolved": "το συμβάν αποκαταστάθηκε",
    "handed_on": "το συμβάν διαβιβάστηκε",
    "assigned": "το συμβάν ανατέθηκε σε άλλο συνεργείο",
    "raised": "το συμβάν άλλαξε κατηγορία",
    "alone": "το συνεργείο που θα άρχιζε δεν πάει",
}
NEVER_CAME = frozenset({OrderState.DECLINED, OrderState.WITHDRAWN})
KEL = "kel"


def dispatch(city: City, situation: Situation, plan: Plan, now: datetime) -> Changes:
    """The plan as orders with reservations and messages, and the reasons that are new.

    An assignment whose incident has an order meanwhile, or has ended, is left out; one whose stock
    is no longer free becomes a reason.
    """
    work, changes = situation.copy(), Changes()

    def take(more: Changes) -> None:
        changes.add(more)
        work.apply(more)

    for assignment in plan.assignments:
        incident = work.incidents.get(assignment.incident)
        if incident is None or served(work, incident):
            continue
        try:
            take(_send(city, work, assignment, incident, now))
        except stock.ShortageError:
            take(_tell_short(work, incident, now))
    for unplanned in plan.unplanned:
        take(_tell_unplanned(work, unplanned, now))
    return changes


def expire(city: City, situation: Situation, now: datetime) -> Changes:
    """End the orders that nobody accepted in time; what they kept is free again."""
    changes = Changes()
    for order in _in_order(situation):
        if order.state is OrderState.SENT and order.expires_at <= now:
            at, why = order.expires_at, "καμία απάντηση στην προθεσμία"
            changes.add(_end(city, situation, changes, order, OrderState.EXPIRED, at, why, now))
    return changes


def withdraw(
    city: City,
    situation: Situation,
    now: datetime,
    asked: Mapping[UUID, str] | None = None,
    said: Mapping[tuple[UUID, str], str] | None = None,
) -> Changes:
    """Take back what is no longer wanted and not yet begun.

    An order whose incident ended before anybody arrived, or was repaired by those whom it was to
    relieve, handed on, or assigned to another crew; and one whose incident became another category,
    which may need other people and materials: where nobody has accepted it yet, or where that is
    severe, before anybody arrived. A relief of those who do not go: the next plan makes it whole.
    `asked` names orders that operators want back, and why; it becomes the order's note. `said`: who
    made of an incident what takes its order back, and why, by incident and word of its history.
    """
    changes = Changes()
    for order in _in_order(situation):
        word = (asked or {}).get(order.id, "")
        if word and order.state in OPEN_ORDER:
            order = replace(order, note=word)
        else:
            word = ""
        what = _unwanted(city, situation, changes, order)
        why = word or TAKEN_BACK.get(what or "", "")
        # the crew hears what it is about, not which login said so
        spoken = word.partition(": ")[2] or why
        if what and not word and (by := (said or {}).get((order.incident, what))):
            why = f"{why} · {by}"
        if why:
            state = OrderState.WITHDRAWN
            changes.add(_end(city, situation, changes, order, state, now, why, now, spoken))
    return changes


def _in_order(situation: Situation) -> Iterator[WorkOrder]:
    yield from sorted(situation.orders.values(), key=lambda o: (o.made_at, o.id))


def _unwanted(city: City, situation: Situation, so_far: Changes, order: WorkOrder) -> str | None:
    """What of `TAKEN_BACK` is the reason to take the order back; None where it stands."""
    if order.state not in (OrderState.SENT, OrderState.ACCEPTED):
        return None
    incident = situation.incidents.get(order.incident)
    if incident is None:
        return "closed"
    if incident.state in REPAIRED:
        return "resolved"
    if incident.handed is not None:
        return "handed_on"
    if incident.crew in city.crews and incident.crew != order.crew:
        return "assigned"
    turns = order.state is OrderState.SENT or incident.severity >= Severity.HIGH
    if turns and incident.category != order.category:
        return "raised"
    if any(
        so_far.orders.get(o.id, o).state in NEVER_CAME
        for o in situation.orders_of(order.incident)
        if o.number == order.continues
    ):
        return "alone"
    return None


def _send(
    city: City, situation: Situation, assignment: Assignment, incident: Incident, now: datetime
) -> Changes:
    attempt = len(situation.orders_of(incident.id)) + 1
    year = now.astimezone(ZoneInfo(city.timezone)).year
    severe = incident.severity >= Severity.HIGH
    # who is sent for before their shift answers when it begins; a fire does not wait for Monday
    working = spans(city.crews[assignment.crew], city.timezone, now, on_call=severe)
    answers_from = min(at_work(working, now), now + AHEAD)
    order = WorkOrder(
        id=make_id("order", incident.id, attempt),
        number=f"Ε-{situation.next_number('order', year)}",
        incident=incident.id,
        category=incident.category,
        crew=assignment.crew,
        people=assignment.people,
        vehicles=assignment.vehicles,
        items=assignment.items,
        state=OrderState.SENT,
        place=incident.place,
        made_at=now,
        expires_at=answers_from + (ANSWER_WITHIN_SEVERE if severe else ANSWER_WITHIN),
        depart_at=assignment.depart_at,
        arrive_at=assignment.arrive_at,
        finish_at=assignment.finish_at,
        km=assignment.km,
        attempt=attempt,
        remaining=assignment.remaining,
        continues=assignment.continues,
    )
    changes = stock.reserve(situation, order.id, order.items)
    changes.orders[order.id] = order
    changes.order_events.append(_event(order, now, OrderState.SENT, ""))
    crew = city.crews[order.crew].name
    arrival = reasons.moment_label(city, order.arrive_at, now)
    why = f"{order.number}: {crew}, άφιξη {arrival}"
    if order.continues:
        why += f", συνεχίζει την {order.continues}"
    if order.remaining:
        why += f", παράδοση βάρδιας {reasons.moment_label(city, order.finish_at, now)}"
    changes.incident_events.append(_incident_event(incident, now, "planned", why, order.id))
    changes.outbox += messages(city, situation, order, now, order.expires_at)
    return changes


def _end(
    city: City,
    situation: Situation,
    so_far: Changes,
    order: WorkOrder,
    state: OrderState,
    at: datetime,
    why: str,
    now: datetime,
    spoken: str = "",
) -> Changes:
    """`why` goes into the histories, `spoken` of it to the crew."""
    work = situation.copy()
    work.apply(so_far)
    ended = replace(order, state=state)
    changes = stock.release(work, order.id)
    changes.orders[order.id] = ended
    changes.order_events.append(_event(ended, at, state, why))
    changes.outbox += messages(city, work, ended, now, now + TAKEN_BACK_FOR, spoken)
    return changes


def _event(order: WorkOrder, at: datetime, state: OrderState, why: str) -> OrderEvent:
    event = make_id("order_event", order.id, state.value)
    return OrderEvent(event, order.id, at, state.value, KEL, why)


def _incident_event(
    incident: Incident, at: datetime, what: str, why: str, about: object
) -> IncidentEvent:
    event = make_id("incident_event", incident.id, what, about)
    return IncidentEvent(event, incident.id, at, what, KEL, why)


def _tell_unplanned(situation: Situation, unplanned: Unplanned, now: datetime) -> Changes:
    """The reason as an event, where it is not the one told last."""
    incident = situation.incidents.get(unplanned.incident)
    if incident is None or situation.unplanned.get(incident.id) == unplanned.reason:
        return Changes()
    event = _incident_event(incident, now, "unplanned", unplanned.reason, now.isoformat())
    return Changes(incident_events=[event])


def _tell_short(situation: Situation, incident: Incident, now: datetime) -> Changes:
    reason = "τα υλικά δεσμεύτηκαν στο μεταξύ για άλλη εντολή· ξανασχεδιάζεται"
    return _tell_unplanned(situation, Unplanned(incident.id, reason, "stock"), now)

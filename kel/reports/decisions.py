"""What needs a decision by the mayor, computed from facts.

Laws:
- a decision is asked for only where somebody must choose: to buy, to move money, to hand on, to
  search, to allow overtime; what runs by itself is not told;
- every question comes with the figures behind it;
- the kinds take turns in the order below, so that many of one kind do not hide another.

A budget line's pace is a straight line from 1 January; a zone's loss is its night flow above
what is expected, taken for all 168 hours of the week (leaks run all day; an estimate).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import chain, zip_longest

from kel.reports import greek
from kel.reports.week import BudgetPace, Decision, ZoneNight

HIGH_WEEKS = 2  # a zone high for so many weeks is no coincidence
HIGH_SHARE = 1.1  # and by so much above what is expected
OVERTIME_SHARE = 0.8  # of the cap: time to decide about the rest
HOURS_A_WEEK = 168
NAMED = 3  # incidents of one decision that are told by their number


@dataclass(frozen=True, slots=True)
class LowItem:
    """An item at or below its reorder point. `free` is on hand less reserved, in all places;
    `used_a_week` its mean use over the last weeks, 0 where unknown."""

    item: str
    name: str
    unit: str
    free: Decimal
    reorder: Decimal
    lead_days: int
    used_a_week: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class UnplannedIncident:
    """An active incident without an order, with the last reason told (Greek, as on the screens)."""

    number: str
    what: str
    place: str
    opened_at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class CrewOvertime:
    """Overtime hours of a crew's people in the half-year so far, and their cap."""

    crew: str
    name: str
    hours: float
    cap: float


@dataclass(frozen=True, slots=True)
class Facts:
    """Raw facts at the end of the week's Sunday `today`; `water_eur_m3` is the city's rate."""

    today: date
    timezone: str = "Europe/Athens"
    unplanned: Sequence[UnplannedIncident] = ()
    budget: Sequence[BudgetPace] = ()
    items: Sequence[LowItem] = ()
    zones: Sequence[ZoneNight] = ()
    overtime: Sequence[CrewOvertime] = ()
    water_eur_m3: Decimal | None = None


def decide(facts: Facts) -> tuple[Decision, ...]:
    """All decisions, the most pressing of each kind first, kinds in turn."""
    kinds = (
        _unplanned(facts),
        _budget(facts),
        _stock(facts),
        _zones(facts),
        _overtime(facts),
    )
    rounds = zip_longest(*kinds)
    return tuple(d for d in chain.from_iterable(rounds) if d is not None)


def runs_out(pace: BudgetPace, today: date) -> date | None:
    """The day on which a line is spent at the pace so far, None where not before the year ends.

    A line already spent runs out today at the latest.
    """
    if pace.spent <= 0:
        return None
    if pace.spent >= pace.budgeted:
        return today
    elapsed = today.timetuple().tm_yday
    days = int(Decimal(elapsed) * pace.budgeted / pace.spent)
    last = date(today.year, 12, 31)
    if days >= last.timetuple().tm_yday:
        return None
    return date(today.year, 1, 1) + timedelta(days=days)


def _unplanned(facts: Facts) -> Iterable[Decision]:
    """What waits for the same reason is one decision: deciding it once frees all of them."""
    by_reason: dict[str, list[UnplannedIncident]] = {}
    for incident in sorted(facts.unplanned, key=lambda i: (i.opened_at, i.number)):
        by_reason.setdefault(incident.reason, []).append(incident)
    for reason, waiting in by_reason.items():
        oldest = waiting[0]
        since = greek.moment(oldest.opened_at, facts.timezone)
        if len(waiting) == 1:
            what = f"{oldest.what} {greek.in_place(oldest.place)}"
            question = f"Ανάθεση του {oldest.number}"
            because = f"{what}, χωρίς σχέδιο από {since}: {reason}"
        else:
            question = f"Ανάθεση {greek.number(len(waiting))} συμβάντων ({_named(waiting)})"
            because = f"χωρίς σχέδιο, το παλαιότερο από {since}: {reason}"
        yield Decision("unplanned", oldest.number, question, because)


def _named(waiting: Sequence[UnplannedIncident]) -> str:
    """The oldest ones by number, the rest as a number."""
    told = [i.number for i in waiting[:NAMED]]
    if len(waiting) > NAMED:
        told.append(f"{greek.number(len(waiting) - NAMED)} ακόμη")
    return ", ".join(told)


def _budget(facts: Facts) -> Iterable[Decision]:
    ends = [(runs_out(pace, facts.today), pace) for pace in facts.budget]
    soon = [(day, pace) for day, pace in ends if day is not None]
    for day, pace in sorted(soon, key=lambda e: (e[0], e[1].account)):
        spent = f"δαπανήθηκαν {greek.euros(pace.spent)} από {greek.euros(pace.budgeted)}"
        until = f"με αυτόν τον ρυθμό εξαντλείται στις {greek.day_and_month(day)}"
        over = f"υπέρβαση {greek.euros(pace.spent - pace.budgeted)}"
        yield Decision(
            "budget",
            pace.account,
            f"Αναμόρφωση: {pace.label} ({pace.account})",
            f"{spent}· {until if pace.spent < pace.budgeted else over}",
        )


def _stock(facts: Facts) -> Iterable[Decision]:
    low = sorted((i for i in facts.items if i.free <= i.reorder), key=lambda i: (_cover(i), i.item))
    if not low:
        return
    told = [_item_told(i) for i in low[:3]]
    if len(low) > len(told):
        told.append(f"{greek.number(len(low) - len(told))} ακόμη")
    question = (
        f"Παραγγελία: {low[0].name}"
        if len(low) == 1
        else f"Παραγγελία {greek.number(len(low))} υλικών"
    )
    yield Decision("stock", low[0].item, question, "· ".join(told))


def _cover(item: LowItem) -> float:
    """Weeks that the stock lasts beyond the delivery; where the use is unknown, its share."""
    if item.used_a_week > 0:
        return float(item.free / item.used_a_week) - item.lead_days / 7
    return float(item.free / item.reorder) if item.reorder else 0.0


def _item_told(item: LowItem) -> str:
    free = greek.number(item.free, 0 if item.free == item.free.to_integral_value() else 1)
    lead = greek.plural(item.lead_days, "ημέρα", "ημέρες")
    return (
        f"{item.name}: {free}{greek.NBSP}{item.unit}, όριο {greek.number(item.reorder)}, "
        f"παράδοση σε {lead}"
    )


def _zones(facts: Facts) -> Iterable[Decision]:
    high = [
        z for z in facts.zones if z.weeks_high >= HIGH_WEEKS and z.flow > z.expected * HIGH_SHARE
    ]
    for zone in sorted(high, key=lambda z: (z.expected - z.flow, z.name)):
        lost = (zone.flow - zone.expected) * HOURS_A_WEEK
        price = facts.water_eur_m3
        worth = f" ({greek.euros(Decimal(str(lost)) * price)})" if price is not None else ""
        yield Decision(
            "zone",
            zone.name,
            f"Έρευνα διαρροών: {zone.name}",
            f"νυχτερινή ροή {greek.quantity(zone.flow, 'm³/h', 1)} αντί για "
            f"{greek.number(zone.expected, 1)}, για {zone.weeks_high}η εβδομάδα· "
            f"περίπου {greek.quantity(lost, 'm³', 0)}{worth} την εβδομάδα",
        )


def _overtime(facts: Facts) -> Iterable[Decision]:
    near = [c for c in facts.overtime if c.hours > 0 and c.hours >= c.cap * OVERTIME_SHARE]
    for crew in sorted(near, key=lambda c: (c.cap - c.hours, c.crew)):
        yield Decision(
            "overtime",
            crew.crew,
            f"Υπερωρίες: {crew.name}",
            f"{greek.number(crew.hours)} από {greek.quantity(crew.cap, 'ώρες')} του εξαμήνου",
        )

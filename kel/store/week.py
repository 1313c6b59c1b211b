"""The mayor's week out of the database: every field of `kel.reports.week.Week`, from SQL.

Laws:
- one snapshot: all figures of a page are of the same moment, whatever is written meanwhile;
- weeks and days are the city's, summer time included; the store's times are UTC;
- a week before is history only if the city's record covers all of it; where it does not, there is
  nothing to compare with (None), not a zero.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from psycopg import Connection
from psycopg.pq import TransactionStatus

from kel.model.city import City
from kel.model.cost import CostKind
from kel.model.incident import IncidentState
from kel.reports.week import (
    CategoryCount,
    CommunityCost,
    CostlyIncident,
    DayCost,
    Euros,
    Figure,
    KindCost,
    Lights,
    Times,
    Water,
    Week,
    WeekCost,
    Work,
    ZoneNight,
)
from kel.store.asking import WEEK, Asking, Span
from kel.store.week_facts import budget, decisions
from kel.store.week_nights import Allowance, nights

NOTHING = Decimal(0)
NO_EUROS = Euros()


@dataclass(frozen=True, slots=True)
class Costs:
    """One week's sums of cost entries."""

    euros: Euros = NO_EUROS
    m3: float = 0.0
    kwh: float = 0.0
    hours: float = 0.0
    overtime: float = 0.0


NO_COSTS = Costs()


def read_week(
    connection: Connection,
    city: City,
    start: date,
    made_at: datetime,
    allowance: Allowance | None = None,
    overtime_cap_h: float | None = None,
) -> Week:
    """The week whose Monday is `start`, as known at `made_at` (aware; the week may be unfinished).

    `allowance`: zone → what may flow at night in each of the twelve months, m³/h; zones without
    one are left out. `overtime_cap_h`: hours of overtime that a person may do in a half-year;
    without it nothing is said about overtime. Raises ValueError where `start` is no Monday.
    """
    if start.weekday():
        raise ValueError(f"a week begins on a Monday; {start} is none")
    with snapshot(connection):
        ask = Asking(connection, Span(start, made_at, city.timezone))
        zones = nights(ask, city, allowance or {})
        return _week(ask, city, zones, overtime_cap_h)


@contextmanager
def snapshot(connection: Connection) -> Iterator[None]:
    """A read-only transaction that sees one moment of the database; within one it joins it."""
    outermost = connection.info.transaction_status is TransactionStatus.IDLE
    with connection.transaction():
        if outermost:
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def _week(ask: Asking, city: City, zones: Sequence[ZoneNight], cap_h: float | None) -> Week:
    span = ask.span
    costs = _costs(ask)
    this, history = costs.get(span.start, NO_COSTS), range(1, ask.history + 1)
    past = [costs.get(span.monday(n), NO_COSTS).euros for n in history]
    totals = [euros.total for euros in past]
    lines = budget(ask)
    kinds = _kinds(ask)
    return Week(
        city=city.name,
        start=span.start,
        made_at=span.made_at,
        timezone=city.timezone,
        incidents=_opened(ask),
        cost=this.euros,
        cost_last=totals[0] if totals else None,
        cost_mean=sum(totals, NOTHING) / len(totals) if totals else None,
        water=_water(ask, costs, kinds, zones),
        lights=_lights(ask),
        times=_times(ask),
        work=_work(ask, costs),
        states={IncidentState(state): count for state, count in ask.rows("week_states")},
        days=_days(ask),
        weeks=tuple(
            WeekCost(span.monday(n), costs.get(span.monday(n), NO_COSTS).euros)
            for n in range(ask.history, -1, -1)
        ),
        kinds=kinds,
        communities=_communities(ask),
        categories=_categories(ask),
        budget=lines,
        costly=_costly(ask),
        decisions=decisions(ask, city, lines, zones, cap_h),
    )


def _costs(ask: Asking) -> Mapping[date, Costs]:
    return {
        monday: Costs(Euros(cash, management, entry), *map(float, measures))
        for monday, cash, management, entry, *measures in ask.rows("week_costs")
    }


def _opened(ask: Asking) -> Figure:
    opened = dict(ask.rows("week_incidents"))
    return ask.figure(lambda monday: opened.get(monday, 0))


def _kinds(ask: Asking) -> tuple[KindCost, ...]:
    return tuple(KindCost(CostKind(kind), Euros(*sums)) for kind, *sums in ask.rows("week_kinds"))


def _water(
    ask: Asking,
    costs: Mapping[date, Costs],
    kinds: Sequence[KindCost],
    zones: Sequence[ZoneNight],
) -> Water:
    return Water(
        lost_m3=ask.figure(lambda monday: costs.get(monday, NO_COSTS).m3),
        lost=next((k.cost for k in kinds if k.kind is CostKind.WATER), Euros()),
        wasted_kwh=ask.figure(lambda monday: costs.get(monday, NO_COSTS).kwh),
        zones=tuple(zones),
    )


def _work(ask: Asking, costs: Mapping[date, Costs]) -> Work:
    done = {monday: (orders, km) for monday, orders, km in ask.rows("week_orders")}
    return Work(
        orders=ask.figure(lambda monday: done.get(monday, (0, 0.0))[0]),
        hours=ask.figure(lambda monday: costs.get(monday, NO_COSTS).hours),
        km=ask.figure(lambda monday: done.get(monday, (0, 0.0))[1]),
        overtime_hours=ask.figure(lambda monday: costs.get(monday, NO_COSTS).overtime),
    )


def _times(ask: Asking) -> Times:
    ((acknowledge, acknowledge_p90, restore, restore_p90),) = ask.rows("week_times")
    last: tuple[float | None, ...] = (None, None, None, None)
    if ask.history:
        before = {"week": ask.span.asked["last"], "until": ask.span.asked["week"]}
        (last,) = ask.rows("week_times", **before)
    return Times(acknowledge, acknowledge_p90, last[0], restore, restore_p90, last[2])


def _lights(ask: Asking) -> Lights:
    ((lamps,),) = ask.rows("week_lamps")
    dark = ask.rows("week_dark")
    span = ask.span

    def bounds(monday: date) -> tuple[datetime, datetime]:
        return span.at(monday), min(span.at(monday + WEEK), span.now)

    def failures(monday: date) -> float:
        since, until = span.at(monday), span.at(monday + WEEK)
        failed = (d for d in dark if d[0] == "lamp" and since <= d[1] < until)
        return float(sum(lamps_out for *_, lamps_out in failed))

    def availability(monday: date) -> float:
        since, until = bounds(monday)
        whole: float = lamps * (until - since).total_seconds()
        if whole <= 0:
            return 1.0
        out = 0.0
        for _, _, began, ended, lamps_out in dark:
            overlap = min(ended or until, until) - max(began, since)
            out += lamps_out * max(overlap.total_seconds(), 0.0)
        return max(1 - out / whole, 0.0)

    return Lights(lamps, ask.figure(failures), ask.figure(availability))


def _days(ask: Asking) -> tuple[DayCost, ...]:
    """Seven days; rows come with the kind of each day's largest entry first."""
    kinds: dict[date, dict[CostKind, Decimal]] = {}
    entries: dict[date, UUID] = {}
    for day, kind, amount, entry, _ in ask.rows("week_days"):
        kinds.setdefault(day, {})[CostKind(kind)] = amount
        entries.setdefault(day, entry)
    days = [ask.span.start + timedelta(days=n) for n in range(7)]
    return tuple(DayCost(day, kinds.get(day, {}), entries.get(day)) for day in days)


def _communities(ask: Asking) -> tuple[CommunityCost, ...]:
    return tuple(
        CommunityCost(name, incidents, Euros(*sums), last if ask.history else None)
        for name, incidents, *sums, last in ask.rows("week_communities")
    )


def _categories(ask: Asking) -> tuple[CategoryCount, ...]:
    return tuple(
        CategoryCount(category, label, opened, last if ask.history else None, active, Euros(*sums))
        for category, label, opened, last, active, *sums in ask.rows("week_categories")
    )


def _costly(ask: Asking) -> tuple[CostlyIncident, ...]:
    return tuple(
        CostlyIncident(
            number=row[0],
            category=row[1],
            label=row[2],
            what=row[3],
            place=row[4],
            opened_at=row[5],
            state=IncidentState(row[6]),
            cost=Euros(*row[7:10]),
            acknowledge_min=row[10],
            restore_min=row[11],
            m3=row[12],
            kwh=row[13],
        )
        for row in ask.rows("week_costly")
    )

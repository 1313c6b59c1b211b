"""The facts behind the week's decisions, out of the database.

What changes by the hour (stock, incidents without an order) is told as it stands now, also on the
page of an earlier week: a decision is about now.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from kel.model.city import City
from kel.reports.decisions import CrewOvertime, Facts, LowItem, UnplannedIncident, decide
from kel.reports.week import BudgetPace, Decision, ZoneNight
from kel.store.asking import Asking


def budget(ask: Asking) -> tuple[BudgetPace, ...]:
    """Cash from 1 January of the Sunday's year to the week's end, by account."""
    year = ask.span.sunday.year
    january = ask.span.at(date(year, 1, 1))
    return tuple(BudgetPace(*row) for row in ask.rows("week_budget", year=year, january=january))


def decisions(
    ask: Asking,
    city: City,
    lines: Sequence[BudgetPace],
    zones: Sequence[ZoneNight],
    cap_h: float | None,
) -> tuple[Decision, ...]:
    """What waits for the mayor."""
    facts = Facts(
        today=ask.span.today,
        timezone=city.timezone,
        unplanned=[UnplannedIncident(*row) for row in ask.rows("week_unplanned")],
        budget=lines,
        items=_low_items(ask),
        zones=zones,
        overtime=_overtime(ask, city, cap_h) if cap_h is not None else (),
        water_eur_m3=city.rates.water_eur_m3,
    )
    return decide(facts)


def _low_items(ask: Asking) -> list[LowItem]:
    """Their use is the mean of the whole weeks before and this one."""
    since = ask.span.at(ask.span.monday(ask.history))
    found = ask.rows("week_low_items", since=since, weeks=Decimal(ask.history + 1))
    return [LowItem(*row) for row in found]


def _overtime(ask: Asking, city: City, cap_h: float) -> list[CrewOvertime]:
    """Hours since 1 January or 1 July, of a crew's people against what they may do together."""
    day = ask.span.sunday
    half_year = ask.span.at(date(day.year, 1 if day.month < 7 else 7, 1))
    return [
        CrewOvertime(crew, name, hours, cap_h * len(city.crews[crew].people))
        for crew, name, hours in ask.rows("week_overtime", half_year=half_year)
        if crew in city.crews
    ]

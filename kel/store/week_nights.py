"""Night flow of the week's zones, beside what the rulebook allows."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from kel.model.city import City
from kel.reports.week import ZoneNight
from kel.store.asking import Asking

Allowance = Mapping[str, Sequence[float]]  # zone → m³/h in January, …, December

Nights = Mapping[date, float]  # night → mean flow, m³/h


def nights(ask: Asking, city: City, allowance: Allowance) -> list[ZoneNight]:
    """Every zone that has an allowance and was measured this week; a night counts like another."""
    cls = city.classes.get("zone")
    if not allowance or cls is None or cls.metric("flow") is None:
        return []
    flows: dict[str, dict[date, float]] = {}
    for zone, night, flow in ask.rows("week_nights"):
        flows.setdefault(zone, {})[night] = flow
    start, history = ask.span.start, ask.history
    found = [
        _zone(city.zones[zone].name, measured, allowance[zone], start, history)
        for zone, measured in flows.items()
        if zone in city.zones and zone in allowance
    ]
    return sorted((z for z in found if z is not None), key=lambda z: z.name)


def _zone(
    name: str, measured: Nights, months: Sequence[float], start: date, history: int
) -> ZoneNight | None:
    weeks = [_week(measured, months, start - timedelta(weeks=n)) for n in range(history + 1)]
    this = weeks[0]
    if this is None:
        return None
    high = 0
    for week in weeks:
        if week is None or week[0] <= week[1]:
            break
        high += 1
    last = weeks[1] if history else None
    return ZoneNight(name, *this, last=last[0] if last else None, weeks_high=high)


def _week(measured: Nights, months: Sequence[float], monday: date) -> tuple[float, float] | None:
    """The mean flow of a week's measured nights, and what was allowed in them."""
    days = (monday + timedelta(days=n) for n in range(7))
    seen = [(measured[d], months[d.month - 1]) for d in days if d in measured]
    if not seen:
        return None
    return sum(f for f, _ in seen) / len(seen), sum(e for _, e in seen) / len(seen)

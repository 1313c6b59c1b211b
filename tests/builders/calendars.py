"""Calendars of the test city, and whether they are open, slowly: one moment, plain datetimes."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from kel.model.calendar import Calendar, FireRisk, is_holiday
from kel.model.city import City

MINUTE = 60_000_000


def hours(start: str, end: str) -> tuple[time, time]:
    return time.fromisoformat(start), time.fromisoformat(end)


CALENDARS = {
    c.id: c
    for c in (
        Calendar("night", "Νύχτα", hours=hours("22:00", "06:00")),
        # some short spans in the two hours that the cases of kinds of rules last
        Calendar("early", "Νωρίς", hours=hours("03:10", "03:37")),
        Calendar("late", "Αργά", hours=hours("04:00", "04:21")),
        Calendar("spells", "Διαστήματα", any_of=("early", "late", "dawn")),
        Calendar("dawn", "Χάραμα", hours=hours("04:42", "05:30")),
        Calendar("weekend", "Σαββατοκύριακο", days=frozenset({5, 6})),
        Calendar("irrigation", "Άρδευση", season=((5, 1), (9, 30))),
        Calendar("winter", "Χειμώνας", season=((11, 15), (2, 29))),
        Calendar("feast", "Αργία", holidays=True),
        Calendar("workday", "Εργάσιμη", holidays=False, days=frozenset(range(5))),
        Calendar("fire", "Ημέρα κινδύνου", fire_risk=4),
        Calendar("rest", "Ανάπαυση", any_of=("weekend", "feast"), none_of=("fire",)),
        Calendar("summer-night", "Καλοκαιρινή νύχτα", all_of=("night", "irrigation")),
    )
}
FIRE_RISK = (
    FireRisk(date(2026, 7, 1), 4, None),
    FireRisk(date(2026, 7, 1), 3, "drosia"),
    FireRisk(date(2026, 7, 2), 5, "drosia"),
    FireRisk(date(2026, 8, 15), 4, None),
)


def is_open(city: City, names: Sequence[str], community: str, now: int) -> bool:
    """Whether all these calendars hold in the community at `now` (µs)."""
    local = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=now)).astimezone(
        ZoneInfo(city.timezone)
    )
    return all(_holds(city, city.calendars[name], community, local) for name in names)


def _holds(city: City, calendar: Calendar, community: str, local: datetime) -> bool:
    if calendar.hours:
        start, end = calendar.hours
        clock = local.time()
        inside = start <= clock < end if start < end else clock >= start or clock < end
        if not inside:
            return False
    if calendar.days is not None and local.weekday() not in calendar.days:
        return False
    if calendar.season:
        first, last = calendar.season
        day = (local.month, local.day)
        if not (first <= day <= last if first <= last else day >= first or day <= last):
            return False
    if calendar.holidays is not None and is_holiday(local.date()) != calendar.holidays:
        return False
    if calendar.fire_risk is not None:
        levels = {r.community: r.level for r in city.fire_risk if r.day == local.date()}
        if levels.get(community, levels.get(None, 0)) < calendar.fire_risk:
            return False
    holds = {
        name: _holds(city, city.calendars[name], community, local)
        for name in (*calendar.all_of, *calendar.any_of, *calendar.none_of)
    }
    if not all(holds[name] for name in calendar.all_of) or any(
        holds[name] for name in calendar.none_of
    ):
        return False
    return not calendar.any_of or any(holds[name] for name in calendar.any_of)


class Clockwork:
    """When a rule of `when` judges a community, minute by minute; always without `when`."""

    def __init__(self, rule: "object", community: str, city: City) -> None:
        self.names = getattr(rule, "when", None)
        self.community, self.city = community, city

    def open(self, now: int) -> bool:
        return self.names is None or is_open(self.city, self.names, self.community, now)

    def turn(self, now: int, to: bool) -> float:
        """The first moment from `now` on that is open, or not; never, if not within two days."""
        if self.names is None:
            return now if to else float("inf")
        at = now
        while self.open(at) != to:
            at += MINUTE - at % MINUTE
            if at > now + 2 * 24 * 60 * MINUTE:
                return float("inf")
        return at

"""Operators' silences: made and lifted, or refused. Pure.

Laws:
- a silence says who wants it, why, what it is about and when it ends;
- what it is about must exist: a misspelt zone would hide nothing and be believed.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import NoReturn
from zoneinfo import ZoneInfo

from kel.model.city import City
from kel.model.ids import make_id
from kel.model.moment import LATEST, from_us
from kel.model.silence import PICKS, Silence
from kel.model.situation import Command
from rules.incidents import mute
from rules.incidents.describe import FIRE
from rules.incidents.refused import RefusedError
from rules.incidents.spells import ever_holds
from rules.incidents.work import Work

LONGEST = timedelta(days=366)
LAST = from_us(LATEST) - timedelta(days=7)  # its local date and the days around it exist too
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def silence(work: Work, command: Command) -> str:
    """Make the silence that the command asks for; what it hides it hides from its start on."""
    detail = command.detail
    if not command.who.strip() or not command.why.strip():
        raise RefusedError("a silence needs somebody who wants it, and why")
    starts = moment_of(detail, "starts_at") or command.at
    ends = moment_of(detail, "ends_at")
    if ends is None:
        raise RefusedError("until when? a silence has an end")
    if ends <= max(starts, command.at):
        raise RefusedError("a silence ends after it starts, and later than now")
    if ends - starts > LONGEST:
        raise RefusedError("a silence lasts a year at the most")
    year = command.at.astimezone(ZoneInfo(work.city.timezone)).year
    made = Silence(
        id=make_id("silence", command.id),
        number=f"Σ-{work.situation.next_number('silence', year)}",
        who=command.who,
        why=command.why,
        made_at=command.at,
        starts_at=starts,
        ends_at=ends,
        picks=_picks(work.city, detail),
        days=_days(detail.get("days", "")),
        since=_clock(detail, "since"),
        until=_clock(detail, "until"),
    )
    _check_recurring(made, work.city.timezone)
    work.situation.count("silence", made.number)
    work.put_silence(made)
    return made.number


def unsilence(work: Work, command: Command) -> str:
    """Lift a silence: what it hides and is still active speaks now."""
    number = command.detail.get("silence", "")
    found = next((s for s in work.situation.silences.values() if s.number == number), None)
    if found is None:
        raise RefusedError(f"there is no silence {number} that still holds")
    spoke = mute.end(work, found, command.at, command.who, command.why)
    return f"{number}: άρση, {spoke} ενεργές ειδοποιήσεις"


def moment_of(detail: Mapping[str, str], name: str) -> datetime | None:
    """The moment that the detail `name` says (ISO 8601 with an offset), None where it is not."""
    text = detail.get(name, "")
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
        moment = moment.astimezone(UTC) if moment.tzinfo else _no_moment(name, text)
    except (ValueError, OverflowError):
        _no_moment(name, text)
    if moment > LAST:
        raise RefusedError(f"{name}: {text!r} is too far ahead")
    return moment


def _no_moment(name: str, text: str) -> NoReturn:
    raise RefusedError(f"{name}: {text!r} is no moment; write 2026-10-18T09:00+03:00")


def _picks(city: City, detail: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    known = {
        "device": city.devices,
        "zone": city.zones,
        "feeder": city.feeders,
        "community": city.communities,
        "category": city.categories,
        "class": city.classes,
    }
    picks: dict[str, tuple[str, ...]] = {}
    for pick in PICKS:
        values = tuple(sorted({v.strip() for v in detail.get(pick, "").split(",")} - {""}))
        strange = [v for v in values if pick in known and v not in known[pick]]
        if strange:
            raise RefusedError(f"there is no {pick} {strange[0]}")
        if values:
            picks[pick] = values
    fires = [c for c in picks.get("category", ()) if city.categories[c].family == FIRE]
    if fires:
        raise RefusedError(f"{fires[0]} is a fire: silence the device or the rule by name")
    if not picks:
        raise RefusedError(f"what about? name one of {', '.join(PICKS)}")
    return picks


def _check_recurring(made: Silence, timezone: str) -> None:
    parts = (bool(made.days), made.since is not None, made.until is not None)
    if any(parts) and not all(parts):
        raise RefusedError("a recurring silence has days, and from when to when")
    if made.days and not ever_holds(made, timezone):
        raise RefusedError("none of these days and hours lies before the end")


def _days(text: str) -> frozenset[int]:
    days = {d.strip() for d in text.split(",")} - {""}
    strange = sorted(days - set(DAYS))
    if strange:
        raise RefusedError(f"{strange[0]!r} is no day; known: {', '.join(DAYS)}")
    return frozenset(DAYS.index(d) for d in days)


def _clock(detail: Mapping[str, str], name: str) -> time | None:
    text = detail.get(name, "")
    try:
        return time.fromisoformat(text) if text else None
    except ValueError:
        raise RefusedError(f"{name}: {text!r} is no time of day; write 22:00") from None

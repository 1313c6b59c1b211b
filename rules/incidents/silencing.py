"""Operators' silences: made and lifted, or refused. Pure.

Laws:
- a silence says who wants it, why, what it is about and when it ends;
- what it is about must exist: a misspelt zone would hide nothing and be believed.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, time, timedelta
from difflib import get_close_matches
from typing import NoReturn
from zoneinfo import ZoneInfo

from kel.model.city import City
from kel.model.ids import make_id
from kel.model.labels import agreeing
from kel.model.moment import LATEST, from_us
from kel.model.silence import PICKS, Silence
from kel.model.situation import Command
from rules.incidents import mute
from rules.incidents.describe import FIRE
from rules.incidents.hush_words import PICK, about, names_of, span
from rules.incidents.refused import RefusedError
from rules.incidents.spells import ever_holds, spell_at
from rules.incidents.work import Work

LONGEST = timedelta(days=366)
LAST = from_us(LATEST) - timedelta(days=7)  # its local date and the days around it exist too
FLAG = {  # what a command line calls the details
    "starts_at": "--start",
    "ends_at": "--until",
    "since": "--from",
    "until": "--to",
    "ask_at": "--ask",
}
FEW, NEAR = 12, 0.5  # names that are all listed; how alike those are that may have been meant
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def silence(work: Work, command: Command) -> str:
    """Make the silence that the command asks for; what it hides it hides from its start on."""
    detail = command.detail
    if not command.who.strip() or not command.why.strip():
        raise RefusedError("ποιος τη θέλει και γιατί; η σίγαση χρειάζεται και τα δύο")
    starts = moment_of(detail, "starts_at") or command.at
    ends = moment_of(detail, "ends_at")
    if ends is None:
        raise RefusedError("ως πότε; η σίγαση έχει τέλος (--until)")
    if ends <= max(starts, command.at):
        raise RefusedError("η σίγαση τελειώνει αφού αρχίσει, και μετά από τώρα")
    if ends - starts > LONGEST:
        raise RefusedError("η σίγαση κρατά το πολύ έναν χρόνο")
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
    zone = ZoneInfo(work.city.timezone)
    # by a category no fire could be meant: those are refused
    fires = "" if {"device", "rule", "category"} & made.picks.keys() else " (όχι φωτιά)"
    return (
        f"{made.number}: κρύβει {about(made, names_of(work.city))}{fires} · {span(made, zone)} · "
        f"άρση: kel incidents unsilence {made.number.removeprefix('Σ-')}"
    )


def unsilence(work: Work, command: Command) -> str:
    """Lift a silence: what it hides and is still active speaks now."""
    number = command.detail.get("silence", "")
    found = next((s for s in work.situation.silences.values() if s.number == number), None)
    if found is None:
        raise RefusedError(f"δεν ισχύει σίγαση {number}: δείτε `kel incidents silences`")
    hid = [h.alert for h in work.situation.hidden.values() if h.by == found.id]
    mute.end(work, found, command.at, command.who, command.why)
    still = [h.by for a in hid if (h := work.situation.hidden.get(a)) is not None]
    heard = agreeing(len(hid) - len(still), "ειδοποίηση ακούγεται", "ειδοποιήσεις ακούγονται")
    told = f"{number}: άρση, {heard if hid else 'δεν έκρυβε τίποτα ενεργό'}"
    silences = sorted(work.situation.silences.values(), key=lambda s: s.number)
    others = (s for s in silences if s.id in still or _also(work, found, s, command.at))
    return told + "".join(f" · ισχύει ακόμη η {other.number}" for other in others)


def _also(work: Work, lifted: Silence, other: Silence, at: datetime) -> bool:
    """Whether the other silence holds and is about some of the same things, as far as it says."""
    shared = lifted.picks.keys() & other.picks.keys()
    holds = spell_at(other, at, work.city.timezone) is not None
    return holds and bool(shared) and all({*lifted.picks[p]} & {*other.picks[p]} for p in shared)


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
        raise RefusedError(f"{FLAG[name]}: «{text}» είναι πολύ μακριά")
    return moment


def _no_moment(name: str, text: str) -> NoReturn:
    told = f"{FLAG[name]}: «{text}» δεν είναι στιγμή"
    raise RefusedError(f"{told}· γράψτε 2026-10-18T09:00+03:00")


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
            near = _near(strange[0], known[pick])
            raise RefusedError(f"{PICK[pick]} {strange[0]}: δεν υπάρχει{near}")
        if values:
            picks[pick] = values
    fires = [c for c in picks.get("category", ()) if city.categories[c].family == FIRE]
    if fires:
        raise RefusedError(f"φωτιά ({fires[0]}) σιωπά μόνο με το όνομα συσκευής ή κανόνα")
    if not picks:
        raise RefusedError(f"τι να σιωπά; γράψτε ένα από: {', '.join(PICKS)}")
    return picks


def _near(name: str, known: Iterable[str]) -> str:
    """What may have been meant; all that there is where that is little."""
    there = sorted(known)
    if len(there) <= FEW:
        return f"· υπάρχουν: {', '.join(there)}"
    alike = get_close_matches(name, there, n=5, cutoff=NEAR)
    return f"· μοιάζουν: {', '.join(alike)}" if alike else ""


def _check_recurring(made: Silence, timezone: str) -> None:
    parts = (bool(made.days), made.since is not None, made.until is not None)
    if any(parts) and not all(parts):
        raise RefusedError("όποια επαναλαμβάνεται έχει και τα τρία: --days, --from, --to")
    if made.since is not None and made.since == made.until != time(0):
        raise RefusedError(
            "--from και --to είναι η ίδια ώρα· για όλη την ημέρα γράψτε --from 00:00 --to 00:00"
        )
    if made.days and not ever_holds(made, timezone):
        raise RefusedError("καμία από αυτές τις ημέρες και ώρες δεν είναι πριν από το τέλος")


def _days(text: str) -> frozenset[int]:
    days = {d.strip() for d in text.split(",")} - {""}
    strange = sorted(days - set(DAYS))
    if strange:
        raise RefusedError(f"«{strange[0]}» δεν είναι ημέρα· υπάρχουν: {', '.join(DAYS)}")
    return frozenset(DAYS.index(d) for d in days)


def _clock(detail: Mapping[str, str], name: str) -> time | None:
    text = detail.get(name, "")
    try:
        return time.fromisoformat(text) if text else None
    except ValueError:
        raise RefusedError(f"{FLAG[name]}: «{text}» δεν είναι ώρα· γράψτε 22:00") from None

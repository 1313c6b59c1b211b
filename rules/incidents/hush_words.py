"""What a silence hides and when, in Greek: for its answer, and for the screens that list it. Pure.

Laws: names where they are known, ids where not; times are the city's, a date with each.
"""

from collections.abc import Callable
from datetime import tzinfo

from kel.model.city import City
from kel.model.labels import clock
from kel.model.silence import Silence

DAYS = ("Δε", "Τρ", "Τε", "Πέ", "Πα", "Σά", "Κυ")
PICK = {
    "device": "συσκευή",
    "zone": "ζώνη",
    "feeder": "γραμμή",
    "community": "κοινότητα",
    "rule": "κανόνας",
    "category": "κατηγορία",
    "class": "είδος",
}
Name = Callable[[str, str], str]  # of a pick's value: what it is called


def names_of(city: City) -> Name:
    """What the city calls a device, zone, feeder, community, category or class; else its id."""
    named = {
        "device": {i: d.name for i, d in city.devices.items()},
        "zone": {i: z.name for i, z in city.zones.items()},
        "feeder": {i: f.name for i, f in city.feeders.items()},
        "community": {i: c.name for i, c in city.communities.items()},
        "category": {i: c.label for i, c in city.categories.items()},
        "class": {i: c.label for i, c in city.classes.items()},
    }
    return lambda pick, value: named.get(pick, {}).get(value, value)


def about(silence: Silence, name: Name) -> str:
    """«ζώνη Άνοιξη – Νότος, κανόνας «Χαμηλή πίεση»»: all of it must fit."""
    return ", ".join(
        f"{PICK[pick]} {'/'.join(_apart(pick, name(pick, v)) for v in values)}"
        for pick, values in silence.picks.items()
    )


def _apart(pick: str, name: str) -> str:
    """«ζώνη Ζώνη 3» and «γραμμή Γραμμή 3» say it twice."""
    first, _, rest = name.partition(" ")
    return rest if rest and first.casefold() == PICK[pick].casefold() else name


def span(silence: Silence, zone: tzinfo) -> str:
    """«18/10 22:00 – 19/10 06:00», with days and hours where it comes again, and how it ended."""
    told = f"{clock(silence.starts_at, zone)} – {clock(silence.ends_at, zone)}"
    if silence.days and silence.since is not None and silence.until is not None:
        days = " ".join(DAYS[d] for d in sorted(silence.days))
        told = f"{told}, {days} {silence.since:%H:%M}–{silence.until:%H:%M}"
    if silence.ended_at is not None and silence.ended_at < silence.ends_at:
        told = f"{told}, άρση {clock(silence.ended_at, zone)}"
    return told

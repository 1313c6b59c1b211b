"""What cannot work in a `leak_signature` rule."""

from collections.abc import Iterator, Mapping
from datetime import timedelta

from kel.model.city import City
from kel.model.device import Device
from kel.model.mistake import Mistake
from rules.core.entry import Entry, known_metric, unknown
from rules.parts.lookback import LONGEST, has_metric, short, span_of

LEAST_SPANS = 24
ROLES = ("inflow", "tanks", "pumps")
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def check(entry: Entry, city: City, watched: list[Device]) -> Iterator[Mistake]:
    yield from has_metric(entry)
    roles = [role for role in ROLES if isinstance(entry.get(role), Mapping)]
    for role in roles:
        yield from known_metric(entry, city, role, "metric")
        yield from _devices(entry, watched, role)
    named = {role: entry.get(role, "devices") for role in roles}
    explains = {
        name
        for role, names in named.items()
        if isinstance(names, list) and entry.text(role, "metric") == entry.text("watch", "metric")
        for name in names
        if isinstance(name, str)
    }
    if watched and not {d.id for d in watched} - explains:
        yield entry.wrong(("watch",), "leaves no sensor beside inflow, tanks and pumps")
    yield from _spans(entry)


def _devices(entry: Entry, watched: list[Device], role: str) -> Iterator[Mistake]:
    names = entry.get(role, "devices")
    known = [d.id for d in watched]
    for place, name in enumerate(names if isinstance(names, list) else ()):
        if not isinstance(name, str):
            continue
        if name not in known:
            what = unknown("device", name, known) + " (of what the rule watches)"
            yield entry.wrong((role, "devices", place), what)
        elif name in names[:place]:
            yield entry.wrong((role, "devices", place), f"{name!r} is named twice")


def _spans(entry: Entry) -> Iterator[Mistake]:
    """Judged at the ends of spans; two ends of a mean apart; enough to learn from."""
    every, training = span_of(entry, "every"), span_of(entry, "training") or 7 * DAY
    mean, judged = span_of(entry, "mean") or DAY, span_of(entry, "judged") or HOUR
    hold = span_of(entry, "for") or 6 * HOUR
    if not every:
        return
    if judged % every:
        yield entry.wrong(("judged",), f"is not a multiple of `every`, {short(every)}")
    if 2 * hold > mean:
        yield entry.wrong(("for",), f"is longer than half of `mean`, {short(mean)}")
    if mean < judged:
        yield entry.wrong(("mean",), f"is shorter than `judged`, {short(judged)}")
    if training > LONGEST:
        yield entry.wrong(("training",), f"is longer than {short(LONGEST)}")
    if training // every < LEAST_SPANS:
        what = f"holds {training // every} spans of `every`; at least {LEAST_SPANS} are needed"
        yield entry.wrong(("training",), what)

"""What rules of a zone's nights ask of a city: a flow, zones, a window with an hour in it.

Laws: what has the wrong type is the shape's to tell, and is passed over here.
"""

import re
from collections.abc import Iterator
from datetime import time, timedelta

from kel.model.city import City
from kel.model.device import Device
from kel.model.mistake import Mistake
from rules.core.entry import Entry, find_metric, same_unit
from rules.parts.learning_check import duration
from rules.parts.nights import QUARTERS

FLOW = "m³/h"
CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


def check_flow(entry: Entry, city: City, watched: list[Device]) -> Iterator[Mistake]:
    """The flow of some zones."""
    metric = find_metric(entry, city, "watch", "metric")
    if entry.get("watch", "metric") is None:
        yield entry.wrong(("watch", "metric"), "is missing")
    elif metric and metric.unit != FLOW:
        what = f"{metric.name} is in {metric.unit}; night flow needs a metric in {FLOW}"
        yield entry.wrong(("watch", "metric"), what)
    else:
        yield from same_unit(entry, metric)
    if watched and not any(d.zone in city.zones for d in watched):
        yield entry.wrong(("watch",), "none of these devices has a zone")


def check_drift(entry: Entry, city: City, watched: list[Device]) -> Iterator[Mistake]:
    yield from check_flow(entry, city, watched)
    if entry.get("step") is None and entry.get("drift") is None:
        yield entry.wrong((), "step or drift is missing")
    yield from _window(entry, city)
    above, clear = entry.number("step", "above"), entry.number("clear", "below")
    if above is not None and clear is not None and clear > above:
        what = f"lies on the wrong side of the limit: {clear:g} is over {above:g}"
        yield entry.wrong(("clear", "below"), what)


def _window(entry: Entry, city: City) -> Iterator[Mistake]:
    window, lowest = entry.get("window"), duration(entry, "lowest") or timedelta(hours=1)
    cls = city.classes.get(entry.text("watch", "class") or "")
    if lowest < timedelta(minutes=20):
        yield entry.wrong(("lowest",), "must be 20 minutes at least")
    elif cls and cls.every > lowest / QUARTERS:
        what = f"readings come every {cls.every}: each quarter of `lowest` needs one"
        yield entry.wrong(("lowest",), what)
    texts = window if isinstance(window, list) and len(window) == 2 else ()
    times = [time.fromisoformat(t) for t in texts if isinstance(t, str) and CLOCK.fullmatch(t)]
    if len(times) == 2:  # anything else is the shape's to tell
        start, end = (t.hour * 60 + t.minute for t in times)
        length = timedelta(minutes=(end - start) % (24 * 60))
        if not timedelta(hours=1) <= length <= timedelta(hours=12):
            yield entry.wrong(("window",), "must last from one hour to twelve")
        elif lowest > length:
            yield entry.wrong(("lowest",), "is longer than the window")

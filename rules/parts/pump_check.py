"""What pump_health asks of a city: metrics in its units, and a curve that there can be.

Laws: what has the wrong type is the shape's to tell, and is passed over here.
"""

from collections.abc import Iterator, Mapping

from kel.model.city import City
from kel.model.device import Device
from kel.model.mistake import Mistake
from rules.core.entry import Entry, known_metric, unknown
from rules.parts.ailing import check_unless
from rules.parts.learning_check import MOST_TRAINING, duration

UNITS = {"flow": "m³/h", "head": "m", "power": "kW"}


def check(entry: Entry, city: City, watched: list[Device]) -> Iterator[Mistake]:
    if entry.get("watch", "metric") is not None:
        yield entry.wrong(("watch", "metric"), "has no meaning; name flow, head and power")
    cls = city.classes[entry.text("watch", "class") or ""]
    for word, unit in UNITS.items():
        name = entry.text(word) or word
        metric = cls.metric(name)
        if metric is None:
            what = unknown(f"metric of class {cls.id!r}", name, [m.name for m in cls.metrics])
            yield entry.wrong((word,), what)
        elif metric.unit != unit:
            yield entry.wrong((word,), f"{name} is in {metric.unit}; it must be in {unit}")
    yield from known_metric(entry, city, "running")
    curve = entry.get("curve")
    if entry.get("below") is None and curve is None:
        yield entry.wrong((), "below or curve is missing")
    if isinstance(curve, Mapping):
        yield from _curve(entry, watched)
    yield from check_unless(entry)
    for word in ("learn_from", "unless"):
        if entry.get(word) is not None and entry.get("curve", "from") != "history":
            yield entry.wrong((word,), "has no meaning: only a curve from history is learned")


def _curve(entry: Entry, watched: list[Device]) -> Iterator[Mistake]:
    if entry.get("curve", "head") is None and entry.get("curve", "efficiency") is None:
        yield entry.wrong(("curve",), "head or efficiency is missing")
    source = entry.get("curve", "from")
    for word in ("training", "bin"):
        given = entry.get("curve", word) is not None
        if source == "history" and not given:
            yield entry.wrong(("curve", word), "is missing: a curve from history needs it")
        elif source == "design" and given:
            yield entry.wrong(("curve", word), "has no meaning for a design curve")
    floor = entry.get("curve", "floor") is not None
    if source == "history" and entry.get("curve", "shut_off") is not None and not floor:
        what = "has no meaning for a curve from history without a floor"
        yield entry.wrong(("curve", "shut_off"), what)
    if source == "design" and floor:
        yield entry.wrong(("curve", "floor"), "has no meaning for a design curve")
    training, every = duration(entry, "curve", "training"), duration(entry, "every")
    if training and training > MOST_TRAINING:
        what = f"is longer than the history that is kept ({MOST_TRAINING.days}d)"
        yield entry.wrong(("curve", "training"), what)
    elif training and every and training < 3 * every:
        yield entry.wrong(("curve", "training"), "holds under three spans of `every`")
    if (source == "design" or floor) and watched:
        needed = ("design_flow", "design_head", "rated_power")
        if not any(all(d.attributes.get(a, 0) > 0 for a in needed) for d in watched):
            what = f"none of these devices has all of {', '.join(needed)}"
            yield entry.wrong(("curve", "floor" if floor else "from"), what)

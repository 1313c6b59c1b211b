"""What a rule that learns asks of its times: enough spans to learn from, and not too many.

Laws: what has the wrong type is the shape's to tell, and is passed over here.
"""

from collections.abc import Iterator
from datetime import timedelta

from kel.model.mistake import Mistake
from rules.core.entry import Entry
from rules.core.rule import parse_duration
from rules.parts.ailing import check_unless
from rules.parts.baseline import BINS

LEAST_SPANS = 8  # fewer say nothing of a spread
MOST_SPANS = 4000  # what a slot may keep
MOST_TRAINING = timedelta(days=90)  # as long as a city's readings are usually kept


def check_learning(entry: Entry) -> Iterator[Mistake]:
    """What may be wrong with `every`, `training`, `retrain`, `normalise` and `unless`."""
    yield from check_unless(entry)
    every, training = duration(entry, "every"), duration(entry, "training")
    retrain, normalise = duration(entry, "retrain"), entry.text("normalise") or "none"
    if not every or not training:
        return
    spans, least = training // every, max(LEAST_SPANS, 2 * BINS.get(normalise, 1))
    if training > MOST_TRAINING:
        what = f"is longer than the history that is kept ({MOST_TRAINING.days}d)"
        yield entry.wrong(("training",), what)
    elif spans < least:
        what = f"holds {spans} spans of `every`; at least {least} are needed"
        yield entry.wrong(("training",), what)
    elif spans > MOST_SPANS:
        what = f"holds {spans} spans of `every`; at most {MOST_SPANS}: take longer spans"
        yield entry.wrong(("training",), what)
    elif normalise == "weekday_hour" and training < timedelta(days=14):
        yield entry.wrong(("training",), "is under 14d; weekday_hour needs two weekends")
    if normalise != "none" and every > timedelta(hours=1):
        yield entry.wrong(("normalise",), "has no meaning for spans of more than an hour")
    if retrain is not None and retrain < training:
        yield entry.wrong(("retrain",), "is shorter than `training`")


def duration(entry: Entry, *path: str) -> timedelta | None:
    """A duration as written, None where there is none or it is not one."""
    try:
        return parse_duration(entry.get(*path))
    except ValueError:
        return None

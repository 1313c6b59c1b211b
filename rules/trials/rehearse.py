"""Running a rulebook's tests: what came out otherwise than expected.

Laws (of `rules.trials.trial`): the whole rulebook runs, by the code that runs live, over the
devices that the case names; at each moment the active alerts of the rules under test are exactly
the expected.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np

from kel.model.alert import Alert
from kel.model.city import City
from kel.model.device import Device
from kel.model.frame import Float64, Frame
from kel.model.moment import to_us
from rules.book.rulebook import Rulebook
from rules.core.rule import microseconds
from rules.evaluate import Evaluator
from rules.trials.trial import Expectation, Trial, matching, moment_of


def failures(trial: Trial, rulebook: Rulebook, city: City) -> list[str]:
    """What came out otherwise than expected, one sentence each; empty where all is as expected."""
    zone, case = ZoneInfo(city.timezone), trial.case
    engine = Evaluator(rulebook, city, trial.devices)
    start = to_us(moment_of("+0s", case.start, zone))
    frames = list(_frames(trial, city, start))
    told: dict[UUID, Alert] = {}
    wrong: list[str] = []
    clock = start - 1
    engine.tick(clock)
    moments = [(to_us(moment_of(e.at, case.start, zone)), e) for e in case.expect]
    for at, expected in sorted(moments, key=lambda m: m[0]):
        for frame in frames:
            due = frame.take((frame.time > clock) & (frame.time <= at))
            told.update({alert.id: alert for alert in engine.frame(due)})
        told.update({alert.id: alert for alert in engine.tick(at)})
        clock = max(at, clock)
        active = [a for a in told.values() if a.rule in trial.rules and a.cleared_at is None]
        wrong += [f"at {expected.at}: {w}" for w in _differences(expected, active, trial, zone)]
    return wrong


def _differences(
    expected: Expectation, active: Sequence[Alert], trial: Trial, zone: ZoneInfo
) -> Iterator[str]:
    waiting = list(active)
    for wanted in expected.alerts:
        rule = wanted.rule or trial.rules[0]
        found = next((a for a in waiting if (a.rule, a.device) == (rule, wanted.device)), None)
        if found is None:
            yield f"{rule} on {wanted.device} should be active and is not"
            continue
        waiting.remove(found)
        if wanted.severity is not None and found.severity is not wanted.severity:
            told, due = found.severity.name.lower(), wanted.severity.name.lower()
            yield f"{rule} on {wanted.device} is of severity {told}, not {due}"
        for word, text, moment in (
            ("started", wanted.started, found.started_at),
            ("detected", wanted.detected, found.detected_at),
        ):
            if text is not None and moment_of(text, trial.case.start, zone) != moment:
                local = moment.astimezone(zone)
                yield f"{rule} on {wanted.device} {word} at {local:%Y-%m-%d %H:%M:%S}, not {text}"
    for alert in waiting:
        since = alert.started_at.astimezone(zone)
        yield f"{alert.rule} on {alert.device} is active since {since:%H:%M} and should not be"


def _frames(trial: Trial, city: City, start: int) -> Iterable[Frame]:
    """One frame a named device: its metrics side by side, rows where something is reported."""
    pace = microseconds(trial.case.every)
    for name, metrics in trial.case.readings.items():
        for device in matching(city, name):
            yield _frame(device, city, metrics, start, pace)


def _frame(
    device: Device, city: City, metrics: Mapping[str, Float64], start: int, pace: int
) -> Frame:
    size = max(map(len, metrics.values()), default=0)
    columns = {m.name: np.full(size, np.nan) for m in city.classes[device.cls].metrics}
    for metric, values in metrics.items():
        columns[metric][: len(values)] = values
    time = start + pace * np.arange(size, dtype=np.int64)
    numbers = np.full(size, device.number, np.int32)
    whole = Frame(device.cls, time, time.copy(), numbers, columns)
    told = np.zeros(size, np.bool_)
    for column in columns.values():
        told |= ~np.isnan(column)
    return whole.take(told)


def untested(rulebook: Rulebook, trials: Iterable[Trial]) -> list[str]:
    """The rules that no case expects to fire: a rule that only stays silent is not tested."""
    fired = {
        alert.rule or trial.rules[0]
        for trial in trials
        for expected in trial.case.expect
        for alert in expected.alerts
    }
    return [rule.id for rule in rulebook.rules if rule.tells and rule.id not in fired]

"""The tests of a rulebook: readings that are written down, and the alerts that they must make.

    rules = ["zone-night-flow"]            # of these rules exactly the alerts below are expected

    [[case]]
    name = "a burst at two"
    start = "2026-10-06T00:00"             # the city's local time
    every = "5m"
    readings.zm-01.flow = "12*24 45*30"    # rules.series; any devices, any metrics

    [[case.expect]]
    at = "02:19"                           # or "+2h19m", or a whole local time
    alerts = []

    [[case.expect]]
    at = "02:20"
    alerts = [{ device = "zm-01", started = "02:00", severity = "critical" }]

Laws:
- the whole rulebook runs, by the code that runs live, over the devices that the case names;
- at each evaluation time the active alerts of the rules under test are exactly the expected ones;
- a case without an expectation, or of a device, metric or rule that the city does not have, is
  refused at its line: a test that checks nothing is none.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError

from kel.model.city import City
from kel.model.device import Device
from kel.model.frame import Float64
from kel.model.mistake import Document, Mistake, MistakesError, Path
from rules.book.rulebook import Rulebook
from rules.core.entry import unknown
from rules.core.rule import NamedSeverity, Shape, SomeDuration
from rules.trials.series import parse_series

_AFTER = re.compile(r"\+(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")


def _series(text: object) -> Float64:
    if not isinstance(text, str):
        raise ValueError('write the readings as text, such as "20*5"')
    return parse_series(text)


class ExpectedAlert(Shape):
    """What is not said is not looked at; `rule` may be left out where one rule is under test."""

    device: str
    rule: str | None = None
    severity: NamedSeverity | None = None
    started: str | None = None
    detected: str | None = None


class Expectation(Shape):
    at: str
    alerts: tuple[ExpectedAlert, ...]


class TrialCase(Shape):
    name: str = Field(min_length=1)
    start: datetime
    every: SomeDuration
    readings: dict[str, dict[str, Annotated[Any, BeforeValidator(_series)]]] = Field(min_length=1)
    devices: tuple[str, ...] = ()  # more that are there and say nothing
    expect: tuple[Expectation, ...] = Field(min_length=1)


class TrialFile(Shape):
    rules: tuple[str, ...] = Field(min_length=1)
    case: tuple[TrialCase, ...] = Field(min_length=1)


_FILE: TypeAdapter[TrialFile] = TypeAdapter(TrialFile)


@dataclass(frozen=True, slots=True)
class Trial:
    """One case of a file; `line` is where it begins."""

    file: str
    line: int
    rules: tuple[str, ...]
    case: TrialCase
    devices: tuple[Device, ...]


def parse_trials(document: Document, rulebook: Rulebook, city: City) -> tuple[Trial, ...]:
    """All cases of a file. Raises `MistakesError` with every mistake, at its line."""
    try:
        file = _FILE.validate_python(document.data)
    except ValidationError as error:
        raise MistakesError([*_shape_mistakes(document, error)]) from None
    mistakes = [*_unknown_rules(document, file, rulebook)]
    trials = []
    for index, case in enumerate(file.case):
        path: Path = ("case", index)
        devices, wrong = _devices(document, path, case, city)
        mistakes += [*wrong, *_expectations(document, path, file, city)]
        trials.append(Trial(document.file, document.line(path), file.rules, case, devices))
    if mistakes:
        raise MistakesError(mistakes)
    return tuple(trials)


def _shape_mistakes(document: Document, error: ValidationError) -> Iterator[Mistake]:
    """Without those that only say that a list is short of an element which is told to be wrong."""
    places = [e["loc"] for e in error.errors()]
    for found in error.errors():
        loc = found["loc"]
        inner = any(len(p) > len(loc) and p[: len(loc)] == loc for p in places)
        if not (found["type"] == "too_short" and inner):
            yield document.mistake(loc, found["msg"].removeprefix("Value error, "))


def _unknown_rules(document: Document, file: TrialFile, rulebook: Rulebook) -> Iterator[Mistake]:
    for index, rule in enumerate(file.rules):
        if rule not in rulebook.by_id:
            yield document.mistake(("rules", index), unknown("rule", rule, rulebook.by_id))


def _devices(
    document: Document, path: Path, case: TrialCase, city: City
) -> tuple[tuple[Device, ...], list[Mistake]]:
    """The devices that a case names (patterns such as la-01-* too), and those that nobody has."""
    found: dict[str, Device] = {}
    mistakes: list[Mistake] = []
    for name in (*case.readings, *case.devices):
        named = matching(city, name)
        found.update({d.id: d for d in named})
        where = (*path, "readings" if name in case.readings else "devices", name)
        if not named:
            mistakes.append(document.mistake(where, unknown("device", name, city.devices)))
        for device in named:
            metrics = [m.name for m in city.classes[device.cls].metrics]
            strange = [m for m in case.readings.get(name, ()) if m not in metrics]
            mistakes += [
                document.mistake((*where, m), unknown("metric", m, metrics)) for m in strange
            ]
            if strange:
                break
    return tuple(found.values()), mistakes


def matching(city: City, name: str) -> list[Device]:
    """The device of that id, or all whose ids match a pattern such as la-01-*."""
    if name in city.devices:
        return [city.devices[name]]
    return [d for id_, d in sorted(city.devices.items()) if fnmatchcase(id_, name)]


def _expectations(document: Document, path: Path, file: TrialFile, city: City) -> Iterator[Mistake]:
    case = file.case[int(path[1])]
    zone = ZoneInfo(city.timezone)
    for index, expected in enumerate(case.expect):
        where = (*path, "expect", index)
        for name, text in (("at", expected.at), *_times(expected)):
            try:
                moment_of(text, case.start, zone)
            except ValueError as error:
                yield document.mistake((*where, name), str(error))
        for number, alert in enumerate(expected.alerts):
            place = (*where, "alerts", number)
            if alert.device not in city.devices:
                yield document.mistake(place, unknown("device", alert.device, city.devices))
            if alert.rule is None and len(file.rules) > 1:
                yield document.mistake(place, "several rules are under test: name the rule")
            elif alert.rule is not None and alert.rule not in file.rules:
                yield document.mistake(place, unknown("rule under test", alert.rule, file.rules))


def _times(expected: Expectation) -> Iterator[tuple[str, str]]:
    for alert in expected.alerts:
        yield from (("alerts", text) for text in (alert.started, alert.detected) if text)


def moment_of(text: str, start: datetime, zone: ZoneInfo) -> datetime:
    """ "+2h19m" after the start; "02:19" the first such time of the local clock not before it; or
    a whole local time. Raises ValueError for anything else."""
    begin = start if start.tzinfo else start.replace(tzinfo=zone)
    after = _AFTER.fullmatch(text)
    if after and text != "+":
        days, hours, minutes, seconds = (int(n or 0) for n in after.groups())
        return begin.astimezone(UTC) + timedelta(
            days=days, hours=hours, minutes=minutes, seconds=seconds
        )
    if clock := re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)", text):
        local = begin.astimezone(zone)
        same = local.replace(hour=int(clock[1]), minute=int(clock[2]), second=0, microsecond=0)
        return same if same >= local else same + timedelta(days=1)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        told = 'write "+2h19m", "02:19" or a whole local time such as "2026-10-06T02:19"'
        raise ValueError(f"{text!r} is no time: {told}") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)

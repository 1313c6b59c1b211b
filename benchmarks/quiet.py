"""Quiet history: what the example city's rulebook says while nothing is wrong.

`python -m benchmarks.quiet [--days 30] [--seed N …] [--from DATE …] [--coarse]`: the simulated city
without any trouble, devices at their own paces (`--coarse`: those of the demo's weeks), its whole
rulebook, and incidents as the desk forms them, without crews. Whatever it says is false.

Each seed plays in a season of its own (`--from` says others): winter, both changes of the clocks,
high summer. Rules that learn begin with nothing known, as in a new city: what they learn from are
days of the same history, which count like all others, and in which they cannot say much; so
`days_judged` tells for each rule that learns how many of the days were left to it.

Fields: days (of one seed), seeds, rows, alerts, incidents, false_per_day (incidents by days of all
seeds), by_rule (alerts by rule, where there were some), by_seed, days_judged, seconds.
"""

import argparse
import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from time import perf_counter
from zoneinfo import ZoneInfo

from kel.model.alert import Alert
from kel.model.moment import HOUR_US, from_us, to_us
from kel.model.situation import Inputs, Situation
from kel.run.cityfiles import CityFiles, read_folder
from kel.simulate.history import HISTORY_EVERY
from kel.simulate.world import World
from rules.evaluate import Evaluator
from rules.incidents.correlate import correlate
from rules.kinds.night_drift import NightDrift
from rules.parts.learning import LearningShape

EXAMPLE = Path(__file__).parents[1] / "config/dionysos"
# A seed each: into summer time, out of it, the height of summer, winter.
SEASONS = (date(2026, 3, 14), date(2026, 10, 10), date(2026, 6, 20), date(2026, 1, 5))
STEP_US = HOUR_US


@dataclass
class Told:
    """What one history made the rulebook say."""

    rows: int = 0
    by_rule: Counter[str] = field(default_factory=Counter)
    incidents: int = 0
    alerts: list[Alert] = field(default_factory=list)


def main() -> None:
    parser = argparse.ArgumentParser(description="false incidents of the example city's rulebook")
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--seed", type=int, nargs="+", default=[1, 2, 3, 4])
    parser.add_argument("--from", dest="begins", type=date.fromisoformat, nargs="+")
    parser.add_argument("--coarse", action="store_true")
    parser.add_argument("--list", action="store_true", help="each alert, on a line of its own")
    asked = parser.parse_args()
    files, begins = read_folder(EXAMPLE), asked.begins or SEASONS
    began = perf_counter()
    found = {
        f"{seed} {begin}": told
        for n, seed in enumerate(asked.seed)
        for begin in [begins[n % len(begins)]]
        for told in [quiet(files, seed, begin, asked.days, coarse=asked.coarse)]
    }
    seconds = perf_counter() - began
    if asked.list:
        for told in found.values():
            print(*map(_line, told.alerts), sep="\n")
    incidents = sum(told.incidents for told in found.values())
    by_rule = sum((told.by_rule for told in found.values()), Counter[str]())
    result = {
        "days": asked.days,
        "seeds": asked.seed,
        "rows": sum(told.rows for told in found.values()),
        "alerts": by_rule.total(),
        "incidents": incidents,
        "false_per_day": round(incidents / (asked.days * len(found)), 3),
        "by_rule": dict(by_rule.most_common()),
        "by_seed": {name: told.incidents for name, told in found.items()},
        "days_judged": days_judged(files, asked.days),
        "seconds": round(seconds, 1),
    }
    print(json.dumps(result))


def quiet(files: CityFiles, seed: int, begin: date, days: int, *, coarse: bool) -> Told:
    """The rulebook over `days` from local midnight of `begin`, in which nothing goes wrong."""
    city = files.city
    zone = ZoneInfo(city.timezone)
    start = datetime(begin.year, begin.month, begin.day, tzinfo=zone)
    first, last = to_us(start), to_us(start + timedelta(days=days))
    world = World(city, seed, start)
    engine = Evaluator(files.rulebook, city, list(city.devices.values()))
    engine.tick(first - 1)
    situation, told = Situation(), Told()
    for since in range(first, last, STEP_US):
        until = min(since + STEP_US, last)
        frames = world.frames(since, until, HISTORY_EVERY if coarse else None)
        alerts = [alert for frame in frames for alert in engine.frame(frame)]
        alerts += engine.tick(until)
        inputs = Inputs(from_us(until), alerts=tuple(sorted(alerts, key=_moment)))
        changes = correlate(city, situation, inputs)
        situation.apply(changes)
        situation.take(inputs)
        fired = [alert for alert in alerts if alert.cleared_at is None]
        told.alerts += fired
        told.by_rule.update(alert.rule for alert in fired)
        told.incidents += sum(e.what in ("opened", "reopened") for e in changes.incident_events)
        told.rows += sum(len(frame) for frame in frames)
    return told


def days_judged(files: CityFiles, days: int) -> dict[str, int]:
    """For each rule that learns: how many days are left when it has learned."""
    learned: dict[str, float] = {}
    for rule in files.rulebook.rules:
        if isinstance(rule, LearningShape):
            learned[rule.id] = rule.training / timedelta(days=1)
        elif isinstance(rule, NightDrift):
            learned[rule.id] = rule.nights
    return {name: max(0, int(days - took)) for name, took in learned.items()}


def _moment(alert: Alert) -> tuple[datetime, str]:
    return alert.cleared_at or alert.detected_at, str(alert.id)


def _line(alert: Alert) -> str:
    facts = {k: v for k, v in alert.evidence.facts.items() if k in ("value", "limit", "usual")}
    return f"{alert.detected_at:%Y-%m-%d %H:%M} {alert.rule} {alert.device} {facts}"


if __name__ == "__main__":
    main()

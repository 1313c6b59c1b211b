from collections import Counter
from datetime import timedelta
from pathlib import Path

import numpy as np

from kel.city import read_document
from kel.model.city import City
from kel.model.moment import MINUTE_US, to_us
from kel.simulate.calendar import local_time
from kel.simulate.history import HISTORY_EVERY, history_troubles
from kel.simulate.story import Story
from kel.simulate.troubles import Trouble


def troubles(city: City, story: Story, seed: int = 1, days: int = 42) -> list[Trouble]:
    return history_troubles(city, seed, story.history_start, days, story.history)


def test_the_seed_makes_the_weeks(city: City, story: Story) -> None:
    assert troubles(city, story) == troubles(city, story)
    assert troubles(city, story) != troubles(city, story, seed=2)


def test_frequencies_are_as_declared(city: City, story: Story) -> None:
    years = [t for seed in range(2) for t in troubles(city, story, seed, 182)]
    seen = Counter((t.kind, t.category) for t in years)
    for cause in story.history.causes:
        key = (cause.kind, cause.category if cause.kind == "matter" else "")
        expected = cause.per_week * 26 * 2
        assert abs(seen[key] - expected) < 4 * expected**0.5 + 0.1 * expected + 1, key


def test_nothing_has_the_same_trouble_twice_at_a_time(city: City, story: Story) -> None:
    ends: dict[tuple[object, ...], int] = {}
    for trouble in troubles(city, story, days=364):
        on = (trouble.kind, trouble.zone, trouble.feeder, trouble.devices)
        if trouble.kind != "matter":
            assert ends.get(on, 0) <= trouble.starts_us
            ends[on] = trouble.ends_us or 0


def test_history_reports_often_enough_for_the_rules(city: City) -> None:
    rules = read_document(Path("config/dionysos/rules.toml")).data["rule"]
    limits = [r["after"] for r in rules if r["kind"] == "missing"]
    assert limits
    for rule in rules:
        limit = rule.get("after") or rule.get("condition", {}).get("missing")
        if limit:
            minutes = int(limit[:-1]) * {"m": 1, "h": 60}[limit[-1]]
            assert HISTORY_EVERY[rule["watch"]["class"]] < minutes * MINUTE_US


def test_troubles_begin_and_are_told_within_the_weeks(city: City, story: Story) -> None:
    start, end = to_us(story.history_start), to_us(story.start)
    found = troubles(city, story)
    assert len({t.id for t in found}) == len(found) > 100
    for trouble in found:
        assert start <= trouble.starts_us < end
        assert trouble.ends_us == trouble.starts_us + story.history.found_after / timedelta(
            microseconds=1
        )
        assert all(report.at_us > trouble.starts_us for report in trouble.reports)
    told = np.array([r.at_us for t in found for r in t.reports])
    hour = local_time(told, city.timezone).hour
    assert hour.min() >= 6.9 and hour.max() <= 22.6

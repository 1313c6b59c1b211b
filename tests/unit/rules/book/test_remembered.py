"""An edited rule that learns: what it learned stays, unless that is what was edited."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np
import pytest

from kel.model.alert import Alert
from kel.model.moment import from_us
from rules.book.remembered import training_key
from rules.evaluate import Evaluator
from tests.builders.rules_city import DEVICES, HOUR, MINUTE, at, city, frame, overridden, rulebook

CITY = city()
START = at("2026-03-02T00:00")
Fields = dict[str, str]
Row = Mapping[str, float]
TRAINING = 24  # hours, or nights

LEARNED: Fields = {
    "kind": '"learned"',
    "watch": '{class="pump"}',
    "metrics": '["flow", "head"]',
    "every": '"1h"',
    "training": '"24h"',
    "above": "3.0",
}
DRIFT: Fields = {
    "kind": '"drift"',
    "watch": '{class="pump", metric="head"}',
    "given": '"flow"',
    "every": '"1h"',
    "training": '"24h"',
    "limit": "12.0",
}
PUMP: Fields = {
    "kind": '"pump_health"',
    "watch": '{class="pump"}',
    "every": '"1h"',
    "readings": "1",
    "curve": '{from="history", head=0.8, training="24h", bin=20.0}',
}
NIGHT: Fields = {
    "kind": '"night_drift"',
    "watch": '{class="zone", metric="flow"}',
    "window": '["02:00", "04:00"]',
    "nights": "24",
    "step": "{above=2.0}",
    "drift": "{slack=0.75, limit=8.0}",
    "clear": "{below=0.8}",
}
RULES = {"learned": LEARNED, "drift": DRIFT, "pump_health": PUMP, "night_drift": NIGHT}

# an edit, and whether what was learned stays
EDITS: list[tuple[str, Fields, bool]] = [
    ("learned", {"above": "2.0"}, True),
    ("learned", {"for": '"2h"', "clear": "{below=1.0}", "statistic": '"t2"'}, True),
    ("learned", {"explained": "0.8", "confidence": "0.99"}, True),
    ("learned", {"severity": '"low"', "retrain": '"30d"'}, True),
    ("learned", {"training": '"20h"'}, False),
    ("learned", {"every": '"30m"'}, False),
    ("learned", {"metrics": '["flow", "power"]'}, False),
    ("learned", {"normalise": '"hour"', "training": '"48h"'}, False),
    ("drift", {"limit": "6.0", "slack": "1.0", "most": "3.0"}, True),
    ("drift", {"side": '"down"', "test": '"page_hinkley"', "for": '"1h"'}, True),
    ("drift", {"training": '"20h"'}, False),
    ("drift", {"given": '"power"'}, False),
    ("pump_health", {"curve": '{from="history", head=0.9, training="24h", bin=20.0}'}, True),
    ("pump_health", {"below": "0.2", "for": '"1h"'}, True),
    ("pump_health", {"curve": '{from="history", head=0.8, training="20h", bin=20.0}'}, False),
    ("pump_health", {"curve": '{from="history", head=0.8, training="24h", bin=5.0}'}, False),
    ("night_drift", {"step": "{above=1.0}", "for": '"26h"'}, True),
    ("night_drift", {"drift": "{slack=1.0, limit=4.0}", "clear": "{below=0.5}"}, True),
    ("night_drift", {"nights": "20"}, False),
    ("night_drift", {"legitimate": "1.0"}, False),
    ("night_drift", {"window": '["02:30", "04:30"]'}, False),
]
IDS = [f"{kind}: {', '.join(fields)}" for kind, fields, _ in EDITS]


def steps(kind: str, first: int, values: list[Row], number: int = 0) -> list[tuple[int, int, Row]]:
    """One span (or night) after the other, from the n-th on: all readings of it are alike."""
    if kind != "night_drift":
        return [
            (START + (first + n) * HOUR + 30 * MINUTE, number or 1, row)
            for n, row in enumerate(values)
        ]
    night = at("2026-03-02T02:00+02:00")
    return [
        (night + (first + n) * 24 * HOUR + q * 15 * MINUTE, number or 11, row)
        for n, row in enumerate(values)
        for q in range(8)
    ]


def cls(kind: str) -> str:
    return "zone" if kind == "night_drift" else "pump"


def usual(count: int) -> list[Row]:
    rng = np.random.default_rng(1)
    flow, head = rng.normal(25.0, 0.5, count), rng.normal(50.0, 0.5, count)
    return [{"flow": f, "head": h, "power": 6.0} for f, h in zip(flow, head, strict=True)]


BAD: Row = {"flow": 35.0, "head": 20.0, "power": 6.0}


def end_of(kind: str, spans: int) -> int:
    """When so many spans are over."""
    return START + spans * (24 * HOUR if kind == "night_drift" else HOUR)


def give(one: Evaluator, kind: str, first: int, values: list[Row]) -> list[Alert]:
    told = one.frame(frame(cls(kind), steps(kind, first, values)))
    return told + one.tick(end_of(kind, first + len(values)))


def trained(rule: Fields) -> Evaluator:
    """An evaluator that has learned, and nothing more."""
    one = Evaluator(rulebook(rule), CITY, DEVICES)
    kind = rule["kind"].strip('"')
    assert give(one, kind, 0, usual(TRAINING + 1)) == []
    return one


def edited(before: Evaluator, *rules: Fields) -> Evaluator:
    one = Evaluator(rulebook(*rules), CITY, DEVICES)
    one.load(before.state())
    return one


def learned_arrays(one: Evaluator, kind: str) -> dict[str, Any]:
    words = ("base.", "past.", "curve.", "own.slope")
    found = {n.split("/")[-1]: a for n, a in one.state().items() if n.startswith("rule/")}
    assert found, kind
    return {n: a for n, a in found.items() if n.startswith(words)}


@pytest.mark.parametrize(("kind", "fields", "stays"), EDITS, ids=IDS)
def test_an_edit_keeps_what_was_learned_unless_it_says_what_to_learn(
    kind: str, fields: Fields, stays: bool
) -> None:
    rule = RULES[kind]
    before = trained(rule)
    after = edited(before, {**rule, **fields})
    assert after.rulebook.version != before.rulebook.version
    if stays:
        old, new = learned_arrays(before, kind), learned_arrays(after, kind)
        assert old and old.keys() == new.keys()
        for name, array in old.items():
            assert np.array_equal(array, new[name], equal_nan=array.dtype.kind == "f"), name
    told = give(after, kind, TRAINING + 1, [BAD] * 8)
    assert bool(told) == stays
    assert all(alert.cleared_at is None for alert in told)


@pytest.mark.parametrize("kind", RULES)
def test_an_alert_outlives_the_edit_of_a_limit_and_ends_when_all_is_well(kind: str) -> None:
    edits: Fields = {
        "learned": {"above": "2.5"},
        "drift": {"limit": "11.0"},
        "pump_health": {"below": "0.01"},
        "night_drift": {"drift": "{slack=0.7, limit=7.0}"},
    }[kind]
    before = trained(RULES[kind])
    (fired,) = give(before, kind, TRAINING + 1, [BAD] * 8)
    after = edited(before, {**RULES[kind], **edits})
    assert give(after, kind, TRAINING + 9, [BAD] * 3) == []
    ended = give(after, kind, TRAINING + 12, usual(60))
    assert [(a.id, a.cleared_at is not None) for a in ended][:1] == [(fired.id, True)]


def test_a_drift_ends_when_it_would_have_without_the_edit() -> None:
    """Not with the first span that is well: its sum has to run back."""
    before = trained(DRIFT)
    (fired,) = give(before, "drift", TRAINING + 1, [BAD] * 8)
    after = edited(before, {**DRIFT, "for": '"1h"'})
    ends = [give(one, "drift", TRAINING + 9, usual(60))[0] for one in (before, after)]
    assert {(a.id, a.cleared_at) for a in ends} == {(fired.id, ends[0].cleared_at)}
    assert ends[0].cleared_at is not None
    assert ends[0].cleared_at > from_us(START + (TRAINING + 15) * HOUR)


def test_a_slow_rise_is_still_held_against_the_nights_before_it() -> None:
    """5.9 is 0.9 over the first ten nights, and 0.55 over the last ten that were well."""
    rule = {**NIGHT, "nights": "10"}
    del rule["step"]
    rise: list[Row] = [{"flow": 5.0 + 0.1 * n} for n in range(1, 10)]
    before = Evaluator(rulebook(rule), CITY, DEVICES)
    (fired,) = give(before, "night_drift", 0, [{"flow": 5.0}] * 10 + rise)
    after = edited(before, {**rule, "least_spread": "0.21"})
    assert give(after, "night_drift", 19, [{"flow": 5.9}] * 3) == []
    ended = give(after, "night_drift", 22, [{"flow": 5.2}])
    assert [(a.id, a.cleared_at is not None) for a in ended] == [(fired.id, True)]


def test_what_was_pending_begins_anew() -> None:
    rule = {**PUMP, "for": '"4h"'}
    before = trained(rule)
    assert give(before, "pump_health", TRAINING + 1, [BAD] * 3) == []
    after = edited(before, {**rule, "for": '"3h"'})
    (alert,) = give(after, "pump_health", TRAINING + 4, [BAD] * 6)
    assert alert.started_at == from_us(START + (TRAINING + 5) * HOUR)


def test_a_device_that_gets_an_override_keeps_what_it_learned() -> None:
    before = trained(DRIFT)
    book = overridden([DRIFT], {"devices": '"ps-01"', "limit": "6.0"})
    after = Evaluator(book, CITY, DEVICES)
    after.load(before.state())
    (alert,) = give(after, "drift", TRAINING + 1, [BAD] * 8)
    assert alert.evidence.facts["limit"] == 6.0
    back = edited(after, DRIFT)  # and as it goes
    ended = give(back, "drift", TRAINING + 9, usual(40))
    assert [(a.id, a.cleared_at is not None) for a in ended][:1] == [(alert.id, True)]


def test_another_rule_or_one_that_learns_nothing_takes_nothing_over() -> None:
    before = trained(DRIFT)
    other = edited(before, {**DRIFT, "id": '"r2"'})
    assert give(other, "drift", TRAINING + 1, [BAD] * 8) == []
    (rule,) = rulebook(
        {
            "kind": '"threshold"',
            "watch": '{class="zone", metric="flow"}',
            "above": "5.0",
            "unit": '"m³/h"',
        }
    ).rules
    assert training_key(rule) == ""


def test_after_an_edit_of_how_much_is_explained_it_is_as_if_it_had_always_been_so() -> None:
    fields = {**LEARNED, "explained": "0.5", "confidence": "0.9", "above": "50.0"}
    always, after = trained(fields), edited(trained(LEARNED), fields)
    limits = [a for n, a in always.state().items() if n.endswith("own.limits")]
    again = [a for n, a in after.state().items() if n.endswith("own.limits")]
    assert np.allclose(limits, again, rtol=1e-12)


# from a day on


MONTH: Fields = {**NIGHT, "nights": "10"}


def grown(learn_from: str | None, *, edit_after: int, days: int) -> list[Alert]:
    """A zone that takes 5 m³/h at night, and from the 15th night on 9 for good; the rule is edited
    after so many nights. What is told, in order."""
    flows: list[Row] = [{"flow": 5.0}] * 14 + [{"flow": 9.0}] * (days - 14)
    before = Evaluator(rulebook(MONTH), CITY, DEVICES)
    told = give(before, "night_drift", 0, flows[:edit_after])
    after = before
    if learn_from:
        book = overridden([MONTH], {"zone": '"z01"', "learn_from": learn_from})
        after = Evaluator(book, CITY, DEVICES)
        after.load(before.state())
    return told + give(after, "night_drift", edit_after, flows[edit_after:])


def test_what_is_here_to_stay_is_an_alert_for_ever_until_it_is_said_to_be_normal() -> None:
    (alert,) = grown(None, edit_after=30, days=80)
    assert alert.cleared_at is None


# The 15th night is that of 16 March; after 30 nights it is 1 April.
DAYS = [
    ("2026-03-16", 30, from_us(end_of("night_drift", 30))),  # as the edit is read
    ("2026-04-03", 30, datetime.fromisoformat("2026-04-03T00:00+03:00")),  # as the day comes
]


@pytest.mark.parametrize(("day", "edit_after", "cleared"), DAYS)
def test_a_new_normal_ends_the_alert_and_says_why(
    day: str, edit_after: int, cleared: datetime
) -> None:
    fired, ended = grown(day, edit_after=edit_after, days=80)
    assert (fired.id, fired.cleared_at, ended.cleared_at) == (ended.id, None, cleared)
    told = datetime.fromisoformat(day)
    assert ended.cleared_why == f"νέο σύνηθες από {told:%d/%m/%Y}: ο κανόνας μαθαίνει ξανά"


def test_nights_of_the_alert_since_that_day_are_the_new_normal_at_once() -> None:
    flows: list[Row] = [{"flow": 5.0}] * 14 + [{"flow": 9.0}] * 12
    one = Evaluator(rulebook(MONTH), CITY, DEVICES)
    give(one, "night_drift", 0, flows)
    after = edited(one, {**MONTH, "learn_from": "2026-03-16"})
    assert [a.cleared_at is not None for a in give(after, "night_drift", 26, [{"flow": 9.0}])] == [
        True
    ]
    (alert,) = give(after, "night_drift", 27, [{"flow": 12.0}] * 2)  # twelve nights: it judges
    assert alert.evidence.facts["usual"] == 9.0
    assert alert.evidence.facts["learned_from"] >= "2026-03-16"
    later = edited(one, {**MONTH, "learn_from": "2026-03-24"})
    told = give(later, "night_drift", 26, [{"flow": 9.0}, {"flow": 12.0}, {"flow": 12.0}])
    assert [a.cleared_at is not None for a in told] == [True]  # of five nights it cannot judge


@pytest.mark.parametrize("kind", ["learned", "drift", "pump_health"])
def test_the_others_learn_what_comes_after(kind: str) -> None:
    before = trained(RULES[kind])
    (fired,) = give(before, kind, TRAINING + 1, [BAD] * 8)
    after = edited(before, {**RULES[kind], "learn_from": "2026-03-03"})
    rng = np.random.default_rng(2)
    bad = [{**BAD, "head": 20.0 + x} for x in rng.normal(0, 0.5, 48)]
    (ended,) = give(after, kind, TRAINING + 9, bad)
    assert ended.id == fired.id and "νέο σύνηθες από 03/03/2026" in (ended.cleared_why or "")
    worse: Row = {"flow": 35.0, "head": 5.0, "power": 6.0}
    (alert,) = give(after, kind, TRAINING + 57, [worse] * 8)
    assert alert.evidence.facts["learned_from"] >= "2026-03-03"
    assert alert.evidence.facts["learned_readings"] >= 24


def test_a_day_is_obeyed_once_whatever_is_edited_or_restarted_later() -> None:
    rule = {**DRIFT, "learn_from": "2026-03-03"}
    one = edited(trained(DRIFT), rule)
    assert give(one, "drift", TRAINING + 1, usual(TRAINING + 1)) == []
    one = edited(edited(one, rule), {**rule, "limit": "6.0"})
    assert len(give(one, "drift", 2 * TRAINING + 2, [BAD] * 8)) == 1

"""A rulebook is read whole, or refused with every mistake at its line and field."""

from datetime import time, timedelta
from pathlib import Path

import pytest

from kel.city import load_city, read_document
from kel.model.alert import Severity
from kel.model.mistake import Document, MistakesError
from rules.book.rulebook import parse_rulebook
from tests.builders.rules_city import city, document, rule_text, rulebook

PRESSURE = {
    "kind": '"threshold"',
    "watch": '{class="zone", metric="pressure"}',
    "below": "2.0",
    "unit": '"bar"',
}
SILENT = {"kind": '"missing"', "watch": '{class="pump"}', "after": '"15m"'}
NIGHT = {
    "kind": '"night_flow"',
    "watch": '{class="zone", metric="flow"}',
    "window": '["02:00", "04:00"]',
    "above": "5.0",
    "legitimate": "2.0",
}
SHARE = {
    "kind": '"share"',
    "watch": '{class="lamp"}',
    "of": '"feeder"',
    "condition": '{missing="70m"}',
    "at_least": "0.5",
}


def mistakes(*texts: str) -> list[tuple[int, str, str]]:
    with pytest.raises(MistakesError) as refused:
        parse_rulebook(document("\n".join(texts)), city())
    assert all(m.file == "rules.toml" for m in refused.value.mistakes)
    return [(m.line, m.field, m.what) for m in refused.value.mistakes]


def test_the_example_city_has_a_rulebook() -> None:
    folder = Path(__file__).parents[4] / "config" / "dionysos"
    found = read_document(folder / "rules.toml")
    assert isinstance(found, Document)
    rules = parse_rulebook(found, load_city(folder)).rules
    assert {rule.kind for rule in rules} >= {"threshold", "missing", "night_flow", "share"}


def test_a_rule_is_read_with_its_units_and_times() -> None:
    night = {**NIGHT, "season": "{7 = 1.9}", "for": '"20m"', "clear": '{below=2.0, for="1h"}'}
    (rule,) = rulebook(night).rules
    assert rule.kind == "night_flow"
    assert rule.window == (time(2), time(4))
    assert (rule.for_, rule.clear.for_) == (timedelta(minutes=20), timedelta(hours=1))
    assert rule.season == {7: 1.9}
    assert rule.severity is Severity.HIGH


REFUSED = [
    (PRESSURE, {"kind": '"treshold"'}, "kind", "did you mean 'threshold'?"),
    (PRESSURE, {"belo": "2.0"}, "belo", "unknown field 'belo'; did you mean 'below'?"),
    (PRESSURE, {"clear": '{fro="5m"}'}, "clear.fro", "did you mean 'for'?"),
    (PRESSURE, {"watch": '{class="zones", metric="pressure"}'}, "watch.class", "'zone'?"),
    (PRESSURE, {"watch": '{class="zone", metric="presure"}'}, "watch.metric", "'pressure'?"),
    (PRESSURE, {"watch": '{class="zone"}'}, "watch.metric", "is missing"),
    (PRESSURE, {"watch": '{class="zone", metric="pressure", zone="z9"}'}, "watch.zone", "z9"),
    (
        PRESSURE,
        {"watch": '{class="zone", metric="pressure", community="drossia"}'},
        "watch.community",
        "did you mean 'drosia'?",
    ),
    (
        PRESSURE,
        {"watch": '{class="zone", metric="pressure", devices=["zm-01", "ps-01"]}'},
        "watch.devices.1",
        "unknown device 'ps-01'",
    ),
    (
        PRESSURE,
        {"watch": '{class="zone", metric="pressure", zone="z01", devices=["zm-02"]}'},
        "watch",
        "the city has no device of class 'zone' that this takes",
    ),
    (PRESSURE, {"category": '"pumps"'}, "category", "did you mean 'pump'?"),
    (PRESSURE, {"severity": '"urgent"'}, "severity", "known: info, low, medium, high, critical"),
    (PRESSURE, {"unit": '"l/s"'}, "unit", "must be 'bar', not 'l/s': 'l/s' is of flow"),
    (PRESSURE, {"unit": '"drachma"'}, "unit", "'drachma' is no unit that KEL knows"),
    (PRESSURE, {"below": "21.0"}, "below", "can never clear: pressure is at most 20 bar"),
    (PRESSURE, {"when": '"nigth"'}, "when", "unknown calendar 'nigth'; did you mean 'night'?"),
    (PRESSURE, {"when": '["night", "x"]'}, "when.1", "unknown calendar 'x'"),
    (PRESSURE, {"when": "[]"}, "when", "must have at least 1, not 0"),
    (
        PRESSURE,
        {"when": '"early"', "for": '"2h"'},
        "for",
        "can never hold: early is open for 0.45 hours at a time",
    ),
    (PRESSURE, {"for": '"401d"'}, "for", "longer than readings are kept, 400 days"),
    (PRESSURE, {"clear": '{for="401d"}'}, "clear.for", "longer than readings are kept"),
    (PRESSURE, {"verify": '"0h"'}, "verify", "must be longer than nothing"),
    (
        PRESSURE,
        {"watch": '{class="zone", metric="pressure", feeder="f3"}'},
        "watch.feeder",
        "unknown feeder 'f3'",
    ),
    (
        PRESSURE,
        {"watch": '{class="zone", metric="pressure", tags=["hospitl"]}'},
        "watch.tags",
        "did you mean 'hospital'?",
    ),
    (
        PRESSURE,
        {"watch": '{class="zone", metric="pressure", tags=["hospital", "high"], zone="z01"}'},
        "watch",
        "no device of class 'zone' that this takes",
    ),
    (PRESSURE, {"above": "3.0"}, "below", "both above and below"),
    (PRESSURE, {"below": "inf"}, "below", "finite"),
    (PRESSURE, {"below": '"2"'}, "below", 'must be a number, not "2"'),
    (PRESSURE, {"below": "-1.0"}, "below", "can never hold: pressure is at least -1 bar"),
    (PRESSURE, {"for": '"5 min"'}, "for", "is no duration"),
    (PRESSURE, {"for": "300"}, "for", "is no duration"),
    (PRESSURE, {"clear": "{below=1.0}"}, "clear.below", "wrong side"),
    (PRESSURE, {"clear": "{above=1.0}"}, "clear.above", "1 is under 2"),
    (PRESSURE, {"clear": "{above=20.0}"}, "clear.above", "can never hold"),
    (PRESSURE, {"runbook": '"See the wiki!"'}, "runbook", "must be of a–z, 0–9, - and _"),
    (PRESSURE, {"id": '"Α 1"'}, "id", "must be of a–z, 0–9, - and _"),
    (PRESSURE, {"relative_to": '"design_head"', "unit": '"1"'}, "relative_to", "unknown attribute"),
    (PRESSURE, {"while": '{metric="flo", above=1.0}'}, "while.metric", "did you mean 'flow'?"),
    (PRESSURE, {"while": '{metric="flow"}'}, "while", "above or below is missing"),
    (SILENT, {"after": '"0s"'}, "after", "must be longer than nothing"),
    (SILENT, {"for": '"5m"'}, "for", "unknown field 'for'"),
    (NIGHT, {"watch": '{class="zone", metric="pressure"}'}, "watch.metric", "needs a metric in"),
    (
        NIGHT,
        {"watch": '{class="pump", metric="flow"}'},
        "watch",
        "none of these devices has a zone",
    ),
    (NIGHT, {"window": '["02:00", "2am"]'}, "window.1", "is no time of day"),
    (NIGHT, {"window": '["02:00", "02:00"]'}, "window", "begins when it ends"),
    (NIGHT, {"clear": "{below=6.0}"}, "clear.below", "6 is over 5"),
    (NIGHT, {"season": "{13 = 2.0}"}, "season.13.[key]", "must be at most 12"),
    (NIGHT, {"background": "{per_kn=1.0}"}, "background.per_kn", "did you mean 'per_km'?"),
    (SHARE, {"watch": '{class="pump"}'}, "watch", "none of these devices has a feeder"),
    (SHARE, {"of": '"zone"'}, "of", "feeder"),
    (SHARE, {"at_least": "1.5"}, "at_least", "must be at most 1, not 1.5"),
    (SHARE, {"clear": "{below=0.6}"}, "clear.below", "0.6 is over 0.5"),
    (SHARE, {"condition": "{}"}, "condition", "either missing or metric"),
    (SHARE, {"condition": '{metric="failure"}'}, "condition", "above or below is missing"),
    (SHARE, {"condition": '{metric="powr", above=1.0}'}, "condition.metric", "'power'?"),
    (SHARE, {"condition": '{missing="1h", above=1.0}'}, "condition.above", "no meaning"),
]


@pytest.mark.parametrize(("rule", "change", "field", "what"), REFUSED)
def test_a_mistake_is_named_at_its_place(
    rule: dict[str, str], change: dict[str, str], field: str, what: str
) -> None:
    fields = {**rule, **change}
    text = rule_text(**fields)
    ((line, found, said),) = mistakes(text)
    assert found == f"rule.0.{field}"
    assert what in said
    key = next((k for k in fields if k == field.split(".")[0]), None)
    if key:
        assert text.splitlines()[line - 1].startswith(f"{key} =")


def test_all_mistakes_are_told_at_once() -> None:
    broken = {**PRESSURE, "category": '"x"', "unit": '"l/s"', "for": '"soon"', "above": "3.0"}
    found = mistakes(
        rule_text(**SILENT), rule_text(**broken), rule_text(**NIGHT, clear="{fall=2.0}")
    )
    assert {field for _, field, _ in found} == {
        "rule.1.id",
        "rule.1.category",
        "rule.1.below",
        "rule.1.unit",
        "rule.1.for",
        "rule.2.id",
        "rule.2.clear.fall",
    }


@pytest.mark.parametrize(
    ("kind", "told"),
    [({"kind": '"tresh"'}, "unknown kind 'tresh'; did you mean"), ({}, "is missing")],
)
def test_what_every_rule_says_is_checked_in_one_of_no_known_kind(
    kind: dict[str, str], told: str
) -> None:
    fields = {k: v for k, v in PRESSURE.items() if k != "kind"} | kind
    broken = {"id": '"A b"', "severity": '"hihg"', "verify": '"soon"', "belov": "2.0"}
    watch = {"watch": '{class="zone", metric="pressure", zome="z01"}'}
    found = {field: what for _, field, what in mistakes(rule_text(**fields | broken | watch))}
    assert told in found.pop("rule.0.kind")
    assert found.pop("rule.0.belov") == "unknown field 'belov'; did you mean 'below'?"
    assert found.keys() == {
        f"rule.0.{field}" for field in ("id", "severity", "verify", "watch.zome")
    }
    # of what is right in some kind nothing is told
    assert [field for _, field, _ in mistakes(rule_text(**fields))] == ["rule.0.kind"]


def test_people_are_told_the_rules_id_where_it_has_one() -> None:
    for name, told in (('"low"', "low"), ('"A b"', "0")):
        with pytest.raises(MistakesError) as refused:
            parse_rulebook(document(rule_text(**{**PRESSURE, "id": name, "below": '"2"'})), city())
        assert f": rule.{told}.below: must be a number" in str(refused.value)


def test_a_time_that_is_too_long_is_one_mistake() -> None:
    """It is too long for the kind, has too many spans, and is longer than readings are kept."""
    drift = {**PRESSURE, "kind": '"drift"', "training": '"500d"', "every": '"1h"'}
    drift |= {"watch": '{class="zone", metric="pressure"}', "limit": "5.0"}
    wanted = {k: v for k, v in drift.items() if k not in ("below", "unit", "for", "clear")}
    ((_, field, what),) = mistakes(rule_text(**wanted))
    assert field == "rule.0.training" and "longer than" in what


def test_two_rules_with_one_id_are_refused_at_the_second() -> None:
    ((line, field, what),) = mistakes(rule_text(**SILENT), rule_text(**NIGHT))
    assert (line, field) == (12, "rule.1.id")
    assert what == "'r1' is also the id of the rule at line 2"


@pytest.mark.parametrize("text", ["", "rule = []", 'rule = "x"', "[rule]\nid = 1"])
def test_a_rulebook_has_rules(text: str) -> None:
    assert "at least one [[rule]]" in mistakes(text)[0][2]


def test_what_is_not_a_rule_is_refused() -> None:
    assert mistakes("rule = [1]")[0][1] == "rule.0"
    (found,) = mistakes("version = 3\n" + rule_text(**SILENT))
    assert found[1] == "version"


def test_the_version_is_of_the_content_and_not_of_the_order() -> None:
    one, other = {**SILENT, "id": '"a"'}, {**NIGHT, "id": '"b"'}
    version = rulebook(one, other).version
    assert len(version) == 12
    assert rulebook(other, one).version == version
    assert rulebook(one, {**other, "above": "5.1"}).version != version
    assert rulebook(one, {**other, "label": '"Άλλη"'}).version != version


def test_what_people_read_decides_nothing() -> None:
    (rule,) = rulebook(SILENT).rules
    (renamed,) = rulebook({**SILENT, "label": '"Άλλη"', "severity": '"low"'}).rules
    (slower,) = rulebook({**SILENT, "after": '"16m"'}).rules
    assert rule.key == renamed.key != slower.key

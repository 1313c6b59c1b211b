"""Overrides: the same rule with other limits for some of its devices."""

from collections.abc import Mapping
from typing import Any

import pytest

from kel.model.alert import Alert, Severity
from kel.model.mistake import MistakesError
from rules.book.rulebook import Rulebook, parse_rulebook
from rules.book.variants import variants
from rules.evaluate import Evaluator
from tests.builders.rules_city import (
    DEVICES,
    MINUTE,
    at,
    city,
    document,
    frame,
    overridden,
    override_text,
    rule_text,
)

CITY = city()
PRESSURE = {
    "kind": '"threshold"',
    "watch": '{class="zone", metric="pressure"}',
    "below": "2.0",
    "unit": '"bar"',
    "for": '"10m"',
    "clear": '{above=2.5, for="5m"}',
}
SHARE = {
    "id": '"r2"',
    "kind": '"share"',
    "watch": '{class="lamp"}',
    "of": '"feeder"',
    "condition": '{metric="failure", above=0.5, unit="0/1"}',
    "at_least": "0.5",
}
START = at("2026-07-01T00:00")
Fields = Mapping[str, str]


def book(*overrides: Fields) -> Rulebook:
    return overridden([PRESSURE], *overrides)


def of(found: Rulebook, device: str) -> Any:
    return found.at(found.rules[0], CITY.devices[device])


def test_the_more_specific_beats_the_less_and_the_later_the_earlier() -> None:
    found = book(
        {"devices": '["zm-01"]', "below": "1.0"},
        {"zone": '"z01"', "below": "1.1", "for": '"1h"'},
        {"community": '"drosia"', "below": "1.2", "clear": "{above=2.1}"},
        {"community": '"drosia"', "below": "1.3"},
        {"zone": '"z01"', "below": "1.4"},
    )
    one, two = of(found, "zm-01"), of(found, "zm-02")
    assert (one.below, two.below) == (1.0, 1.3)
    assert (one.for_.seconds, two.for_.seconds) == (3600, 600)
    # a table is merged field by field
    assert (one.clear.above, one.clear.for_.seconds) == (2.1, 300)
    assert found.rules[0].below == 2.0 and one.id == two.id == "r1"


def test_each_watched_device_belongs_to_one_variant() -> None:
    found = book(
        {"zone": '"z01"', "below": "1.0"},
        {"zone": '"z02"', "below": "1.0"},
        {"zone": '"z03"', "off": "true"},
    )
    roster = Evaluator(found, CITY, DEVICES)._rosters["zone"]
    parts = variants(found, found.rules[0], roster)
    watched = [{d.id for d, w in zip(roster.devices, m, strict=True) if w} for _, m in parts]
    assert watched == [{"zm-01", "zm-02"}, {"zm-99"}]


def test_off_is_on_again_where_something_more_specific_says_so() -> None:
    found = book({"community": '"drosia"', "off": "true"}, {"devices": '"zm-02"', "off": "false"})
    assert of(found, "zm-01") is None
    assert of(found, "zm-02") == found.rules[0]


def test_an_override_in_another_unit_is_converted_by_its_own_or_its_rules() -> None:
    found = overridden(
        [{**PRESSURE, "unit": '"kPa"', "below": "200", "clear": "{above=250}"}],
        {"zone": '"z01"', "below": "150"},
        {"zone": '"z02"', "below": "14.5", "unit": '"psi"'},
    )
    rule = found.rules[0]
    assert (rule.unit, rule.below, rule.clear.above) == ("bar", 2.0, 2.5)  # type: ignore[attr-defined]
    assert (of(found, "zm-01").unit, of(found, "zm-01").below) == ("bar", 1.5)
    assert of(found, "zm-02").below == pytest.approx(0.99974, abs=1e-5)
    assert of(found, "zm-02").clear.above == 2.5


def test_a_temperature_is_converted_with_its_zero() -> None:
    share = {**SHARE, "condition": '{metric="failure", above=50, unit="%"}'}
    with pytest.raises(MistakesError) as refused:
        overridden([share])
    assert "condition.unit: must be '0/1', not '%'" in str(refused.value)


def test_the_version_knows_overrides_and_their_order() -> None:
    one, two = {"zone": '"z01"', "below": "1.0"}, {"zone": '"z01"', "below": "1.1"}
    versions = {book().version, book(one).version, book(one, two).version, book(two, one).version}
    assert len(versions) == 4


# what is refused, at which field, and what is told
REFUSED: list[tuple[Fields, str, str]] = [
    ({"rule": '"r9"', "zone": '"z01"', "below": "1.0"}, ".rule", "unknown rule 'r9'"),
    ({"below": "1.0"}, "", "names no place: community, zone, feeder, devices"),
    ({"zone": '"z01"'}, "", "changes nothing"),
    ({"zone": '"z9"', "below": "1.0"}, ".zone", "unknown zone 'z9'"),
    ({"devices": '["zm-01", "zm-77"]', "below": "1.0"}, ".devices.1", "known: "),
    ({"devices": '["zm-01", "ps-01"]', "below": "1.0"}, ".devices.1", "r1 does not watch ps-01"),
    ({"feeder": '"f01"', "below": "1.0"}, "", "takes no device that r1 watches"),
    ({"zone": '"z01"', "id": '"x"'}, ".id", "is what the rule is, and cannot be overridden"),
    ({"zone": '"z01"', "kind": '"missing"'}, ".kind", "cannot be overridden"),
    ({"zone": '"z01"', "watch": '{class="pump"}'}, ".watch", "cannot be overridden"),
    ({"zone": '"z01"', "belov": "1.0"}, ".belov", "unknown field 'belov'; did you mean 'below'?"),
    ({"zone": '"z01"', "below": '"low"'}, ".below", 'must be a number, not "low"'),
    ({"zone": '"z01"', "below": "-1.0"}, ".below", "can never hold"),
    ({"zone": '"z01"', "clear": "{above=1.0}"}, ".clear", "1 is under 2"),
    ({"zone": '"z01"', "below": "1.0", "unit": '"l/s"'}, ".unit", "must be 'bar', not 'l/s'"),
    ({"zone": '"z01"', "for": '"soon"'}, ".for", "is no duration"),
    ({"zone": '"z01"', "when": '"nigth"'}, ".when", "did you mean 'night'?"),
    ({"zone": '"z01"', "off": '"yes"', "below": "1.0"}, ".off", 'must be true or false, not "yes"'),
]


@pytest.mark.parametrize(("override", "field", "what"), REFUSED)
def test_a_mistake_is_named_at_the_override(override: Fields, field: str, what: str) -> None:
    text = rule_text(**PRESSURE) + override_text(**override)
    with pytest.raises(MistakesError) as refused:
        parse_rulebook(document(text), CITY)
    (mistake,) = refused.value.mistakes
    assert mistake.field.startswith(f"override.0{field}") and what in mistake.what
    key = field.lstrip(".").split(".")[0]
    line = text.splitlines()[mistake.line - 1]
    assert line.startswith(f"{key} =" if key else "[[override]]")


def test_overrides_that_meet_at_a_device_are_checked_together() -> None:
    with pytest.raises(MistakesError) as refused:
        book({"zone": '"z01"', "clear": "{above=2.2}"}, {"devices": '"zm-01"', "below": "2.4"})
    (mistake,) = refused.value.mistakes
    assert mistake.field.startswith("override.1")
    assert "2.2 is under 2.4 (together with the override at line " in mistake.what


def test_what_a_rule_judges_as_one_is_not_split() -> None:
    with pytest.raises(MistakesError) as refused:
        overridden([SHARE], {"rule": '"r2"', "devices": '"la-01-1"', "at_least": "0.9"})
    assert "takes a part of f01, which r2 judges as one" in str(refused.value)
    found = overridden([SHARE], {"rule": '"r2"', "feeder": '"f01"', "at_least": "0.9"})
    assert of(found, "la-01-1").at_least == 0.9


def test_an_override_of_a_rule_with_a_mistake_adds_none() -> None:
    text = rule_text(**{**PRESSURE, "unit": '"l/s"'}) + override_text(zone='"z01"', below="1.0")
    with pytest.raises(MistakesError) as refused:
        parse_rulebook(document(text), CITY)
    assert [m.field for m in refused.value.mistakes] == ["rule.0.unit"]


def test_overrides_are_tables() -> None:
    with pytest.raises(MistakesError) as refused:
        parse_rulebook(document("override = 3\n" + rule_text(**PRESSURE)), CITY)
    assert "should be a list of [[override]] tables" in str(refused.value)


# what is remembered


def engine(found: Rulebook) -> Evaluator:
    return Evaluator(found, CITY, DEVICES)


def low(one: Evaluator, minute: int, *numbers: int, pressure: float = 0.5) -> list[Alert]:
    moment = START + minute * MINUTE
    told = one.frame(frame("zone", [(moment, n, {"pressure": pressure}) for n in numbers]))
    return told + one.tick(moment)


def fired(alerts: list[Alert]) -> list[tuple[str, int]]:
    return [
        (a.device, int((a.detected_at.timestamp() * 1e6 - START) // MINUTE))
        for a in alerts
        if a.cleared_at is None
    ]


def after(before: Rulebook, now: Rulebook) -> Evaluator:
    """A rulebook taken up while all zones have been low for six of ten minutes."""
    old, new = engine(before), engine(now)
    assert low(old, 0, 11, 12, 13) == []
    assert low(old, 6, 11, 12, 13) == []
    new.load(old.state())
    return new


Z01 = {"zone": '"z01"', "below": "1.0"}
# before, afterwards, and when each zone's alert is detected with the next rows at 8, 12 and 20
EDITS = [
    ("nothing", [Z01], [Z01], {"zm-01": 10, "zm-02": 10, "zm-03": 10}),
    ("one is added", [], [Z01], {"zm-01": 18, "zm-02": 10, "zm-03": 10}),
    ("one is taken away", [Z01], [], {"zm-01": 18, "zm-02": 10, "zm-03": 10}),
    (
        "one is edited",
        [Z01, {"zone": '"z02"', "below": "1.5"}],
        [{**Z01, "below": "1.2"}, {"zone": '"z02"', "below": "1.5"}],
        {"zm-01": 18, "zm-02": 10, "zm-03": 10},
    ),
    (
        "they change their order",
        [Z01, {"zone": '"z02"', "below": "1.5"}],
        [{"zone": '"z02"', "below": "1.5"}, Z01],
        {"zm-01": 10, "zm-02": 10, "zm-03": 10},
    ),
    (
        "what people read",
        [],
        [{"zone": '"z01"', "severity": '"critical"', "verify": '"3h"'}],
        {"zm-01": 10, "zm-02": 10, "zm-03": 10},
    ),
    ("off", [], [{"zone": '"z01"', "off": "true"}], {"zm-02": 10, "zm-03": 10}),
    ("on again", [{"zone": '"z01"', "off": "true"}], [], {"zm-01": 18, "zm-02": 10, "zm-03": 10}),
]


@pytest.mark.parametrize(
    ("before", "now", "when"), [e[1:] for e in EDITS], ids=[e[0] for e in EDITS]
)
def test_an_edit_keeps_the_timers_of_all_other_devices(
    before: list[Fields], now: list[Fields], when: dict[str, int]
) -> None:
    one = after(book(*before), book(*now))
    alerts = [a for minute in (8, 12, 20) for a in low(one, minute, 11, 12, 13)]
    assert dict(fired(alerts)) == when
    assert all(a.cleared_at is None for a in alerts)


def test_a_rule_that_watches_others_keeps_what_it_remembers_of_those_that_stay() -> None:
    def watching(*devices: str) -> Rulebook:
        named = ", ".join(f'"{d}"' for d in devices)
        watch = f'{{class="zone", metric="pressure", devices=[{named}]}}'
        return overridden([{**PRESSURE, "watch": watch}])

    one = after(watching("zm-01", "zm-02"), watching("zm-02", "zm-03"))
    alerts = [a for minute in (8, 12, 20) for a in low(one, minute, 11, 12, 13)]
    assert dict(fired(alerts)) == {"zm-02": 10, "zm-03": 18}


def test_an_alert_says_the_severity_of_its_device() -> None:
    one = engine(book({"zone": '"z01"', "severity": '"critical"', "category": '"main_burst"'}))
    low(one, 0, 11, 12)
    alerts = {a.device: a for a in low(one, 10, 11, 12)}
    assert (alerts["zm-01"].severity, alerts["zm-01"].category) == (Severity.CRITICAL, "main_burst")
    assert (alerts["zm-02"].severity, alerts["zm-02"].category) == (Severity.HIGH, "sensor")
    assert len(one._parts) == 1  # it decides alike for both, so it is one


def test_an_active_alert_goes_on_under_another_limit_and_ends_where_it_is_off() -> None:
    old = engine(book())
    low(old, 0, 11, 12)
    assert len(fired(low(old, 10, 11, 12))) == 2
    new = engine(book({"zone": '"z01"', "below": "1.0"}, {"zone": '"z02"', "off": "true"}))
    new.load(old.state())
    (ended,) = low(new, 12, 11, 12)
    assert ended.device == "zm-02" and ended.cleared_at
    low(new, 14, 11, pressure=3.0)
    (ended,) = low(new, 19, 11, pressure=3.0)
    assert ended.device == "zm-01" and ended.cleared_at

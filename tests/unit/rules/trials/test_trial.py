from datetime import UTC, datetime
from textwrap import dedent
from tomllib import loads
from zoneinfo import ZoneInfo

import pytest

from kel.model.mistake import Document, MistakesError
from rules.trials.rehearse import failures, untested
from rules.trials.trial import moment_of, parse_trials
from tests.builders.rules_city import city, rulebook

CITY = city()
LOW = {
    "id": '"low"',
    "kind": '"threshold"',
    "watch": '{class="zone", metric="pressure"}',
    "below": "2.0",
    "unit": '"bar"',
    "for_": '"10m"',
}
SILENT = {"id": '"silent"', "kind": '"missing"', "watch": '{class="zone"}', "after": '"20m"'}
RULES = rulebook(LOW, SILENT)
CASE = """
    rules = ["low"]
    [[case]]
    name = "a case"
    start = "2026-10-06T08:00"
    every = "5m"
    readings.zm-01.pressure = "3*2 1*6 3*2"
    [[case.expect]]
    at = "08:20"
    alerts = [{ device = "zm-01", started = "08:10", detected = "08:20", severity = "high" }]
"""
ZONE = ZoneInfo("Europe/Athens")


def trials(text, line=7):
    document = Document("t.toml", loads(dedent(text)), {("case", 0): line})
    return parse_trials(document, RULES, CITY)


def wrong(text):
    return [f for trial in trials(text) for f in failures(trial, RULES, CITY)]


def test_what_comes_as_expected_is_no_failure():
    assert wrong(CASE) == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('at = "08:20"', 'at = "08:19"', "low on zm-01 should be active and is not"),
        ("zm-01.pressure", "zm-02.pressure", "low on zm-01 should be active and is not"),
        ('"high"', '"low"', "is of severity high, not low"),
        ('started = "08:10"', 'started = "08:05"', "started at 2026-10-06 08:10:00, not 08:05"),
        ('detected = "08:20"', 'detected = "+25m"', "detected at 2026-10-06 08:20:00, not +25m"),
        ('[{ device = "zm-01", ', '[{ device = "zm-02", ', "low on zm-01 is active since 08:10"),
    ],
)
def test_what_comes_otherwise_is_told(old, new, told):
    assert CASE.count(old)
    assert any(told in sentence for sentence in wrong(CASE.replace(old, new)))


def test_only_rules_under_test_are_looked_at():
    """The meter falls silent for longer than `silent` allows, and the case does not ask for it."""
    late = CASE.replace("3*2 1*6 3*2", "1*3 _*9 1").replace("08:20", "08:50")
    late = late.replace('started = "08:10", detected = "08:50"', 'started = "08:00"')
    assert wrong(late) == []
    both = late.replace('["low"]', '["low", "silent"]').replace(
        '"zm-01", s', '"zm-01", rule="low", s'
    )
    (told,) = wrong(both)
    assert "silent on zm-01 is active" in told


def test_expectations_are_looked_at_in_order_of_time_not_of_writing():
    more = CASE + '    [[case.expect]]\n    at = "08:05"\n    alerts = []\n'
    assert wrong(more) == []


def test_patterns_name_many_devices():
    many = CASE.replace("readings.zm-01", 'readings."zm-0*"')
    assert [d.id for d in trials(many)[0].devices] == ["zm-01", "zm-02", "zm-03"]


@pytest.mark.parametrize(
    ("old", "new", "field", "told"),
    [
        ('rules = ["low"]', 'rules = ["lo"]', "rules.0", "unknown rule 'lo'; did you mean 'low'?"),
        ('rules = ["low"]', "rules = []", "rules", "at least 1"),
        ("readings.zm-01", "readings.zm-77", "case.0.readings.zm-77", "unknown device 'zm-77'"),
        (".pressure", ".presure", "case.0.readings.zm-01.presure", "did you mean 'pressure'?"),
        ('"3*2 1*6 3*2"', '"3*2 x"', "case.0.readings.zm-01.pressure", "'x' is no readings"),
        ('at = "08:20"', 'at = "8:20"', "case.0.expect.0.at", "'8:20' is no time"),
        ('started = "08:10"', 'started = "soon"', "case.0.expect.0.alerts", "'soon' is no time"),
        ('device = "zm-01"', 'device = "zz"', "case.0.expect.0.alerts.0", "unknown device 'zz'"),
        ('["low"]', '["low", "silent"]', "case.0.expect.0.alerts.0", "name the rule"),
        ("{ device", '{ rule = "silent", device', "case.0.expect.0.alerts.0", "unknown rule under"),
        ('name = "a case"', 'name = "a case"\n    nam = 1', "case.0.nam", "Extra inputs"),
    ],
)
def test_a_mistake_is_told_at_its_place(old, new, field, told):
    assert CASE.count(old)
    with pytest.raises(MistakesError) as error:
        trials(CASE.replace(old, new))
    (mistake,) = error.value.mistakes
    assert (mistake.file, mistake.field) == ("t.toml", field)
    assert told in mistake.what


def test_a_case_that_expects_nothing_is_refused():
    with pytest.raises(MistakesError, match="expect"):
        trials(CASE[: CASE.index("    [[case.expect]]")])


def test_a_rule_that_no_case_makes_fire_is_untested():
    assert untested(RULES, trials(CASE)) == ["silent"]
    quiet = CASE.replace("1*6", "3*6")[: CASE.index("alerts")] + "alerts = []"
    assert untested(RULES, trials(quiet)) == ["low", "silent"]


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("+0s", "2026-10-24T20:59"),
        ("+1d2h3m4s", "2026-10-25T23:02:04"),  # so much time, whatever the clocks do
        ("23:59", "2026-10-24T20:59"),
        ("02:30", "2026-10-24T23:30"),
        ("05:00", "2026-10-25T03:00"),
        ("2026-10-26T08:00", "2026-10-26T06:00"),
        ("2026-10-26T08:00Z", "2026-10-26T08:00"),
    ],
)
def test_moments_are_of_the_citys_clock(text, utc):
    start = datetime.fromisoformat("2026-10-24T23:59")  # the clock goes back that night
    assert moment_of(text, start, ZONE) == datetime.fromisoformat(utc).replace(tzinfo=UTC)

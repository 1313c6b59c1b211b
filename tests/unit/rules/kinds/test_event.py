"""event: what cameras recognise, counted. Minutes after midnight; a second is a sixtieth of one."""

from dataclasses import replace

import pytest

from kel.model.alert import Alert, Severity
from kel.model.mistake import MistakesError
from kel.model.moment import from_us, to_us
from kel.model.situation import Inputs, Situation
from rules.book.rulebook import parse_rulebook
from rules.evaluate import Evaluator
from rules.incidents.correlate import correlate
from tests.builders import city as grouping
from tests.builders.rules_city import (
    DEVICES,
    MINUTE,
    at,
    city,
    document,
    frame,
    rule_text,
    rulebook,
)

START = at("2026-07-01T00:00")
CITY = city()
SECOND = 1 / 60
NAN = float("nan")
SMOKE = {
    "kind": '"event"',
    "watch": '{class="camera", metric="smoke"}',
    "score": "0.7",
    "unit": '"0-1"',
    "times": "2",
    "within": '"5m"',
    "at_once": "0.9",
    "clear": '{below=0.3, for="10m"}',
}
ONCE = {k: v for k, v in SMOKE.items() if k not in ("times", "within", "at_once")}
PAIR = {k: v for k, v in SMOKE.items() if k != "at_once"}

# Rows of a camera (minute, score of smoke); spans: (from, seen, to).
TABLE = [
    (SMOKE, [(0, 0.7), (5, 0.7)], [(0, 5, None)]),  # both ends count, and so does the score itself
    (SMOKE, [(0, 0.7), (5.1, 0.7)], []),
    (SMOKE, [(0, 0.69), (1, 0.7), (2, 0.69)], []),
    (SMOKE, [(0, 0.9)], [(0, 0, None)]),  # beyond doubt: nothing is waited for
    (SMOKE, [(0, 0.7), (3, 0.9)], [(0, 3, None)]),  # it began with the first sighting
    (SMOKE, [(0, 0.7), (6, 0.9)], [(6, 6, None)]),
    (SMOKE, [(0, 0.8), (0.5 * SECOND, 0.8)], []),  # the same frame told twice
    (SMOKE, [(0, 0.8), (SECOND, 0.8)], [(0, SECOND, None)]),
    (SMOKE, [(0, 0.8), (0.5 * SECOND, 0.8), (1, 0.8)], [(0, 1, None)]),
    ({**SMOKE, "apart": '"2m"'}, [(0, 0.8), (1, 0.8), (2, 0.8)], [(0, 2, None)]),
    ({**PAIR, "times": "3"}, [(0, 0.8), (2, 0.8), (6, 0.8), (7, 0.8)], [(2, 7, None)]),
    (PAIR, [(0, 1.0)], []),
    (ONCE, [(0, 0.7)], [(0, 0, None)]),
    (SMOKE, [(0, 0.9), (2, 0.0)], [(0, 0, 12)]),
    (SMOKE, [(0, 0.9), (2, 0.3)], [(0, 0, None)]),  # between the two nothing changes
    (SMOKE, [(0, 0.9), (2, 0.0), (9, 0.5), (10, 0.0)], [(0, 0, 20)]),
    (SMOKE, [(0, 0.9), (2, NAN), (60, NAN)], [(0, 0, None)]),  # a silent camera clears nothing
    ({**SMOKE, "clear": "{}"}, [(0, 0.9), (2, 0.69)], [(0, 0, 2)]),
    # what one alert has counted the next does not
    ({**SMOKE, "clear": "{}"}, [(0, 0.7), (1, 0.7), (2, 0), (3, 0.7)], [(0, 1, 2)]),
    ({**SMOKE, "clear": "{}"}, [(0, 0.7), (1, 0.7), (2, 0), (3, 0.7), (4, 0.7)],
     [(0, 1, 2), (3, 4, None)]),
]  # fmt: skip


def spans(alerts: list[Alert]) -> list[tuple[object, ...]]:
    return [
        tuple(
            (to_us(m) - START) / MINUTE if m else None
            for m in (a.started_at, a.detected_at, a.cleared_at)
        )
        for a in {a.id: a for a in alerts}.values()
    ]


@pytest.mark.parametrize(("rule", "rows", "expected"), TABLE)
def test_spans(
    rule: dict[str, str],
    rows: list[tuple[float, float]],
    expected: list[tuple[float, float, float | None]],
) -> None:
    one = Evaluator(rulebook(rule), CITY, DEVICES)
    told = [(START + round(t * MINUTE), 61, {"smoke": s, "fire": 0.0}) for t, s in rows]
    alerts = one.frame(frame("camera", told)) + one.tick(START + 100 * MINUTE)
    assert spans(alerts) == [pytest.approx(span) for span in expected]


def test_a_sighting_is_remembered_over_a_restart() -> None:
    before = Evaluator(rulebook(SMOKE), CITY, DEVICES)
    before.frame(frame("camera", [(START, 61, {"smoke": 0.8})]))
    after = Evaluator(rulebook(SMOKE), CITY, DEVICES)
    after.load(before.state())
    told = after.frame(frame("camera", [(START + 3 * MINUTE, 61, {"smoke": 0.75})]))
    assert spans(told) == [(0, 3, None)]
    facts = told[0].evidence.facts
    assert (facts["count"], facts["times"], facts["within_s"]) == (2.0, 2.0, 300.0)
    assert (facts["value"], facts["limit"], facts["side"]) == (0.75, 0.7, "above")


def test_evidence_says_that_one_sighting_was_enough() -> None:
    one = Evaluator(rulebook(SMOKE), CITY, DEVICES)
    (alert,) = one.frame(frame("camera", [(START, 61, {"smoke": 0.95})]))
    assert (alert.evidence.facts["limit"], alert.evidence.facts["count"]) == (0.9, 1.0)


REFUSED = [
    ({"score": "1.2"}, "score", "can never hold: smoke is at most 1 0-1"),
    ({"score": "0.0"}, "score", "always holds: smoke is at least 0 0-1"),
    ({"at_once": "1.5"}, "at_once", "can never hold"),
    ({"at_once": "0.7"}, "at_once", "must be over the score: 0.7 is not over 0.7"),
    ({"unit": '"bar"'}, "unit", "must be '0-1', not 'bar'"),
    ({"times": "1"}, "within", "has no meaning where one sighting is enough"),
    ({"times": "0"}, "times", "must be at least 1, not 0"),
    ({"times": "2.5"}, "times", "must be a whole number, not 2.5"),
    ({"within": '"5x"'}, "within", "no duration"),
    ({"apart": '"6m"'}, "within", "can never hold: 2 sightings, each 0:06:00 apart"),
    ({"watch": '{class="camera"}'}, "watch.metric", "the label that is looked for"),
    ({"watch": '{class="camera", metric="person"}'}, "watch.metric", "unknown metric"),
    ({"clear": "{below=0.8}"}, "clear.below", "lies on the wrong side of the score"),
    ({"clear": "{below=0.0}"}, "clear.below", "can never hold"),
]


@pytest.mark.parametrize(("change", "field", "what"), REFUSED)
def test_what_makes_no_sense_is_refused_at_its_place(
    change: dict[str, str], field: str, what: str
) -> None:
    with pytest.raises(MistakesError) as refused:
        parse_rulebook(document(rule_text(**{**SMOKE, **change})), CITY)
    said = {m.field.removeprefix("rule[0].").removeprefix("rule.0."): m.what
            for m in refused.value.mistakes}  # fmt: skip
    assert [w for f, w in said.items() if f.endswith(field) and what in w], said


def test_scores_are_said_in_any_unit_of_a_share() -> None:
    percent = {"score": "70.0", "at_once": "90.0", "clear": "{below=30.0}", "unit": '"%"'}
    (rule,) = rulebook({**SMOKE, **percent}).rules
    assert (rule.score, rule.at_once, rule.clear.below) == pytest.approx((0.7, 0.9, 0.3))  # type: ignore[attr-defined]
    assert rule.unit == "0-1"  # type: ignore[attr-defined]


def test_times_ask_for_a_window() -> None:
    lone = {k: v for k, v in SMOKE.items() if k != "within"}
    with pytest.raises(MistakesError, match="within"):
        parse_rulebook(document(rule_text(**lone)), CITY)


def test_the_first_source_makes_the_incident_at_once_and_the_second_raises_it() -> None:
    """From readings to incidents: no source waits for another before the Fire Service is called."""
    small = grouping.small_city()
    camera = {**SMOKE, "id": '"seen"', "category": '"fire"', "unit": '"1"'}
    sensor = {
        **ONCE,
        "id": '"felt"',
        "category": '"fire"',
        "watch": '{class="fire", metric="smoke"}',
        "score": "5.0",
        "unit": '"%"',
        "clear": "{}",
    }
    book = parse_rulebook(document(rule_text(**camera) + rule_text(**sensor)), small)
    engine = Evaluator(book, small, small.devices.values())
    number = {d.id: d.number for d in small.devices.values()}
    situation = Situation()

    def put(minute: float, device: str, score: float) -> list[Severity]:
        moment = START + round(minute * MINUTE)
        blank = frame("camera", [(moment, number[device], {"smoke": score})])
        told = replace(blank, cls=small.devices[device].cls)
        inputs = Inputs(from_us(moment), tuple(engine.frame(told)), (), (), ())
        situation.apply(correlate(small, situation, inputs))
        situation.take(inputs)
        return [i.severity for i in situation.incidents.values()]

    assert put(0, "cam-01", 0.8) == []  # once, and in doubt
    assert put(1, "cam-01", 0.8) == [Severity.HIGH]  # by the camera alone, at that sighting
    (incident,) = situation.incidents.values()
    assert incident.opened_at == from_us(START + MINUTE)
    assert put(2, "cam-01", 0.95) == [Severity.HIGH]  # the same camera is no second source
    assert put(9, "fs-01", 12.0) == [Severity.CRITICAL]
    assert len(situation.incidents) == 1

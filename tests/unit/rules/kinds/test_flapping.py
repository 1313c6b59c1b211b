"""flapping: tables of readings and what is told of them. Minutes after midnight."""

from collections.abc import Mapping

import pytest

from tests.builders.kinds.table import Span, mistakes, span, tell
from tests.builders.rules_city import rulebook

NAN = float("nan")
STATE = {
    "kind": '"flapping"',
    "watch": '{class="lamp", metric="failure"}',
    "level": "0.5",
    "unit": '"0/1"',
    "times": "2",
    "within": '"20m"',
}
BAND = {
    **STATE,
    "watch": '{class="zone", metric="pressure"}',
    "level": "3.0",
    "band": "0.5",
    "unit": '"bar"',
    "clear": '{for="5m"}',
}

# What a device said each minute from minute 0 on.
TABLE: list[tuple[Mapping[str, str], str, list[float], list[Span]]] = [
    (STATE, "failure", [0, 1, 0], []),  # twice is not more than twice
    (STATE, "failure", [0, 1, 0, 1, 1, 1], [(1, 3, 23)]),
    (STATE, "failure", [0, 1, NAN, 0, NAN, 1, 0], [(1, 5, 26)]),
    (STATE, "failure", [0, 1, 0, *[0] * 18, 1], []),  # the first is just 20 minutes old
    (STATE, "failure", [0, 1, 0, *[0] * 17, 1], [(1, 20, 40)]),
    (BAND, "pressure", [2, 4, 3, 4, 3, 4], []),  # on neither side
    (BAND, "pressure", [2, 4, 3, 2, 3.5, 4, 3], [(1, 5, 10)]),
    (BAND, "pressure", [2, 4, 2, 4, 2, 3, 3, 3, 3, 3, 4], [(1, 3, 9), (3, 10, 15)]),
]


@pytest.mark.parametrize(("rule", "metric", "said", "spans"), TABLE)
def test_spans(rule: Mapping[str, str], metric: str, said: list[float], spans: list[Span]) -> None:
    cls, number = ("lamp", 21) if metric == "failure" else ("zone", 11)
    rows = [(n, number, {metric: value}) for n, value in enumerate(said)]
    assert [span(alert) for alert in tell(rule, cls, rows)] == spans


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"level": "1.0"}, "level: can never be crossed: failure is at most 1 0/1"),
        ({"level": "0.0"}, "level: can never be crossed: failure is at least 0 0/1"),
        ({"band": "0.5"}, "band: can never be crossed: failure is at most 1 0/1"),
        ({"within": '"40d"'}, "within: 40d is longer than 31d"),
        ({"watch": '{class="lamp"}'}, "watch.metric: is missing"),
    ],
)
def test_what_can_be_wrong(change: Mapping[str, str], told: str) -> None:
    assert told in mistakes({**STATE, **change})


def test_level_and_band_are_converted_alike() -> None:
    (rule,) = rulebook({**BAND, "level": "300.0", "band": "50.0", "unit": '"kPa"'}).rules
    assert (rule.content["level"], rule.content["band"]) == (3.0, 0.5)
    assert rule.content["unit"] == "bar"

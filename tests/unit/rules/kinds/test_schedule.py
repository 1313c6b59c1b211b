"""schedule: lamps and the sun over Attica at midsummer; sunset 20:51, sunrise 06:06, local time."""

from collections.abc import Mapping

import pytest

from tests.builders.kinds.table import Span, mistakes, span, tell
from tests.builders.rules_city import at

START = at("2026-07-01T00:00+03:00")
DAY = {
    "kind": '"schedule"',
    "watch": '{class="lamp", metric="power"}',
    "sun": '"up"',
    "margin": '"30m"',
    "above": "5.0",
    "unit": '"W"',
    "for": '"20m"',
}
NIGHT = {**DAY, "sun": '"down"', "above": "", "below": "5.0", "for": '"1h"'}
NIGHT.pop("above")
CLOCK = {**DAY, "window": '["09:00", "17:00"]'}
CLOCK.pop("sun"), CLOCK.pop("margin")


def clock(text: str) -> float:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


# Rows of a lamp: (local time, power); spans in local time, too.
TABLE: list[
    tuple[Mapping[str, str], list[tuple[str, float]], list[tuple[str, str, str | None]]]
] = [
    (DAY, [("12:00", 30)], [("12:00", "12:20", None)]),
    (DAY, [("12:00", 30), ("12:10", 0)], []),
    (DAY, [("06:30", 30), ("06:40", 0)], []),  # within half an hour of sunrise
    (DAY, [("06:37", 30), ("07:00", 0)], [("06:37", "06:57", "07:00")]),
    (DAY, [("20:00", 30)], [("20:00", "20:20", None)]),
    (DAY, [("20:05", 30)], []),  # the day ends before it has been so for long enough
    (DAY, [("22:00", 30), ("03:00", 30)], []),  # as it should be
    (DAY, [("19:00", 30), ("22:00", 0), ("31:00", 0)], [("19:00", "19:20", "31:00")]),
    (DAY, [("20:15", 30), ("31:00", 30)], [("31:00", "31:20", None)]),  # forgotten by night
    (NIGHT, [("23:00", 0)], [("23:00", "24:00", None)]),
    (NIGHT, [("12:00", 0), ("20:00", 0)], []),
    (NIGHT, [("28:45", 0)], []),
    (CLOCK, [("08:55", 30), ("16:30", 30)], [("16:30", "16:50", None)]),
    (CLOCK, [("16:45", 30)], []),
]


@pytest.mark.parametrize(("rule", "rows", "spans"), TABLE)
def test_spans(
    rule: Mapping[str, str],
    rows: list[tuple[str, float]],
    spans: list[tuple[str, str, str | None]],
) -> None:
    ordered = sorted((clock(t), 21, {"power": p}) for t, p in rows if clock(t) > 300)
    told = tell(rule, "lamp", ordered, until=5000, start=START)
    wanted: list[Span] = [(clock(s), clock(d), clock(c) if c else None) for s, d, c in spans]
    assert [span(alert, START) for alert in told] == wanted


def test_evidence_tells_where_the_sun_stood() -> None:
    (alert,) = tell(DAY, "lamp", [(clock("13:08"), 21, {"power": 30.0})], start=START, until=900)
    facts = alert.evidence.facts
    assert (facts["sun"], facts["value"], facts["limit"]) == ("up", 30.0, 5.0)
    # near noon: 90° − 38.13° of latitude + 23.1° of declination
    assert facts["elevation"] == pytest.approx(74.9, abs=0.3)


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ({**DAY, "window": '["09:00", "17:00"]'}, "rule.0: must have either sun or window"),
        ({**CLOCK, "margin": '"5m"'}, "margin: has no meaning beside window"),
        ({**CLOCK, "window": '["09:00", "09:00"]'}, "window: begins when it ends"),
        (
            {**NIGHT, "for": '"15h"'},
            "for: can never hold: here the sun is down, margins apart, for at most 13:30:00",
        ),
        ({**DAY, "sun": '"high"'}, "sun: must be 'up' or 'down', not "),
        ({**DAY, "clear": "{above=1.0}"}, "clear.above: lies on the wrong side"),
    ],
)
def test_what_can_be_wrong(rule: Mapping[str, str], told: str) -> None:
    assert any(one.startswith(told) for one in mistakes(rule)), mistakes(rule)

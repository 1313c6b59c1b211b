"""missing: when silence begins, is told and ends. Minutes after midnight."""

from kel.model.alert import Alert
from kel.model.moment import from_us, to_us
from rules.evaluate import Evaluator
from tests.builders.rules_city import DEVICES, MINUTE, at, city, frame, rulebook

START = at("2026-07-01T00:00")
CITY = city()
RULE = {"kind": '"missing"', "watch": '{class="pump", devices=["ps-01"]}', "after": '"20m"'}


def minute(n: int) -> int:
    return START + n * MINUTE


def engine() -> Evaluator:
    return Evaluator(rulebook(RULE), CITY, DEVICES)


def say(one: Evaluator, *minutes: int) -> list[Alert]:
    return one.frame(frame("pump", [(minute(m), 1, {"head": 1.0}) for m in minutes]))


def span(alert: Alert) -> tuple[int | None, ...]:
    moments = (alert.started_at, alert.detected_at, alert.cleared_at)
    return tuple((to_us(m) - START) // MINUTE if m else None for m in moments)


def test_silence_begins_at_the_last_word_and_is_told_after_exactly_so_long() -> None:
    one = engine()
    say(one, 0, 7)
    assert one.tick(minute(26)) == []
    (alert,) = one.tick(minute(40))
    assert span(alert) == (7, 27, None)
    assert alert.evidence.facts == {
        "last_seen": from_us(minute(7)).isoformat(),
        "limit": 1200.0,
        "unit": "s",
    }
    assert one.tick(minute(90)) == []
    (cleared,) = say(one, 95, 96)
    assert span(cleared) == (7, 27, 95)


def test_a_gap_is_told_also_where_no_tick_fell_into_it() -> None:
    assert [span(a) for a in say(engine(), 0, 19, 39, 80)] == [
        (19, 39, None),
        (19, 39, 39),
        (39, 59, None),
        (39, 59, 80),
    ]


def test_who_never_spoke_counts_from_the_first_tick() -> None:
    one = engine()
    one.tick(minute(5))
    assert one.tick(minute(24)) == []
    (alert,) = one.tick(minute(25))
    assert span(alert) == (5, 25, None)
    assert alert.evidence.facts["last_seen"] == "ποτέ"


def test_a_backlog_ends_the_silence_only_when_it_comes_near_the_present() -> None:
    one = engine()
    say(one, 0)
    one.tick(minute(60))
    assert say(one, 10, 30, 40) == []  # words of then: now is 60, and 40 + 20 is not later
    assert [span(a) for a in say(one, 41, 50)] == [(0, 20, 41)]


def test_a_word_that_was_on_its_way_clears_not_before_the_silence_was_detected() -> None:
    one = engine()
    say(one, 0)
    one.tick(minute(25))
    assert [span(a) for a in say(one, 15)] == [(0, 20, 20)]

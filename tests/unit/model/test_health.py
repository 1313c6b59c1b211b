"""KEL's own health: what is told, from which value on, and for how long."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kel.model.health import (
    CALM,
    LIMITS,
    MAX_QUEUED,
    MAX_QUEUED_BYTES,
    NAMES,
    Health,
    Level,
    Reach,
    Signs,
    changed,
    increase,
    judge,
    level_of,
)

NOW = datetime(2026, 10, 18, 9, tzinfo=UTC)
WEEK = timedelta(days=7)
OK, WARN, ALARM = Level


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def reach(n: int, *, unread: int = 0, at: float = 1, tick: float = 1, first: int = 0) -> Reach:
    """A partition that has been followed to 1000; `at`, `tick`: seconds ago."""
    return Reach(n, 1000, ago(tick), ago(at), first, 1000 + unread)


WELL = Signs(
    NOW,
    WEEK,
    reach=[reach(n) for n in range(3)],
    desk=ago(2),
    bridges={"north": ago(1), "south": ago(2)},
    dropped=[(ago(86_400), 7.0), (ago(60), 7.0)],
    stored=40.0,
    taken={"a": [(ago(600), 0.0), (ago(60), 5000.0)]},
)


def level(name: str, **signs: object) -> Level:
    """The level of one line, with these signs changed; all other lines are well."""
    found = {h.name: h.level for h in judge(replace(WELL, **signs))}  # type: ignore[arg-type]
    told = found.pop(name)
    assert set(found.values()) <= {OK}, found
    return told


def test_a_healthy_city_has_every_line_and_all_are_well() -> None:
    assert {h.name: h.level for h in judge(WELL)} == dict.fromkeys(NAMES, OK)


def points(*values: float) -> list[tuple[datetime, float]]:
    return [(ago(60 * (len(values) - n)), v) for n, v in enumerate(values)]


@pytest.mark.parametrize(
    ("name", "signs", "told"),
    [
        ("broker_dropped", {"dropped": points(7, 8)}, ALARM),
        ("broker_dropped", {"dropped": points(7, 7, 0, 0)}, OK),  # the broker was started anew
        ("broker_dropped", {"dropped": points(7, 0, 3)}, ALARM),
        ("broker_dropped", {"dropped": points(7, 3)}, ALARM),  # dropped since its start
        ("broker_dropped", {"dropped": points(9)}, OK),  # since when, nobody knows
        ("broker_queue", {"stored": 0.19 * MAX_QUEUED}, OK),
        ("broker_queue", {"stored": 0.2 * MAX_QUEUED}, WARN),
        ("broker_queue", {"stored": 0.7 * MAX_QUEUED}, ALARM),
        ("broker_queue", {"stored_bytes": 0.7 * MAX_QUEUED_BYTES}, ALARM),  # few and large
        ("kafka", {"kafka_silent_s": 59.0}, OK),
        ("kafka", {"kafka_silent_s": 60.0}, ALARM),
        ("lag", {"reach": [reach(0), reach(1, unread=9, tick=29)], "desk": ago(30)}, OK),
        ("lag", {"reach": [reach(0), reach(1, unread=9, tick=31)], "desk": ago(32)}, WARN),
        ("lag", {"reach": [reach(0), reach(1, unread=9, tick=301)], "desk": ago(302)}, ALARM),
        ("worker", {"reach": [reach(0), reach(1, unread=9, at=61, tick=61)]}, ALARM),
        ("worker", {"reach": [reach(0), reach(1, unread=9, at=31, tick=31)]}, WARN),
        ("bridge", {"bridges": {"north": ago(1), "south": ago(61)}}, ALARM),
        ("bridge", {"bridges": {"north": ago(31), "south": ago(33)}}, WARN),
        ("bridge", {"bridges": {}, "reach": [reach(n, tick=90) for n in range(3)]}, ALARM),
        ("desk", {"desk": ago(32)}, WARN),
        ("desk", {"desk": ago(62)}, ALARM),
        ("rejects", {"rejected": 249.0}, OK),
        ("rejects", {"rejected": 250.0}, WARN),
        ("rejects", {"rejected": 2500.0}, ALARM),
        ("rejects", {"rejected": 19.0, "taken": {"a": points(0, 19)}}, OK),
        ("rejects", {"rejected": 20.0, "taken": {"a": points(100, 20)}}, ALARM),  # a new worker
        ("drafts", {"drafts": 1}, WARN),
        ("drafts", {"drafts": 10_000}, WARN),
        ("outbox", {"unsent": 1, "oldest": ago(59)}, OK),
        ("outbox", {"unsent": 1, "oldest": ago(61)}, WARN),
        ("outbox", {"unsent": 1, "oldest": ago(301)}, ALARM),
        ("clock", {"skew_s": -1.9}, OK),
        ("clock", {"skew_s": -2.1}, WARN),
        ("clock", {"skew_s": 61.0}, ALARM),
        ("clock", {"reach": [reach(0, tick=-3)], "desk": ago(-3)}, WARN),  # a bridge's is ahead
    ],
)
def test_what_begins_when(name: str, signs: dict[str, object], told: Level) -> None:
    assert level(name, **signs) == told


DAY = 86_400


@pytest.mark.parametrize(
    ("days", "first", "told"), [(4.8, 0, OK), (5, 0, WARN), (6.4, 0, ALARM), (1, 1001, ALARM)]
)
def test_unread_records_near_kafka_s_retention(days: float, first: int, told: Level) -> None:
    """Nobody worked for so long; the last: Kafka forgot one before it was read."""
    late = reach(1, unread=9, at=days * DAY, tick=days * DAY, first=first)
    found = {h.name: h for h in judge(replace(WELL, reach=[reach(0), late]))}
    assert found["unread"].level == told
    assert found["worker"].level == ALARM


def test_what_was_read_long_ago_is_not_unread() -> None:
    """The bridge was away for days: nothing waits, however old the last record is."""
    quiet = [reach(n, at=6.9 * DAY, tick=6.9 * DAY) for n in range(3)]
    found = {h.name: h.level for h in judge(replace(WELL, reach=quiet, bridges={}))}
    assert found["unread"] == OK
    assert [n for n, told in found.items() if told] == ["bridge"]


@pytest.mark.parametrize(
    ("signs", "told"),
    [
        # the bridge stands: workers have nothing to do, and are well
        (
            {
                "reach": [reach(n, at=90, tick=90) for n in range(3)],
                "bridges": {"north": ago(90), "south": ago(91)},
                "desk": ago(90),
            },
            {"bridge"},
        ),
        # workers stand: the bridges' ticks wait in Kafka, so nobody can say they are missing
        (
            {
                "reach": [reach(n, unread=90, at=90, tick=90) for n in range(3)],
                "bridges": {"north": ago(90), "south": ago(91)},
                "desk": ago(90),
            },
            {"worker"},
        ),
        # workers are behind, and one bridge has left besides
        (
            {
                "reach": [reach(n, unread=90, tick=100) for n in range(3)],
                "bridges": {"north": ago(100), "south": ago(800)},
                "desk": ago(101),
            },
            {"lag", "bridge"},
        ),
    ],
    ids=["bridge", "workers", "one of two bridges"],
)
def test_one_cause_has_one_line(signs: dict[str, object], told: set[str]) -> None:
    found = judge(replace(WELL, **signs))  # type: ignore[arg-type]
    assert {h.name for h in found if h.level} == told


def test_the_bridge_that_is_missing_is_named() -> None:
    found = {h.name: h for h in judge(replace(WELL, bridges={"a": ago(1), "quarry": ago(700)}))}
    assert "quarry" in found["bridge"].text
    assert "quarry" in found["bridge"].hint


def test_what_cannot_be_known_has_no_line() -> None:
    nothing = Signs(NOW, WEEK, reach=[Reach(0, 1, None, ago(1))])
    assert {h.name for h in judge(nothing)} == {
        "kafka",
        "outbox",
        "drafts",
        "clock",
        "folder",  # who runs on another one says so itself
    }


def test_a_city_that_runs_on_another_folder_than_its_own_is_an_alarm_that_says_why() -> None:
    kept = {"host-1": ago(86_400), "host-2": ago(3600)}
    assert level("folder", kept=kept) == ALARM
    for mistake, why in (("rules.toml:7: rule.0.above: no", None), (None, "host-1, host-2")):
        found = {h.name: h for h in judge(replace(WELL, kept=kept, mistake=mistake))}["folder"]
        assert (mistake or why or "") in found.hint
        assert "loaded at 2026-10-17 09:00 UTC" in found.hint  # the older one


def test_a_partition_that_nobody_took_up_is_told() -> None:
    never = Reach(1, 0, None, ago(61), 0, 12)
    assert level("worker", reach=[reach(0), never], desk=None) == ALARM


def test_a_level_keeps_the_moment_it_began_and_its_change_is_news() -> None:
    def next_(signs: Signs, before: list[Health], later: float) -> tuple[list[Health], set[str]]:
        known = {h.name: h for h in before}
        found = judge(replace(signs, now=NOW + timedelta(seconds=later)), known)
        return found, {h.name for h in changed(known, found)}

    ill = replace(WELL, drafts=3, reach=(), bridges={}, desk=None)
    first, news = next_(ill, [], 0)
    assert news == {"drafts"}
    second, news = next_(replace(ill, drafts=4), first, 10)
    assert news == set()
    assert {h.name: h.since for h in second}["drafts"] == NOW
    third, news = next_(replace(ill, drafts=0), second, 20)
    assert news == {"drafts"}
    assert {h.name: h.since for h in third}["drafts"] == NOW + timedelta(seconds=20)


@pytest.mark.parametrize("name", [n for n in NAMES if LIMITS[n][1] < float("inf")])
def test_a_value_on_the_edge_changes_nothing_again_and_again(name: str) -> None:
    warn, alarm = LIMITS[name]
    assert level_of(name, alarm) == ALARM
    assert level_of(name, alarm * (CALM + 0.01), ALARM) == ALARM
    assert level_of(name, alarm * (CALM - 0.01), ALARM) < ALARM
    assert level_of(name, warn * (CALM - 0.01), WARN) == OK


@given(st.sampled_from(NAMES), st.floats(0, 1e9), st.floats(0, 1e9))
def test_more_is_never_better(name: str, one: float, other: float) -> None:
    assert level_of(name, min(one, other)) <= level_of(name, max(one, other))


@given(st.lists(st.integers(0, 10**6)), st.integers(0, 10**6))
def test_a_counter_grows_by_all_that_was_counted(steps: list[int], start: int) -> None:
    value, told = start, points(start)
    for step in steps:
        value += step
        told.append((NOW, value))
    assert increase(told) == sum(steps)
    assert increase([*told, (NOW, 0), (NOW, 5)]) == sum(steps) + 5


def test_the_limit_of_the_queue_is_the_broker_s() -> None:
    conf = (Path(__file__).parents[3] / "mosquitto/mosquitto.conf").read_text("utf-8")
    told = dict(re.findall(r"^(max_queued_\w+) (\d+)$", conf, re.MULTILINE))
    assert told == {
        "max_queued_messages": str(MAX_QUEUED),
        "max_queued_bytes": str(MAX_QUEUED_BYTES),
    }


@given(st.floats(0, 1e9), st.integers(0, 10**7), st.integers(0, 10**6), st.text("βγ-", max_size=40))
def test_a_line_is_short_greek_and_says_what_to_do(
    seconds: float, count: int, drafts: int, name: str
) -> None:
    """A wall's column has room for 34 letters or so (tests/unit/grafana holds the widths)."""
    old = ago(min(seconds, 6e10))
    signs = replace(
        WELL,
        reach=[Reach(0, 0, old, old, count, count + 5), reach(1)],
        bridges={"a": NOW, name: old},
        dropped=points(0, count),
        stored=float(count),
        drafts=drafts,
        unsent=count,
        oldest=old,
        skew_s=seconds,
    )
    for health in judge(signs):
        assert len(health.text) <= 40, health.text
        assert re.search("[α-ω]", health.text)
        assert re.search("[a-z]{4}", health.hint)
        assert "\n" not in health.text + health.hint


@pytest.mark.parametrize(
    ("count", "text", "hint"),
    [
        (1, "1 άγνωστη συσκευή", "1 unknown device waits to be adopted or refused: "),
        (2, "2 άγνωστες συσκευές", "2 unknown devices wait to be adopted or refused: "),
    ],
)
def test_strangers_are_counted_in_words_and_named_by_a_command(
    count: int, text: str, hint: str
) -> None:
    health = {h.name: h for h in judge(replace(WELL, drafts=count))}["drafts"]
    assert (health.text, health.hint) == (text, hint + "`kel devices list --drafts`")

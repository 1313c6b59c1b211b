"""How KEL itself is: gauges and judgements on the real database, and on real parts that stand."""

import asyncio
import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from psycopg import Connection, errors

from kel.kafka import held, retention
from kel.model.health import Level
from kel.model.message import Batch
from kel.model.moment import to_us
from kel.model.reading import Gauge
from kel.run import health
from kel.run.health import Examiner, keep_examining, start
from kel.settings import ClockKind, Settings
from kel.store.connect import connect
from kel.store.health import HealthStore, forget_gauges, put_gauges
from kel.topics import RAW
from tests.builders.running import System, wait_until

pytestmark = pytest.mark.integration

NOON = datetime(2026, 10, 18, 12, tzinfo=UTC)
WEEK = timedelta(days=7)


def gauge(name: str, second: float, value: float, part: str = "") -> Gauge:
    return Gauge(name, to_us(NOON + timedelta(seconds=second)), value, part)


def put(connection: Connection, *gauges: Gauge) -> None:
    with connection.transaction(), connection.cursor() as cursor:
        put_gauges(cursor, gauges)


def stored(connection: Connection, table: str) -> list[tuple[object, ...]]:
    return connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2, 3".encode()).fetchall()


# gauges


def test_the_newest_value_stands_whatever_came_last(connection: Connection) -> None:
    put(connection, gauge("a", 5, 2.0), gauge("a", 1, 1), gauge("a", 3, 9, "north"))
    put(connection, gauge("a", 4, 7.0))
    put(connection)
    assert stored(connection, "gauge") == [
        ("a", "", NOON + timedelta(seconds=5), 2.0),
        ("a", "north", NOON + timedelta(seconds=3), 9.0),
    ]


def test_a_minute_keeps_one_value_and_is_forgotten_after_a_month(connection: Connection) -> None:
    put(connection, *(gauge("a", 10 * n, n) for n in range(12)))
    put(connection, gauge("a", 119, 50.0))
    assert stored(connection, "gauge_minute") == [("a", NOON + timedelta(minutes=1), "", 50.0)]
    put(connection, gauge("a", 240, 60.0))
    assert forget_gauges(connection, NOON + timedelta(days=30, minutes=2)) == 1
    assert [row[3] for row in stored(connection, "gauge_minute")] == [60.0]
    assert [row[3] for row in stored(connection, "gauge")] == [60.0]
    assert forget_gauges(connection, NOON + timedelta(days=31)) == 1
    assert stored(connection, "gauge") == []


def test_where_only_the_newest_counts_no_minute_is_kept(connection: Connection) -> None:
    put(connection, gauge("committed_offset", 0, 7, "3"), gauge("bridge_tick", 0, 1, "north"))
    assert len(stored(connection, "gauge")) == 2
    assert stored(connection, "gauge_minute") == []


def test_what_is_not_committed_leaves_no_gauge(connection: Connection) -> None:
    with connection.transaction(force_rollback=True), connection.cursor() as cursor:
        put_gauges(cursor, [gauge("a", 0, 1.0)])
    assert stored(connection, "gauge") == []


# what is judged


def minutes_ago(connection: Connection, minutes: float) -> datetime:
    row = connection.execute("SELECT now() - %s * interval '1 minute'", [minutes]).fetchone()
    assert row is not None
    found: datetime = row[0]
    return found


def tell(connection: Connection, name: str, minutes: float, value: float, part: str = "") -> None:
    put(connection, Gauge(name, to_us(minutes_ago(connection, minutes)), value, part))


def test_signs_are_what_the_tables_say(connection: Connection) -> None:
    tell(connection, "broker_dropped", 3 * 24 * 60, 5.0)  # the bridge was away over a weekend
    tell(connection, "broker_dropped", 0, 12.0)
    tell(connection, "broker_stored", 50, 9.0)  # it has not changed since
    tell(connection, "broker_stored_bytes", 50, 900.0)
    tell(connection, "messages", 30, 100.0, "a")
    tell(connection, "messages", 1, 700.0, "a")
    tell(connection, "messages", 1, 50.0, "b")
    tell(connection, "bridge_tick", 1, 0.0, "north")
    tell(connection, "bridge_tick", 8 * 24 * 60, 0.0, "gone")
    now = minutes_ago(connection, 0)
    connection.execute("INSERT INTO progress VALUES (%s, 3, 'k', 41, %s)", [RAW, now])
    connection.execute("INSERT INTO progress VALUES ('another', 3, 'k', 7, %s)", [now])
    connection.execute("UPDATE desk SET clock = %s", [now])
    sent = [("a/b", 2, 5, None), ("a/b", 9, -1, None), ("a/b", 30, 5, now)]
    for topic, made, expires, at in sent:  # one waits, one has lapsed, one went
        connection.execute(
            "INSERT INTO outbox (id, topic, payload, made_at, expires_at, sent_at) VALUES "
            "(%s, %s, '{}', now() - %s * interval '1 min', now() + %s * interval '1 min', %s)",
            [uuid4(), topic, made, expires, at],
        )
    signs = HealthStore(connection).signs(RAW, WEEK)
    assert [value for _, value in signs.dropped] == [5.0, 12.0]
    assert (signs.stored, signs.stored_bytes) == (9.0, 900.0)
    assert {p: [v for _, v in found] for p, found in signs.taken.items()} == {
        "a": [100.0, 700.0],
        "b": [50.0],
    }
    assert set(signs.bridges) == {"north"}
    assert [(r.partition, r.next, r.tick) for r in signs.reach] == [(3, 41, now)]
    assert (signs.desk, signs.unsent) == (now, 1)
    assert signs.oldest is not None
    assert timedelta(minutes=1.9) < signs.now - signs.oldest < timedelta(minutes=2.1)


def test_what_changed_is_told_once_and_only_appended(system: System) -> None:
    system.write_batches((p, Batch((), 1)) for p in range(12))
    with connect(system.database) as connection:
        examiner = Examiner(system.settings(), connection)
        tell(connection, "broker_dropped", 10, 5.0)
        assert at_least(examiner, Level.ALARM) == set()
        tell(connection, "broker_dropped", 1, 6.0)
        for _ in range(3):
            assert at_least(examiner, Level.ALARM) == {"broker_dropped"}
        tell(connection, "broker_dropped", 0, 0.0)  # the broker was started anew
        connection.execute("DELETE FROM gauge_minute WHERE value > 0")
        assert at_least(examiner, Level.ALARM) == set()
        events = connection.execute("SELECT name, level FROM health_event ORDER BY seq").fetchall()
        assert [e for e in events if e[0] == "broker_dropped"] == [
            ("broker_dropped", 2),
            ("broker_dropped", 0),
        ]
        with pytest.raises(errors.RaiseException):
            connection.execute("DELETE FROM health_event")


def at_least(examiner: Examiner, level: Level) -> set[str]:
    return {h.name for h in examiner.examine() if h.level >= level}


def test_an_alarm_is_logged_as_an_error_once_and_when_it_is_over(
    system: System, caplog: pytest.LogCaptureFixture
) -> None:
    with connect(system.database) as connection, caplog.at_level(logging.INFO, "kel.health"):
        tell(connection, "broker_dropped", 10, 5.0)
        tell(connection, "broker_dropped", 1, 6.0)
        for _ in range(3):  # a process that is started anew knows what was told before
            Examiner(system.settings(), connection).examine()
        connection.execute("DELETE FROM gauge_minute WHERE value > 5")
        Examiner(system.settings(), connection).examine()
    told = [(r.levelname, r.message) for r in caplog.records if "broker_dropped" in r.message]
    assert [name for name, _ in told] == ["ERROR", "INFO"]
    assert "dropped 1 messages" in told[0][1]
    assert "over" in told[1][1]


def test_what_kafka_holds_is_compared_with_what_is_stored(system: System) -> None:
    """Nobody has worked: 12 partitions wait from the first record on."""
    system.write_batches((p, Batch((), 1)) for p in range(12))
    settings = system.settings()
    assert asyncio.run(held(settings)) == dict.fromkeys(range(12), (0, 1))
    assert asyncio.run(retention(settings)) == WEEK
    with connect(system.database) as connection:
        examiner = Examiner(settings, connection)
        found = {h.name: h for h in examiner.examine()}
        assert found["worker"].level == Level.OK  # since when nobody works, is known from now on
        assert examiner._began is not None
        examiner._began -= timedelta(seconds=61)
        found = {h.name: h for h in examiner.examine()}
        assert found["worker"].level == Level.ALARM
        for partition in range(12):
            connection.execute(
                "INSERT INTO progress VALUES (%s, %s, 'k', 1, now())", [RAW, partition]
            )
        found = {h.name: h for h in examiner.examine()}
        assert {name for name, h in found.items() if h.level} == set()


def test_a_kafka_that_does_not_answer_is_told_and_the_stream_is_not_called_well(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = system.settings(kafka="127.0.0.1:1")
    with connect(system.database) as connection:
        examiner = Examiner(settings, connection)
        told = {h.name for h in examiner.examine()}
        assert told == {"kafka", "outbox", "drafts", "clock", "folder"}
        examiner._kafka._answered -= 60
        assert at_least(examiner, Level.ALARM) == {"kafka"}


# who judges


def test_one_process_examines_and_another_takes_over(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "EVERY_S", 0.05)
    settings = system.settings(clock=ClockKind.SYSTEM)
    stops = [threading.Event(), threading.Event()]
    threads = [threading.Thread(target=keep_examining, args=(settings, s)) for s in stops]
    with connect(system.database) as connection:
        age = judged_within(connection, 5)
        for thread in threads:
            thread.start()
        try:
            wait_until(age, what="somebody examines")
            holders = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted"
            assert connection.execute(holders).fetchone() == (1,)
            for stop, thread in zip(stops, threads, strict=True):
                stop.set()
                thread.join()
                connection.execute("DELETE FROM health")
                if not all(s.is_set() for s in stops):
                    wait_until(age, what="the other examines")
        finally:
            for stop in stops:
                stop.set()


def test_it_outlives_the_database_s_absence(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "EVERY_S", 0.05)
    stop = threading.Event()
    thread = threading.Thread(
        target=keep_examining, args=(system.settings(clock=ClockKind.SYSTEM), stop)
    )
    with connect(system.database) as connection:
        age = judged_within(connection, 5)
        thread.start()
        try:
            wait_until(age)
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
            )
            connection.execute("DELETE FROM health")
            wait_until(age, what="it examines again")
        finally:
            stop.set()
            thread.join()


def judged_within(connection: Connection, seconds: float) -> Callable[[], bool]:
    def asked() -> bool:
        _, age = HealthStore(connection).healths()
        return age is not None and age < seconds

    return asked


def test_a_story_s_stream_is_not_judged(database: Settings) -> None:
    before = threading.active_count()
    start(database.model_copy(update={"clock": ClockKind.STORY}), threading.Event())
    assert threading.active_count() == before

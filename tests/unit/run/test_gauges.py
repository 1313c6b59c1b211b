"""What a worker tells of itself: every partition, every bridge, no latency out of nothing."""

from datetime import UTC, datetime

from kel.model.moment import SECOND_US
from kel.model.reading import Gauge
from kel.run.figures import Stand, WorkerFigures
from kel.run.gauges import gauges

NOW_S = 1_790_000_000.0
NOW = int(NOW_S) * SECOND_US


def told(figures: WorkerFigures, bridges: dict[str, int], clock_s: float = 0.0) -> list[Gauge]:
    return list(gauges(figures, bridges, "host-1", NOW_S, clock_s))


def test_a_worker_that_has_done_nothing_tells_so() -> None:
    assert told(WorkerFigures(), {}) == [Gauge("messages", NOW, 0, "host-1")]


def test_one_that_runs_on_the_folder_that_was_loaded_last_tells_when_that_was() -> None:
    loaded = datetime(2026, 10, 17, 9, tzinfo=UTC)
    found = list(gauges(WorkerFigures(), {}, "host-1", NOW_S, 0.0, loaded))
    assert Gauge("kept_city", NOW, loaded.timestamp(), "host-1") in found


def test_partitions_and_bridges_are_told_apart() -> None:
    figures = WorkerFigures(messages=70, partitions={3: Stand(9, 7, 12), 4: Stand(1, 1)})
    assert told(figures, {"north": NOW - SECOND_US}) == [
        Gauge("messages", NOW, 70, "host-1"),
        Gauge("committed_offset", NOW, 7, "3"),
        Gauge("lag_records", NOW, 5, "3"),
        Gauge("committed_offset", NOW, 1, "4"),
        Gauge("bridge_tick", NOW - SECOND_US, NOW_S - 1, "north"),
    ]


def test_latency_is_the_last_minute_s_and_silent_when_nothing_came() -> None:
    figures = WorkerFigures()
    figures.oldest_s.add(0.2, 0.0)
    names = [g.name for g in told(figures, {}, clock_s=30.0)]
    assert names == ["messages", "latency_p50", "latency_p99"]
    assert [g.name for g in told(figures, {}, clock_s=90.0)] == ["messages"]

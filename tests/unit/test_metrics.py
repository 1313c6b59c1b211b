"""What Prometheus is told: a real answer over HTTP, in its format, by its conventions."""

import re
import socket
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection

import pytest
from prometheus_client.parser import text_string_to_metric_families

from kel.metrics import Collect, Metric, read, serve
from kel.model.health import NAMES, Reach, Signs, judge
from kel.run import expose
from kel.run.figures import BridgeFigures, DeskFigures, Stand, WorkerFigures
from kel.run.health import Examined
from kel.settings import Settings
from kel.spread import Spread
from kel.stack.folder import free_port


def get(port: int) -> str:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    return text


@contextmanager
def serving(collect: Collect) -> Iterator[int]:
    port = free_port()
    end = serve(Settings(metrics_port=port), collect)
    try:
        yield port
    finally:
        end()


def test_numbers_labels_counters_and_histograms_are_told_as_they_stand_now() -> None:
    rejects: dict[str, int] = {}
    spread = Spread((0.1, 1))
    metrics = [
        Metric("kel_a_messages_total", "Messages", 7),
        Metric("kel_b_ratio", "A share", 0.25),
        Metric("kel_c_total", "By reason", rejects, "reason"),
        Metric("kel_d_seconds", "How long", spread),
    ]
    with serving(lambda: metrics) as port:
        assert read(get(port))["kel_a_messages_total"] == 7
        rejects['a "b"\n'] = 3
        for time in (0.05, 0.5, 0.6, 9):
            spread.add(time, 0.0)
        found = {f.name: f for f in text_string_to_metric_families(get(port))}
    assert (found["kel_a_messages"].type, found["kel_b_ratio"].type) == ("counter", "gauge")
    assert [(s.labels, s.value) for s in found["kel_c"].samples] == [({"reason": 'a "b"\n'}, 3)]
    told = {(s.name, s.labels.get("le")): s.value for s in found["kel_d_seconds"].samples}
    assert told == {
        ("kel_d_seconds_bucket", "0.1"): 1,
        ("kel_d_seconds_bucket", "1"): 3,
        ("kel_d_seconds_bucket", "+Inf"): 4,
        ("kel_d_seconds_count", None): 4,
        ("kel_d_seconds_sum", None): pytest.approx(10.15),
    }
    assert "process_resident_memory_bytes" in found


def test_port_0_listens_nowhere_and_a_taken_port_stops_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    before = threading.active_count()
    serve(Settings(metrics_port=0), lambda: [])()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        serve(Settings(metrics_port=port), lambda: [])()
    serve(Settings(metrics_port=9464, metrics_host="no-such-host.invalid"), lambda: [])()
    assert threading.active_count() == before
    assert [r.levelname for r in caplog.records] == ["WARNING", "WARNING"]
    assert f"127.0.0.1:{port}" in caplog.text


def test_what_ends_frees_the_port() -> None:
    port = free_port()
    for _ in range(2):
        end = serve(Settings(metrics_port=port), lambda: [Metric("kel_a", "A", 1)])
        assert read(get(port))["kel_a"] == 1
        end()


def test_a_figure_that_cannot_be_read_is_an_error_of_the_question_alone() -> None:
    def breaks() -> Iterator[Metric]:
        yield Metric("kel_a", "A", 1)
        raise RuntimeError("oh no")

    with serving(breaks) as port:
        for _ in range(2):
            connection = HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/metrics")
            assert connection.getresponse().status == 500
            connection.close()


NOW = datetime(2026, 10, 18, 9, tzinfo=UTC)
SIGNS = Signs(
    NOW,
    timedelta(days=7),
    reach=[Reach(0, 5, NOW, NOW, 0, 7), Reach(1, 5, NOW, NOW)],
    dropped=[(NOW, 3.0)],
    stored=9.0,
)
WORKER = WorkerFigures(rejects=Counter(empty=2), dropped=Counter(late=1))
WORKER.partitions = {3: Stand(9, 7, 12), 4: Stand(1, 1)}
ALL = {
    "bridge": list(expose.of_bridge(BridgeFigures())),
    "worker": list(expose.of_worker(WORKER)),
    "desk": list(expose.of_desk(DeskFigures(), Examined(SIGNS, judge(SIGNS)))),
}


@pytest.mark.parametrize("process", ALL)
def test_names_follow_the_conventions(process: str) -> None:
    """As `promtool check metrics` asks: prefix, base units, counters by their end, a help text."""
    names = [m.name for m in ALL[process]]
    assert len(set(names)) == len(names)
    assert expose.TURN in names
    for metric in ALL[process]:
        assert re.fullmatch(r"kel(_[a-z]+)+", metric.name)
        assert not re.search(
            r"_(ms|millis|minutes|hours|kb|mb|percent|count|sum|bucket)$", metric.name
        )
        assert re.fullmatch(r"[A-Z0-9].+[^.]", metric.help), metric.name
        if isinstance(metric.value, Spread):
            assert metric.name.endswith(("_seconds", "_bytes"))
        assert bool(metric.label) == isinstance(metric.value, Mapping), metric.name


def test_what_is_told_of_partitions_and_of_health() -> None:
    told = {m.name: m.value for each in ALL.values() for m in each}
    assert told["kel_worker_lag_records"] == {"3": 5}  # of 4 Kafka was not asked yet
    assert told["kel_worker_committed_offset"] == {"3": 7, "4": 1}
    assert told["kel_unread_records"] == {"0": 2}
    assert told["kel_broker_dropped_messages_total"] == 3
    assert told["kel_rejects_total"] == {"empty": 2}
    levels = told["kel_health_level"]
    assert isinstance(levels, Mapping)
    assert set(levels) <= set(NAMES)
    waits = {m.name for m in expose.of_desk(DeskFigures(), Examined())}
    assert not {name for name in waits if name.startswith(("kel_health", "kel_broker"))}

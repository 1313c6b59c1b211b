"""The figures of real processes, scraped as Prometheus would, and what the store has of them."""

import json
import sys
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from prometheus_client.parser import text_string_to_metric_families

from kel.model.health import NAMES
from kel.run import expose
from kel.settings import ClockKind
from kel.stack.child import Child
from kel.stack.folder import free_port
from kel.store.connect import connect
from tests.builders.running import System, paused, wait_until
from tests.unit.test_metrics import get

pytestmark = pytest.mark.integration

MESSAGES = 50
Told = Mapping[tuple[str, str], float]


def scrape(port: int) -> Told:
    """(name, value of its one label) → value; empty while nobody answers."""
    try:
        text = get(port)
    except OSError:
        return {}
    found = {}
    for family in text_string_to_metric_families(text):
        assert family.documentation, family.name
        assert family.type != "unknown", family.name
        for sample in family.samples:
            found[sample.name, "".join(sample.labels.values())] = sample.value
    return found


def healthy(system: System, name: str, port: int) -> int | None:
    """The exit code of `kel health`."""
    child = Child(
        "health",
        [sys.executable, "-m", "kel.cli", "health", name],
        system.stack.folder / "health.log",
        env=system.environment("kel-bridge", KEL_METRICS_PORT=str(port)),
    ).start()
    wait_until(lambda: child.ended is not None, 20)
    return child.ended


def test_the_processes_tell_what_they_do(system: System) -> None:
    ports = {name: free_port() for name in ("bridge", "worker", "desk")}
    children = {}
    for name, port in ports.items():
        begin = (
            system.start_bridge
            if name == "bridge"
            else lambda name=name, **m: system.start(name, **m)
        )
        children[name] = begin(KEL_CLOCK=ClockKind.SYSTEM.value, KEL_METRICS_PORT=str(port))
    device = next(d for d in system.city.devices.values() if d.source == "kel")
    metric = system.city.classes[device.cls].metrics[0]
    topic = f"kel/v1/{device.community}/{device.id}/telemetry"
    good = {"ts": datetime.now(UTC).isoformat(), metric.name: metric.low or 0}
    system.say(
        device.community, [(topic, json.dumps(good).encode())] * (MESSAGES - 1) + [(topic, b"{")]
    )

    def worker() -> Told | None:
        told = scrape(ports["worker"])
        return told if told.get(("kel_rejects_total", "not_json")) else None

    told = wait_until(worker, 60, "the worker has taken them")
    assert told["kel_worker_messages_total", ""] >= MESSAGES
    assert told["kel_rejects_total", "not_json"] == 1
    assert told["kel_commit_seconds_count", ""] > 0
    assert told["kel_ingest_latency_seconds_sum", ""] > 0
    assert told["process_resident_memory_bytes", ""] > 0
    wait_until(
        lambda: (
            {p for n, p in scrape(ports["worker"]) if n == "kel_worker_lag_records"}
            == set(map(str, range(12)))
        ),
        60,
        "every partition is owned and Kafka was asked",
    )
    told = scrape(ports["bridge"])
    assert told["kel_bridge_messages_total", ""] >= MESSAGES
    assert told["kel_bridge_caught_up", ""] == 1

    def desk() -> Told | None:
        told = scrape(ports["desk"])
        return told if ("kel_health_level", "lag") in told else None

    told = wait_until(desk, 60, "the desk leads and has examined")
    assert told["kel_desk_leads", ""] == 1
    assert {p for n, p in told if n == "kel_health_level"} <= set(NAMES)
    assert told["kel_unread_records", "3"] >= 0
    _gauges(system)
    for name, port in ports.items():
        assert healthy(system, name, port) == 0, name
        with paused(children[name]):
            assert healthy(system, name, port) == 1, name
    assert (expose.TURN, "") in scrape(ports["worker"])


def _gauges(system: System) -> None:
    """What the worker and the bridge said of themselves stands in the store, fresh."""
    with connect(system.database) as connection:

        def names() -> bool:
            rows = connection.execute(
                "SELECT name, count(*) FROM gauge WHERE at > now() - interval '1 min' GROUP BY 1"
            ).fetchall()
            found: dict[str, int] = dict(rows)
            return (
                {"messages", "latency_p50", "latency_p99", "broker_stored_bytes"} <= set(found)
                and found.get("committed_offset") == found.get("lag_records") == 12
                and found.get("bridge_tick") == 1
            )

        wait_until(names, 60, "gauges are stored")
        ((level,),) = connection.execute(
            "SELECT max(level) FROM health WHERE name IN ('lag', 'worker', 'bridge', 'unread')"
        )
        assert level == 0

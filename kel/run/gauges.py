"""What a worker tells of itself and of the bridges, for walls and for KEL's own health. Pure.

Only on the machine's clock: a story's arrivals say nothing of real latency.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime

from kel.model.moment import SECOND_US
from kel.model.reading import Gauge
from kel.run.figures import WorkerFigures

EVERY_S = 5.0  # how often it is told, at the most


def gauges(
    figures: WorkerFigures,
    bridges: Mapping[str, int],
    worker: str,
    now_s: float,
    clock_s: float,
    kept: datetime | None = None,
) -> Iterator[Gauge]:
    """The gauges of this moment.

    bridges: each one's last tick (µs); worker: a name that no other worker has; now_s: Unix time;
    clock_s: the time by which the figures' spreads count; kept: when the city's folder was loaded
    that it runs on in place of its own, which has a mistake.
    """
    now = int(now_s * SECOND_US)
    yield Gauge("messages", now, figures.messages, worker)
    if kept is not None:
        yield Gauge("kept_city", now, kept.timestamp(), worker)
    for name, share in (("latency_p50", 0.5), ("latency_p99", 0.99)):
        latency = figures.oldest_s.quantile(share, clock_s)
        if latency is not None:
            yield Gauge(name, now, latency, worker)
    for partition, stand in figures.partitions.items():
        yield Gauge("committed_offset", now, stand.stored, str(partition))
        if stand.end is not None:
            yield Gauge("lag_records", now, max(0, stand.end - stand.stored), str(partition))
    for bridge, tick in bridges.items():
        yield Gauge("bridge_tick", tick, tick / SECOND_US, bridge)

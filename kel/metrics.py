"""A process's own figures for Prometheus, over HTTP. The one module that imports prometheus_client.

Laws:
- figures are read when somebody asks, and cost nothing in between; whoever asks sees them as they
  stand at that moment, without a lock;
- names and units follow Prometheus' conventions (https://prometheus.io/docs/practices/naming/):
  `kel_` first, base units, counters end in `_total`;
- a port that is taken, or a host that is not ours, is a warning: the process does its work without.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from kel.settings import Settings
from kel.spread import Spread

log = logging.getLogger("kel.metrics")

TOTAL = "_total"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric: a number, numbers by one label's values, or a histogram.

    name: whole, with its unit; one that ends in `_total` is a counter.
    """

    name: str
    help: str
    value: float | Mapping[str, float] | Spread
    label: str = ""


Collect = Callable[[], Iterable[Metric]]


def serve(settings: Settings, collect: Collect) -> Callable[[], None]:
    """Answer on `metrics_host:metrics_port`; returns what ends it. Port 0: nobody listens."""
    if not settings.metrics_port:
        return lambda: None
    registry = CollectorRegistry(auto_describe=False)
    PlatformCollector(registry=registry)
    ProcessCollector(registry=registry)
    registry.register(_Figures(collect))
    where = f"{settings.metrics_host}:{settings.metrics_port}"
    try:
        server, thread = start_http_server(
            settings.metrics_port, settings.metrics_host, registry=registry
        )
    except OSError as error:
        log.warning("no metrics on %s (%s): set KEL_METRICS_PORT to a free one", where, error)
        return lambda: None
    log.info("metrics on http://%s/metrics", where)

    def end() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return end


def read(text: str) -> dict[str, float]:
    """The values without a label of what a process has answered, by name."""
    return {
        sample.name: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if not sample.labels
    }


class _Figures(Collector):
    def __init__(self, collect: Collect) -> None:
        self._collect = collect

    def collect(self) -> Iterator[Family]:
        return map(_family, self._collect())


def _family(metric: Metric) -> Family:
    value = metric.value
    if isinstance(value, Spread):
        return HistogramMetricFamily(
            metric.name, metric.help, buckets=_buckets(value), sum_value=value.sum
        )
    kind = CounterMetricFamily if metric.name.endswith(TOTAL) else GaugeMetricFamily
    family = kind(metric.name, metric.help, labels=[metric.label] if metric.label else [])
    # a copy, in one step: the process goes on counting meanwhile
    each = list(value.items()) if isinstance(value, Mapping) else [("", value)]
    for which, number in each:
        family.add_metric([which] if metric.label else [], number)
    return family


def _buckets(spread: Spread) -> list[tuple[str, float]]:
    """Each limit with how many were not above it, as Prometheus wants them."""
    edges = [*(f"{limit:g}" for limit in spread.limits), "+Inf"]
    running = 0
    buckets = []
    for edge, count in zip(edges, spread.counts, strict=True):
        running += count
        buckets.append((edge, float(running)))
    return buckets

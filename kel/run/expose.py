"""What each process says of itself, as Prometheus' metrics: its figures under their public names.

A name, once given, stays: dashboards and alarms of others hold on to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from kel.metrics import Metric

if TYPE_CHECKING:  # no process loads what another one needs
    from kel.run.figures import BridgeFigures, DeskFigures, WorkerFigures
    from kel.run.health import Examined

TURN = "kel_last_turn_timestamp_seconds"


def of_bridge(f: BridgeFigures) -> Iterator[Metric]:
    yield _turn(f.turn)
    yield Metric("kel_bridge_messages_total", "Messages that Kafka has", f.messages)
    yield Metric("kel_bridge_records_total", "Records that Kafka has", f.records)
    yield Metric("kel_bridge_written_bytes_total", "Bytes of records that Kafka has", f.bytes)
    yield Metric("kel_bridge_kafka_errors_total", "Writes that Kafka refused", f.kafka_errors)
    yield Metric("kel_bridge_reconnects_total", "Connections to the broker lost", f.reconnects)
    yield Metric("kel_bridge_waiting_messages", "Messages come and not yet taken up", f.waiting)
    yield Metric(
        "kel_bridge_held_bytes", "Bytes of messages come and not yet acknowledged", f.held_bytes
    )
    yield Metric(
        "kel_bridge_caught_up", "1 where the broker has handed over what it kept", f.caught_up
    )
    yield Metric(
        "kel_bridge_last_acknowledgement_timestamp_seconds",
        "When messages were last acknowledged to the broker, 0: not yet",
        f.acknowledged_at,
    )


def of_worker(f: WorkerFigures) -> Iterator[Metric]:
    yield _turn(f.turn)
    yield Metric("kel_worker_messages_total", "Messages whose effects are stored", f.messages)
    yield Metric("kel_worker_records_total", "Records whose effects are stored", f.records)
    yield Metric("kel_worker_readings_total", "Readings of the stored records", f.rows)
    yield Metric("kel_alerts_total", "Alerts fired or cleared", f.alerts)
    yield Metric("kel_rejects_total", "Messages refused, by reason", f.rejects, "reason")
    yield Metric(
        "kel_dropped_total", "What was left out or came late, by reason", f.dropped, "reason"
    )
    yield Metric("kel_commit_seconds", "How long transactions took", f.commit_s)
    yield Metric(
        "kel_ingest_latency_seconds",
        "From arrival at the bridge to the store: the longest-waiting message of each commit",
        f.oldest_s,
    )
    yield Metric(
        "kel_ingest_newest_latency_seconds",
        "From arrival at the bridge to the store: the last message of each commit",
        f.newest_s,
    )
    stands = {str(partition): stand for partition, stand in sorted(f.partitions.items())}
    yield Metric(
        "kel_worker_committed_offset",
        "Next record to store",
        {p: s.stored for p, s in stands.items()},
        "partition",
    )
    yield Metric(
        "kel_worker_lag_records",
        "Records in Kafka that are not stored, as last asked",
        {p: max(0, s.end - s.stored) for p, s in stands.items() if s.end is not None},
        "partition",
    )
    yield Metric("kel_worker_store_away", "1 while the database does not answer", f.store_away)
    yield Metric(
        "kel_worker_last_commit_timestamp_seconds",
        "When it last committed, 0: not yet",
        f.committed_at or 0.0,
    )


def of_desk(f: DeskFigures, examined: Examined) -> Iterator[Metric]:
    yield _turn(f.turn)
    yield Metric("kel_desk_leads", "1 where this desk decides, 0 where it waits", f.leads)
    yield Metric("kel_desk_decision_seconds", "How long decisions took", f.decisions)
    yield Metric("kel_desk_inputs_total", "Inputs that were decided", f.inputs)
    yield Metric("kel_desk_failed_inputs_total", "Inputs that were set aside", f.failed)
    yield Metric("kel_desk_sent_messages_total", "Messages that the broker took", f.sent)
    yield Metric(
        "kel_desk_waiting_messages",
        "Messages that wait for the broker, 100 at the most",
        f.unsent,
    )
    yield from _of_health(examined)


def _of_health(examined: Examined) -> Iterator[Metric]:
    """What the one process tells that examines; of Kafka and the broker even without a worker."""
    signs = examined.signs
    if signs is None:
        return
    yield Metric(
        "kel_health_level",
        "KEL's own health: 0 well, 1 a warning, 2 an alarm",
        {h.name: int(h.level) for h in examined.found},
        "name",
    )
    yield Metric(
        "kel_unread_records",
        "Records in Kafka that wait for a worker",
        {str(r.partition): r.unread for r in signs.reach if r.unread is not None},
        "partition",
    )
    if signs.dropped:
        yield Metric(
            "kel_broker_dropped_messages_total",
            "Messages that the MQTT broker dropped since its start",
            signs.dropped[-1][1],
        )
    if signs.stored is not None:
        yield Metric(
            "kel_broker_stored_messages", "Messages that the MQTT broker keeps", signs.stored
        )


def _turn(at: float) -> Metric:
    return Metric(TURN, "When the process last went round its work", at)

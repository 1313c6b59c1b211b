"""Bad input over real MQTT, through bridge, Kafka and worker: refused with its reason, and kept.

Each message of the table goes wrong in one way. Each becomes one row of rejects with the bytes that
were sent; the good ones between them are stored; no process ends.
"""

from collections import Counter

import orjson
import pytest

from ingest.decoders.sparkplug_b_pb2 import Payload
from ingest.validate import LARGEST_PAYLOAD, LONGEST_TOPIC, MOST_ROWS, STORED_PAYLOAD, Reason
from kel.run.play import login_of
from tests.builders.running import wait_until

pytestmark = pytest.mark.integration

NOW_MS = 1_790_000_000_000
YEAR_MS = 365 * 86_400_000
METER = "kel/v1/agios-stefanos/zm-01/telemetry"
LAMP = "ucifi/f01/la-01-001"
SENSOR = "application/4afa/device/70b3d57ed006a107/event/up"
PUMP = "spBv1.0/dionysos/{}/scada-1/ps-01"


def reading(**values):
    return orjson.dumps({"ts": NOW_MS, **values})


def birth(seq: int, name: str, value: int, unit: str = "") -> bytes:
    payload = Payload(timestamp=NOW_MS, seq=seq)
    metric = payload.metrics.add(name=name, datatype=8, long_value=value)
    if unit:
        metric.properties.keys.append("engUnit")
        metric.properties.values.add(type=12, string_value=unit)
    return payload.SerializeToString()


BAD = {
    # topics
    "ucifi/gateway/lamp/battery": (b"{}", "unknown_topic"),
    "kel/v1/agios-stefanos/zm-99/telemetry": (reading(flow=1.0), "unknown_device"),
    "kel/v1/drosia/zm-01/telemetry": (reading(flow=1.0), "identity_mismatch"),
    "kel/v1/athina/requests": (b'{"category": "tree"}', "unknown_community"),
    LAMP + "9": (b'{"ts": 1}', "unknown_device"),
    "spBv1.0/dionysos/NDATA/scada-9": (b"", "unknown_device"),
    PUMP.format("DDATA") + "x" * LONGEST_TOPIC: (b"", "long_topic"),
}
MORE = [
    # one topic, many ways to go wrong
    (METER, b"", "not_json"),
    (METER, b"{", "not_json"),
    (METER, b'{"ts": 1, "flow": "\xff"}', "not_utf8"),
    (METER, b'{"flow": 1.0, "\\u0000": 2}', "nul_character"),
    (METER, b'{"ts": %d, "flow": NaN}' % NOW_MS, "not_finite"),
    (METER, b'{"ts": %d, "flow": 1e999}' % NOW_MS, "not_finite"),
    (METER, b"[" * 5000 + b"]" * 5000, "too_deep"),
    (METER, reading(flow="much"), "wrong_type"),
    (METER, reading(flow=-99999.0), "out_of_range"),
    (METER, orjson.dumps({"flow": 1.0}), "no_time"),
    (METER, orjson.dumps({"ts": "yesterday", "flow": 1.0}), "bad_time"),
    (METER, orjson.dumps({"ts": NOW_MS + YEAR_MS, "flow": 1.0}), "clock_ahead"),
    (METER, reading(), "empty"),
    (METER, reading(**{"x" * 200: 1.0}), "bad_name"),
    (METER, reading(device="zm-02", flow=1.0), "identity_mismatch"),
    (METER, orjson.dumps([{"ts": NOW_MS, "flow": v} for v in (0.0, 77.0)]), "contradiction"),
    (METER, b'{"ts": 1, "flow": ' + b" " * LARGEST_PAYLOAD + b"1}", "too_large"),
    (METER, orjson.dumps([{"ts": NOW_MS, "flow": 0}] * (MOST_ROWS + 1)), "too_many"),
    (METER.replace("telemetry", "status"), b"perhaps", "bad_status"),
    (SENSOR, b'{"deduplicationId": "x", "object": null}', "empty"),
    (SENSOR, b'{"deduplicationId": "x", "data": "AQ=="}', "no_codec"),
    (PUMP.format("DDATA"), b"\x08\x01", "no_sequence"),
    (PUMP.format("DDATA"), b"\x18\x01", "no_birth"),
    (PUMP.format("NDATA").removesuffix("/ps-01"), b"\xff\xff\xff", "not_protobuf"),
    (PUMP.format("DBIRTH"), birth(2, "flow", 5, unit="furlong"), "bad_unit"),
    ("frigate/events", b'{"type": "gone", "after": {}}', "bad_event"),
    ("kel/v1/stamata/requests", b'{"category": "tree", "lat": 138.1, "lon": 23.8}', "bad_request"),
    ("kel/v1/crews/water-1/replies", b'{"order": "none", "action": "dance"}', "bad_reply"),
]
TABLE = [*((topic, payload, reason) for topic, (payload, reason) in BAD.items()), *MORE]
GOOD = [(METER, orjson.dumps({"ts": NOW_MS - 60_000 * n, "flow": float(n)})) for n in range(50)]


def test_the_table_holds_every_reason_that_a_message_can_have() -> None:
    others = {"draft_device", "retired_device", "bad_record", "internal"}
    assert {reason for *_, reason in TABLE} == set(map(str, Reason)) - others


def test_each_is_refused_once_with_its_reason_and_nothing_else_is_harmed(system, connection):
    bridge, worker = system.start_bridge(), system.start("worker")
    said = [GOOD[0], (PUMP.format("NBIRTH").removesuffix("/ps-01"), birth(0, "bdSeq", 0))]
    for n, (topic, payload, _) in enumerate(TABLE, 1):
        said += [(topic, payload), GOOD[n]]
    now = NOW_MS * 1000
    system.tell_time(now, tick=False)
    for topic, payload in said:
        system.say(login_of(topic), [(topic, payload)])
    system.tell_time(now, tick=True)
    ticks = "SELECT count(tick) FROM progress"
    wait_until(lambda: connection.execute(ticks).fetchone() == (12,), what="the step's end")

    query = "SELECT topic, payload, size, reason FROM reject"
    found = Counter(map(tuple, connection.execute(query).fetchall()))
    wanted = Counter(
        (
            topic[:LONGEST_TOPIC],
            b"" if topic.startswith("frigate/") else payload[:STORED_PAYLOAD],
            min(len(payload), LARGEST_PAYLOAD + 1),
            reason,
        )
        for topic, payload, reason in TABLE
    )
    assert found - wanted == wanted - found == Counter()
    flows = connection.execute("SELECT flow FROM reading_zone ORDER BY flow").fetchall()
    assert flows == [(float(n),) for n in range(len(TABLE) + 1)]
    assert (bridge.ended, worker.ended) == (None, None)
    assert connection.execute("SELECT count(*) FROM request").fetchone() == (0,)

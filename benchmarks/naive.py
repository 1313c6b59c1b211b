"""The plain way, a peer: paho, one message at a time, `executemany` of 500 rows a transaction.

`python -m benchmarks.naive`: the broker and the database are the KEL_… settings. It subscribes at
QoS 1 with a session that is kept, puts what it hears into `peer_lamp`, and commits 500 rows, or
what there is when nothing has come for a while.
"""

import json
from datetime import UTC, datetime
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from kel.settings import Settings
from kel.store.connect import connect
from kel.topics import TELEMETRY

ROWS = 500
IDLE_S = 0.05
METRICS = ("dimming", "power", "failure", "hours")
CREATE = (
    "CREATE TABLE peer_lamp (time timestamptz NOT NULL, community text, device text,"
    " dimming double precision, power double precision, failure double precision,"
    " hours double precision)",
    "SELECT create_hypertable('peer_lamp', 'time', chunk_time_interval => interval '7 days')",
)
INSERT = "INSERT INTO peer_lamp VALUES (%s, %s, %s, %s, %s, %s, %s)"


def main() -> None:
    settings = Settings()
    rows: list[tuple[Any, ...]] = []
    with connect(settings) as connection:
        for statement in CREATE:
            connection.execute(statement)

        def store() -> None:
            if rows:
                with connection.transaction(), connection.cursor() as cursor:
                    cursor.executemany(INSERT, rows)
                rows.clear()

        def hear(_client: Any, _data: Any, message: paho.MQTTMessage) -> None:
            _, _, community, device, _ = message.topic.split("/")
            said = json.loads(message.payload)
            time = datetime.fromtimestamp(said["ts"] / 1000, UTC)
            rows.append((time, community, device, *(said[m] for m in METRICS)))
            if len(rows) >= ROWS:
                store()

        def subscribe(client: paho.Client, *_: Any) -> None:
            client.subscribe(TELEMETRY.format(community="+", device="+"), 1)

        client = paho.Client(CallbackAPIVersion.VERSION2, "naive", clean_session=False)
        client.username_pw_set(settings.mqtt_user, settings.mqtt_password.get_secret_value())
        client.on_connect = subscribe
        client.on_message = hear
        client.connect(settings.mqtt_host, settings.mqtt_port)
        while True:
            waiting = len(rows)
            client.loop(IDLE_S)
            if len(rows) == waiting:
                store()


if __name__ == "__main__":
    main()

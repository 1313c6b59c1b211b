"""Who takes the messages to committed rows: KEL itself, Telegraf, and the plain way.

Each is a context that has started it and gives its processes by name. The peers write to
`peer_lamp`, a hypertable as KEL's own, of the same days a chunk.
"""

import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from psycopg import Connection

from benchmarks.bench import PATIENCE_S, ROOT, City, loaded
from benchmarks.measure import until
from kel.run.services import KEL, Services
from kel.stack.child import Child
from kel.stack.stack import Stack
from kel.store.connect import connect
from kel.topics import TELEMETRY

PEER_TABLE = "peer_lamp"
OWN_TABLE = "reading_lamp"
NOTHING: Mapping[str, str] = {}

# As its makers advise for much of this: 20,000 messages may be on their way, written 10,000 at a
# time, or after 200 ms.
TELEGRAF = """\
[agent]
  interval = "1s"
  precision = "1ms"
  flush_interval = "200ms"
  metric_batch_size = 10000
  metric_buffer_limit = 1000000
  omit_hostname = true
  quiet = true
[[inputs.mqtt_consumer]]
  servers = ["tcp://127.0.0.1:{port}"]
  topics = ["{topic}"]
  topic_tag = ""
  qos = 1
  max_undelivered_messages = 20000
  persistent_session = true
  client_id = "telegraf"
  username = "kel-bridge"
  password = "${{MQTT_PASSWORD}}"
  name_override = "{table}"
  data_format = "json"
  json_time_key = "ts"
  json_time_format = "unix_ms"
  [[inputs.mqtt_consumer.topic_parsing]]
    topic = "{topic}"
    tags = "_/_/community/device/_"
[[outputs.postgresql]]
  connection = "{database} sslmode=disable"
  timestamp_column_type = "timestamp with time zone"
  create_templates = [
    '''CREATE TABLE {{{{ .table }}}} ({{{{ .columns }}}})''',
    '''SELECT create_hypertable({{{{ .table|quoteLiteral }}}}, 'time',
       chunk_time_interval => interval '7 days')''',
  ]
"""


@dataclass(frozen=True, slots=True)
class Running:
    """A contender that is up: where its rows go, its processes by name, what to do meanwhile."""

    connection: Connection
    table: str
    pids: Mapping[str, list[int]]
    watch: Callable[[], None]


Contender = Callable[[Stack, City], Iterator[Running]]


def telegraf_program() -> str | None:
    """Telegraf, where there is one: on the PATH, or where `go install` puts it."""
    return shutil.which("telegraf") or shutil.which("telegraf", path=str(Path.home() / "go/bin"))


@contextmanager
def kel(
    stack: Stack,
    city: City,
    workers: int = 1,
    command: Sequence[str] = KEL,
    environment: Mapping[str, str] = NOTHING,
) -> Iterator[Running]:
    """Bridge, workers and desk, the rules on."""
    settings = {"KEL_CITY": str(city.folder), **environment}
    with (
        loaded(stack, city) as connection,
        Services(stack, settings, workers, command) as services,
    ):
        decides = "SELECT FROM desk WHERE clock IS NOT NULL"
        until(lambda: connection.execute(decides).fetchone() is not None, PATIENCE_S)
        pids = {
            **{name: services.pids(name) for name in ("bridge", "worker", "desk")},
            "kafka": [stack.kafka.child.pid],
            **_parts(stack),
        }
        yield Running(connection, OWN_TABLE, pids, services.watch)


@contextmanager
def telegraf(stack: Stack, city: City) -> Iterator[Running]:
    program = telegraf_program()
    assert program
    config = stack.folder / "telegraf.conf"
    topic = TELEMETRY.format(community="+", device="+")
    database = f"host=127.0.0.1 port={stack.postgres.port} user=kel dbname=kel"
    config.write_text(
        TELEGRAF.format(
            port=stack.mosquitto.port, topic=topic, database=database, table=PEER_TABLE
        ),
        "utf-8",
    )
    passwords = {
        "MQTT_PASSWORD": stack.mosquitto.passwords["kel-bridge"],
        "PGPASSWORD": stack.postgres.password,
    }
    child = Child(
        "telegraf", [program, "--config", config], stack.folder / "telegraf.log", env=passwords
    )
    with _peer(stack, city, child) as running:
        yield running


@contextmanager
def naive(stack: Stack, city: City) -> Iterator[Running]:
    environment = {**stack.environment("kel-bridge"), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "benchmarks.naive"]
    child = Child("naive", command, stack.folder / "naive.log", env=environment)
    with _peer(stack, city, child) as running:
        yield running


@contextmanager
def _peer(stack: Stack, city: City, child: Child) -> Iterator[Running]:
    stack.kafka.child.end()  # a peer has none: it shall have the machine to itself
    with connect(stack.settings("kel-bridge", city.folder)) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
        child.start()
        try:
            pids = {child.name: [child.pid], **_parts(stack)}
            yield Running(connection, PEER_TABLE, pids, child.check)
        finally:
            child.end()


def _parts(stack: Stack) -> dict[str, list[int]]:
    return {"mosquitto": [stack.mosquitto.child.pid], "postgres": [stack.postgres.child.pid]}

"""What is wrong with this installation: one line a problem, each with what to do.

Laws:
- a check asks one thing and changes nothing; one that cannot be asked (the database is away) is
  not reported as a second problem;
- a line says what was found, what was expected, and the command or setting that mends it.
"""

import asyncio
import resource
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from psycopg import Connection

from kel.kafka import describe_topic
from kel.model.mistake import MistakesError
from kel.mqtt import BrokerError, Link
from kel.run.cityfiles import CityFiles, load_city_files
from kel.settings import Settings
from kel.store.connect import connect
from kel.store.migrate import pending
from kel.topics import RAW, UPLINK

LEAST_DISK_GB = 5
LEAST_FILES = 4096
MOST_SKEW_S = 2.0
OLDEST_POSTGRES = 150000
OLDEST_MOSQUITTO = (2, 0)

Problems = Iterator[str]


def problems(settings: Settings) -> Problems:
    """Every problem found, the ground first, then the parts, then what they hold."""
    yield from _machine()
    yield from _city(settings)
    yield from _broker(settings)
    yield from _kafka(settings)
    yield from _database(settings)


def _machine() -> Problems:
    if sys.version_info < (3, 11):
        yield f"Python {sys.version.split()[0]} is too old: KEL needs 3.11 or newer"
    files, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files < LEAST_FILES:
        yield (
            f"only {files} files may be open: raise it to {LEAST_FILES} or more "
            f"(`ulimit -n {LEAST_FILES}`, allowed up to {most}, or LimitNOFILE= of the service)"
        )
    free = shutil.disk_usage(Path.cwd()).free / 1e9
    if free < LEAST_DISK_GB:
        yield f"only {free:.1f} GB of disk are free here: make room for {LEAST_DISK_GB} GB at least"


def _city(settings: Settings) -> Problems:
    try:
        load_city_files(settings)
    except MistakesError as error:
        yield (
            f"the city's folder {settings.city} has {len(error.mistakes)} mistakes, the first is "
            f"{error.mistakes[0]}: see `kel check {settings.city}`"
        )


def _broker(settings: Settings) -> Problems:
    try:
        with Link(settings, "kel-doctor", (*UPLINK, VERSION), keep_session=False) as link:
            version = _hear(link, VERSION)
    except BrokerError as error:
        yield f"{error} (KEL_MQTT_HOST, KEL_MQTT_PORT)"
        return
    number = tuple(int(n) for n in version.split()[-1].split(".")[:2]) if version else None
    if number is None:
        yield "the broker does not tell its version: allow kel-bridge to read $SYS/# in the acl file"
    elif number < OLDEST_MOSQUITTO:
        yield f"{version} is too old: KEL needs Mosquitto 2.0 or newer"


VERSION = "$SYS/broker/version"


def _hear(link: Link, topic: str, timeout_s: float = 3.0) -> str:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        for message in link.receive():
            if message.topic == topic:
                return message.payload.decode("utf-8", "replace")
        time.sleep(0.05)
    return ""


def _kafka(settings: Settings) -> Problems:
    try:
        found = asyncio.run(describe_topic(settings, timeout_s=5))
    except (ConnectionError, OSError) as error:
        yield f"{error} (KEL_KAFKA)"
        return
    if found is None:
        yield f"Kafka has no topic {RAW}: start `kel bridge` once, which makes it"
    elif found != settings.partitions:
        yield (
            f"the topic {RAW} has {found} partitions, KEL_PARTITIONS says {settings.partitions}: "
            f"set KEL_PARTITIONS={found}"
        )


def _database(settings: Settings) -> Problems:
    try:
        connection = connect(settings)
    except psycopg.OperationalError as error:
        yield f"no database: {str(error).splitlines()[0]} (KEL_DATABASE, KEL_DATABASE_PASSWORD)"
        return
    with connection:
        yield from _server(connection)
        waiting = pending(connection)
        if waiting:
            yield f"the database lacks {len(waiting)} migrations ({waiting[0]} …): run `kel migrate`"
            return
        for check in (_rights, _devices(settings), _topic_followed):
            yield from check(connection)


def _server(connection: Connection) -> Problems:
    if connection.info.server_version < OLDEST_POSTGRES:
        yield f"PostgreSQL {connection.info.server_version} is too old: KEL needs 15 or newer"
    loaded = connection.execute("SHOW shared_preload_libraries").fetchone()
    if not loaded or "timescaledb" not in loaded[0]:
        yield "TimescaleDB is not loaded: set shared_preload_libraries = 'timescaledb', restart"
    row = connection.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None
    skew = abs((datetime.now(UTC) - row[0]).total_seconds())
    if skew > MOST_SKEW_S:
        yield (
            f"this machine's clock and the database's differ by {skew:.0f} s: let both follow NTP "
            "(apt-get install systemd-timesyncd)"
        )


def _rights(connection: Connection) -> Problems:
    row = connection.execute(
        "SELECT has_table_privilege('progress', 'UPDATE'), "
        "has_table_privilege('kel_reader', 'incident', 'UPDATE')"
    ).fetchone()
    assert row is not None
    if not row[0]:
        yield f"{connection.info.user} may not write: let it own the tables, or migrate as it"
    if row[1]:
        yield "kel_reader may write: REVOKE ALL ON ALL TABLES FROM kel_reader, then `kel migrate`"


def _devices(settings: Settings) -> Callable[[Connection], Problems]:
    def check(connection: Connection) -> Problems:
        try:
            files: CityFiles = load_city_files(settings)
        except MistakesError:
            return  # told before
        known = {row[0] for row in connection.execute("SELECT id FROM device").fetchall()}
        missing = [d for d in files.city.devices if d not in known]
        if missing:
            yield f"{len(missing)} devices of the city are not in the database: run `kel load`"

    return check


def _topic_followed(connection: Connection) -> Problems:
    row = connection.execute(
        "SELECT max(now() - at) FROM progress HAVING max(now() - at) > interval '10 minutes'"
    ).fetchone()
    if row:
        yield f"nothing was committed for {row[0]}: is `kel worker` running, does a bridge tick?"

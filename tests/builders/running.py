"""KEL's processes on the real parts: started, spoken to, killed, and looked at, for tests."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from itertools import count
from pathlib import Path
from typing import TypeVar

import orjson
import psycopg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from pydantic import SecretStr

from kel.kafka import ensure_topic
from kel.model.city import City
from kel.model.message import Batch, Message
from kel.mqtt import Link
from kel.records import decode, encode
from kel.run.bridge import client_id
from kel.run.cityfiles import CityFiles, read_folder
from kel.run.play import logins
from kel.settings import ClockKind, Settings
from kel.stack.child import Child
from kel.stack.stack import Stack
from kel.store.connect import connect
from kel.store.load import load, numbered
from kel.store.migrate import migrate
from kel.topics import BRIDGE, CLOCK, RAW

FOLDER = Path(__file__).resolve().parents[2] / "config/dionysos"
LAMPS = 4  # a feeder's lamps: the whole city, but small
OPENED = datetime(2026, 10, 1, tzinfo=UTC)
TEMPLATE = "template_city"
SESSION_S = 2.0  # of a worker: how long a killed one's partitions wait

BRIDGES = ("bridge", "west", "east")  # that tests start
STATE = BRIDGE.format(bridge="bridge")

NUMBERS = count(1)  # of clients
T = TypeVar("T")


@cache
def example() -> CityFiles:
    """The example city with few lamps."""
    return read_folder(FOLDER, LAMPS)


@contextmanager
def running_stack() -> Iterator[Stack]:
    """The three parts, and a database in them to copy: schema and example city."""
    with Stack(logins(example().city)) as stack:
        make_template(stack)
        yield stack


def make_template(stack: Stack) -> None:
    with administrator(stack) as connection:
        connection.execute(f"CREATE DATABASE {TEMPLATE}")
    with connect(database_settings(stack, TEMPLATE)) as connection:
        migrate(connection)
        load(connection, example().city, OPENED)
    with administrator(stack) as connection:
        # TimescaleDB's own workers would hold it too, and a database in use cannot be copied
        connection.execute(f"ALTER DATABASE {TEMPLATE} ALLOW_CONNECTIONS false")
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [TEMPLATE]
        )


def administrator(stack: Stack) -> psycopg.Connection:
    """A connection to no database of ours."""
    settings = database_settings(stack, "postgres")
    return connect(settings)


def database_settings(stack: Stack, name: str) -> Settings:
    return Settings(
        database=stack.postgres.url.removesuffix("/kel") + f"/{name}",
        database_password=SecretStr(stack.postgres.password),
    )


@contextmanager
def fresh_database(stack: Stack, name: str, template: str | None = TEMPLATE) -> Iterator[Settings]:
    """A database with schema and city, or an empty one; dropped afterwards."""
    with administrator(stack) as connection:
        connection.execute(f"CREATE DATABASE {name}" + (f" TEMPLATE {template}" * bool(template)))
    try:
        yield database_settings(stack, name)
    finally:
        with administrator(stack) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def wait_until(true: Callable[[], T], timeout_s: float = 30.0, what: str = "") -> T:
    """Ask again and again until something true is answered."""
    deadline = time.monotonic() + timeout_s
    while not (found := true()):
        assert time.monotonic() < deadline, f"not within {timeout_s:.0f} s: {what or true}"
        time.sleep(0.03)
    return found


class System:
    """KEL on a fresh topic, fresh broker sessions and a fresh database."""

    def __init__(self, stack: Stack, database: Settings) -> None:
        self.stack = stack
        self.database = database
        self.city: City
        with connect(database) as connection:
            self.city = numbered(connection, example().city)
        self._children: list[Child] = []
        self.kafka_id = asyncio.run(self._new_topic())
        self._forget_sessions()

    def settings(self, login: str = "kel-clock", **more: object) -> Settings:
        """To reach the parts as that login, with this test's database."""
        names = {
            key.removeprefix("KEL_").lower(): value
            for key, value in self.environment(login).items()
        }
        return Settings.model_validate({**names, **more})

    def environment(self, login: str = "kel-clock", **more: str) -> Mapping[str, str]:
        return self.stack.environment(
            login,
            **{
                "KEL_DATABASE": self.database.database,
                "KEL_CITY": str(FOLDER),
                "KEL_LAMPS_PER_FEEDER": str(LAMPS),
                "KEL_CLOCK": ClockKind.STORY.value,
                "KEL_SESSION_S": str(SESSION_S),
                "TMPDIR": str(self.stack.folder),
                **more,
            },
        )

    # processes

    def start(self, name: str, *, command: Sequence[str] = (), **more: str) -> Child:
        """`kel NAME`, or another command in its place, as a child; `end` ends all of them."""
        login = "kel-desk" if name == "desk" else "kel-bridge"
        log = self.stack.folder / f"{name}.log"
        child = Child(
            name,
            command or [sys.executable, "-m", "kel.cli", name],
            log,
            env=self.environment(login, **more),
        )
        self._children.append(child)
        return child.start()

    def start_bridge(self, *, command: Sequence[str] = (), **more: str) -> Child:
        """A bridge that has subscribed: what is published from now on reaches it."""
        state = BRIDGE.format(bridge=more.get("KEL_BRIDGE", "bridge"))
        with self.link("kel-clock", (state,)) as hears:
            bridge = self.start("bridge", command=command, **more)
            wait_until(
                lambda: any(m.payload == b"online" for m in hears.receive()), what="bridge online"
            )
        return bridge

    def end(self) -> None:
        """End all processes at once: what they would still do well is not what tests wait for."""
        for child in reversed(self._children):
            child.end(0.0)

    # messages

    def link(self, login: str, hears: Sequence[str] = (), **more: object) -> Link:
        """A client of the broker, not yet open; its session ends with it."""
        return Link(
            self.settings(login),
            f"test-{next(NUMBERS)}",
            hears,
            user=login,
            password=self.stack.mosquitto.passwords[login],
            **{"keep_session": False, **more},  # type: ignore[arg-type]
        )

    def say(self, login: str, messages: Iterable[tuple[str, bytes]]) -> None:
        """Publish as that login; the broker has all when it returns."""
        with self.link(login) as link:
            link.publish(messages)

    def tell_time(self, now_us: int, *, tick: bool) -> None:
        with self.link("kel-clock") as link:
            link.publish([(CLOCK, orjson.dumps({"now": now_us, "tick": tick}))], retain=not tick)

    # Kafka

    def write(self, records: Iterable[tuple[int, bytes]]) -> None:
        """Put records into kel.raw: (partition, bytes)."""
        asyncio.run(self._write(list(records)))

    def write_batches(self, batches: Iterable[tuple[int, Batch]]) -> None:
        self.write((partition, encode(batch)) for partition, batch in batches)

    def messages(self) -> list[Message]:
        """All messages in kel.raw; those of one device in their order."""
        records = self.records()
        return [m for batches in records.values() for batch in batches for m in batch.messages]

    def records(self) -> dict[int, list[Batch]]:
        """All batches in kel.raw, by partition."""
        return asyncio.run(self._read())

    async def _write(self, records: Sequence[tuple[int, bytes]]) -> None:
        producer = AIOKafkaProducer(
            bootstrap_servers=self.settings().kafka, acks="all", max_request_size=2 * 1024 * 1024
        )
        await producer.start()
        try:
            for sent in [await producer.send(RAW, r, partition=p) for p, r in records]:
                await sent
        finally:
            await producer.stop()

    async def _read(self) -> dict[int, list[Batch]]:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.settings().kafka, enable_auto_commit=False
        )
        await consumer.start()
        try:
            partitions = [TopicPartition(RAW, p) for p in range(self.settings().partitions)]
            consumer.assign(partitions)
            await consumer.seek_to_beginning(*partitions)
            ends = await consumer.end_offsets(partitions)
            found: dict[int, list[Batch]] = {p.partition: [] for p in partitions}
            for partition in partitions:
                while await consumer.position(partition) < ends[partition]:
                    for records in (await consumer.getmany(timeout_ms=1000)).values():
                        for record in records:
                            found[record.partition].append(decode(record.value))
            return found
        finally:
            await consumer.stop()

    async def _new_topic(self) -> str:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.settings().kafka)
        await admin.start()
        try:
            if RAW in await admin.list_topics():
                await admin.delete_topics([RAW])
            while RAW in await admin.list_topics():
                await asyncio.sleep(0.05)
        finally:
            await admin.close()
        return await ensure_topic(self.settings())

    def _forget_sessions(self) -> None:
        """Neither a session nor a retained message of another test is left in the broker."""
        states = [BRIDGE.format(bridge=name) for name in BRIDGES]
        for login, topic in (*(("kel-bridge", state) for state in states), ("kel-clock", CLOCK)):
            with self.link(login) as link:
                link.publish([(topic, b"")], retain=True)
        names = [("kel-desk", "kel-desk"), *(("kel-bridge", client_id(name)) for name in BRIDGES)]
        names += [(login, f"story-{login}") for login in (*logins(self.city), "kel-clock")]
        for login, client in names:
            Link(
                self.settings(login),
                client,
                user=login,
                password=self.stack.mosquitto.passwords[login],
                keep_session=False,
            ).open().close()


@contextmanager
def paused(child: Child) -> Iterator[None]:
    """The child's process stands still, as if its machine hung."""
    os.kill(child.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(child.pid, signal.SIGCONT)


def kill(child: Child) -> None:
    """SIGKILL, and wait until it is gone."""
    os.kill(child.pid, signal.SIGKILL)
    wait_until(lambda: child.ended is not None, 5)

"""The bridge: from MQTT to Kafka, a batch at a time; acknowledges only what Kafka has.

Laws:
- a PUBACK goes out after Kafka has the batch (acks=all), never before;
- batches go to Kafka one after the other, so that a device's order holds, also when one is sent
  again;
- the machine's time goes on only while the broker is there and has handed over what it kept for
  us: a device whose messages still wait there is not silent;
- with nothing but this process to lose, nothing is lost: all state is the broker's and Kafka's.
"""

import asyncio
import contextlib
import logging
import signal
from collections.abc import Callable, Sequence
from time import time_ns

import orjson
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from ingest.registry import Registry
from ingest.route import Router
from kel.kafka import ensure_topic
from kel.model.city import City
from kel.model.message import Batch, Message
from kel.model.moment import SECOND_US
from kel.mqtt import Link, Received
from kel.records import encode
from kel.settings import ClockKind, Settings
from kel.topics import BRIDGE, CLOCK, RAW, UPLINK, partition_of

log = logging.getLogger("kel.bridge")

LARGEST = 512 * 1024  # bytes of messages in one record, below Kafka's 1 MiB with room to spare
OVERHEAD = 32  # bytes of a message in a record beside its topic and payload, at the most
PAYLOAD = 256 * 1024 + 1  # a longer payload is refused later; so much of it tells that


class Gathering:
    """Messages by partition, in their order, until the next record is made. Pure."""

    def __init__(self, group_of: Callable[[str], str], partitions: int) -> None:
        self._group_of = group_of
        self._partitions = partitions
        self._open: list[list[Message]] = [[] for _ in range(partitions)]
        self._size = [0] * partitions
        self._done: list[tuple[int, Batch]] = []

    def put(self, message: Message) -> None:
        partition = partition_of(self._group_of(message.topic), self._partitions)
        size = len(message.payload) + len(message.topic.encode()) + OVERHEAD
        if self._size[partition] + size > LARGEST:
            self._finish(partition, None)
        self._open[partition].append(message)
        self._size[partition] += size

    def tick(self, now: int) -> None:
        """Close every partition's batch with the time that has come."""
        for partition in range(self._partitions):
            self._finish(partition, now)

    def take(self) -> list[tuple[int, Batch]]:
        """All batches, each with its partition, in the order they must be written."""
        for partition in range(self._partitions):
            if self._open[partition]:
                self._finish(partition, None)
        done, self._done = self._done, []
        return done

    def _finish(self, partition: int, tick: int | None) -> None:
        self._done.append((partition, Batch(tuple(self._open[partition]), tick)))
        self._open[partition] = []
        self._size[partition] = 0


class SystemClock:
    """The machine's time; says it by itself every `tick_s`."""

    def __init__(self, tick_s: float) -> None:
        self._every = int(tick_s * SECOND_US)
        self._next = 0

    def now(self) -> int | None:
        return time_ns() // 1000

    def hear(self, message: Received) -> int | None:  # noqa: ARG002 - the port's form
        return None

    def due(self) -> int | None:
        now = time_ns() // 1000
        if now < self._next:
            return None
        self._next = now + self._every
        return now


class StoryClock:
    """The story's time, as it comes by MQTT: `{"now": µs, "tick": bool}`; unknown at first.

    `now` is said before a step's messages, the tick after them.
    """

    def __init__(self) -> None:
        self._now: int | None = None

    def now(self) -> int | None:
        return self._now

    def hear(self, message: Received) -> int | None:
        try:
            said = orjson.loads(message.payload)
            now, tick = int(said["now"]), bool(said["tick"])
        except (ValueError, KeyError, TypeError) as error:
            log.warning("the clock said nothing that can be understood: %r", error)
            return None
        self._now = now
        return now if tick else None

    def due(self) -> int | None:
        return None


class Bridge:
    def __init__(self, settings: Settings, city: City) -> None:
        self._settings = settings
        story = settings.clock is ClockKind.STORY
        self._clock: SystemClock | StoryClock = (
            StoryClock() if story else SystemClock(settings.tick_s)
        )
        router = Router(Registry(city.devices.values()))
        self._gathering = Gathering(router.group, settings.partitions)
        self._woken = asyncio.Event()
        self._held: list[Received] = []
        self._loop = asyncio.get_running_loop()
        self._link = Link(
            settings,
            "kel-bridge",
            (*UPLINK, CLOCK) if story else UPLINK,
            wake=self._wake,
            hello=(BRIDGE, b"online"),
            will=(BRIDGE, b"offline"),
        )

    def _wake(self) -> None:
        """Called by the network's thread: something has come."""
        with contextlib.suppress(RuntimeError):  # the loop is closed: we are ending
            self._loop.call_soon_threadsafe(self._woken.set)

    async def run(self) -> None:
        """Bridge until cancelled."""
        await ensure_topic(self._settings)
        producer = await _producer(self._settings)
        await asyncio.to_thread(self._link.open)
        log.info("the bridge is open")
        try:
            while True:
                await self._wait()
                producer = await self._pass_on(producer)
        finally:
            self._link.close()
            await producer.stop()

    async def _wait(self) -> None:
        try:
            await asyncio.wait_for(self._woken.wait(), self._settings.tick_s)
            await asyncio.sleep(self._settings.linger_s)
        except TimeoutError:
            pass
        self._woken.clear()

    async def _pass_on(self, producer: AIOKafkaProducer) -> AIOKafkaProducer:
        caught_up = self._link.caught_up()  # before receiving: what it promises is then received
        received = self._held + self._link.receive()
        self._held = self._sort(received)
        tick = self._clock.due() if caught_up else None
        if tick is not None:
            self._gathering.tick(tick)
        batches = self._gathering.take()
        if batches:
            producer = await _write(self._settings, producer, batches)
        held = set(map(id, self._held))
        self._link.acknowledge(m for m in received if id(m) not in held)
        return producer

    def _learns(self, clock: Received) -> bool:
        self._clock.hear(clock)
        return self._clock.now() is not None

    def _sort(self, received: Sequence[Received]) -> list[Received]:
        """Messages into batches, the time to the clock; returns what must wait for a time."""
        if self._clock.now() is None:
            # what was left over from before belongs to the step that is going on
            clocks = (m for m in received if m.topic == CLOCK)
            if not any(self._learns(clock) for clock in clocks):
                return [m for m in received if m.topic != CLOCK]
        for message in received:
            if message.topic == CLOCK:
                tick = self._clock.hear(message)
                if tick is not None:
                    self._gathering.tick(tick)
            else:
                now = self._clock.now()
                assert now is not None
                self._gathering.put(Message(message.topic, message.payload[:PAYLOAD], now))
        return []


async def _producer(settings: Settings) -> AIOKafkaProducer:
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.kafka,
        client_id="kel-bridge",
        acks="all",
        enable_idempotence=True,
        compression_type=None,
        max_request_size=2 * 1024 * 1024,
        request_timeout_ms=10_000,
    )
    await producer.start()
    return producer


async def _write(
    settings: Settings, producer: AIOKafkaProducer, batches: Sequence[tuple[int, Batch]]
) -> AIOKafkaProducer:
    """Write all batches, again and again until Kafka has them all.

    After an error the producer is made anew (an idempotent one may be out of sequence for good)
    and everything is sent once more: what comes twice changes nothing downstream.
    """
    delay = 0.2
    while True:
        try:
            sent = [
                await producer.send(RAW, encode(batch), partition=partition)
                for partition, batch in batches
            ]
            await asyncio.gather(*sent)
            return producer
        except KafkaError as error:
            log.warning("Kafka took no batch (%r): trying again in %.1f s", error, delay)
            await asyncio.sleep(delay)
            delay = min(delay * 2, 5.0)
            producer = await _again(settings, producer)


async def _again(settings: Settings, producer: AIOKafkaProducer) -> AIOKafkaProducer:
    try:
        await asyncio.wait_for(producer.stop(), 5)
    except (KafkaError, TimeoutError) as error:
        log.warning("the old producer did not stop (%r)", error)
    try:
        return await _producer(settings)
    except KafkaError as error:
        log.warning("no Kafka at %s (%r)", settings.kafka, error)
        return producer


def main(settings: Settings, city: City) -> None:
    """Run a bridge until it is told to end (SIGTERM, SIGINT)."""

    async def until_told() -> None:
        loop = asyncio.get_running_loop()
        task = asyncio.ensure_future(Bridge(settings, city).run())
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, task.cancel)
        try:
            await task
        except asyncio.CancelledError:
            log.info("the bridge has ended")

    asyncio.run(until_told())

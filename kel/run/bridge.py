"""The bridge: from MQTT to Kafka, a batch at a time; acknowledges only what Kafka has.

Laws:
- a PUBACK goes out after Kafka has the batch (acks=all), never before;
- batches go to Kafka one after the other, so that a device's order holds, also when one is sent
  again;
- the machine's time goes on only while the broker is there and has handed over what it kept for
  us: a device whose messages still wait there is not silent;
- memory is bounded, whatever comes and however long Kafka is away: beyond a number and a size of
  messages in hand the broker keeps the rest;
- with nothing but this process to lose, nothing is lost: all state is the broker's and Kafka's.

Several bridges may share a city's topics, each with a name and filters of its own, and each says
the time to every partition. That filters of different bridges do not overlap is for whoever starts
them to see to: no bridge knows of another one, and what two hear comes twice (which counts once
where it can be told: same device, same time, same value).
"""

import asyncio
import contextlib
import logging
import signal
from collections.abc import Sequence
from time import time

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from ingest.registry import Registry
from ingest.route import Router
from kel.kafka import ensure_topic
from kel.metrics import serve
from kel.model.city import City
from kel.mqtt import Chunk, Link
from kel.run.cityfolder import LOOK_S, CityFolder
from kel.run.clocks import StoryClock, SystemClock
from kel.run.expose import of_bridge
from kel.run.figures import BridgeFigures
from kel.run.gathering import Gathering
from kel.settings import ClockKind, Settings
from kel.topics import BRIDGE, BROKER, CLOCK, RAW, UNHEARD, UPLINK

log = logging.getLogger("kel.bridge")

FAST = 200  # messages in a linger's time: where so many come, it pays to wait for more of them
MUCH = 10_000  # messages: where so many wait already, nothing is gained by waiting for more
LINGERS = 10  # in succession, at the most
SAID_TIME = CLOCK.encode()
FIRST_DELAY_S, LONGEST_DELAY_S = 0.2, 5.0  # between tries to write
UNDER_WAY_S = 10.0  # how long a record may be under way until it counts as not written


class Bridge:
    def __init__(self, settings: Settings, city: City, folder: CityFolder | None = None) -> None:
        """`folder`: where it changes, messages go by the new city's groups from then on."""
        self.figures = BridgeFigures()
        self._settings = settings
        self._folder = folder
        self._system = SystemClock(settings.tick_s)
        self._story = StoryClock() if settings.clock is ClockKind.STORY else None
        self._gathering = Gathering(_router(city).group, settings.partitions, settings.bridge)
        self._woken = asyncio.Event()
        self._held: list[Chunk] = []  # until the story's time is known
        self._loop = asyncio.get_running_loop()
        state = BRIDGE.format(bridge=settings.bridge)
        self._link = Link(
            settings,
            client_id(settings.bridge),
            filters_of(settings, city),
            leave=(*UPLINK, *UNHEARD, *BROKER, CLOCK),
            wake=self._wake,
            hello=(state, b"online"),
            will=(state, b"offline"),
            alone=True,
        )

    def _wake(self) -> None:
        """Called by the network's thread: something has come."""
        if not self._woken.is_set():  # else it is awake, and takes what has come by then
            with contextlib.suppress(RuntimeError):  # the loop is closed: we are ending
                self._loop.call_soon_threadsafe(self._woken.set)

    async def run(self) -> None:
        """Bridge until cancelled. Raises BrokerError where another one has taken over."""
        await ensure_topic(self._settings)
        writer = Writer(self._settings, self._link, self.figures)
        await writer.open()
        await asyncio.to_thread(self._link.open)
        log.info("the bridge %s is open", self._settings.bridge)
        follows = asyncio.create_task(self._follow_city())
        try:
            while True:
                await self._wait()
                self._link.check()
                await self._pass_on(writer)
        finally:
            follows.cancel()
            self._link.close()
            await writer.close()

    async def _wait(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), self._settings.tick_s)
            await self._linger()
        self._woken.clear()

    async def _linger(self) -> None:
        """Let others join, the longer the faster they come: a record costs as much as some hundred
        messages all along the line."""
        for _ in range(LINGERS):
            waited = self._link.waiting
            if waited >= MUCH:
                return
            await asyncio.sleep(self._settings.linger_s)
            if self._link.waiting - waited < FAST:
                return

    async def _pass_on(self, writer: "Writer") -> None:
        figures = self.figures
        figures.caught_up = self._link.caught_up()  # before taking: what it promises has come then
        chunks = self._gather(self._link.take())
        tick = self._system.due() if figures.caught_up and not self._story else None
        if tick is not None:
            self._gathering.tick(tick)
        records = self._gathering.take()
        if records:
            await writer.write(records)
        self._link.done(chunks)
        if chunks:
            figures.messages += sum(map(len, chunks))
            figures.acknowledged_at = time()
        figures.waiting, figures.held_bytes = self._link.waiting, self._link.held
        figures.reconnects = max(0, self._link.connections - 1)
        figures.turn = time()

    def _gather(self, chunks: list[Chunk]) -> list[Chunk]:
        """Messages into records; returns what is acknowledged once these are in Kafka."""
        if self._story:
            return self._gather_story(self._story, chunks)
        now = self._system.now()
        for chunk in chunks:
            self._gathering.put(chunk.topics, chunk.payloads, now)
            chunk.topics, chunk.payloads = [], []  # their memory is the record's now
        return chunks

    def _gather_story(self, clock: StoryClock, chunks: list[Chunk]) -> list[Chunk]:
        """As `_gather`, by the time that comes with the messages; without one they wait for it."""
        chunks = self._held + chunks
        self._held = []
        if clock.now() is None and not _told(clock, chunks):
            parts = [chunk.parted(SAID_TIME) for chunk in chunks]
            self._held = [others for _, others in parts if others]
            return [said for said, _ in parts] + [others for _, others in parts if not others]
        for chunk in chunks:
            # what was left over from before belongs to the step that is going on
            start = 0
            for at in [n for n, topic in enumerate(chunk.topics) if topic == SAID_TIME]:
                self._put(clock, chunk, start, at)
                start = at + 1
                tick = clock.hear(chunk.payloads[at])
                if tick is not None:
                    self._gathering.tick(tick)
            self._put(clock, chunk, start, len(chunk))
        return chunks

    def _put(self, clock: StoryClock, chunk: Chunk, start: int, end: int) -> None:
        now = clock.now()
        assert now is not None
        self._gathering.put(chunk.topics[start:end], chunk.payloads[start:end], now)

    async def _follow_city(self) -> None:
        while self._folder:
            await asyncio.sleep(LOOK_S)
            try:
                files = await asyncio.to_thread(self._folder.changed)
                if files:
                    self._gathering.route_by(_router(files.city).group)
                    self._link.listen(filters_of(self._settings, files.city))
                    self._folder.taken()
            except Exception:
                log.exception("the city's folder could not be followed")


class Writer:
    """Kafka's records: all are written, in their order, before anything else is.

    A producer that has failed is never asked again: closed, it would wait for ever for what it did
    not know yet of the topic.
    """

    def __init__(self, settings: Settings, link: Link, figures: BridgeFigures) -> None:
        self._settings = settings
        self._link = link
        self._figures = figures
        self._producer: AIOKafkaProducer | None = None

    async def open(self) -> None:
        """Raises KafkaError where there is no Kafka."""
        await self._opened()

    async def close(self) -> None:
        producer, self._producer = self._producer, None
        if producer:
            await producer.stop()

    async def write(self, records: Sequence[tuple[int, bytes]]) -> None:
        """Write all records, again and again until Kafka has them all.

        After an error the producer is made anew (an idempotent one may be out of sequence for good)
        and everything is sent once more: what comes twice changes nothing downstream. Raises
        BrokerError where the link has ended meanwhile: another bridge writes the same then.
        """
        delay = FIRST_DELAY_S
        while True:
            try:
                producer = await self._opened()
                sent = [
                    await producer.send(RAW, record, partition=partition)
                    for partition, record in records
                ]
                await asyncio.gather(*sent)
                break
            except KafkaError as error:
                self._figures.kafka_errors += 1
                log.warning(
                    "Kafka at %s took no batch (%r): trying again in %.1f s",
                    *(self._settings.kafka, error, delay),
                )
                self._link.check()
                await self._drop()
                await asyncio.sleep(delay)
                delay = min(delay * 2, LONGEST_DELAY_S)
        self._figures.records += len(records)
        self._figures.bytes += sum(len(record) for _, record in records)

    async def _opened(self) -> AIOKafkaProducer:
        """The producer, made where there is none."""
        if self._producer is None:
            producer = AIOKafkaProducer(
                bootstrap_servers=self._settings.kafka,
                client_id=client_id(self._settings.bridge),
                acks="all",
                enable_idempotence=True,
                compression_type=None,
                max_request_size=2 * 1024 * 1024,
                request_timeout_ms=int(UNDER_WAY_S * 1000),
            )
            try:
                await producer.start()
            except BaseException:
                await producer.stop()
                raise
            self._producer = producer
        return self._producer

    async def _drop(self) -> None:
        """Be rid of the producer, and of what it may still have under way: else that would come
        behind what is written next."""
        try:
            await asyncio.wait_for(self.close(), 1.5 * UNDER_WAY_S)
        except (KafkaError, TimeoutError) as error:
            log.warning("the old producer did not stop (%r)", error)


def client_id(bridge: str) -> str:
    """The name of a bridge's session at the broker."""
    return "kel-bridge" if bridge == "bridge" else f"kel-bridge-{bridge}"


def filters_of(settings: Settings, city: City) -> tuple[str, ...]:
    """What a bridge subscribes to: its filters, else all formats' and those of the city's mappings;
    and a story's time.

    The bridge without a name of its own also hears what the broker says of itself: not in a story,
    which has no broker, and where it would be none of the day's messages.
    """
    mapped = (mapping.filter for mapping in city.mappings.values())
    filters = settings.filters or (*UPLINK, *mapped)
    if settings.clock is ClockKind.STORY:
        return *filters, CLOCK
    return (*filters, *BROKER) if settings.bridge == "bridge" else filters


def _router(city: City) -> Router:
    return Router(Registry.of(city))


def _told(clock: StoryClock, chunks: Sequence[Chunk]) -> bool:
    """Whether something in these says the time."""
    for chunk in chunks:
        for topic, payload in zip(chunk.topics, chunk.payloads, strict=True):
            if topic == SAID_TIME:
                clock.hear(payload)
                if clock.now() is not None:
                    return True
    return False


def main(settings: Settings, city: City, folder: CityFolder | None = None) -> None:
    """Run a bridge until it is told to end (SIGTERM, SIGINT)."""

    async def until_told() -> None:
        loop = asyncio.get_running_loop()
        bridge = Bridge(settings, city, folder)
        serve(settings, lambda: of_bridge(bridge.figures))
        task = asyncio.ensure_future(bridge.run())
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, task.cancel)
        try:
            await task
        except asyncio.CancelledError:
            log.info("the bridge has ended")

    asyncio.run(until_told())

"""The bridge's own decisions: what waits, when time goes on, what it hears, what it is called."""

import asyncio
from types import SimpleNamespace

import pytest
from aiokafka.errors import KafkaError

from kel.mqtt import BrokerError, Chunk
from kel.records import decode
from kel.run import bridge
from kel.run.bridge import Bridge, Writer, client_id, filters_of
from kel.run.figures import BridgeFigures
from kel.settings import ClockKind, Settings
from kel.topics import BROKER, CLOCK, UPLINK

CITY = SimpleNamespace(devices={}, communities={}, mappings={})


class Link:
    """Hands over a chunk at a time, and has caught up when told."""

    waiting = held = connections = 0

    def __init__(self, *_, **__):
        self.behind = True
        self.chunks = []
        self.acknowledged = []

    def caught_up(self):
        return not self.behind

    def take(self):
        return [self.chunks.pop(0)] if self.chunks else []

    def done(self, chunks):
        self.acknowledged += [mid for chunk in chunks for mid in chunk.mids]

    def check(self):
        pass


class Kafka:
    """Takes records; notes them, and what was acknowledged by then."""

    def __init__(self, link):
        self.batches = []
        self.link = link
        self.acknowledged = []

    async def write(self, records):
        self.acknowledged.append(len(self.link.acknowledged))
        self.batches += [decode(record) for _, record in records]

    @property
    def messages(self):
        return [m for batch in self.batches for m in batch.messages]


def chunk(*said):
    """Each a topic, or (topic, payload)."""
    rows = [(s, b"") if isinstance(s, str) else s for s in said]
    mids = [bytes([0, n + 1]) for n in range(len(rows))]
    return Chunk([t.encode() for t, _ in rows], [p for _, p in rows], mids, 10)


def bridged(monkeypatch, steps, **settings):
    """Let a bridge pass on; each step a chunk to come, or whether the link is behind."""
    monkeypatch.setattr(bridge, "Link", Link)

    async def run():
        bridging = Bridge(Settings(**{"tick_s": 1e-6, **settings}), CITY)
        kafka = Kafka(bridging._link)
        for step in steps:
            if isinstance(step, Chunk):
                bridging._link.chunks.append(step)
            elif step is not None:
                bridging._link.behind = step
            await bridging._pass_on(kafka)
        return bridging, kafka

    return asyncio.run(run())


def test_the_time_stands_still_until_the_broker_has_handed_over_what_it_kept(monkeypatch):
    steps = [chunk("t"), chunk("t"), chunk("t"), None, False, None, True, None]
    bridging, kafka = bridged(monkeypatch, steps)
    ticks = [batch.tick is not None for batch in kafka.batches]
    assert ticks == [False] * 3 + [True] * 2 * Settings().partitions
    assert len(kafka.messages) == 3
    assert bridging.figures.messages == 3


def test_what_is_acknowledged_was_written_before(monkeypatch):
    bridging, kafka = bridged(monkeypatch, [chunk("a", "b"), chunk("c")])
    assert kafka.acknowledged == [0, 2]
    assert len(bridging._link.acknowledged) == 3


def test_messages_of_one_pass_arrive_at_one_time_not_behind_its_tick(monkeypatch):
    _, kafka = bridged(monkeypatch, [False, chunk("a", "b", "a"), chunk("c")])
    now = 0
    for batch in kafka.batches:
        assert all(now <= m.arrival for m in batch.messages)
        assert all(m.arrival <= batch.tick for m in batch.messages)
        now = max([now] + [m.arrival for m in batch.messages])


def said(now, tick=False):
    return CLOCK, b'{"now": %d, "tick": %s}' % (now, b"true" if tick else b"false")


def test_a_story_messages_wait_for_a_time_and_belong_to_the_step_that_is_going_on(monkeypatch):
    steps = [chunk("a", (CLOCK, b"?"), "b"), chunk("c"), chunk("d", said(5), "e")]
    bridging, kafka = bridged(monkeypatch, steps[:2], clock=ClockKind.STORY)
    assert (kafka.messages, bridging._link.acknowledged) == ([], [b"\0\2"])  # the nonsense alone
    bridging, kafka = bridged(monkeypatch, steps, clock=ClockKind.STORY)
    assert sorted((m.topic, m.arrival) for m in kafka.messages) == [(t, 5) for t in "abcde"]
    assert len(bridging._link.acknowledged) == 7


def test_a_storys_time_changes_between_messages(monkeypatch):
    steps = [chunk(said(5), "a", said(6), "a", said(6, tick=True), "a", said(7), "a")]
    _, kafka = bridged(monkeypatch, steps, clock=ClockKind.STORY)
    assert [m.arrival for m in kafka.messages] == [5, 6, 6, 7]
    (of_a,) = {n for n, b in enumerate(kafka.batches) if b.messages and b.tick == 6}
    assert [m.arrival for m in kafka.batches[of_a].messages] == [6]


def test_bridges_have_sessions_of_their_own_and_the_first_hears_the_broker():
    assert (client_id("bridge"), client_id("west")) == ("kel-bridge", "kel-bridge-west")
    first, west = Settings(), Settings(bridge="west", filters="a/#,b")
    assert filters_of(first, CITY) == (*UPLINK, *BROKER)
    assert filters_of(west, CITY) == ("a/#", "b")
    assert filters_of(Settings(filters=("a/#",)), CITY) == ("a/#", *BROKER)


def test_without_filters_of_its_own_a_bridge_hears_the_citys_mappings_too():
    city = SimpleNamespace(mappings={"acme": SimpleNamespace(filter="acme/+/data")})
    assert filters_of(Settings(), city) == (*UPLINK, "acme/+/data", *BROKER)
    assert filters_of(Settings(filters=("a/#",)), city) == ("a/#", *BROKER)


def test_a_story_has_no_broker():
    assert filters_of(Settings(clock=ClockKind.STORY), CITY) == (*UPLINK, CLOCK)


# Kafka


class Producer:
    """Fails so many times, then takes everything. What is closed never answers, as aiokafka's
    where it does not know the topic yet."""

    failures = 0  # to take a record
    absences = 0  # of Kafka, when one is opened, but for the first
    taken: list = []  # noqa: RUF012 - of all that are made
    open = 0  # of all that are made

    def __init__(self, **_):
        self.closed = True

    async def start(self):
        self.closed = False
        Producer.open += 1
        if Producer.failures == 0 < Producer.absences:
            Producer.absences -= 1
            raise KafkaError

    async def stop(self):
        Producer.open -= not self.closed
        self.closed = True

    async def send(self, _topic, record, partition):
        if self.closed:
            await asyncio.get_running_loop().create_future()
        if Producer.failures:
            Producer.failures -= 1
            raise KafkaError
        Producer.taken.append((partition, record))
        done = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done


def written(monkeypatch, failures, link, absences=0):
    async def run():
        writer = Writer(Settings(), link, figures)
        await writer.open()
        async with asyncio.timeout(5):
            await writer.write([(0, b"a"), (1, b"bc"), (0, b"d")])
        assert Producer.open == 1
        await writer.close()
        assert Producer.open == 0

    figures = BridgeFigures()
    Producer.failures, Producer.absences = failures, absences
    Producer.taken, Producer.open = [], 0
    monkeypatch.setattr(bridge, "AIOKafkaProducer", Producer)
    monkeypatch.setattr(bridge, "FIRST_DELAY_S", 0.0)
    asyncio.run(run())
    return figures


@pytest.mark.parametrize("failures", [0, 1, 5])
def test_kafka_is_asked_again_until_it_has_all_records_in_their_order(monkeypatch, failures):
    figures = written(monkeypatch, failures, Link())
    assert Producer.taken == [(0, b"a"), (1, b"bc"), (0, b"d")]
    assert (figures.kafka_errors, figures.records, figures.bytes) == (failures, 3, 4)


@pytest.mark.parametrize("absences", [1, 3])
def test_a_producer_that_failed_is_not_asked_again_while_no_new_one_can_be_made(
    monkeypatch, absences
):
    figures = written(monkeypatch, 1, Link(), absences)
    assert Producer.taken == [(0, b"a"), (1, b"bc"), (0, b"d")]
    assert figures.kafka_errors == 1 + absences


def test_a_bridge_that_lost_its_session_does_not_go_on_trying(monkeypatch):
    link = Link()

    def ended():
        raise BrokerError("taken over")

    link.check = ended
    with pytest.raises(BrokerError, match="taken over"):
        written(monkeypatch, 1, link)
    assert Producer.taken == []

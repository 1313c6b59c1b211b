"""Gathering: every message goes on once, in order, in records that Kafka takes."""

import asyncio
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kel.model.message import Batch, Message
from kel.mqtt import Received
from kel.records import encode
from kel.run import bridge
from kel.run.bridge import LARGEST, PAYLOAD, Bridge, Gathering, StoryClock, SystemClock
from kel.settings import ClockKind, Settings
from kel.topics import CLOCK, partition_of

PARTITIONS = 4
KAFKAS = 1024 * 1024  # what a broker takes by default
CHARACTERS = st.sampled_from("ab/ωΚ🙂")
TOPICS = st.text(CHARACTERS, min_size=1, max_size=8)
SIZES = st.sampled_from([0, 1, 100, 10_000, 200_000, PAYLOAD])
TICK = "tick"
STEPS = st.lists(st.tuples(TOPICS, SIZES) | st.just(TICK), max_size=25)


def gathered(steps):
    gathering, messages = Gathering(lambda topic: topic[:2], PARTITIONS), []
    for n, step in enumerate(steps):
        if step == TICK:
            gathering.tick(n)
            continue
        messages.append(Message(step[0], bytes(step[1]), n))
        gathering.put(messages[-1])
    return messages, gathering


@settings(max_examples=60)
@given(STEPS)
def test_every_message_goes_on_once_and_in_order(steps):
    messages, gathering = gathered(steps)
    batches = gathering.take()
    for partition in range(PARTITIONS):
        mine = [m for m in messages if partition_of(m.topic[:2], PARTITIONS) == partition]
        assert [m for p, batch in batches if p == partition for m in batch.messages] == mine
    assert gathering.take() == []


@settings(max_examples=60)
@given(STEPS)
def test_a_tick_closes_every_partition_behind_what_came_before_it(steps):
    _, gathering = gathered(steps)
    ticks = [n for n, step in enumerate(steps) if step == TICK]
    batches = gathering.take()
    for partition in range(PARTITIONS):
        mine = [batch for p, batch in batches if p == partition]
        assert [b.tick for b in mine if b.tick is not None] == ticks
        now = -1
        for batch in mine:
            assert all(m.arrival > now for m in batch.messages)
            now = batch.tick if batch.tick is not None else now


@settings(max_examples=60)
@given(STEPS)
def test_no_record_is_larger_than_kafka_takes(steps):
    _, gathering = gathered(steps)
    assert all(len(encode(batch)) <= KAFKAS for _, batch in gathering.take())


@pytest.mark.parametrize(
    ("topic", "payload"),
    [("🙂" * 16_000, b""), ("t", b""), ("a/b/c", bytes(100)), ("t", bytes(PAYLOAD))],
    ids=["long topics", "tiny", "usual", "large"],
)
def test_a_flood_is_cut_into_records_that_fit(topic, payload):
    gathering = Gathering(lambda _: "one", PARTITIONS)
    for n in range(3_000 if len(payload) < 1000 else 30):
        gathering.put(Message(topic, payload, n + 2**50))
    batches = gathering.take()
    assert max(len(encode(batch)) for _, batch in batches) <= LARGEST
    assert len(batches) < 500


def test_silence_is_told_by_empty_batches_with_the_time():
    gathering = Gathering(lambda _: "one", 2)
    gathering.tick(7)
    assert gathering.take() == [(0, Batch((), 7)), (1, Batch((), 7))]


# clocks


def heard(clock, payload):
    return clock.hear(Received(CLOCK, payload, 1, 1, 1))


def test_a_story_tells_the_time_before_a_step_and_ends_it_with_a_tick():
    clock = StoryClock()
    assert (clock.now(), clock.due()) == (None, None)
    assert heard(clock, b'{"now": 5, "tick": false}') is None
    assert clock.now() == 5
    assert heard(clock, b'{"now": 5, "tick": true}') == 5
    assert clock.due() is None


@pytest.mark.parametrize(
    "payload", [b"", b"x", b"[]", b"5", b"{}", b'{"now": 6}', b'{"now": null, "tick": true}']
)
def test_a_story_clock_passes_over_nonsense(payload):
    clock = StoryClock()
    heard(clock, b'{"now": 5, "tick": false}')
    assert heard(clock, payload) is None
    assert clock.now() == 5


def test_the_system_clock_is_due_once_in_its_time(monkeypatch):
    now = [10_000_000_000]
    monkeypatch.setattr("kel.run.bridge.time_ns", lambda: now[0])
    clock = SystemClock(1.0)
    assert clock.due() == 10_000_000
    assert clock.due() is None
    now[0] += 999_999_000
    assert clock.due() is None
    now[0] += 1_000
    assert clock.due() == 11_000_000 == clock.now()


# the broker's backlog and the time


class Link:
    """Hands over a message at a time, and has caught up when told."""

    def __init__(self, *_, **__):
        self.behind = True
        self.messages = [Received("t", b"", n, 1, 1) for n in range(3)]

    def caught_up(self):
        return not self.behind

    def receive(self):
        return [self.messages.pop(0)] if self.messages else []

    def acknowledge(self, messages):
        list(messages)


def test_the_time_stands_still_until_the_broker_has_handed_over_what_it_kept(monkeypatch):
    written = []

    async def write(_settings, producer, batches):
        written.extend(batches)
        return producer

    async def passes():
        bridging = Bridge(
            Settings(clock=ClockKind.SYSTEM, tick_s=1e-6), SimpleNamespace(devices={})
        )
        for behind in (True, True, True, True, False, False, True, True):
            bridging._link.behind = behind
            await bridging._pass_on(None)

    monkeypatch.setattr(bridge, "Link", Link)
    monkeypatch.setattr(bridge, "_write", write)
    asyncio.run(passes())
    ticks = [batch.tick is not None for _, batch in written]
    partitions = Settings().partitions
    assert ticks == [False] * 3 + [True] * 2 * partitions
    assert sum(len(batch.messages) for _, batch in written) == 3

"""Gathering: every message goes on once, in order, in records that Kafka takes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kel.model.message import Batch, Message
from kel.mqtt import LARGEST_PAYLOAD
from kel.records import decode
from kel.run.gathering import LARGEST, MOST_TOPICS, Gathering
from kel.topics import partition_of

PARTITIONS = 4
KAFKAS = 1024 * 1024  # what a broker takes by default
TOPICS = st.text(st.sampled_from("ab/ωΚ🙂"), min_size=1, max_size=8)
SIZES = st.sampled_from([0, 1, 100, 10_000, 200_000, LARGEST_PAYLOAD])
TICK = "tick"
CHUNKS = st.lists(st.tuples(TOPICS, SIZES), max_size=6)
# Chunks, each at the time of the last tick or of the last step, and ticks
STEPS = st.lists(st.tuples(CHUNKS, st.booleans()) | st.just(TICK), max_size=12)


def gathered(steps):
    gathering, messages, now = Gathering(lambda topic: topic[:2], PARTITIONS, "west"), [], 0
    for n, step in enumerate(steps, 1):
        if step == TICK:
            now = n
            gathering.tick(now)
            continue
        chunk, later = step
        now = n if later else now
        columns = [t.encode() for t, _ in chunk], [bytes(size) for _, size in chunk]
        gathering.put(*columns, now)
        messages += [Message(t, bytes(size), now) for t, size in chunk]
    records = gathering.take()
    assert gathering.take() == []
    return messages, records


def batches(records, partition):
    return [decode(record) for p, record in records if p == partition]


@settings(max_examples=60)
@given(STEPS)
def test_every_message_goes_on_once_and_in_order(steps):
    messages, records = gathered(steps)
    for partition in range(PARTITIONS):
        mine = [m for m in messages if partition_of(m.topic[:2], PARTITIONS) == partition]
        found = batches(records, partition)
        assert [m for batch in found for m in batch.messages] == mine
        assert all(batch.bridge == "west" for batch in found)


@settings(max_examples=60)
@given(STEPS)
def test_a_tick_closes_every_partition_behind_what_came_before_it(steps):
    _, records = gathered(steps)
    ticks = [n for n, step in enumerate(steps, 1) if step == TICK]
    for partition in range(PARTITIONS):
        mine = batches(records, partition)
        assert [b.tick for b in mine if b.tick is not None] == ticks
        now = 0
        for batch in mine:
            assert all(m.arrival >= now for m in batch.messages)
            assert batch.tick is None or all(m.arrival <= batch.tick for m in batch.messages)
            now = batch.tick if batch.tick is not None else now


@settings(max_examples=60)
@given(STEPS)
def test_no_record_is_larger_than_kafka_takes(steps):
    _, records = gathered(steps)
    assert all(len(record) <= KAFKAS for _, record in records)


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("🙂".encode() * 16_000, b""),
        (b"\xff" * 60_000, b""),  # escaped it is four times as long
        (b"t", b""),
        (b"a/b/c", bytes(100)),
        (b"t", bytes(LARGEST_PAYLOAD)),
    ],
    ids=["long topics", "not UTF-8", "tiny", "usual", "large"],
)
def test_a_flood_is_cut_into_records_that_fit(topic, payload):
    gathering = Gathering(lambda _: "one", PARTITIONS, "b" * 40)
    many = 3_000 if len(payload) + len(topic) < 1000 else 30
    gathering.put([topic] * many, [payload] * many, 2**50)
    records = gathering.take()
    assert max(len(record) for _, record in records) <= LARGEST
    assert len(records) <= 30


def test_the_largest_message_under_the_longest_topic_fits_alone():
    gathering = Gathering(lambda _: "one", 1, "b" * 40)
    gathering.put([b"\xff" * 65_535] * 2, [bytes(LARGEST_PAYLOAD)] * 2, 2**50)
    assert [len(decode(r).messages) for _, r in gathering.take() if len(r) <= KAFKAS] == [1, 1]


def test_silence_is_told_by_empty_batches_with_the_time():
    gathering = Gathering(lambda _: "one", 2, "b")
    gathering.tick(7)
    assert [(p, decode(r)) for p, r in gathering.take()] == [
        (0, Batch((), 7, "b")),
        (1, Batch((), 7, "b")),
    ]


def test_a_topic_is_asked_about_once_and_again_where_cities_change():
    asked = []

    def group_of(topic):
        asked.append(topic)
        return "a"

    gathering = Gathering(group_of, PARTITIONS, "b")
    for _ in range(3):
        gathering.put([b"t", b"\xff", b"t"], [b""] * 3, 5)
    assert asked == ["t", "\\xff"]
    gathering.route_by(lambda topic: "b")
    gathering.put([b"t"], [b""], 5)
    found = {p: len(decode(r).messages) for p, r in gathering.take()}
    assert found == {partition_of("a", PARTITIONS): 9, partition_of("b", PARTITIONS): 1}


def test_what_is_remembered_of_topics_is_bounded():
    gathering = Gathering(lambda _: "one", 1, "b")
    for n in range(3):
        topics = [b"%d/%d" % (n, k) for k in range(MOST_TOPICS - 1)] + [b"x" * 513]
        gathering.put(topics, [b""] * len(topics), 5)
        assert len(gathering._routes) <= MOST_TOPICS
    assert b"x" * 513 not in gathering._routes

"""The worker on real Kafka and TimescaleDB: once, whatever is killed, stopped or slipped in."""

import asyncio
import os
import shutil
import signal
import sys
import time
from itertools import chain, count, islice
from random import Random

import msgpack
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.records_to_delete import RecordsToDelete
from aiokafka.errors import KafkaError

from ingest.decoders.sparkplug_b_pb2 import Payload
from kel.model.message import Batch, Message
from kel.model.moment import HOUR_US, MINUTE_US, to_us
from kel.run.cityfiles import fingerprint, read_folder
from kel.store.connect import SESSION, connect
from kel.store.load import load
from kel.topics import RAW, TELEMETRY, partition_of
from tests.builders.fingerprint import stream_of
from tests.builders.running import (
    FOLDER,
    LAMPS,
    OPENED,
    example,
    fresh_database,
    kill,
    wait_until,
)
from tests.builders.stream import PARTITIONS, replay, spoken

pytestmark = pytest.mark.integration

START = to_us(OPENED)


@pytest.fixture(scope="module")
def night(stack):
    """The records of the burst's night, and what undisturbed workers make of them."""
    steps = list(spoken(2 * HOUR_US + 30 * MINUTE_US, 16))
    with fresh_database(stack, "undisturbed") as settings:
        replay(settings, steps)
        with connect(settings) as connection:
            wanted = stream_of(connection)
    assert wanted["alert"][0] > 0
    return steps, wanted


def ends_of(steps):
    """How many records each partition got."""
    partitions = [partition for partition, _ in chain.from_iterable(steps)]
    return {p: partitions.count(p) for p in range(PARTITIONS)}


def stand(connection):
    return dict(connection.execute("SELECT partition, next FROM progress").fetchall())


def snapshots(connection):
    """How far the kept states stand, all together."""
    return connection.execute("SELECT coalesce(sum(next), 0) FROM snapshot").fetchone()[0]


def caught_up(connection, steps, timeout_s=40):
    wanted = ends_of(steps)
    wait_until(lambda: stand(connection) == wanted, timeout_s, "the worker to catch up")


def same(connection, wanted):
    """The newest values are written a second later than the readings, at the most."""
    wait_until(lambda: stream_of(connection) == wanted, 5, "the same rows")


def test_a_worker_that_is_killed_again_and_again_leaves_the_same(system, connection, night):
    steps, wanted = night
    random = Random(7)
    killed = {3, 6, 7, 11}
    worker = system.start("worker", KEL_SNAPSHOT_S="0.1")
    for n, records in enumerate(steps):
        system.write_batches(records)
        if n in killed:
            before = snapshots(connection)
            wait_until(lambda b=before: snapshots(connection) > b, what="some work")
            time.sleep(random.uniform(0.0, 0.3))
            kill(worker)
            worker.start()
    caught_up(connection, steps)
    same(connection, wanted)


def test_two_workers_share_and_the_one_left_takes_over(system, connection, night):
    steps, wanted = night
    workers = [system.start("worker", KEL_SNAPSHOT_S="0.5") for _ in range(2)]
    held = (
        "SELECT count(DISTINCT pid) FROM pg_stat_activity WHERE datname = current_database() "
        "AND application_name = 'kel' AND pid <> pg_backend_pid()"
    )
    wait_until(lambda: connection.execute(held).fetchone() == (2,), what="two workers")
    for records in steps[:8]:
        system.write_batches(records)
    caught_up(connection, steps[:8])
    kill(workers[0])
    for records in steps[8:]:
        system.write_batches(records)
    caught_up(connection, steps)
    assert workers[1].ended is None
    same(connection, wanted)


def test_while_the_database_is_away_nothing_is_lost_or_doubled(system, night):
    steps, wanted = night
    postgres = system.stack.postgres
    worker = system.start("worker")
    with connect(system.database) as connection:
        for records in steps[:6]:
            system.write_batches(records)
        wait_until(lambda: sum(stand(connection).values()) > 20, what="some work")
    for records in steps[6:9]:
        system.write_batches(records)
    postgres.child.end()
    try:
        for records in steps[9:]:
            system.write_batches(records)
        time.sleep(1.0)
    finally:
        postgres.child.start()
        postgres.ready()
    with connect(system.database) as connection:
        caught_up(connection, steps)
        same(connection, wanted)
    assert worker.ended is None, worker.tail()


def reading(value, minute):
    topic = TELEMETRY.format(community="agios-stefanos", device="zm-01")
    now = START + minute * MINUTE_US
    payload = b'{"ts": %d, "flow": %.1f}' % (now // 1000, value)
    return Batch((Message(topic, payload, now),), now)


def test_a_store_that_is_behind_kafkas_mark_reads_again_from_where_it_stands(
    system, stack, connection, night
):
    """As after the database was restored from a backup, or made anew."""
    steps, wanted = night
    for records in steps[:-1]:
        system.write_batches(records)
    worker = system.start("worker", KEL_SNAPSHOT_S="0.1")
    caught_up(connection, steps[:-1])
    ends = sum(ends_of(steps[:-1]).values())
    wait_until(lambda: snapshots(connection) == ends, what="all snapshots")
    time.sleep(1.5)  # for faust to tell Kafka
    kill(worker)
    system.write_batches(steps[-1])
    with fresh_database(stack, "restored") as database, connect(database) as restored:
        system.database = database
        again = system.start("worker")
        caught_up(restored, steps)
        same(restored, wanted)
        assert "back from" in again.log.read_text()


NO_RECORDS = [
    pytest.param(b"not a record", id="bytes of somebody else's"),
    pytest.param(b"", id="empty"),
    pytest.param(msgpack.packb((99, None, [])), id="of another version"),
    pytest.param(msgpack.packb((2, "b", None, START, [5], [b""])), id="a topic that is no text"),
    pytest.param(
        msgpack.packb((2, "b", None, START, ["t"], ["text"])), id="a payload that is no bytes"
    ),
    pytest.param(msgpack.packb((2, "b", 2**62, None, [], [])), id="a tick beyond all time"),
    pytest.param(msgpack.packb((2, "b", None, -1, ["t"], [b""])), id="an arrival before all time"),
    pytest.param(b"\xc1" * 100_000, id="large"),
]


def test_records_that_no_bridge_wrote_become_rejects_and_the_stream_goes_on(system, connection):
    partition = partition_of(example().city.devices["zm-01"].group, PARTITIONS)
    bad = [param.values[0] for param in NO_RECORDS]
    system.write_batches([(partition, reading(1.0, 0))])
    system.write([(partition, record) for record in bad])
    system.write_batches([(partition, reading(2.0, 5))])
    worker = system.start("worker", KEL_SNAPSHOT_S="0.2")
    wait_until(lambda: stand(connection).get(partition) == len(bad) + 2, what="all records")
    kill(worker)  # and it is no stumbling block for the next one either
    worker.start()
    system.write_batches([(partition, reading(3.0, 10))])
    wait_until(lambda: stand(connection)[partition] == len(bad) + 3, what="one more")
    rejects = connection.execute(
        "SELECT topic, payload, size, reason FROM reject ORDER BY topic"
    ).fetchall()
    assert rejects == [
        (f"kel.raw/{partition}/{n}", record[: 64 * 1024], len(record), "bad_record")
        for n, record in enumerate(bad, 1)
    ]
    flows = connection.execute("SELECT flow FROM reading_zone ORDER BY time").fetchall()
    assert flows == [(1.0,), (2.0,), (3.0,)]
    assert worker.ended is None


def test_records_that_kafka_has_thrown_away_unread_end_the_worker_with_a_word(system, connection):
    system.write_batches([(0, Batch((), START + n)) for n in range(5)])
    worker = system.start("worker", KEL_SNAPSHOT_S="0.2")
    wait_until(lambda: snapshots(connection) == 5, what="all records")
    kill(worker)
    system.write_batches([(0, Batch((), START + n)) for n in range(5, 15)])
    asyncio.run(throw_away(system.settings().kafka, 0, 10))
    worker.start()
    wait_until(lambda: worker.ended is not None, what="the worker's end")
    assert worker.ended == 1
    assert "record 5 is missing, Kafka has none before 10" in worker.log.read_text()
    assert stand(connection)[0] == 5
    # told to go on without it, as `kel doctor --forget-topic` does
    connection.execute("DELETE FROM progress")
    connection.execute("DELETE FROM snapshot")
    worker.start()
    wait_until(lambda: stand(connection).get(0) == 15, what="what is left")


def test_a_kafka_that_stands_behind_the_store_ends_the_worker_with_a_word(system, connection):
    """Its records would be taken for old ones, and passed over in silence."""
    system.write_batches([(0, Batch((), START + n)) for n in range(5)])
    worker = system.start("worker", KEL_SNAPSHOT_S="0.2")
    wait_until(lambda: snapshots(connection) == 5, what="all records")
    kill(worker)
    connection.execute("UPDATE progress SET next = 100 WHERE partition = 0")
    connection.execute("UPDATE snapshot SET next = 100 WHERE partition = 0")
    system.write_batches([(0, Batch((), START + n)) for n in range(5, 10)])
    worker.start()
    wait_until(lambda: worker.ended is not None, what="the worker's end")
    assert worker.ended == 1
    told = worker.log.read_text()
    assert "partition 0: Kafka ends at 10, the store has followed it to 100" in told
    assert "kel doctor --forget-topic" in told
    assert stand(connection)[0] == 100


def test_a_worker_that_begins_while_the_database_is_away_waits_for_it(system):
    postgres = system.stack.postgres
    system.write_batches([(0, Batch((), START))])
    postgres.child.end()
    try:
        worker = system.start("worker")
        wait_until(lambda: "the store is away" in worker.log.read_text(), what="its warning")
    finally:
        postgres.child.start()
        postgres.ready()
    with connect(system.database) as connection:
        wait_until(lambda: stand(connection).get(0) == 1, what="the record")
    assert worker.ended is None, worker.tail()


def test_a_partition_that_is_taken_up_while_the_database_is_away_waits_for_it(system):
    postgres = system.stack.postgres
    worker = system.start("worker")
    system.write_batches([(0, Batch((), START))])
    with connect(system.database) as connection:
        wait_until(lambda: stand(connection).get(0) == 1, what="the first record")
    postgres.child.end()
    try:
        system.write_batches([(1, Batch((), START))])  # its first: taken up only now
        wait_until(lambda: "the store is away" in worker.log.read_text(), what="its warning")
    finally:
        postgres.child.start()
        postgres.ready()
    with connect(system.database) as connection:
        wait_until(lambda: stand(connection).get(1) == 1, what="the second record")
    assert worker.ended is None, worker.tail()


def test_a_connection_is_gone_with_a_dead_peer_on_the_servers_side_too(connection):
    shown = {name: connection.execute(f"SHOW {name}").fetchone()[0] for name in SESSION}
    assert shown == {
        "TimeZone": "UTC",
        "tcp_keepalives_idle": "10",
        "tcp_keepalives_interval": "5",
        "tcp_keepalives_count": "3",
        "idle_in_transaction_session_timeout": "1min",
    }


@pytest.mark.alone
def test_workers_that_come_and_go_lose_nothing_and_keep_the_order(system, connection):
    """One comes and one goes under load, at moments of every kind; every other one is killed.
    `test_rebalance` waits for each; here the next comes while the last is still being taken in."""
    random, turns = Random(11), 8
    steps = list(spoken(2 * HOUR_US, 3 * turns))
    with fresh_database(system.stack, "calm") as settings:
        replay(settings, steps)
        with connect(settings) as calm:
            wanted = stream_of(calm)
    left = iter(steps)
    workers = [system.start("worker", KEL_SNAPSHOT_S="1")]
    for n in range(turns):
        workers.append(system.start("worker", KEL_SNAPSHOT_S="1"))
        for records in islice(left, 3):
            system.write_batches(records)
            time.sleep(random.uniform(0.3, 1.0))
        going = workers.pop(0)
        assert going.ended is None, going.tail()
        kill(going) if n % 2 else going.end(10.0)
    (last,) = workers
    assert next(left, None) is None
    caught_up(connection, steps, 60)
    same(connection, wanted)
    assert last.ended is None, last.tail()


def test_the_topic_from_its_beginning_once_more_changes_no_row(system, connection, night):
    steps, wanted = night
    for records in steps[:-1]:
        system.write_batches(records)
    worker = system.start("worker", KEL_SNAPSHOT_S="0.3")
    caught_up(connection, steps[:-1])
    kill(worker)
    asyncio.run(begin_again(system.settings().kafka))
    worker.start()
    system.write_batches(steps[-1])
    caught_up(connection, steps)
    same(connection, wanted)
    told = "SELECT (SELECT count(*) FROM late), (SELECT count(*) FROM dropped)"
    before = connection.execute(told).fetchone()
    kill(worker)
    # the database has forgotten its place, too: everything goes through the whole line again
    connection.execute("DELETE FROM progress")
    connection.execute("DELETE FROM snapshot")
    asyncio.run(begin_again(system.settings().kafka))
    worker.start()
    caught_up(connection, steps)
    same(connection, wanted)
    assert connection.execute("SELECT count(*) FROM late").fetchone()[0] == before[0]
    duplicates = "SELECT sum(count) FROM dropped WHERE reason = 'duplicate'"
    assert connection.execute(duplicates).fetchone()[0] > 100


async def begin_again(kafka):
    """As somebody does who resets the consumers' group to the beginning."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=kafka, group_id="kel-worker", enable_auto_commit=False
    )
    await consumer.start()
    try:
        partitions = [TopicPartition(RAW, p) for p in range(PARTITIONS)]
        consumer.assign(partitions)
        for _ in range(100):
            try:
                await consumer.commit(dict.fromkeys(partitions, 0))
                return
            except KafkaError:  # the killed worker is still a member of the group
                await asyncio.sleep(0.2)
        raise TimeoutError("the group does not let go")
    finally:
        await consumer.stop()


STUCK = """
import asyncio
from kel.run import worker
from kel.cli import kel

async def take(self, event):
    await asyncio.sleep(3600)

worker.Worker.take = take
kel(["worker"])
"""


def test_a_worker_that_stands_still_ends_and_the_next_one_goes_on(system, connection):
    """faust may stop giving records without a word; here the worker stops taking them."""
    system.write_batches([(0, Batch((), START))])
    stuck = system.start("worker", KEL_STALL_S="3", command=[sys.executable, "-c", STUCK])
    deadline = time.monotonic() + 30
    n = 0
    while stuck.ended is None and time.monotonic() < deadline:
        n += 1
        system.write_batches([(0, Batch((), START + n))])
        time.sleep(0.2)
    assert stuck.ended == 1
    assert "partition 0: no record for 3 s" in stuck.log.read_text()
    system.start("worker", KEL_STALL_S="3")
    wait_until(lambda: stand(connection).get(0) == n + 1, what="all records")


def test_while_the_database_is_away_for_long_a_worker_does_not_stand_still(system):
    postgres = system.stack.postgres
    worker = system.start("worker", KEL_STALL_S="2")
    system.write_batches([(0, Batch((), START))])
    with connect(system.database) as connection:
        wait_until(lambda: stand(connection).get(0) == 1, what="the first record")
    postgres.child.end()
    try:
        for n in range(12):
            system.write_batches([(0, Batch((), START + 1 + n))])
            time.sleep(0.5)
    finally:
        postgres.child.start()
        postgres.ready()
    with connect(system.database) as connection:
        wait_until(lambda: stand(connection).get(0) == 13, what="all records")
    assert worker.ended is None, worker.tail()


def test_a_folder_that_is_loaded_anew_is_taken_up_and_one_with_a_mistake_is_not(
    system, connection, tmp_path
):
    folder = tmp_path / "city"
    shutil.copytree(FOLDER, folder)
    worker = system.start("worker", KEL_CITY=str(folder))
    partition = partition_of(example().city.devices["zm-01"].group, PARTITIONS)
    system.write_batches([(partition, reading(1.0, 0))])
    wait_until(lambda: stand(connection).get(partition) == 1, what="the first record")

    rules = folder / "rules.toml"
    good = rules.read_text("utf-8")
    rules.write_text(good + "\n[[rule]]\nid = 1\n", "utf-8")
    load_anew(connection, folder, example().city)  # as nobody can: `kel load` would refuse
    wait_until(lambda: "is not taken up" in worker.log.read_text(), what="the mistake told")

    rules.write_text(good, "utf-8")
    zones = folder / "devices/zone.csv"
    text = zones.read_text("utf-8")
    line = next(line for line in text.splitlines() if line.startswith("zm-01,"))
    zones.write_text(text.rstrip() + "\n" + line.replace("zm-01,", "zm-99,") + "\n", "utf-8")
    load_anew(connection, folder, read_folder(folder, LAMPS).city)
    minutes = count(5)

    def spoken_by_the_new_one():
        topic = TELEMETRY.format(community="agios-stefanos", device="zm-99")
        (message,) = reading(2.0, next(minutes)).messages
        message = message._replace(topic=topic)
        system.write_batches([(partition, Batch((message,), message.arrival))])
        return connection.execute(
            "SELECT flow FROM reading_zone JOIN device ON number = device WHERE id = 'zm-99'"
        ).fetchall()

    assert wait_until(spoken_by_the_new_one, what="a reading of the new device")[0] == (2.0,)
    system.write_batches([(partition, reading(3.0, next(minutes)))])
    old = "SELECT count(*) FROM reading_zone JOIN device ON number = device WHERE id = 'zm-01'"
    wait_until(lambda: connection.execute(old).fetchone() == (2,), what="one of the old one")
    assert worker.ended is None, worker.tail()


def load_anew(connection, folder, city):
    load(connection, city, OPENED, fingerprint(folder))


def test_an_edge_node_whose_birth_was_missed_is_asked_for_it(system, connection):
    """Worker, store, desk and broker: the node hears the command."""
    pump = next(d for d in example().city.devices.values() if d.source == "sparkplug")
    group, node, device = pump.address.split("/")
    system.start_bridge()
    system.start("worker")
    system.start("desk")
    wait_until(
        lambda: (
            connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE "
                "datname = current_database() AND application_name = 'kel'"
            ).fetchone()[0]
            >= 3
        )
    )
    with system.link("scada", (f"spBv1.0/{group}/NCMD/{node}",)) as edge:
        system.tell_time(START, tick=False)
        edge.publish([(f"spBv1.0/{group}/DDATA/{node}/{device}", b"\x18\x05")])
        system.tell_time(START + MINUTE_US, tick=True)
        (command,) = wait_until(edge.receive, 60, "the command")
    asked = Payload.FromString(command.payload)
    (metric,) = asked.metrics
    assert (metric.name, metric.boolean_value) == ("Node Control/Rebirth", True)
    sent = "SELECT count(*) FROM outbox WHERE sent_at IS NOT NULL"
    wait_until(lambda: connection.execute(sent).fetchone() == (1,), what="the mark")


async def throw_away(kafka, partition, below):
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        await admin.delete_records({TopicPartition(RAW, partition): RecordsToDelete(below)})
    finally:
        await admin.close()


def test_told_to_end_it_ends_well_and_the_next_one_goes_on_at_once(system, connection):
    """It leaves the group: nobody waits for the session of a worker that is gone."""
    worker = system.start("worker", KEL_SESSION_S="60")
    system.write_batches([(0, Batch((), START))])
    wait_until(lambda: stand(connection).get(0) == 1, what="the first record")
    os.kill(worker.pid, signal.SIGTERM)
    wait_until(lambda: worker.ended is not None, what="the worker's end")
    assert worker.ended == 0
    worker.start()
    system.write_batches([(0, Batch((), START + 1))])
    wait_until(lambda: stand(connection)[0] == 2, 20, what="the second record")
    worker.end()  # well, too: the next test's worker would wait for its session

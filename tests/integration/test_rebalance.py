"""Workers join and leave under load: nothing is lost, nothing twice, and every device in its order.

What the rules make of readings depends on their order, and so does what they pass over as late. So
alerts with their times, the last values and the counts of what was passed over are compared with
what lines make of the very same records in peace.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from random import Random
from threading import Event, Thread

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError

from kel.model.moment import HOUR_US
from kel.stack.child import Child
from kel.store.connect import connect
from tests.builders.fingerprint import settled, stream_of
from tests.builders.running import fresh_database, wait_until
from tests.builders.stream import PARTITIONS, Records, replay, spoken

pytestmark = [pytest.mark.integration, pytest.mark.alone]

TURNS = 20  # in each, a worker comes and another one goes
KILLED = 4  # of those that go, without a word
PAUSE_S = 0.4  # between two steps of the load, some 300 messages each
SEED = 20261122
GROUP = "kel-worker"


class Load(Thread):
    """Writes step after step until told to stop; remembers what was written."""

    def __init__(self, system) -> None:
        super().__init__(daemon=True)
        self._system = system
        self._enough = Event()
        self.written: list[Records] = []
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            for records in spoken(2 * HOUR_US, 5_000):
                self._system.write_batches(records)
                self.written.append(records)
                if self._enough.wait(PAUSE_S):
                    return
        except BaseException as error:
            self.error = error
            raise

    def stop(self) -> list[Records]:
        self._enough.set()
        self.join()
        assert self.error is None
        return self.written


@contextmanager
def load(system) -> Iterator[Load]:
    thread = Load(system)
    thread.start()
    try:
        yield thread
    finally:
        thread._enough.set()
        thread.join()


async def shared(kafka: str, known: set[str], within_s: float = 30.0) -> set[str]:
    """Wait until a member that is not known yet and one that is share the partitions, and those
    that were killed are forgotten; returns who they are."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        async with asyncio.timeout(within_s):
            while len(found := await members(admin)) != 2 or found <= known:
                await asyncio.sleep(0.1)
            return found
    finally:
        await admin.close()


async def members(admin: AIOKafkaAdminClient) -> set[str]:
    """Who has partitions; nobody while they are divided."""
    try:
        (answer,) = await admin.describe_consumer_groups([GROUP])
    except GroupCoordinatorNotAvailableError:
        return set()  # nobody has asked for a group yet
    _, _, state, _, _, found, *_ = answer.groups[0]
    return {name for name, *_, part in found if part} if state == "Stable" else set()


def worker(system, number: int, ends: ExitStack) -> Child:
    child = Child(
        "worker",
        [sys.executable, "-m", "kel.cli", "worker"],
        system.stack.folder / f"worker-{number}.log",
        env=system.environment("kel-bridge", KEL_SNAPSHOT_S="2"),
    )
    ends.callback(child.end, 0.0)
    return child.start()


def dropped(connection) -> list[tuple]:
    """What was passed over, by reason; the day is the commit's, and so another one at midnight."""
    return connection.execute(
        "SELECT reason, sum(count) FROM dropped GROUP BY 1 ORDER BY 1"
    ).fetchall()


@pytest.mark.timeout(300)
def test_twenty_workers_come_and_go_under_load_and_leave_what_one_would(
    system, stack, connection
) -> None:
    random = Random(SEED)
    killed = set(random.sample(range(TURNS), KILLED))
    kafka = system.settings().kafka

    with ExitStack() as ends, load(system) as going:
        staying = worker(system, 0, ends)
        left: list[tuple[Child, int]] = []
        known: set[str] = set()
        for turn in range(TURNS):
            coming = worker(system, turn + 1, ends)
            known = asyncio.run(shared(kafka, known))
            assert staying.ended is None, staying.tail()
            how = signal.SIGKILL if turn in killed else signal.SIGTERM
            os.kill(staying.pid, how)
            left.append((staying, -how if turn in killed else 0))
            staying = coming
        steps = going.stop()
        for child, code in left:
            wait_until(lambda c=child: c.ended is not None, 10, "a worker's end")
            assert child.ended == code, child.tail()
        ends_at: dict[int, int] = dict.fromkeys(range(PARTITIONS), 0)
        for partition, _ in (record for step in steps for record in step):
            ends_at[partition] += 1
        stand = "SELECT partition, next FROM progress"
        wait_until(
            lambda: dict(connection.execute(stand).fetchall()) == ends_at, 40, "the last record"
        )
        wait_until(lambda: settled(connection), 10, "the newest values")
        assert staying.ended is None, staying.tail()
    with fresh_database(stack, "in_peace") as settings:
        replay(settings, steps)
        with connect(settings) as in_peace:
            wanted, passed_over = stream_of(in_peace), dropped(in_peace)
    assert wanted["alert"][0] > 0
    assert stream_of(connection) == wanted
    assert dropped(connection) == passed_over

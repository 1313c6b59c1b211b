"""The night of the burst, played twice on the real parts: in peace, and under fire.

Under fire the bridge, the worker and the desk are killed with SIGKILL at moments that a seed
chooses, in the middle of whatever they do. Both nights must leave the same behind, to the last
reading, alert, incident, order, message and cent.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from random import Random
from threading import Timer

import pytest

from kel.model.moment import HOUR_US, to_us
from kel.run.demo import Operator
from kel.run.play import Player
from kel.run.services import Services
from kel.simulate.crews import CrewSim
from kel.simulate.world import World
from kel.store.connect import connect
from kel.store.story import StoryStore
from tests.builders.fingerprint import Fingerprint, desk_of, settled, stream_of
from tests.builders.running import (
    FOLDER,
    LAMPS,
    SESSION_S,
    System,
    example,
    fresh_database,
    wait_until,
)
from tests.builders.stream import STEP_US, night

pytestmark = [pytest.mark.integration, pytest.mark.alone]

FIRST_US = 2 * HOUR_US  # of the day; the main bursts at 02:40
STEPS = 33
KILLS = 3  # of each process; a fifth death in so short a time would be a crash loop
MIDST_S = 0.12  # a step takes about so long
PROCESSES = ["bridge", "worker", "desk"]
SEED = 20261018

Kills = dict[int, list[tuple[str, float]]]  # by step: which process, how many seconds into it


def kills() -> Kills:
    """Each process `KILLS` times, each time in another step, and at last all three at once."""
    random = Random(SEED)
    steps = sorted(random.sample(range(1, STEPS), len(PROCESSES) * KILLS + 1))
    names = random.sample(PROCESSES * KILLS, len(steps) - 1)
    found = {
        step: [(name, random.uniform(0.0, MIDST_S))]
        for step, name in zip(steps, names, strict=False)
    }
    return found | {steps[-1]: [(name, random.uniform(0.0, MIDST_S)) for name in PROCESSES]}


@contextmanager
def killing(services: Services, planned: list[tuple[str, float]]) -> Iterator[None]:
    """Kill while the block runs; whatever was planned has happened afterwards."""

    def kill(name: str) -> None:
        (pid,) = services.pids(name)
        os.kill(pid, signal.SIGKILL)

    timers = [Timer(after, kill, [name]) for name, after in planned]
    for timer in timers:
        timer.start()
    try:
        yield
    finally:
        for timer in timers:
            timer.join()


def play(system: System, planned: Kills) -> tuple[int, Fingerprint, Fingerprint]:
    """The night; how often a process was started again, and what the night left in the store."""
    city = example().city
    story = night()
    start = to_us(story.start) + FIRST_US
    environment = {
        "KEL_CITY": str(FOLDER),
        "KEL_CLOCK": "story",
        "KEL_LAMPS_PER_FEEDER": str(LAMPS),
        "KEL_DATABASE": system.database.database,
        "KEL_SESSION_S": str(SESSION_S),
        "KEL_SNAPSHOT_S": "2",
    }
    with ExitStack() as ends:
        connection = ends.enter_context(connect(system.database))
        services = ends.enter_context(Services(system.stack, environment))
        store = StoryStore(connection, city, story.start)
        player = ends.enter_context(
            Player(
                system.settings(),
                system.stack.mosquitto.passwords,
                World(city, story.seed, story.start, story.troubles),
                story,
                CrewSim(city, story.seed),
                Operator(connection, city).look,
                store.stand,
                services.watch,
            )
        )
        steps = player.play(start, start + STEPS * STEP_US, STEP_US, 0.0)
        for step in range(STEPS):
            with killing(services, planned.get(step, [])):
                next(steps)
            services.watch()
        wait_until(lambda: settled(connection), what="the newest values")
        return services.restarts, stream_of(connection), desk_of(connection)


@pytest.mark.timeout(200)
def test_whatever_is_killed_the_night_leaves_the_same_behind(stack) -> None:
    with fresh_database(stack, "peace") as database:
        restarts, readings, decisions = play(System(stack, database), {})
    assert restarts == 0
    assert readings["reading_pump"][0] == 18 * STEPS * 5
    assert readings["reject"][0] == 1
    assert min(readings["alert"][0], decisions["incident"][0], decisions["work_order"][0]) > 0

    with fresh_database(stack, "fire") as database:
        restarts, readings_again, decisions_again = play(System(stack, database), kills())
    assert restarts == len(PROCESSES) * (KILLS + 1)
    assert readings_again == readings
    assert decisions_again == decisions

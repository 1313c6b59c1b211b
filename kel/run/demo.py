"""The demo: the parts, the processes, seven weeks of history, and a day of the city on the air.

Nothing is special about it but the clock: the same bridge, worker and desk, on the same real
parts, as in production.
"""

import logging
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
from psycopg import Connection

from kel.model.city import City
from kel.model.moment import MINUTE_US, from_us, to_us
from kel.model.reading import Output
from kel.run.cityfiles import CityFiles, read_folder
from kel.run.history import History, kept_history
from kel.run.loading import bring, loadable
from kel.run.play import Player, logins
from kel.run.services import Services
from kel.run.weekly import Pages, write_pages
from kel.settings import ClockKind
from kel.simulate.operator import acknowledgements
from kel.simulate.story import read_story
from kel.simulate.world import World
from kel.stack.folder import ROOT
from kel.stack.kept import announce, keep
from kel.stack.stack import Stack
from kel.store.connect import connect, query
from kel.store.desk import DeskStore
from kel.store.migrate import migrate
from kel.store.past import load_past
from kel.store.story import News, StoryStore, Totals
from kel.topics import RAW

log = logging.getLogger("kel.demo")

STEP_US = 5 * MINUTE_US
NEWS_LATE = timedelta(minutes=30)  # an event may be told after the step in which it happened
CACHE = ROOT / ".kel/cache"


@dataclass(frozen=True, slots=True)
class Options:
    """How to play: `seconds` is how long the whole day takes at the least."""

    city: Path
    reports: Path
    lamps_per_feeder: int | None = None
    seconds: float = 120.0
    hours: float = 24.0


@dataclass(slots=True)
class Result:
    """What the story came to. Times are seconds since the command was given."""

    totals: Totals
    readings: int
    first_incident_s: float | None
    first_order_s: float | None
    pages: Pages
    restarts: int

    def summary(self) -> dict[str, object]:
        """The demo's one JSON object."""
        totals = self.totals
        return {
            "first_incident_s": self.first_incident_s,
            "first_order_s": self.first_order_s,
            "readings": self.readings,
            "rejected": totals.rejected,
            "alerts": totals.alerts,
            "incidents": totals.incidents,
            "orders": totals.orders,
            "completed": totals.completed,
            "cost_eur": float(totals.cost),
            "report_html": str(self.pages.html),
            "report_pdf": str(self.pages.pdf),
        }


@dataclass(frozen=True, slots=True)
class Moment:
    """What the screen shows after each step of the story."""

    now: datetime
    share: float
    totals: Totals
    news: list[News] = field(default_factory=list)


class Demo:
    """One demo. `tell` hears a line for each thing done, `show` the state after each step."""

    def __init__(
        self,
        options: Options,
        started: float,
        tell: Callable[[str], None],
        show: Callable[[Moment], None],
    ) -> None:
        self._options = options
        self._started = started
        self._tell = tell
        self._show = show
        self._first: dict[str, float | None] = {"incident": None, "order": None}
        self.files = read_folder(options.city, options.lamps_per_feeder)
        self.story = read_story(options.city / "story.toml", self.files.city)

    def run(self) -> Result:
        """Play the day and write the week's page; everything started has ended afterwards."""
        with ExitStack() as ends:
            stack = ends.enter_context(Stack(logins(self.files.city)))
            announced = announce(stack)
            ends.callback(announced.unlink, missing_ok=True)
            self._say("Mosquitto, Kafka and PostgreSQL are up")
            settings = stack.settings("kel-clock", self._options.city)
            connection = ends.enter_context(connect(settings))
            migrate(connection)
            found = loadable(self.files, self._options.city)
            city = bring(connection, found, "kel demo", self.story.history_start).city
            connection.execute("ALTER DATABASE kel SET kel.clock = 'story'")
            history = self._history()
            load_history(connection, self.files, city, history, settings.partitions)
            self._say(f"the history stands: {self.story.history.days} days")
            with Services(stack, self._environment()) as services:
                store = StoryStore(connection, city, self.story.start)
                world = self._world(history)
                with Player(
                    settings,
                    stack.mosquitto.passwords,
                    world,
                    self.story,
                    history.crews,
                    Operator(connection, city).look,
                    store.stand,
                    services.watch,
                ) as player:
                    self._play(player, store)
                restarts = services.restarts
            pages = write_pages(
                connection, city, self.story.start, self._options.reports, self.files.rulebook
            )
            result = Result(
                store.totals(),
                store.readings(),
                self._first["incident"],
                self._first["order"],
                pages,
                restarts,
            )
            connection.close()
            for child in stack.children:
                child.end()
            keep(stack)
        return result

    def _environment(self) -> dict[str, str]:
        more = {
            "KEL_CITY": str(self._options.city.resolve()),
            "KEL_CLOCK": ClockKind.STORY.value,
        }
        if self._options.lamps_per_feeder:
            more["KEL_LAMPS_PER_FEEDER"] = str(self._options.lamps_per_feeder)
        return more

    def _history(self) -> History:
        told = [0.0]

        def progress(share: float) -> None:
            if share - told[0] >= 0.2:
                told[0] = share
                self._say(f"the weeks before are computed: {share:.0%}")

        return kept_history(self.files, self.story, self._options.city, CACHE, progress)

    def _world(self, history: History) -> World:
        troubles = [*history.ongoing, *self.story.troubles]
        return World(self.files.city, self.story.seed, self.story.start, troubles, history.counters)

    def _play(self, player: Player, store: StoryStore) -> None:
        told: set[UUID] = set()
        start = to_us(self.story.start)
        whole = to_us(self.story.end) - start
        end = start + int(whole * self._options.hours / 24)
        step_s = self._options.seconds * STEP_US / whole
        before = self.story.start
        for now in player.play(start, end, STEP_US, step_s):
            totals = store.totals()
            self._note("incident", totals.incidents)
            self._note("order", totals.orders)
            share = (now - self.story.start).total_seconds() * 1e6 / (end - start)
            news = [n for n in store.news(before - NEWS_LATE, now) if n.id not in told]
            told.update(n.id for n in news)
            self._show(Moment(now, share, totals, news))
            before = now

    def _note(self, word: str, count: int) -> None:
        if count and self._first[word] is None:
            self._first[word] = round(time.monotonic() - self._started, 1)

    def _say(self, what: str) -> None:
        self._tell(f"{time.monotonic() - self._started:6.1f} s  {what}")


class Operator:
    """The story's operator, at the same table of commands as `kel incidents ack`."""

    def __init__(self, connection: Connection, city: City) -> None:
        self._store = DeskStore(connection)
        self._zone = ZoneInfo(city.timezone)

    def look(self, since: int, until: int) -> None:
        span = (from_us(since), from_us(until))
        incidents = self._store.situation().incidents.values()
        for command in acknowledgements(incidents, *span, self._zone):
            self._store.command(command)


def prepare_history(options: Options) -> None:
    """Compute the weeks before the story where they are not kept yet."""
    files = read_folder(options.city, options.lamps_per_feeder)
    story = read_story(options.city / "story.toml", files.city)
    kept_history(files, story, options.city, CACHE)


def load_history(
    connection: Connection, files: CityFiles, city: City, history: History, partitions: int
) -> None:
    """Write the history into the store; `city` carries the store's device numbers.

    The rules' state becomes the first snapshot of every partition, so that an alert that is
    firing goes on and ends in the story.
    """
    numbers = np.zeros(len(files.city.devices) + 1, np.int32)
    for device in files.city.devices.values():
        numbers[device.number] = city.devices[device.id].number
    if not np.array_equal(numbers, np.arange(len(numbers))):
        raise ValueError("a history can be loaded into a new database only")
    effects = Output(
        0,
        0,
        0,
        frames=history.frames,
        alerts=list(history.alerts.values()),
        requests=history.requests,
        contacts=history.contacts,
    )
    load_past(connection, effects, history.changes, history.end)
    for partition in range(partitions):
        connection.execute(query("put_snapshot"), [RAW, partition, 0, history.state])

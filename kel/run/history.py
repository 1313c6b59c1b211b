"""The weeks before the story: the same pure code, run offline and coarser, and kept.

Laws:
- readings, alerts, incidents, orders and costs come out of the simulation, the decoders, the rules
  and the desk's `decide`, as they would live; nothing is written by hand;
- coarser: devices report less often, the desk decides every half hour, and of what lamps and
  cabinets report one reading in 6 hours and in one hour is stored; the rules see all of it;
- what is kept is keyed by the city's folder and by the code that made it: a change of either makes
  it anew.
"""

import pickle
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np

from dispatch.stock import receive
from ingest.intake import Intake
from ingest.registry import Registry
from kel.model.alert import Alert
from kel.model.city import City
from kel.model.frame import Frame
from kel.model.message import Message
from kel.model.moment import HOUR_US, MINUTE_US, from_us, to_us
from kel.model.request import Contact, Request
from kel.model.situation import Changes, Inputs, Situation
from kel.model.stock import WAREHOUSE, Stock
from kel.run.cityfiles import CityFiles
from kel.run.decide import decide
from kel.run.partition import pack_state
from kel.simulate.answers import answers
from kel.simulate.calendar import DAY_US
from kel.simulate.crews import CrewSim
from kel.simulate.history import HISTORY_EVERY, history_troubles
from kel.simulate.operator import acknowledgements
from kel.simulate.storekeeper import Storekeeper
from kel.simulate.story import Story
from kel.simulate.troubles import Trouble
from kel.simulate.voices import kel_json
from kel.simulate.world import World
from kel.store.memory import MemoryReadings
from rules.evaluate import Evaluator

STEP_US = 30 * MINUTE_US
STORED_EVERY_US = {"lamp": 6 * HOUR_US, "feeder": HOUR_US}


@dataclass
class History:
    """All that the weeks brought, and where they left the simulated city and its crews."""

    end: datetime
    crews: CrewSim
    frames: list[Frame] = field(default_factory=list)
    alerts: dict[UUID, Alert] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    contacts: list[Contact] = field(default_factory=list)
    changes: Changes = field(default_factory=Changes)
    ongoing: list[Trouble] = field(default_factory=list)
    counters: dict[str, list[int]] = field(default_factory=dict)
    state: bytes = b""  # what a worker's line would remember: alerts go on into the story


class Offline:
    """The city, its rules and its desk, without any process in between."""

    def __init__(self, files: CityFiles, story: Story) -> None:
        city = files.city
        troubles = history_troubles(
            city, story.seed, story.history_start, story.history.days, story.history
        )
        self.world = World(city, story.seed, story.history_start, troubles)
        self.crews = CrewSim(city, story.seed)
        self.history = History(story.start, self.crews)
        self._city = city
        self._intake = Intake(Registry.of(city), city.classes)
        self._evaluator = Evaluator(files.rulebook, city, list(city.devices.values()))
        self._situation = opening(city)
        self._readings = MemoryReadings(city)
        self._storekeeper = Storekeeper(city)
        self._zone = ZoneInfo(city.timezone)

    def step(self, since: int, until: int) -> None:
        """Half an hour: what devices, citizens and crews say, and what the desk makes of it."""
        said = answers(self.crews, self.world, since, until)
        told = self.world.step(since, until, HISTORY_EVERY)
        said += [kel_json.request(request) for request in told.requests]
        taken = self._intake.take([Message(t, p, until) for t, p in said])
        alerts = [alert for frame in told.frames for alert in self._evaluator.frame(frame)]
        alerts += self._evaluator.tick(until)
        self._readings.put(f for f in told.frames if f.cls in ("pump", "zone"))
        commands = acknowledgements(
            self._situation.incidents.values(), from_us(since), from_us(until), self._zone
        )
        inputs = Inputs(
            from_us(until),
            commands=tuple(commands),
            alerts=tuple(sorted(alerts, key=_moment)),
            requests=taken.requests,
            replies=taken.replies,
        )
        changes = decide(self._city, self._situation, inputs, self._readings)
        self._situation.apply(changes)
        self._situation.take(inputs)
        self._readings.book(changes)
        changes.add(self._keep_store(until))
        for message in changes.outbox:
            if "order" in message.payload:  # else a call, which nobody hears here
                self.crews.order(dict(message.payload))
        self._note(told.frames, alerts, changes)
        self.history.requests += taken.requests
        self.history.contacts += taken.contacts

    def _keep_store(self, now: int) -> Changes:
        """Deliveries, and once a day a look through the shelves."""
        changes = Changes()
        if now % DAY_US == 0:
            for item, quantity in self._storekeeper.arrived(now):
                changes.add(receive(self._situation, item, quantity, from_us(now)))
            self._situation.apply(changes)
            self._storekeeper.order(self._situation, now)
        return changes

    def state(self) -> bytes:
        return pack_state(self._intake.state(), self._evaluator.state())

    def _note(self, frames: Iterable[Frame], alerts: Iterable[Alert], changes: Changes) -> None:
        self.history.frames += [thinned(frame) for frame in frames]
        self.history.alerts.update((alert.id, alert) for alert in alerts)
        self.history.changes.add(changes)


def _moment(alert: Alert) -> tuple[datetime, str]:
    return alert.cleared_at or alert.detected_at, str(alert.id)


def opening(city: City) -> Situation:
    """The situation of the first day: nothing but the opening stock."""
    stock = [Stock(WAREHOUSE, item.id, item.opening) for item in city.items.values()]
    return Situation(stock={(s.place, s.item): s for s in [*stock, *city.van_stock]})


def thinned(frame: Frame) -> Frame:
    """Of a class that is stored coarser, one row of each device a span; else the frame itself."""
    span = STORED_EVERY_US.get(frame.cls)
    if span is None:
        return frame
    every = HISTORY_EVERY[frame.cls]
    nth = span // every
    return frame.take(np.flatnonzero(frame.time // every % nth == frame.device % nth))


def make_history(
    files: CityFiles, story: Story, progress: Callable[[float], None] = lambda _: None
) -> History:
    """Run the weeks before the story. `progress` hears the share that is done."""
    offline = Offline(files, story)
    first, last = to_us(story.history_start), to_us(story.start)
    for since in range(first, last, STEP_US):
        until = min(since + STEP_US, last)
        offline.step(since, until)
        progress((until - first) / (last - first))
    offline.history.ongoing = offline.world.ongoing(last)
    offline.history.counters = offline.world.counters()
    offline.history.state = offline.state()
    return offline.history


def kept_history(
    files: CityFiles,
    story: Story,
    city_folder: Path,
    cache: Path,
    progress: Callable[[float], None] = lambda _: None,
) -> History:
    """The history from the cache, or made now and kept there."""
    file = cache / f"history-{_key(files, city_folder)}.pickle"
    if file.exists():
        with file.open("rb") as stored:
            history: History = pickle.load(stored)  # noqa: S301 - written below, by us
        return history
    history = make_history(files, story, progress)
    cache.mkdir(parents=True, exist_ok=True)
    for old in cache.glob("history-*"):
        old.unlink(missing_ok=True)
    partial = file.with_suffix(".partial")
    partial.touch(mode=0o600)
    with partial.open("wb") as out:
        pickle.dump(history, out, protocol=pickle.HIGHEST_PROTOCOL)
    partial.replace(file)  # whole or not at all
    return history


def _key(files: CityFiles, city_folder: Path) -> str:
    """Of all that the history follows from: the city's files, its size, and the code."""
    root = Path(__file__).parents[2]
    digest = sha256(str(len(files.city.devices)).encode())
    for file in _sources(root, city_folder):
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]


def _sources(root: Path, city_folder: Path) -> Iterator[Path]:
    yield from sorted(f for f in city_folder.rglob("*") if f.is_file())
    folders = ("kel/model", "kel/costs", "kel/simulate", "kel/city", "ingest", "rules", "dispatch")
    for folder in folders:
        yield from sorted((root / folder).rglob("*.py"))
    for name in ("decide", "history", "partition"):
        yield root / f"kel/run/{name}.py"
    for name in ("kel/store/memory.py", "kel/topics.py"):
        yield root / name
    yield root / "requirements/lock.txt"  # other versions may reckon otherwise

"""KEL's own health: from what its parts say of themselves to what a person must know. Pure.

Laws:
- all times are real ones, by the database's clock; a story's stream is not judged at all;
- what cannot be known (Kafka does not answer, nothing was told yet) is not called well: it has no
  line, and that it is not known has one;
- one cause has one line: where the bridge is silent, workers have nothing to do and are well;
- a level that stands goes down only when its value is below `CALM` of the limit, so that a value on
  the edge begins and ends no alarm again and again;
- `text` is Greek, for screens, and short; `hint` is English, for logs and `kel doctor`: what was
  found, and what to do.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum
from itertools import pairwise
from typing import NamedTuple

# What the broker keeps for one client, from mosquitto/mosquitto.conf
MAX_QUEUED = 1_000_000  # messages: max_queued_messages
MAX_QUEUED_BYTES = 1 << 30  # max_queued_bytes
ONLY_BRIDGE = "bridge"  # the name of one that has none of its own
DROPS_STAND = timedelta(hours=24)  # for so long a drop at the broker is told
REJECTS_OVER = timedelta(minutes=10)
FEW_REJECTS = 20  # in that time; fewer are no surge, whatever the share
CALM = 0.8


class Level(IntEnum):
    OK = 0
    WARN = 1
    ALARM = 2


# From which value on: a warning, an alarm.
LIMITS: Mapping[str, tuple[float, float]] = {
    "broker_dropped": (1, 1),  # messages
    "broker_queue": (0.2, 0.7),  # of MAX_QUEUED or MAX_QUEUED_BYTES
    "unread": (0.7, 0.9),  # of Kafka's retention
    "lag": (30, 300),  # s
    "kafka": (60, 60),  # s
    "bridge": (30, 60),  # s
    "worker": (30, 60),  # s
    "desk": (30, 60),  # s
    "rejects": (0.05, 0.5),  # of all messages
    "drafts": (1, float("inf")),  # senders
    "outbox": (60, 300),  # s
    "clock": (2, 60),  # s
    "folder": (1, 1),  # processes
}
NAMES = tuple(LIMITS)

Points = Sequence[tuple[datetime, float]]  # of a counter, in order of time


@dataclass(frozen=True, slots=True)
class Health:
    """One judgement. `since`: from when its level has stood; `value` is in the unit of LIMITS."""

    name: str
    level: Level
    since: datetime
    text: str
    hint: str
    value: float


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a partition of `kel.raw` is brought.

    next: the first record whose effects are not stored; tick: the time it has come to; at: when a
    worker last committed; first, end: what Kafka holds, [first, end), or None where it was not
    asked or did not answer.
    """

    partition: int
    next: int
    tick: datetime | None
    at: datetime
    first: int | None = None
    end: int | None = None

    @property
    def unread(self) -> int | None:
        """Records that wait for a worker."""
        return None if self.end is None else max(0, self.end - self.next)

    @property
    def lost(self) -> int:
        """Records that Kafka forgot before a worker had read them."""
        return 0 if self.first is None else max(0, self.first - self.next)


@dataclass(frozen=True, slots=True)
class Signs:
    """What KEL's health is judged by, at `now` (the database's clock). None: not known.

    retention: how long Kafka keeps a record; kafka_silent_s: for how long it has not answered;
    desk: the time that the desk has decided up to; bridges: by name, the last tick of each;
    dropped: the broker's counter over DROPS_STAND, and its last point before; stored, stored_bytes:
    messages in the broker; taken: by worker, its counter of messages over REJECTS_OVER, and its
    last point before; rejected: messages refused in that time; drafts: senders that wait to be
    adopted; unsent: messages in the outbox that should have gone; oldest: when the first of them
    was made; skew_s: this machine's clock less the database's; disorder: how much the stream's time
    is held back on purpose, so that late readings find their place; kept: by process, when the
    city's folder was loaded that it runs on in place of its own; mistake: what is wrong with that.
    """

    now: datetime
    retention: timedelta
    reach: Sequence[Reach] = ()
    kafka_silent_s: float = 0.0
    desk: datetime | None = None
    bridges: Mapping[str, datetime] = field(default_factory=dict)
    dropped: Points = ()
    stored: float | None = None
    stored_bytes: float = 0.0
    taken: Mapping[str, Points] = field(default_factory=dict)
    rejected: float = 0.0
    drafts: int = 0
    unsent: int = 0
    oldest: datetime | None = None
    skew_s: float = 0.0
    disorder: timedelta = timedelta(0)
    kept: Mapping[str, datetime] = field(default_factory=dict)
    mistake: str | None = None


class _Found(NamedTuple):
    name: str
    value: float
    text: str
    hint: str


def judge(signs: Signs, before: Mapping[str, Health] | None = None) -> list[Health]:
    """A line for everything that can be judged; `before`: the last judgement, by name."""
    known = before or {}
    return [_settled(found, known.get(found.name), signs.now) for found in _found(signs)]


def changed(before: Mapping[str, Health], found: Sequence[Health]) -> list[Health]:
    """Those whose level is another than before; what was never judged has been well."""
    return [h for h in found if h.level != (before[h.name].level if h.name in before else Level.OK)]


def increase(points: Points) -> float:
    """By how much a counter has grown, its restarts from 0 notwithstanding."""
    grown = 0.0
    for (_, earlier), (_, later) in pairwise(points):
        grown += later - earlier if later >= earlier else later
    return grown


def level_of(name: str, value: float, before: Level = Level.OK) -> Level:
    """The level of a value, where it stood on `before`."""

    def reached(level: Level) -> bool:
        return value >= LIMITS[name][level - 1] * (CALM if before >= level else 1.0)

    return next((level for level in (Level.ALARM, Level.WARN) if reached(level)), Level.OK)


def _settled(found: _Found, before: Health | None, now: datetime) -> Health:
    level = level_of(found.name, found.value, before.level if before else Level.OK)
    since = before.since if before and before.level == level else now
    return Health(found.name, level, since, found.text, found.hint, found.value)


def _found(signs: Signs) -> Iterator[_Found]:
    yield from _broker(signs)
    yield from _stream(signs)
    yield from _desk(signs)
    yield from _senders(signs)
    yield _clock(signs)
    yield _folder(signs)


def _broker(signs: Signs) -> Iterator[_Found]:
    if signs.dropped:
        lost = increase(signs.dropped)
        yield _Found(
            "broker_dropped",
            lost,
            f"MQTT: χάθηκαν {_greek(lost)} μηνύματα",
            f"the broker dropped {lost:.0f} messages within 24 h: its queue for the bridge was "
            "full; see why the bridge was away or slow. Senders that keep a history should send "
            "that time again",
        )
    if signs.stored is not None:
        share = max(signs.stored / MAX_QUEUED, signs.stored_bytes / MAX_QUEUED_BYTES)
        yield _Found(
            "broker_queue",
            share,
            f"MQTT: ουρά γεμάτη κατά {_percent(share)}",
            f"{signs.stored:.0f} messages of {signs.stored_bytes / 1e6:.0f} MB are in the broker, "
            f"{share:.0%} of what its queue holds before it drops: is the bridge running, and does "
            "Kafka take what it writes?",
        )


def _stream(signs: Signs) -> Iterator[_Found]:
    asked = [r for r in signs.reach if r.unread is not None]
    waiting = [r for r in asked if r.unread]
    yield _Found(
        "kafka",
        signs.kafka_silent_s,
        f"Kafka: σιωπά {_span(signs.kafka_silent_s)}",
        f"Kafka has not answered for {signs.kafka_silent_s:.0f} s: start it (`kel doctor` tells "
        "more). Meanwhile the broker keeps what comes",
    )
    if not asked:
        return
    yield _retention(signs, waiting)
    yield from _worker(signs, waiting)
    yield from _bridge(signs, bool(waiting))


def _retention(signs: Signs, waiting: Sequence[Reach]) -> _Found:
    lost = sum(r.lost for r in signs.reach)
    age = max((signs.now - r.tick for r in waiting if r.tick), default=timedelta(0))
    share = max(age / signs.retention, 1.0 if lost else 0.0)
    days = f"{age / timedelta(days=1):.1f}"
    if lost:
        text = f"Kafka: χάθηκαν {_greek(lost)} αδιάβαστα"
        hint = f"Kafka forgot {lost} records before a worker had read them"
    else:
        text = f"Kafka: αδιάβαστα {days.replace('.', ',')} ημερών"
        hint = (
            f"the oldest unread record is {days} days old, Kafka forgets after "
            f"{signs.retention / timedelta(days=1):.1f}: start workers now, or let the topic keep "
            "more (kafka-configs.sh, retention.ms)"
        )
    return _Found("unread", share, text, hint)


def _worker(signs: Signs, waiting: Sequence[Reach]) -> Iterator[_Found]:
    """Partitions that nobody brings on, and apart from them how far behind the others are."""
    still = max(((signs.now - r.at).total_seconds() for r in waiting), default=0.0)
    yield _Found(
        "worker",
        still,
        f"Εργάτες: στάση {_span(still)}",
        f"records wait, and no worker has committed one of the partitions for {still:.0f} s: is "
        "`kel worker` running? see its log",
    )
    moving = [r for r in waiting if (signs.now - r.at).total_seconds() < LIMITS["worker"][0]]
    late = max((signs.now - signs.disorder - r.tick for r in moving if r.tick), default=None)
    behind = max(0.0, late.total_seconds()) if late else 0.0
    yield _Found(
        "lag",
        behind,
        f"Υστέρηση {_span(behind)}",
        f"workers are {behind:.0f} s behind: start more of them, or wait where they catch up",
    )


def _bridge(signs: Signs, waiting: bool) -> Iterator[_Found]:
    """Bridges that do not tick. Ticks are known through workers: while records wait, a bridge is
    compared with the others alone."""
    ticks = dict(signs.bridges)
    newest = max((r.tick for r in signs.reach if r.tick), default=None)
    if not ticks and newest:
        ticks = {"": newest + signs.disorder}
    if not ticks:
        return
    reference = max(ticks.values()) if waiting else signs.now
    name = min(ticks, key=lambda n: (ticks[n], n))
    silent = max(0.0, (reference - ticks[name]).total_seconds())
    name = "" if name == ONLY_BRIDGE else name
    told = f"the bridge {name}" if name else "the bridge"
    yield _Found(
        "bridge",
        silent,
        " ".join(filter(None, ("Γέφυρα", name[:10], "σιωπά", _span(silent)))),
        f"{told} has not ticked for {silent:.0f} s: is `kel bridge` running, and connected to "
        "broker and Kafka? see its log. What it hears waits in the broker",
    )


def _desk(signs: Signs) -> Iterator[_Found]:
    ticks = [r.tick for r in signs.reach if r.tick]
    if signs.desk and ticks and len(ticks) == len(signs.reach):
        behind = max(0.0, (min(ticks) - signs.desk).total_seconds())
        yield _Found(
            "desk",
            behind,
            f"Γραφείο: πίσω {_span(behind)}",
            f"the desk is {behind:.0f} s behind the stream: see its log",
        )
    waited = (signs.now - signs.oldest).total_seconds() if signs.oldest else 0.0
    yield _Found(
        "outbox",
        waited,
        f"{_counted(signs.unsent, 'εντολή δεν έφυγε', 'εντολές δεν έφυγαν')} ({_span(waited)})",
        f"{_counted(signs.unsent, 'message waits', 'messages wait')} to go to crews and devices, "
        f"the first for {waited:.0f} s: does the broker let the desk in (`kel doctor`)? see the "
        "desk's log",
    )


def _senders(signs: Signs) -> Iterator[_Found]:
    if signs.taken:
        taken = max(sum(map(increase, signs.taken.values())), signs.rejected, 1.0)
        share = signs.rejected / taken if signs.rejected >= FEW_REJECTS else 0.0
        yield _Found(
            "rejects",
            share,
            f"Απορρίψεις: {_percent(share)} σε 10′",
            f"{signs.rejected:.0f} of {taken:.0f} messages were refused within 10 minutes: "
            "`kel rejected list` groups them by reason and sender",
        )
    yield _Found(
        "drafts",
        signs.drafts,
        _counted(signs.drafts, "άγνωστη συσκευή", "άγνωστες συσκευές"),
        f"{_counted(signs.drafts, 'unknown device waits', 'unknown devices wait')} to be adopted "
        "or refused: `kel devices list --drafts`",
    )


def _clock(signs: Signs) -> _Found:
    ticks = [*signs.bridges.values(), *(r.tick + signs.disorder for r in signs.reach if r.tick)]
    ahead = (max(ticks) - signs.now).total_seconds() if ticks else 0.0
    off = max(abs(signs.skew_s), ahead)
    return _Found(
        "clock",
        off,
        f"Ρολόγια: διαφορά {_span(off)}",
        f"the clocks of the database, the desk and the bridges differ by {off:.0f} s: let all "
        "follow NTP (`timedatectl set-ntp true`)",
    )


def _folder(signs: Signs) -> _Found:
    """Processes that began with the folder that was loaded last, since their own has a mistake."""
    loaded = f"{min(signs.kept.values(), default=signs.now):%Y-%m-%d %H:%M} UTC"
    why = signs.mistake or f"see the log of {', '.join(sorted(signs.kept))}"
    return _Found(
        "folder",
        len(signs.kept),
        "Λάθος στον φάκελο πόλης",
        f"KEL runs on the city's folder as it was loaded at {loaded}, since it has a mistake now: "
        f"{why}. It is taken up as soon as it is right: `kel check` names everything",
    )


def _span(seconds: float) -> str:
    """«75 s», «12′», «3 ώ», «2 ημ.»: short, for a narrow column."""
    for least, unit, sign in ((172_800, 86_400, " ημ."), (7200, 3600, " ώ"), (120, 60, "′")):
        if seconds >= least:
            return f"{seconds // unit:.0f}{sign}"
    return f"{seconds:.0f} s"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _greek(number: float) -> str:
    return f"{number:,.0f}".replace(",", ".")


def _counted(count: int, one: str, more: str) -> str:
    return f"{count} {one if count == 1 else more}"

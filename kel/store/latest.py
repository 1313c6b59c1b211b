"""The newest values of each device, for screens: gathered, and written now and then.

Laws:
- a device has its newest moment, and of each metric the last value that it reported up to then;
- what is gathered and not yet written is lost with the process, so no snapshot is kept before it is
  written: whoever goes on from a snapshot runs the records behind it again, and gathers the same.
"""

from threading import Lock
from time import monotonic

import orjson
from psycopg import Cursor

from kel.model.frame import Frame, join, newest, once
from kel.model.moment import from_us
from kel.model.reading import Output
from kel.store.connect import query

MOST = 50_000  # rows that are gathered before they are brought down to one a device


Columns = tuple[str, ...]  # a class and its metrics


def columns_of(frame: Frame) -> Columns:
    """What frames must have in common to be joined; a class may get a metric while all runs."""
    return frame.cls, *frame.metrics


class Latest:
    """Rows that are not older than their device's newest, by class; written every `every_s`.

    The same rows gathered twice are the same. May be used by two threads.
    """

    def __init__(self, every_s: float = 1.0) -> None:
        self._every_s = every_s
        self._written_at = -every_s
        self._lock = Lock()
        self._frames: dict[Columns, list[Frame]] = {}
        self._taken: list[Frame] = []  # and not yet known to be written

    @property
    def due(self) -> bool:
        """Whether something waits, and for long enough."""
        waits = bool(self._frames or self._taken)
        return waits and monotonic() - self._written_at >= self._every_s

    def put(self, frame: Frame) -> None:
        if not len(frame):
            return
        with self._lock:
            frames = self._frames.setdefault(columns_of(frame), [])
            frames.append(frame)
            if sum(map(len, frames)) > MOST:
                frames[:] = [newest(once(join(frames)))]

    def add(self, output: Output) -> None:
        """Gather from effects that are stored already: nobody will say what contradicts there."""
        for frame in output.frames:
            self.put(frame)
        for doubted in output.doubted:
            self.put(doubted.frame.take(doubted.newest))

    def take(self, *, at_once: bool) -> list[Frame]:
        """A row a device, by class, where it is time to write; else nothing."""
        if not (at_once or self.due):
            return []
        with self._lock:
            for frame in reversed(self._taken):
                self._frames.setdefault(columns_of(frame), []).insert(0, frame)
            self._taken = [newest(once(join(frames))) for frames in self._frames.values()]
            self._frames = {}
            return self._taken

    def written(self) -> None:
        """What was taken is in the store."""
        with self._lock:
            self._taken = []
            self._written_at = monotonic()


def put_latest(cursor: Cursor, frame: Frame) -> None:
    """Write one row a device; what is older than stored changes nothing."""
    metrics = {name: column.tolist() for name, column in frame.metrics.items()}
    values = zip(*metrics.values(), strict=True)
    keys = zip(frame.device.tolist(), frame.time.tolist(), frame.arrival.tolist(), strict=True)
    told = [
        {
            "device": device,
            "time": from_us(time),
            "arrival": from_us(arrival),
            "metrics": {m: v for m, v in zip(metrics, row, strict=True) if v == v},
        }
        for (device, time, arrival), row in zip(keys, values, strict=True)
    ]
    cursor.execute(query("put_latest"), [orjson.dumps(told).decode()])

"""A publisher that outlives its broker: what may be lost with it is published again.

Laws:
- a reading is kept until it was acknowledged, and `WINDOW_S` longer;
- after a connection broke, all that was not acknowledged, and all that was acknowledged within
  `WINDOW_S` before, goes out again, in the order of the readings, before anything newer;
- a reading goes out again as it was: with the time that it was made at.

`WINDOW_S` is the broker's `autosave_interval` twice: what it had acknowledged since its last save
is gone when it is killed, and a save may have been under way.
"""

import select
import threading
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

from benchmarks.city import Lamp
from benchmarks.publisher import IDS, Connection, packet, payload

WINDOW_S = 10.0
MOST_WAITING = 1_000  # messages of a connection under way
AGAIN_S = 0.2  # between two tries to connect
PUBACK = 4  # bytes


class Flow:
    """One login's readings: what waits, what is under way, what was acknowledged lately."""

    def __init__(self, port: int, login: str, password: str) -> None:
        self._where = port, login, password
        self.link: Connection | None = None
        self._next_try = 0.0
        self._id = 0
        self.queue: deque[int] = deque()
        self.under_way: dict[int, int] = {}  # by packet id
        self._lately: deque[tuple[float, int]] = deque()
        self._rest = b""  # of a PUBACK that came in parts

    def connect(self, now: float) -> None:
        if self.link is None and now >= self._next_try:
            self._next_try = now + AGAIN_S
            with suppress(OSError):
                self.link = Connection(*self._where)

    def broke(self, now: float) -> int:
        """The connection is gone; returns how many acknowledged readings go out again."""
        if self.link:
            self.link.socket.close()
        self.link, self._rest = None, b""
        lately = {n for at, n in self._lately if at >= now - WINDOW_S}
        self.queue = deque(sorted({*self.queue, *self.under_way.values(), *lately}))
        self.under_way.clear()
        self._lately.clear()
        return len(lately)

    def send(self, lamps: Sequence[Lamp], said: Sequence[bytes]) -> None:
        assert self.link
        packets = []
        while self.queue and len(self.under_way) < MOST_WAITING:
            n = self.queue.popleft()
            self._id = self._id % IDS + 1
            self.under_way[self._id] = n
            packets.append(packet(lamps[n % len(lamps)].topic, said[n], self._id))
        if packets:
            self.link.socket.sendall(b"".join(packets))

    def hear(self, now: float) -> list[int]:
        """The readings that are acknowledged now."""
        assert self.link
        heard = self.link.socket.recv(65_536)
        if not heard:
            raise ConnectionError("the broker has gone")
        heard = self._rest + heard
        whole = len(heard) // PUBACK * PUBACK
        self._rest = heard[whole:]
        ids = (int.from_bytes(heard[at + 2 : at + 4], "big") for at in range(0, whole, PUBACK))
        numbers = [self.under_way.pop(id_) for id_ in ids]
        self._lately += ((now, n) for n in numbers)
        while self._lately and self._lately[0][0] < now - WINDOW_S:
            self._lately.popleft()
        return numbers


class Resender(threading.Thread):
    """`count` readings of the lamps in turn, `rate` a second, each made when it is due."""

    def __init__(
        self,
        port: int,
        passwords: Mapping[str, str],
        lamps: Sequence[Lamp],
        count: int,
        rate: float,
    ) -> None:
        super().__init__(daemon=True, name="resender")
        self._lamps = lamps
        self._count = count
        self._rate = rate
        self._flows = {c: Flow(port, c, passwords[c]) for c in {lamp.community for lamp in lamps}}
        self.said: list[bytes] = []
        self.made_ms: list[int] = []
        self.acknowledged: set[int] = set()
        self.again = 0  # published again although acknowledged
        self._stop_it = threading.Event()
        self.error: BaseException | None = None

    @property
    def done(self) -> bool:
        return len(self.acknowledged) == self._count and not any(
            flow.queue or flow.under_way for flow in self._flows.values()
        )

    def run(self) -> None:
        try:
            began = time.monotonic()
            while not self._stop_it.is_set():
                self._make(int((time.monotonic() - began) * self._rate))
                for flow in self._flows.values():
                    self._tend(flow)
                self._hear()
        except BaseException as error:
            self.error = error
            raise

    def stop(self) -> None:
        self._stop_it.set()
        self.join(10)

    def _make(self, due: int) -> None:
        for n in range(len(self.said), min(due, self._count)):
            now_ms = time.time_ns() // 1_000_000
            self.said.append(payload(n, now_ms))
            self.made_ms.append(now_ms)
            self._flows[self._lamps[n % len(self._lamps)].community].queue.append(n)

    def _tend(self, flow: Flow) -> None:
        flow.connect(time.monotonic())
        if flow.link:
            try:
                flow.send(self._lamps, self.said)
            except OSError:
                self.again += flow.broke(time.monotonic())

    def _hear(self) -> None:
        there = {f.link.socket: f for f in self._flows.values() if f.link}
        if not there:
            time.sleep(AGAIN_S / 4)
            return
        ready, _, _ = select.select(list(there), [], [], 0.01)
        self._take(there[socket] for socket in ready)

    def _take(self, flows: Iterable[Flow]) -> None:
        for flow in flows:
            try:
                self.acknowledged.update(flow.hear(time.monotonic()))
            except OSError:
                self.again += flow.broke(time.monotonic())

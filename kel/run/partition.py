"""One partition's line: records in, effects out. Pure: what the worker, a replay and a test run.

Laws:
- the same records in the same order give the same effects, however they were cut into batches;
- all that the line remembers is in `state`, and a line that loads it goes on as the old one would;
- readings are stored at once; the rules see them in order of time, with their bridge's tick
  (`ingest.order`). The rules' time is the slowest bridge's, less what readings may be late by.
"""

import io
from collections import Counter
from collections.abc import Iterable, Mapping
from hashlib import sha1
from typing import Any

import msgpack
import numpy as np
from numpy.typing import NDArray

from ingest.decoders.sparkplug import rebirth_command
from ingest.intake import Intake, storable
from ingest.order import Order
from ingest.registry import Registry
from ingest.taken import Taken
from ingest.validate import STORED_PAYLOAD, Reason
from kel.model.city import City
from kel.model.device import Device
from kel.model.ids import make_id
from kel.model.message import Batch
from kel.model.moment import LATEST, MINUTE_US, SECOND_US, from_us
from kel.model.reading import Output, Rebirth
from kel.model.request import Reject
from kel.topics import RAW, partition_of
from rules.book.rulebook import Rulebook
from rules.evaluate import Evaluator

ASK_AGAIN = MINUTE_US  # an edge node is asked for a rebirth no more often
MOST_ASKED = 1_000  # nodes that are remembered as asked
ORDER = "order/"  # what the order remembers, among the arrays

Arrays = Mapping[str, NDArray[Any]]


def devices_of(city: City, partition: int, partitions: int) -> list[Device]:
    """The devices whose locality group lies in this partition."""
    return [d for d in city.devices.values() if partition_of(d.group, partitions) == partition]


def pack_state(intake: bytes, arrays: Arrays, asked: Mapping[str, int] | None = None) -> bytes:
    """What a line must remember, as one value: of the decoders, of rules and order, and which edge
    nodes were asked. `arrays` may know more devices than the line has."""
    stored = io.BytesIO()
    np.savez(stored, **arrays)  # type: ignore[arg-type]
    packed: bytes = msgpack.packb([intake, stored.getvalue(), dict(asked or {})])
    return packed


class Line:
    """Decoding, order and rules of one partition, and what they must remember."""

    def __init__(
        self, number: int, city: City, rulebook: Rulebook, devices: Iterable[Device]
    ) -> None:
        self.number = number
        devices = list(devices)
        self._metrics = {c.id: tuple(m.name for m in c.metrics) for c in city.classes.values()}
        self._intake = Intake(Registry.of(city), city.classes)
        self._order = Order(int(city.disorder.total_seconds() * SECOND_US), devices)
        self._evaluator = Evaluator(rulebook, city, devices)
        self._asked: dict[str, int] = {}  # edge nodes, and when each was asked for a rebirth

    @property
    def ticks(self) -> Mapping[str, int]:
        """The last tick of each bridge that time waits for (µs)."""
        return self._order.ticks

    def process(self, offset: int, batch: Batch) -> Output:
        """The effects of the record at `offset`."""
        taken = self._intake.take(batch.messages)
        output = Output(
            self.number,
            offset,
            offset + 1,
            arrival=batch.messages[0].arrival if batch.messages else None,
            last_arrival=batch.messages[-1].arrival if batch.messages else None,
            messages=taken.messages,
            other=list(taken.other),
            requests=list(taken.requests),
            contacts=list(taken.contacts),
            replies=list(taken.replies),
            statuses=list(taken.statuses),
            rejects=list(taken.rejects),
            gauges=list(taken.gauges),
            dropped=Counter(taken.dropped),
        )
        if taken.rebirths and output.arrival is not None:
            output.rebirths = list(self._ask(taken.rebirths, output.arrival))
        self._readings(batch.bridge, taken, output)
        if batch.tick is not None:
            self._tick(batch.bridge, batch.tick, output)
        return output

    def refused(self, offset: int, record: bytes, written: int, why: str) -> Output:
        """The effect of a record that no bridge wrote (at `written`, µs): a reject."""
        topic, written = f"{RAW}/{self.number}/{offset}", min(max(written, 0), LATEST)
        reject = Reject(
            id=make_id("reject", topic, written, sha1(record).hexdigest()),  # noqa: S324
            arrival=from_us(written),
            topic=topic,
            payload=record[:STORED_PAYLOAD],
            size=len(record),
            reason=Reason.BAD_RECORD,
            detail=storable(why)[:500],
        )
        return Output(self.number, offset, offset + 1, rejects=[reject])

    def state(self) -> bytes:
        arrays = self._evaluator.state()
        arrays |= {ORDER + name: array for name, array in self._order.state().items()}
        return pack_state(self._intake.state(), arrays, self._asked)

    def load(self, state: bytes) -> None:
        """Go on from `state`. Raises ValueError where it is none."""
        intake, stored, *asked = msgpack.unpackb(state)
        self._intake.load(intake)
        self._asked = asked[0] if asked else {}
        with np.load(io.BytesIO(stored), allow_pickle=False) as arrays:
            kept: dict[str, Any] = dict(arrays)
        self._evaluator.load(kept)
        order = {n.removeprefix(ORDER): a for n, a in kept.items() if n.startswith(ORDER)}
        if order:
            self._order.load(order, self._metrics)
        else:  # of a history, which needs no order: what rules have seen has passed
            for cls in self._metrics:
                if f"class/{cls}/seen" in kept:
                    self._order.passed(kept[f"class/{cls}/device"], kept[f"class/{cls}/seen"])

    def _readings(self, bridge: str, taken: Taken, output: Output) -> None:
        for frame in taken.frames:
            fresh, doubted = self._order.put(bridge, frame)
            if len(fresh):
                output.frames.append(fresh)
            if doubted is not None:
                output.doubted.append(doubted)
        for frame in self._order.overdue():
            output.alerts += self._evaluator.frame(frame)

    def _tick(self, bridge: str, now: int, output: Output) -> None:
        for frame in self._order.tick(bridge, now):
            output.alerts += self._evaluator.frame(frame)
        output.tick = self._order.clock
        if output.tick is not None:
            output.alerts += self._evaluator.tick(output.tick)

    def _ask(self, nodes: Iterable[str], now: int) -> Iterable[Rebirth]:
        """The commands for those that were not asked just before."""
        self._asked = {n: at for n, at in self._asked.items() if now - at < ASK_AGAIN}
        for node in nodes:
            if node not in self._asked and len(self._asked) < MOST_ASKED:
                self._asked[node] = now
                yield Rebirth(node, now, rebirth_command(now))

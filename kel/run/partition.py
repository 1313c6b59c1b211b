"""One partition's line: records in, effects out. Pure: what the worker, a replay and a test run.

Laws:
- the same records in the same order give the same effects, however they were cut into batches;
- all that the line remembers is in `state`, and a line that loads it goes on as the old one would;
- a row that the rules pass over, since its device was heard of at that time or later, is stored all
  the same and counted as `late_for_rules`: late data, two values of one moment, and what was
  delivered twice look alike here.
"""

import io
from collections import Counter
from collections.abc import Iterable, Mapping
from hashlib import sha1
from typing import Any

import msgpack
import numpy as np
from numpy.typing import NDArray

from ingest.intake import Intake, storable
from ingest.registry import Registry
from ingest.validate import STORED_PAYLOAD, Reason
from kel.model.city import City
from kel.model.device import Device
from kel.model.ids import make_id
from kel.model.message import Batch
from kel.model.moment import from_us
from kel.model.reading import Output
from kel.model.request import Reject
from kel.topics import RAW, partition_of
from rules.evaluate import Evaluator
from rules.rulebook import Rulebook

LATE_FOR_RULES = "late_for_rules"


def devices_of(city: City, partition: int, partitions: int) -> list[Device]:
    """The devices whose locality group lies in this partition."""
    return [d for d in city.devices.values() if partition_of(d.group, partitions) == partition]


def pack_state(intake: bytes, rules: Mapping[str, NDArray[Any]]) -> bytes:
    """What a line must remember, as one value. `rules` may know more devices than the line has."""
    arrays = io.BytesIO()
    np.savez(arrays, **rules)  # type: ignore[arg-type]
    packed: bytes = msgpack.packb([intake, arrays.getvalue()])
    return packed


class Line:
    """Decoding and rules of one partition, and what they must remember."""

    def __init__(
        self, number: int, city: City, rulebook: Rulebook, devices: Iterable[Device]
    ) -> None:
        self.number = number
        self._intake = Intake(Registry(city.devices.values()), city.classes)
        self._evaluator = Evaluator(rulebook, city, list(devices))

    def process(self, offset: int, batch: Batch) -> Output:
        """The effects of the record at `offset`."""
        taken = self._intake.take(batch.messages)
        output = Output(
            self.number,
            offset,
            offset + 1,
            tick=batch.tick,
            arrival=batch.messages[0].arrival if batch.messages else None,
            frames=list(taken.frames),
            other=list(taken.other),
            requests=list(taken.requests),
            contacts=list(taken.contacts),
            replies=list(taken.replies),
            statuses=list(taken.statuses),
            rejects=list(taken.rejects),
            rebirths=list(taken.rebirths),
            gauges=list(taken.gauges),
            dropped=Counter(taken.dropped),
        )
        late = self._evaluator.late
        for frame in taken.frames:
            output.alerts += self._evaluator.frame(frame)
        if self._evaluator.late > late:
            output.dropped[LATE_FOR_RULES] = self._evaluator.late - late
        if batch.tick is not None:
            output.alerts += self._evaluator.tick(batch.tick)
        return output

    def refused(self, offset: int, record: bytes, written: int, why: str) -> Output:
        """The effect of a record that no bridge wrote (at `written`, µs): a reject."""
        topic = f"{RAW}/{self.number}/{offset}"
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
        return pack_state(self._intake.state(), self._evaluator.state())

    def load(self, state: bytes) -> None:
        intake, arrays = msgpack.unpackb(state)
        self._intake.load(intake)
        with np.load(io.BytesIO(arrays), allow_pickle=False) as stored:
            kept: dict[str, Any] = dict(stored)
        self._evaluator.load(kept)

"""A partition that a worker owns. The worker itself is tested on the real parts."""

from types import SimpleNamespace

import pytest

from kel.model.message import Batch
from kel.model.reading import Output
from kel.records import encode
from kel.run.owned import Owned


def event():
    message = SimpleNamespace(value=bytes(100))
    acks = []
    return SimpleNamespace(value=message.value, message=message, ack=lambda: acks.append(1)), acks


def test_a_record_that_waits_for_a_snapshot_keeps_none_of_its_bytes():
    one, _ = event()
    owned = Owned(None, 0, 0)
    owned.keep(7, one)
    assert owned.unacknowledged == [(7, one)]
    assert (one.value, one.message.value) == (None, None)


def test_only_what_lies_below_the_snapshot_is_acknowledged():
    """Records go on while a snapshot is being kept."""
    owned = Owned(None, 0, 0)
    events = [event() for _ in range(3)]
    for offset, (each, _) in enumerate(events):
        owned.keep(offset, each)
    owned.acknowledge(2)
    assert [len(acks) for _, acks in events] == [1, 1, 0]
    assert [offset for offset, _ in owned.unacknowledged] == [2]


def test_a_line_that_runs_through_what_is_stored_has_no_snapshot():
    assert Owned(None, 5, 9).snapshot() is None


class Echo:
    """A line that makes of every record what it is told."""

    number = 3

    def __init__(self, **effects):
        self.effects = effects

    def process(self, offset, batch):
        return Output(3, offset, offset + 1, tick=batch.tick, **self.effects)


RECORD = encode(Batch((), 1, "b"))


def test_what_waits_is_counted_whatever_it_is_made_of():
    """Else a store that is away would let memory grow."""
    for effects, rows in (({}, 1), ({"messages": 9}, 9), ({"other": [None] * 30}, 30)):
        owned = Owned(Echo(**effects), 0, 0)
        for offset in range(2):
            owned.process(offset, RECORD, 0)
        assert owned.rows == 2 * rows
        assert owned.release().next == 2
        assert (owned.rows, owned.bytes, owned.release()) == (0, 0, None)


def test_what_is_stored_already_runs_through_the_line_and_does_not_wait():
    owned = Owned(Echo(), 0, 2)
    again = [owned.process(offset, RECORD, 0) for offset in range(3)]
    assert [o.first if o else None for o in again] == [0, 1, None]
    assert (owned.pending.first, owned.expected) == (2, 3)
    assert owned.process(1, RECORD, 0) is None  # once more, as after a rebalance
    assert owned.expected == 3


def test_a_missing_record_is_told_unless_kafka_was_asked_to_go_back():
    owned = Owned(Echo(), 4, 4)
    with pytest.raises(LookupError, match="record 4 is missing, Kafka gave 6"):
        owned.process(6, RECORD, 0)
    assert not owned.early(6)
    owned.going_back = True
    assert owned.early(6)
    owned.process(4, RECORD, 0)
    assert not owned.early(6)

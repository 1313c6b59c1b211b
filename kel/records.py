"""Kafka records: one record is one packed batch of messages of one partition. Pure.

Form: msgpack of [version, tick or nil, [[arrival, topic, payload], …]], times in µs. A record of
another version, or one that is no such thing, is refused as a whole (`BadRecordError`): it did not
come from a bridge.
"""

import msgpack

from kel.model.message import Batch, Message

VERSION = 1


class BadRecordError(ValueError):
    """Bytes in kel.raw that no bridge of this version wrote."""


def encode(batch: Batch) -> bytes:
    messages = [(m.arrival, m.topic, m.payload) for m in batch.messages]
    packed: bytes = msgpack.packb((VERSION, batch.tick, messages))
    return packed


def decode(record: bytes) -> Batch:
    try:
        version, tick, messages = msgpack.unpackb(record)
        if version != VERSION:
            raise BadRecordError(f"record of version {version!r}: this KEL reads {VERSION}")
        return Batch(tuple(Message(t, p, a) for a, t, p in messages), tick)
    except BadRecordError:
        raise
    except Exception as error:
        raise BadRecordError(f"not a record of a bridge: {error}") from error

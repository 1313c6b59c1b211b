"""Kafka records: one record is one packed batch of messages of one partition. Pure.

Form: msgpack of [version, tick or nil, [[arrival, topic, payload], …]], times in µs. A record of
another version, or one that is no such thing, is refused as a whole (`BadRecordError`): it did not
come from a bridge.
"""

import msgpack

from kel.model.message import Batch, Message

VERSION = 1
LATEST = 253_402_300_799_999_999  # the last microsecond of the year 9999


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
        if tick is not None:
            _moment(tick)
        return Batch(tuple(_message(*message) for message in messages), tick)
    except BadRecordError:
        raise
    except Exception as error:
        raise BadRecordError(f"not a record of a bridge: {error}") from error


def _message(arrival: object, topic: object, payload: object) -> Message:
    if type(topic) is not str or type(payload) is not bytes:
        raise BadRecordError("not a record of a bridge: a topic is text, a payload bytes")
    return Message(topic, payload, _moment(arrival))


def _moment(us: object) -> int:
    if type(us) is not int or not 0 <= us <= LATEST:
        raise BadRecordError(f"not a record of a bridge: {us!r} is no moment")
    return us

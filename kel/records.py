"""Kafka records: one record is one packed batch of messages of one partition. Pure.

Form: msgpack of [version, bridge, tick or nil, arrival or nil, topics, payloads]: columns, since a
city makes some tens of thousands of messages a second. All messages of a record arrived at one
time (nil where there are none); times are in µs. A record of another version, or one that is no
such thing, is refused as a whole (`BadRecordError`): it did not come from a bridge.
"""

from collections.abc import Sequence
from itertools import repeat

import msgpack

from kel.model.message import Batch, Message
from kel.model.moment import LATEST

VERSION = 2


class BadRecordError(ValueError):
    """Bytes in kel.raw that no bridge of this version wrote."""


def pack(
    bridge: str,
    tick: int | None,
    arrival: int | None,
    topics: Sequence[str],
    payloads: Sequence[bytes],
) -> bytes:
    """A record of columns: each topic with the payload of the same place."""
    packed: bytes = msgpack.packb((VERSION, bridge, tick, arrival, topics, payloads))
    return packed


def encode(batch: Batch) -> bytes:
    """A record of a batch. Raises ValueError where its messages did not arrive at one time."""
    messages = batch.messages
    arrivals = {m.arrival for m in messages}
    if len(arrivals) > 1:
        raise ValueError("the messages of a record arrive at one time")
    arrival = arrivals.pop() if arrivals else None
    topics, payloads = [m.topic for m in messages], [m.payload for m in messages]
    return pack(batch.bridge, batch.tick, arrival, topics, payloads)


def decode(record: bytes) -> Batch:
    """The batch that a record holds. Raises BadRecordError, and nothing else."""
    try:
        version, *columns = msgpack.unpackb(record)
    except Exception as error:
        raise BadRecordError(f"not a record of a bridge: {error}") from error
    if type(version) is not int or version != VERSION:
        raise BadRecordError(f"record of version {_short(version)}: this KEL reads {VERSION}")
    try:
        bridge, tick, arrival, topics, payloads = columns
    except ValueError as error:
        raise BadRecordError(f"not a record of a bridge: {error}") from error
    _must(type(bridge) is str, "its bridge has a name")
    _must(tick is None or _is_moment(tick), f"{_short(tick)} is no moment")
    _must(_all(topics, str), "a topic is text")
    _must(_all(payloads, bytes), "a payload is bytes")
    _must(len(topics) == len(payloads), "every topic has a payload")
    _must(_is_moment(arrival) if topics else arrival is None, f"{_short(arrival)} is no moment")
    rows = zip(topics, payloads, repeat(arrival))
    return Batch(tuple(map(tuple.__new__, repeat(Message), rows)), tick, bridge)  # as Message(…)


def _must(true: bool, why: str) -> None:
    if not true:
        raise BadRecordError(f"not a record of a bridge: {why}")


def _short(value: object) -> str:
    return repr(value)[:50]


def _all(column: object, kind: type) -> bool:
    return type(column) is list and set(map(type, column)) <= {kind}


def _is_moment(us: object) -> bool:
    return type(us) is int and 0 <= us <= LATEST

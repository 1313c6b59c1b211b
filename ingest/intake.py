"""Intake: batches of messages in, what they say out.

Laws:
- no exception leaves `take`, whatever the bytes and the topic: what nobody foresaw becomes a
  reject with the reason `internal`, counted like any other;
- a message is taken whole or refused whole, with its first reason;
- the result depends on the messages, their arrival times and what decoders remember (`state`),
  never on a clock; the same messages cut into other batches say the same, but for one thing:
- a device's second, different value of one moment is refused as a contradiction where both come in
  one batch. Across batches nobody is told: what is stored first wins.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import sha1

import orjson

from ingest.address import TopicCache, address_of
from ingest.checks import shown
from ingest.decoders import Decoder, Remembers, decoders
from ingest.merge import contradictions, frame_of, once
from ingest.registry import Registry
from ingest.sink import Sink
from ingest.taken import Taken
from ingest.validate import LARGEST_PAYLOAD, STORED_PAYLOAD, Reason, Refused
from kel.model.device import DeviceClass
from kel.model.ids import make_id
from kel.model.message import Message
from kel.model.moment import from_us
from kel.model.reading import OtherReading, Status
from kel.model.request import Reject

__all__ = ["Intake", "OtherReading", "Status", "Taken"]

LATEST = 253_402_300_799_999_999  # the last microsecond of the year 9999
STATE_VERSION = 1


class Intake:
    """One stream's intake. Sparkplug edge nodes and cameras are remembered between calls.

    Raises ValueError where a device's class is not among `classes`.
    """

    def __init__(self, registry: Registry, classes: Mapping[str, DeviceClass]) -> None:
        for device in registry.devices:
            if device.cls not in classes:
                raise ValueError(f"device {device.id} has the unknown class {device.cls}")
        self._registry = registry
        self._classes = dict(classes)
        self._decoders = decoders(registry, classes)
        self._by_topic = TopicCache(self._decoder_of)

    def take(self, messages: Sequence[Message]) -> Taken:
        """Decode, validate and merge a batch. Never raises."""
        sink = Sink(self._classes)
        refused: dict[int, Refused] = {}
        for owner, message in enumerate(messages):
            try:
                sink.begin(owner, message)
                self._decode(message, sink)
            except Refused as why:
                sink.forget()
                refused[owner] = why
            except Exception as error:  # the last fence: a reject, never a stop
                sink.forget()
                refused[owner] = Refused(Reason.INTERNAL, f"{type(error).__name__}: {error}")
        for owner, metric in contradictions(sink).items():
            detail = f"{shown(metric)} has another value at this moment already"
            refused[owner] = Refused(Reason.CONTRADICTION, detail)
        return self._taken(messages, sink, refused)

    def state(self) -> bytes:
        """What decoders must remember to go on after a restart."""
        remembered = {d.name: d.state() for d in self._decoders if isinstance(d, Remembers)}
        return orjson.dumps({"version": STATE_VERSION, "decoders": remembered})

    def load(self, state: bytes) -> None:
        """Go on from `state`. Raises ValueError where it is not one of this version."""
        try:
            data = orjson.loads(state)
            if data["version"] != STATE_VERSION:
                raise ValueError(f"state of version {data['version']}, not {STATE_VERSION}")
            for decoder in self._decoders:
                if isinstance(decoder, Remembers):
                    decoder.load(data["decoders"][decoder.name])
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not a state of the intake: {error!r}") from error

    def _decode(self, message: Message, sink: Sink) -> None:
        decoder = self._by_topic[message.topic]
        if len(message.payload) > LARGEST_PAYLOAD:
            detail = f"{len(message.payload)} bytes, {LARGEST_PAYLOAD} at most"
            raise Refused(Reason.TOO_LARGE, detail)
        if not 0 <= message.arrival <= LATEST:
            raise Refused(Reason.BAD_TIME, "arrival is no moment between 1970 and 9999")
        decoder.decode(message, sink)

    def _decoder_of(self, topic: str) -> Decoder:
        if "\0" in topic:
            raise Refused(Reason.NUL_CHARACTER, "the topic holds U+0000")
        try:
            topic.encode()
        except UnicodeEncodeError:
            raise Refused(Reason.NOT_UTF8, "the topic is not UTF-8") from None
        for decoder in self._decoders:
            if decoder.matches(topic):
                return decoder
        raise Refused(Reason.UNKNOWN_TOPIC, "no format has topics like this")

    def _taken(
        self, messages: Sequence[Message], sink: Sink, refused: Mapping[int, Refused]
    ) -> Taken:
        out = set(refused)
        frames = (frame_of(t, out) for t in sink.tables.values() if t.time)
        dropped = Counter(map(str, sink.dropped.without(out))) + Counter(
            {str(why): count for why, count in sink.gaps.items()}
        )
        return Taken(
            messages=len(messages),
            frames=tuple(frame for frame in frames if len(frame)),
            other=once(sink.other.without(out)),
            requests=sink.requests.without(out),
            contacts=sink.contacts.without(out),
            replies=sink.replies.without(out),
            statuses=sink.statuses.without(out),
            rejects=tuple(self._reject(messages[i], refused[i]) for i in sorted(refused)),
            rebirths=tuple(sink.rebirths),
            dropped=dict(dropped),
        )

    def _reject(self, message: Message, why: Refused) -> Reject:
        topic, payload = storable(message.topic), bytes(message.payload)
        arrival = min(max(message.arrival, 0), LATEST)
        sender = why.sender or address_of(topic)
        known = self._registry.find(*sender) if sender else None
        return Reject(
            id=make_id("reject", message.arrival, topic, sha1(payload).hexdigest()),  # noqa: S324
            arrival=from_us(arrival),
            topic=topic,
            payload=payload[:STORED_PAYLOAD],
            size=len(payload),
            reason=str(why.reason),
            detail=storable(why.detail)[:500],
            device=why.device or (known.id if known else None),
            source=storable(sender[0]) if sender else None,
            address=storable(sender[1])[:200] if sender else None,
        )


def storable(text: str) -> str:
    """Text as a database takes it: valid UTF-8 without U+0000."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")

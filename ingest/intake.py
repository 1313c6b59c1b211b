"""Intake: batches of messages in, what they say out.

Laws:
- no exception leaves `take`, whatever the bytes and the topic: what nobody foresaw becomes a
  reject with the reason `internal`, counted like any other;
- a message is taken whole or refused whole, with its first reason; but where one speaks for several
  devices or tags (`Sink.stray`), what is right of it is taken, and it is kept as a reject too;
- of a refused message of a camera no byte is kept, only what was wrong with it (`ingest.cameras`);
- the result depends on the messages, their arrival times and what decoders remember (`state`),
  never on a clock; the same messages cut into other batches say the same, but for one thing:
- a device's second, different value of one moment is refused as a contradiction where both come in
  one batch. Across batches nobody is told: what is stored first wins.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha1

import orjson

from ingest.address import TopicCache
from ingest.cameras import TOPICS as CAMERAS
from ingest.checks import shown
from ingest.decoders import Remembers, decoders
from ingest.merge import contradictions, frame_of, once
from ingest.registry import Registry
from ingest.sink import Sink
from ingest.table import Columns
from ingest.taken import Taken
from ingest.validate import LARGEST_PAYLOAD, LONGEST_TOPIC, STORED_PAYLOAD, Reason, Refused
from kel.model.device import DeviceClass
from kel.model.ids import make_id
from kel.model.message import Message
from kel.model.moment import LATEST, from_us
from kel.model.reading import OtherReading, Status
from kel.model.request import Reject

__all__ = ["Intake", "OtherReading", "Status", "Taken"]

STATE_VERSION = 1
HANDY = 16 * 1024  # bytes; no payload up to here can exceed a limit that is counted

Route = tuple[Callable[[Message, Sink], None], bool]  # the decoder's, and whether it remembers


class Intake:
    """One stream's intake. Sparkplug edge nodes and cameras are remembered between calls.

    Raises ValueError where a device's class is not among `classes`.
    """

    def __init__(self, registry: Registry, classes: Mapping[str, DeviceClass]) -> None:
        for device in registry.devices:
            if device.cls not in classes:
                raise ValueError(f"device {device.id} has the unknown class {device.cls}")
        self._registry = registry
        self._columns = {name: Columns(cls) for name, cls in classes.items()}
        self._decoders = decoders(registry, classes)
        self._remembering = [isinstance(d, Remembers) for d in self._decoders]
        self._by_topic = TopicCache(self._route)
        self._lasts: dict[int, int] = {}  # of devices without a clock, by number

    def take(self, messages: Sequence[Message]) -> Taken:
        """Decode, validate and merge a batch. Never raises."""
        sink = Sink(self._columns, self._lasts)
        refused: dict[int, Refused] = {}
        routes = self._by_topic
        for owner, message in enumerate(messages):
            sink.begin(owner, message, False)
            try:
                decode, careful = routes[message.topic]
                if careful or len(message.payload) > HANDY or not 0 <= message.arrival <= LATEST:
                    self._look_at(owner, message, sink, refused)
                else:
                    decode(message, sink)
            except Refused as why:
                doubtful = sink.waits()
                sink.forget()
                if doubtful:
                    self._look_at(owner, message, sink, refused)
                else:
                    refused[owner] = why
            except Exception:  # whatever it is, the careful look takes it after all, or says why
                sink.forget()
                self._look_at(owner, message, sink, refused)
        for owner in sorted(sink.judge()):
            self._look_at(owner, messages[owner], sink, refused)
        sink.judge()  # of what was looked at nothing is in doubt
        return self._taken(messages, sink, refused)

    def state(self) -> bytes:
        """What decoders must remember to go on after a restart."""
        remembered = {d.name: d.state() for d in self._decoders if isinstance(d, Remembers)}
        lasts = [*self._lasts.items()]
        return orjson.dumps({"version": STATE_VERSION, "decoders": remembered, "lasts": lasts})

    def load(self, state: bytes) -> None:
        """Go on from `state`. Raises ValueError where it is not one of this version."""
        try:
            data = orjson.loads(state)
            if data["version"] != STATE_VERSION:
                raise ValueError(f"state of version {data['version']}, not {STATE_VERSION}")
            remembered = data["decoders"]
            for decoder in self._decoders:
                if isinstance(decoder, Remembers) and decoder.name in remembered:
                    decoder.load(remembered[decoder.name])
            self._lasts.clear()
            self._lasts.update((int(number), int(last)) for number, last in data.get("lasts", ()))
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not a state of the intake: {error!r}") from error

    def _look_at(
        self, owner: int, message: Message, sink: Sink, refused: dict[int, Refused]
    ) -> None:
        """Take a message value by value, or refuse it."""
        sink.begin(owner, message)
        try:
            self._decode(message, sink)
        except Refused as why:
            sink.forget()
            refused[owner] = why
        except Exception as error:  # the last fence: a reject, never a stop
            sink.forget()
            refused[owner] = Refused(Reason.INTERNAL, f"{type(error).__name__}: {error}")

    def _decode(self, message: Message, sink: Sink) -> None:
        decode, _ = self._by_topic[message.topic]
        if len(message.payload) > LARGEST_PAYLOAD:
            detail = f"{len(message.payload)} bytes, {LARGEST_PAYLOAD} at most"
            raise Refused(Reason.TOO_LARGE, detail)
        if not 0 <= message.arrival <= LATEST:
            raise Refused(Reason.BAD_TIME, "arrival is no moment between 1970 and 9999")
        decode(message, sink)

    def _route(self, topic: str) -> Route:
        if len(topic) > LONGEST_TOPIC:
            raise Refused(Reason.LONG_TOPIC, f"{len(topic)} characters, {LONGEST_TOPIC} at most")
        if "\0" in topic:
            raise Refused(Reason.NUL_CHARACTER, "the topic holds U+0000")
        try:
            topic.encode()
        except UnicodeEncodeError:
            raise Refused(Reason.NOT_UTF8, "the topic is not UTF-8") from None
        for decoder, remembers in zip(self._decoders, self._remembering, strict=True):
            if decoder.matches(topic):
                return decoder.decode, remembers
        raise Refused(Reason.UNKNOWN_TOPIC, "no format has topics like this")

    def _taken(self, messages: Sequence[Message], sink: Sink, refused: dict[int, Refused]) -> Taken:
        blocks = [(table.columns, table.block()) for table in sink.tables.values()]
        present = [(columns, block) for columns, block in blocks if block]
        for owner, metric in contradictions(present, sink.other).items():
            detail = f"{shown(metric)} has another value at this moment already"
            refused[owner] = Refused(Reason.CONTRADICTION, detail)
        out = set(refused)
        partly = dict(zip(sink.partly.owners, sink.partly.items, strict=True))
        frames = (frame_of(columns, block, out) for columns, block in present)
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
            rejects=tuple(
                self._reject(messages[i], why, i not in out)
                for i, why in sorted((partly | refused).items())
            ),
            rebirths=tuple(sink.rebirths),
            gauges=sink.gauges.without(out),
            dropped=dict(dropped),
        )

    def _reject(self, message: Message, why: Refused, partly: bool) -> Reject:
        topic, payload = storable(message.topic), bytes(message.payload)
        arrival = min(max(message.arrival, 0), LATEST)
        sender = why.sender or self._registry.address_of(topic)
        known = self._registry.find(*sender) if sender else None
        return Reject(
            id=make_id("reject", message.arrival, topic, sha1(payload).hexdigest()),  # noqa: S324
            arrival=from_us(arrival),
            topic=topic[:LONGEST_TOPIC],
            payload=b"" if topic.startswith(CAMERAS) else payload[:STORED_PAYLOAD],
            size=len(payload),
            reason=str(why.reason),
            detail=storable(why.detail)[:500],
            device=why.device or (known.id if known else None),
            source=storable(sender[0]) if sender else None,
            address=_address(sender[1]) if sender else None,
            strangers=tuple((storable(s), _address(a)) for s, a in why.strangers),
            partly=partly,
        )


def _address(text: str) -> str:
    return storable(text)[:200]


def storable(text: str) -> str:
    """Text as a database takes it: valid UTF-8 without U+0000."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")

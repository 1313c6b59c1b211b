"""A minute of bad input for all decoders together: what devices send, damaged, and worse.

Each round is seeded with its number, so that a failure comes again; hypothesis prints the messages.
"""

import json
import math
import os
import time
from collections.abc import Callable, Iterator
from itertools import count

import pytest
from google.protobuf.message import DecodeError
from hypothesis import HealthCheck, given, note, seed, settings
from hypothesis import strategies as st

from ingest.cameras import TOPICS as CAMERAS
from ingest.checks import AHEAD, OLDEST
from ingest.decoders import Decoder, decoders
from ingest.decoders.sparkplug_b_pb2 import Payload
from ingest.intake import Intake, Taken
from ingest.validate import LARGEST_PAYLOAD, STORED_PAYLOAD, Reason
from kel.model.message import Message
from kel.model.moment import LATEST
from tests.builders import ingest_cases as cases
from tests.builders import ingest_city as city

SECONDS = float(os.environ.get("KEL_FUZZ_SECONDS", "60"))  # of all decoders together
DECODERS: tuple[Decoder, ...] = decoders(city.registry(), city.CLASSES)
POOL = [m for folder in cases.FOLDERS for m in cases.messages_of(folder)]
SQL = "'; DROP TABLE reading_zone; --"
IN_TEXT = [SQL, "", "\0", "%s", "../..", "+", "#", "a" * 130, "ΚΕΛ", "\U0001f4a7", "🏛" * 300]
IN_TOPIC = [*IN_TEXT, "\udcff", "\ud800", "x" * 600, "y" * 65_000, "zm-02", "$SYS"]
IN_BYTES = [b"\0", b"\\u0000", b"\xff\xfe", b"\xed\xa0\x80", b"[" * 2000, b'{"a":' * 40, b"]" * 20]
IN_BYTES += [b"NaN", b"-Infinity", b"1e999", b"9" * 400, b"\xef\xbb\xbf", SQL.encode()]

leaves = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from([*IN_TEXT, 2**53, -(2**63), 2**64 - 1, city.NOW_MS, city.NOW.isoformat()])
)
anything = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=6) | st.sampled_from(IN_TEXT), inner, max_size=3)
    ),
    max_leaves=8,
)
Mutation = Callable[[st.DrawFn, Message], Message]


def some_bytes(draw: st.DrawFn, sent: Message) -> Message:
    return sent._replace(payload=draw(st.binary(max_size=120)))


def any_json(draw: st.DrawFn, sent: Message) -> Message:
    return sent._replace(payload=encoded(draw(anything)))


def cut_short(draw: st.DrawFn, sent: Message) -> Message:
    return sent._replace(payload=sent.payload[: draw(st.integers(0, len(sent.payload)))])


def byte_changed(draw: st.DrawFn, sent: Message) -> Message:
    at = draw(st.integers(0, max(0, len(sent.payload) - 1)))
    byte = bytes([draw(st.integers(0, 255))])
    return sent._replace(payload=sent.payload[:at] + byte + sent.payload[at + 1 :])


def bytes_put_in(draw: st.DrawFn, sent: Message) -> Message:
    at = draw(st.integers(0, len(sent.payload)))
    return sent._replace(
        payload=sent.payload[:at] + draw(st.sampled_from(IN_BYTES)) + sent.payload[at:]
    )


def anothers_payload(draw: st.DrawFn, sent: Message) -> Message:
    return sent._replace(payload=draw(st.sampled_from(POOL)).payload)


def huge(draw: st.DrawFn, sent: Message) -> Message:
    size = LARGEST_PAYLOAD + draw(st.integers(-1, 1))
    filling = draw(st.sampled_from([b" ", b"[", b"{}", b"[{},", b"\x12\x00", b'{"a":1},']))
    return sent._replace(payload=(sent.payload + filling * (size // len(filling)))[:size])


def value_changed(draw: st.DrawFn, sent: Message) -> Message:
    """Another value somewhere in its JSON, another name, or one taken away."""
    try:
        body = json.loads(sent.payload)
    except (ValueError, RecursionError):
        return any_json(draw, sent)
    holders = [h for h in nested(body) if h]
    if not holders:
        return any_json(draw, sent)
    holder = draw(st.sampled_from(holders))
    places = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
    at = draw(st.sampled_from(places))
    match draw(st.sampled_from(["value", "name", "gone"])):
        case "gone":
            del holder[at]
        case "name" if isinstance(holder, dict):
            holder[draw(st.sampled_from(IN_TEXT))] = holder.pop(at)
        case _:
            holder[at] = draw(anything)
    return sent._replace(payload=encoded(body))


def topic_changed(draw: st.DrawFn, sent: Message) -> Message:
    """Another level somewhere, one more or one less: strangers, and one under another's name."""
    levels = sent.topic.split("/")
    at = draw(st.integers(0, len(levels) - 1))
    other = draw(
        st.sampled_from(IN_TOPIC) | st.sampled_from(draw(st.sampled_from(POOL)).topic.split("/"))
    )
    match draw(st.sampled_from(["other", "more", "less"])):
        case "other":
            levels[at] = other
        case "more":
            levels.insert(at, other)
        case _:
            del levels[at]
    return sent._replace(topic="/".join(levels))


def arrival_changed(draw: st.DrawFn, sent: Message) -> Message:
    near = st.integers(-(10**7), 10**10).map(lambda by: sent.arrival + by)
    return sent._replace(arrival=draw(near | st.sampled_from([-1, 0, LATEST, LATEST + 1, 2**70])))


def edge_changed(draw: st.DrawFn, sent: Message) -> Message:
    """Another number or name in a Sparkplug payload."""
    payload = Payload()
    try:
        payload.ParseFromString(sent.payload)
    except DecodeError:
        return any_json(draw, sent)
    number = draw(st.integers(0, 2**64 - 1) | st.integers(0, 300))
    for metric in payload.metrics[:1]:
        match draw(st.sampled_from(["name", "alias", "type", "time", "value", "null"])):
            case "name":
                metric.name = draw(st.sampled_from(IN_TEXT))
            case "alias":
                metric.alias = number
            case "type":
                metric.datatype = number % 2**32
            case "time":
                metric.timestamp = number
            case "value":
                metric.double_value = draw(st.floats())
            case _:
                metric.is_null = True
    if draw(st.booleans()):
        payload.seq = number
    if draw(st.booleans()):
        payload.timestamp = number
    return sent._replace(payload=payload.SerializeToString())


MUTATIONS: list[Mutation] = [some_bytes, any_json, cut_short, byte_changed, bytes_put_in]
MUTATIONS += [anothers_payload, huge, value_changed, value_changed, topic_changed, arrival_changed]


def encoded(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")


def nested(value: object) -> Iterator[dict[str, object] | list[object]]:
    """All objects and lists within."""
    if isinstance(value, dict | list):
        yield value
        for inner in list(value.values()) if isinstance(value, dict) else value:
            yield from nested(inner)


@st.composite
def batches(draw: st.DrawFn, own: list[Message]) -> list[Message]:
    """Messages of one decoder in any order (data before births, replays), most of them damaged."""
    sent = draw(st.lists(st.sampled_from(own), min_size=1, max_size=6))
    damaged = []
    for message in sent:
        edge = [edge_changed] * 3 if message.topic.startswith("spBv1.0/") else []
        for mutate in draw(st.lists(st.sampled_from(MUTATIONS + edge), max_size=2)):
            message = mutate(draw, message)
        damaged.append(message)
    return damaged


@pytest.mark.timeout(SECONDS + 240)
@pytest.mark.parametrize("decoder", DECODERS, ids=lambda d: d.name)
def test_no_input_stops_the_intake_or_is_lost(decoder: Decoder) -> None:
    own = [m for m in POOL if belongs(m, decoder)]
    end = time.monotonic() + SECONDS / len(DECODERS)
    for number in count():
        rounds(number, own)()
        if time.monotonic() > end:
            break


def belongs(message: Message, decoder: Decoder) -> bool:
    return next((d.name for d in DECODERS if d.matches(message.topic)), None) == decoder.name


def rounds(number: int, own: list[Message]) -> Callable[[], None]:
    """Some examples, the same for the same number."""

    @seed(number)
    @settings(
        max_examples=25,
        deadline=None,
        database=None,
        print_blob=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(batches(own))
    def check(messages: list[Message]) -> None:
        note(f"round {number}")
        check_batch(messages)

    return check


def check_batch(messages: list[Message]) -> None:
    whole, single = city.intake(), city.intake()
    together = whole.take(messages)
    alone = [check_one(single, message) for message in messages]
    check_taken(together, messages)
    if any(r.reason == Reason.CONTRADICTION for r in together.rejects):
        return
    assert together.rejects == tuple(r for taken in alone for r in taken.rejects)
    assert city.cells(together) == city.cells(*alone)
    assert whole.state() == single.state()


def check_one(intake: Intake, message: Message) -> Taken:
    """A message alone is taken or refused, and leaves a trace."""
    before = intake.state()
    taken = intake.take([message])
    check_taken(taken, [message])
    finds = len(taken.frames) + len(taken.other) + len(taken.statuses) + len(taken.gauges)
    finds += len(taken.requests) + len(taken.replies) + sum(taken.dropped.values())
    assert finds or taken.rejects or intake.state() != before
    again = city.intake()
    again.load(intake.state())
    assert again.state() == intake.state()
    return taken


def check_taken(taken: Taken, messages: list[Message]) -> None:
    """What is promised of everything that leaves the intake."""
    assert taken.messages == len(messages)
    refused = iter(messages)
    for reject in taken.rejects:  # each of a message of its own, in their order
        assert any(is_of(reject.topic, reject.payload, reject.size, message) for message in refused)
        assert Reason(reject.reason) is not Reason.INTERNAL, reject.detail
        for text in (reject.topic, reject.detail, reject.source, reject.address):
            assert storable(text)
    latest = max(m.arrival for m in messages) + AHEAD
    for frame in taken.frames:
        cls = city.CLASSES[frame.cls]
        assert all(OLDEST <= t <= latest for t in frame.time.tolist())
        for metric in cls.metrics:
            low, high = metric.low, metric.high
            for value in frame.metrics[metric.name].tolist():
                assert math.isnan(value) or (low is None or low <= value)
                assert math.isnan(value) or (high is None or value <= high)
    for other in taken.other:
        assert math.isfinite(other.value)
        assert storable(other.metric)
        assert OLDEST <= other.time <= latest
    for request in taken.requests:
        assert storable(request.text)
        assert storable(request.category)
    for reply in taken.replies:
        assert storable(reply.note)


def is_of(topic: str, payload: bytes, size: int, message: Message) -> bool:
    kept = b"" if topic.startswith(CAMERAS) else message.payload[:STORED_PAYLOAD]
    return (payload, size) == (kept, len(message.payload))


def storable(text: str | None) -> bool:
    """PostgreSQL takes it."""
    return text is None or (text.encode("utf-8", "replace").decode() == text and "\0" not in text)

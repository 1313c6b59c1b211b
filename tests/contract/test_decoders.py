"""What every decoder promises, and what each says to the messages in `tests/cases/decoders`.

A case is a folder (`tests.builders.ingest_cases`); its `expected.json` has all that must be found,
and nothing else may be.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.cameras import SOURCES as CAMERAS
from ingest.decoders import Decoder, Remembers, decoders
from ingest.decoders.sparkplug_b_pb2 import Payload
from ingest.intake import Intake, Taken
from ingest.registry import Registry
from ingest.validate import Reason
from kel.model.device import Clock
from kel.model.message import Message
from kel.model.moment import HOUR_US, MINUTE_US
from tests.builders import ingest_city as city
from tests.builders.ingest_cases import CASES, FOLDERS, messages_of

DECODERS: tuple[Decoder, ...] = decoders(city.registry(), city.CLASSES)
EXAMPLES = int(os.environ.get("KEL_FUZZ_EXAMPLES", "300"))

GOOD = {  # a case of each decoder in which nothing is refused, whose last message is a full one
    "kel": "reading",
    "ucifi": "lamp-report",
    "sparkplug": "birth-and-data",
    "chirpstack": "uplink",
    "things_stack": "uplink",
    "frigate": "smoke-comes-and-goes",
    "crews": "complete-with-materials",
    "requests": "water-in-the-street",
    "broker": "queue-and-drops",
    "onvif": "smoke",
    "zigbee2mqtt": "lamp",
    "talq": "report-of-two-lamps",
    "fiware": "normalized",
    "senml": "pack",
    "mapping": "logger",
}
OF_NO_DEVICE = {"crews", "requests", "broker"}
every_decoder = pytest.mark.parametrize("decoder", DECODERS, ids=lambda d: d.name)
every_case = pytest.mark.parametrize("folder", FOLDERS, ids=lambda f: f"{f.parent.name}/{f.name}")
fuzz = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))


def good(decoder: Decoder) -> list[Message]:
    return messages_of(CASES / decoder.name / GOOD[decoder.name])


def finds(taken: Taken) -> int:
    """How many things were found."""
    lists = (taken.other, taken.requests, taken.replies, taken.statuses, taken.gauges)
    return sum(map(len, taken.frames)) + sum(map(len, lists))


def damaged(sent: Message) -> Iterator[Message]:
    """The message cut short at every byte."""
    for end in range(len(sent.payload)):
        yield Message(sent.topic, sent.payload[:end], sent.arrival)


def test_every_decoder_has_cases_and_a_name_of_its_own() -> None:
    assert {d.name for d in DECODERS} == {f.parent.name for f in FOLDERS} == set(GOOD)
    assert len({d.name for d in DECODERS}) == len(DECODERS)


@every_case
def test_finds_what_the_case_expects(folder: Path) -> None:
    expected = json.loads((folder / "expected.json").read_text())
    assert city.found(city.intake().take(messages_of(folder))) == expected


@pytest.mark.parametrize("folder", [f for f in FOLDERS if "contradiction" not in f.name])
def test_one_message_at_a_time_finds_the_same(folder: Path) -> None:
    """But for contradictions, which are the intake's to see only within a batch."""
    messages = messages_of(folder)
    whole, single = city.intake(), city.intake()
    together = whole.take(messages)
    assert city.cells(*(single.take([m]) for m in messages)) == city.cells(together)
    assert single.state() == whole.state()


@every_case
def test_a_replay_makes_the_same_ids(folder: Path) -> None:
    messages = messages_of(folder)
    first, second = city.intake().take(messages), city.intake().take(messages)
    for name in ("requests", "contacts", "replies", "rejects"):
        assert getattr(first, name) == getattr(second, name)


@every_decoder
def test_good_messages_are_taken_by_the_decoder_that_matches(decoder: Decoder) -> None:
    messages = good(decoder)
    taken = city.intake().take(messages)
    assert not taken.rejects
    assert finds(taken)
    for sent in messages:
        assert next(d.name for d in DECODERS if d.matches(sent.topic)) == decoder.name


@every_decoder
def test_a_message_cut_short_is_refused_whole(decoder: Decoder) -> None:
    *before, last = good(decoder)
    for cut in damaged(last):
        intake = city.intake()
        intake.take(before)
        taken = intake.take([cut])
        kept = b"" if decoder.name in CAMERAS else cut.payload
        assert [(r.payload, r.size) for r in taken.rejects] == [(kept, len(cut.payload))]
        assert taken.rejects[0].reason != Reason.INTERNAL
        assert finds(taken) == 0


@every_decoder
def test_a_refused_message_leaves_nothing_of_itself_and_stops_nothing(decoder: Decoder) -> None:
    *before, last = good(decoder)
    broken = Message(last.topic, last.payload[:-1], last.arrival)
    intake, plain = city.intake(), city.intake()
    taken = intake.take([*before, broken, last])
    assert len(taken.rejects) == 1
    assert city.cells(taken) == city.cells(plain.take([*before, last]))
    assert taken.messages == len(before) + 2


@every_decoder
@pytest.mark.parametrize("payload", [b"null", b"-7", b'"text"', b"[[]]", b"{}", b"\xff\xfe", b""])
def test_wrong_payloads_are_refused_by_name(decoder: Decoder, payload: bytes) -> None:
    sent = Message(good(decoder)[-1].topic, payload, city.NOW_US)
    taken = city.intake().take([sent])
    assert [r.reason for r in taken.rejects if r.reason != Reason.INTERNAL]
    assert finds(taken) == 0


@pytest.mark.parametrize(
    "decoder", [d for d in DECODERS if d.name not in OF_NO_DEVICE], ids=lambda d: d.name
)
def test_a_device_without_a_clock_has_the_time_of_its_arrival(decoder: Decoder) -> None:
    """Also where what it says of the time lies a year ahead, and may not be said at all; what it
    counts back from the arrival is believed."""
    devices = [replace(d, clock=Clock.ARRIVAL) for d in city.DEVICES]
    messages = [m._replace(arrival=m.arrival - 365 * 24 * HOUR_US) for m in good(decoder)]
    taken = Intake(Registry(devices, mappings=city.MAPPINGS), city.CLASSES).take(messages)
    assert not taken.rejects
    times = [t for frame in taken.frames for t in frame.time.tolist()]
    times += [o.time for o in taken.other] + [s.at for s in taken.statuses]
    assert times
    assert all(any(-MINUTE_US < t - m.arrival < 1000 for m in messages) for t in times)


@pytest.mark.parametrize("decoder", [d for d in DECODERS if isinstance(d, Remembers)])
def test_what_is_remembered_survives_a_restart(decoder: Decoder) -> None:
    *before, last = good(decoder)
    old, new = city.intake(), city.intake()
    old.take(before)
    new.load(old.state())
    assert new.state() == old.state()
    assert city.found(new.take([last])) == city.found(old.take([last]))


@every_decoder
def test_garbage_on_its_topics_never_raises(decoder: Decoder) -> None:
    *before, last = good(decoder)

    @fuzz
    @given(st.binary(max_size=200))
    def check(payload: bytes) -> None:
        intake = city.intake()
        intake.take(before)
        taken = intake.take([Message(last.topic, payload, last.arrival)])
        assert all(r.reason != Reason.INTERNAL for r in taken.rejects)

    check()


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=8,
)


@every_decoder
def test_any_value_in_any_field_never_raises(decoder: Decoder) -> None:
    *before, last = good(decoder)
    try:
        body = json.loads(last.payload)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        body = {"not": "json"}

    @fuzz
    @given(st.sampled_from(list(paths(body))), json_values)
    def check(path: tuple[str, ...], value: object) -> None:
        sent = Message(last.topic, json.dumps(put(body, path, value)).encode(), last.arrival)
        intake = city.intake()
        intake.take(before)
        taken = intake.take([sent])
        assert all(r.reason != Reason.INTERNAL for r in taken.rejects)
        assert len(taken.rejects) <= 1

    check()


def paths(value: object) -> Iterator[tuple[str, ...]]:
    """Where in a JSON object something stands."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield (key,)
            yield from ((key, *rest) for rest in paths(inner))


def put(body: object, path: tuple[str, ...], value: object) -> object:
    """The object with another value at one place."""
    if not path:
        return value
    assert isinstance(body, dict)
    return body | {path[0]: put(body[path[0]], path[1:], value)}


@pytest.mark.parametrize("part", ["value", "alias", "time"])
def test_any_sparkplug_number_never_raises(part: str) -> None:
    @fuzz
    @given(st.floats(), st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
    def check(value: float, alias: int, stamp: int) -> None:
        metric = {
            "alias": str(alias if part == "alias" else 1),
            "timestamp": str(stamp if part == "time" else city.NOW_MS),
        }
        sent = city.sparkplug("DDATA", "ps-01", seq=2, metrics=[metric])
        body = Payload.FromString(sent.payload)
        body.metrics[0].double_value = value if part == "value" else 1.0
        intake = city.intake()
        intake.take(city.births())
        taken = intake.take([Message(sent.topic, body.SerializeToString(), sent.arrival)])
        assert all(r.reason != Reason.INTERNAL for r in taken.rejects)
        assert finds(taken) + len(taken.rejects) + taken.dropped.get("no_value", 0) == 1

    check()

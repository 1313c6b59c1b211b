from collections import Counter

import numpy as np
import orjson
import pytest

from ingest.decoders.sparkplug_b_pb2 import Payload
from ingest.intake import Intake
from ingest.registry import Registry
from ingest.taken import Taken
from kel.model.city import City
from kel.model.frame import Frame
from kel.model.message import Message
from kel.model.moment import HOUR_US, MINUTE_US, to_us
from kel.simulate.speak import Speaker
from kel.simulate.story import Story
from kel.simulate.world import Step, World

Cells = dict[tuple[int, int, str], float]
RADIO = ("rssi", "snr")  # what the network server adds to a sensor's own values


def hours(story: Story, since: float, until: float) -> tuple[int, int]:
    start = to_us(story.start)
    return start + int(since * HOUR_US), start + int(until * HOUR_US)


def play(city: City, story: Story, since: float, until: float) -> Step:
    world = World(city, story.seed, story.start, story.troubles)
    span = hours(story, since, until)
    world.advance(span[0])
    return world.step(*span)


def heard(city: City, said: list[tuple[str, bytes]], arrival: int) -> Taken:
    intake = Intake(Registry(city.devices.values(), city.communities), city.classes)
    return intake.take([Message(topic, payload, arrival) for topic, payload in said])


def cells(frames: tuple[Frame, ...] | list[Frame]) -> Cells:
    """Every reported value by device, time and metric, without what the radio link adds; cameras
    apart, whose times Frigate moves."""
    return {
        (int(device), int(time), metric): float(value)
        for frame in frames
        if frame.cls != "camera"
        for metric, column in frame.metrics.items()
        if metric not in RADIO
        for device, time, value in zip(frame.device, frame.time, column, strict=True)
        if not np.isnan(value)
    }


@pytest.mark.parametrize(("since", "until"), [(2.5, 3.0), (15.3, 15.6), (20.0, 20.5)])
def test_what_is_said_is_heard_value_by_value(
    city: City, story: Story, since: float, until: float
) -> None:
    step = play(city, story, since, until)
    taken = heard(city, Speaker(city).speak(step), hours(story, since, until)[1])
    assert not taken.rejects
    assert cells(taken.frames) == cells(step.frames)
    assert {reading.metric for reading in taken.other} <= {"margin"}  # of the radio link
    (leak,) = (frame.metrics for frame in taken.frames if frame.cls == "leak")
    heard_well = [~np.isnan(leak[figure]) for figure in (*RADIO, "pressure")]
    assert (heard_well[0] == heard_well[2]).all()
    assert (heard_well[1] == heard_well[2]).all()


def test_smoke_is_heard_and_people_are_not(city: City, story: Story) -> None:
    step = play(city, story, 15.0, 16.0)
    taken = heard(city, Speaker(city).speak(Step([], step.sightings, [])), to_us(story.end))
    true = next(f for f in step.frames if f.cls == "camera")
    seen = next(f for f in taken.frames if f.cls == "camera")
    assert np.array_equal(true.metrics["smoke"], seen.metrics["smoke"])
    assert np.abs(true.time - seen.time).max() < 2000
    others = [s for s in step.sightings if s.label not in ("smoke", "fire")]
    assert others
    assert taken.dropped["label_not_allowed"] == len(others)


def test_smoke_ends_when_the_fire_is_out(city: City, story: Story) -> None:
    since, out = hours(story, 15.0, 16.0)
    until = out + 10 * MINUTE_US
    world = World(city, story.seed, story.start, story.troubles)
    speaker = Speaker(city)
    said = speaker.speak(Step([], world.sightings(since, out), []))
    assert world.mend("fire", out, device="cam-11")
    said += speaker.speak(Step([], world.sightings(out, until), []))
    camera = next(f for f in heard(city, said, until).frames if f.cls == "camera")
    assert camera.metrics["smoke"][-1] == 0.0
    assert np.all(camera.metrics["smoke"][:-1] > 0.7)


def test_requests_are_heard_with_their_place_and_apart_their_caller(
    city: City, story: Story
) -> None:
    step = play(city, story, 0.0, 24.0)
    said = Speaker(city).speak(Step([], [], step.requests))
    taken = heard(city, said, to_us(story.end))
    assert not taken.rejects
    assert len(taken.requests) == len(taken.contacts) == len(step.requests)
    for told, request in zip(step.requests, taken.requests, strict=True):
        assert request.place is not None
        assert (request.category, request.text) == (told["category"], told["text"])
        assert (request.place.lat, request.place.lon) == (told["lat"], told["lon"])
        assert request.community == told["community"]


def test_speaking_in_steps_says_the_same(city: City, story: Story) -> None:
    one = Speaker(city).speak(play(city, story, 1.0, 1.5))
    world = World(city, story.seed, story.start, story.troubles)
    since, until = hours(story, 1.0, 1.5)
    world.advance(since)
    speaker, many = Speaker(city), []
    for at in range(since, until, 5 * MINUTE_US):
        many += speaker.speak(world.step(at, at + 5 * MINUTE_US))
    assert Counter(one) == Counter(many)


def test_an_edge_node_is_born_once_and_counts_on(city: City, story: Story) -> None:
    said = Speaker(city).speak(play(city, story, 1.0, 2.0))
    node = [(t.split("/"), Payload.FromString(p)) for t, p in said if "scada-1" in t]
    kinds = [levels[2] for levels, _ in node]
    assert kinds[0] == "NBIRTH"
    assert Counter(kinds) == {"NBIRTH": 1, "DBIRTH": 3, "DDATA": 3 * 60 - 3}
    assert [payload.seq for _, payload in node] == [i % 256 for i in range(len(node))]
    data = [payload for levels, payload in node if levels[2] == "DDATA"]
    assert not any(metric.name for payload in data for metric in payload.metrics)
    assert all(metric.HasField("alias") for payload in data for metric in payload.metrics)


def test_a_rebirth_is_understood_and_changes_nothing(city: City, story: Story) -> None:
    speaker = Speaker(city)
    step = play(city, story, 1.0, 1.2)
    end = hours(story, 1.0, 1.2)[1]
    speaker.speak(step)
    again = speaker.birth("dionysos/scada-2", end)
    assert [topic.split("/")[2] for topic, _ in again] == ["NBIRTH", "DBIRTH", "DBIRTH", "DBIRTH"]
    taken = heard(city, again, end)
    assert not taken.rejects
    assert cells(taken.frames).items() <= cells(step.frames).items()
    assert speaker.birth("dionysos/nobody", end) == []


def test_lorawan_events_are_whole(city: City, story: Story) -> None:
    step = play(city, story, 0.0, 12.0)
    leak = [frame for frame in step.frames if frame.cls == "leak"]
    said = Speaker(city).speak(Step(leak, [], []))
    ups = [orjson.loads(p) for t, p in said if t.endswith("/event/up")]
    states = [orjson.loads(p) for t, p in said if t.endswith("/event/status")]
    assert len(ups) > 60 * 45
    assert 25 <= len(states) <= 35
    assert len({up["deduplicationId"] for up in ups}) == len(ups)
    one = [up["fCnt"] for up in ups if up["deviceInfo"]["deviceName"] == "ls-01"]
    assert np.all(np.diff(one) % 65_536 == 1)


def test_each_bad_message_is_rejected_once(city: City, story: Story) -> None:
    speaker = Speaker(city, story.bad)
    said = speaker.bad_messages(to_us(story.start), to_us(story.end))
    taken = heard(city, said, to_us(story.end))
    assert len(said) == len(story.bad) == len(taken.rejects) > 5
    assert not taken.frames
    assert {r.reason for r in taken.rejects} == {
        "not_json", "not_finite", "clock_ahead", "unknown_device", "unknown_topic",
        "identity_mismatch",
    }  # fmt: skip
    half = to_us(story.start) + 12 * HOUR_US
    parts = [
        speaker.bad_messages(to_us(story.start), half),
        speaker.bad_messages(half, to_us(story.end)),
    ]
    assert parts[0] + parts[1] == said

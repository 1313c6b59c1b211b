from dataclasses import replace
from math import nan

import pytest

from ingest.intake import Intake, Taken
from ingest.registry import Registry
from ingest.validate import Reason
from kel.model.message import Message
from kel.model.moment import HOUR_US
from tests.builders import ingest_city as city

SECONDS = city.NOW_MS / 1000


def event(
    kind: str, score: float | None, second: float, name: str = "a", **more: object
) -> Message:
    after = {
        "id": name,
        "camera": "cam-01",
        "label": "smoke",
        "score": score,
        "frame_time": SECONDS + second,
        "end_time": SECONDS + second if kind == "end" else None,
    }
    sent = {"type": kind, "before": None, "after": after | more}
    return city.message("frigate/events", sent, city.NOW_US + round(second * 1e6))


def smoke(taken: Taken) -> list[float]:
    return [float(v) for f in taken.frames for v in f.metrics["smoke"]]


def test_the_highest_score_in_sight_is_the_reading() -> None:
    taken = city.intake().take(
        [
            event("new", 0.6, 0, "a"),
            event("new", 0.9, 1, "b"),
            event("update", 0.7, 2, "a"),
            event("end", 0.9, 3, "b"),
            event("end", 0.7, 4, "a"),
        ]
    )
    assert smoke(taken) == [0.6, 0.9, 0.9, 0.7, 0.0]


def test_an_object_that_never_ended_is_forgotten_after_an_hour() -> None:
    intake = city.intake()
    intake.take([event("new", 0.9, 0, "a")])
    late = HOUR_US / 1e6
    assert smoke(intake.take([event("new", 0.4, late - 1, "b")])) == [0.9]
    assert smoke(intake.take([event("update", 0.4, late, "b")])) == [0.4]


def available(status: str, second: float) -> Message:
    return city.message("frigate/available", status, city.NOW_US + round(second * 1e6))


@pytest.mark.parametrize("status", ["online", "offline"])
def test_a_start_or_stop_of_frigate_ends_what_was_in_sight(status: str) -> None:
    intake = city.intake()
    taken = intake.take([event("new", 0.9, 0, "a"), available(status, 2)])
    assert smoke(taken) == [0.9, 0.0]
    (frame,) = taken.frames
    assert frame.time.tolist() == [city.NOW_US, city.NOW_US + 2_000_000]
    assert frame.metrics["fire"].tolist() == pytest.approx([nan, nan], nan_ok=True)
    assert smoke(intake.take([available("offline", 3)])) == []
    assert smoke(intake.take([event("new", 0.4, 4, "b")])) == [0.4]


def test_what_was_in_sight_ends_also_where_the_cameras_clock_is_ahead() -> None:
    taken = city.intake().take([event("new", 0.9, 0, "a"), available("offline", -1)])
    assert smoke(taken) == [0.9, 0.0]  # rows are in the order of time


def test_what_has_ended_is_not_ended_again_by_a_stop() -> None:
    intake = city.intake()
    intake.take([event("new", 0.9, 0, "a"), event("end", 0.9, 1, "a")])
    assert smoke(intake.take([available("offline", 2)])) == []


def test_online_again_while_it_runs_is_no_start() -> None:
    """The broker repeats what it retained to a bridge that comes back."""
    old, new = city.intake(), city.intake()
    old.take([available("online", 0), event("new", 0.9, 1, "a")])
    new.load(old.state())
    assert smoke(new.take([available("online", 2)])) == []
    assert smoke(new.take([available("offline", 3)])) == [0.0]


STORY = (event("new", 0.6, 0, "a"), event("update", 0.7, 0.5, "a"), event("end", 0.7, 1, "a"))


def test_the_same_messages_twice_make_the_same_rows() -> None:
    again = [city.later(m, 60_000_000) for m in STORY]
    once, twice = city.intake().take(STORY), city.intake().take([*STORY, *again])
    assert smoke(twice) == smoke(once) == [0.6, 0.7, 0.0]
    assert twice.dropped == {"duplicate": 3}


def test_the_same_messages_again_after_a_restart_make_no_row() -> None:
    old, new = city.intake(), city.intake()
    old.take(STORY)
    new.load(old.state())
    for intake in (old, new):
        again = intake.take(STORY)
        assert not again.frames
        assert again.dropped == {"duplicate": 3}


def test_what_was_refused_may_come_again() -> None:
    sent = event("new", 0.6, 600, "a")
    early, intake = city.later(sent, -600_000_000), city.intake()
    assert intake.take([early]).rejects[0].reason == Reason.CLOCK_AHEAD
    assert smoke(intake.take([sent])) == [0.6]


def test_a_refused_score_is_not_remembered() -> None:
    intake = city.intake()
    assert intake.take([event("new", 1.5, 0, "a")]).rejects[0].reason == Reason.OUT_OF_RANGE
    assert smoke(intake.take([event("new", 0.4, 1, "b")])) == [0.4]


def test_a_crowd_is_remembered_within_bounds() -> None:
    intake = city.intake()
    intake.take([event("new", 0.5, i / 10, f"object-{i}") for i in range(3000)])
    full = len(intake.state())
    intake.take([event("new", 0.5, i / 10, f"object-{i}") for i in range(3000, 4000)])
    assert len(intake.state()) == full < 50_000


def test_the_best_score_so_far_stands_in_for_a_missing_one() -> None:
    sent = event("new", None, 0, "a", top_score=0.8)
    assert smoke(city.intake().take([sent])) == [0.8]


def test_labels_are_judged_before_anything_else() -> None:
    sent = event("new", 9.9, 0, "a", label="person", camera="nowhere", frame_time="never")
    taken = city.intake().take([sent])
    assert not taken.rejects
    assert taken.dropped == {"label_not_allowed": 1}


def zoned() -> Intake:
    """A camera whose picture has two zones that the city knows."""
    camera = next(d for d in city.DEVICES if d.id == "cam-01")
    forest, yard = (
        replace(camera, id=f"cam-01-{zone}", number=900 + n, address=f"cam-01/{zone}")
        for n, zone in enumerate(("forest", "yard"))
    )
    return Intake(Registry([*city.DEVICES, forest, yard]), city.CLASSES)


def told(taken: Taken, number: int) -> list[float]:
    return [
        float(value)
        for frame in taken.frames
        for device, value in zip(frame.device, frame.metrics["smoke"], strict=True)
        if device == number
    ]


def test_a_zone_reads_what_of_its_camera_is_in_it_now() -> None:
    taken = zoned().take(
        [
            event("new", 0.6, 0, "a", current_zones=["road"]),
            event("update", 0.7, 1, "a", current_zones=["road", "forest"]),
            event("new", 0.8, 2, "b", current_zones=["forest"]),
            event("end", 0.8, 3, "b", current_zones=["forest"]),
            event("update", 0.9, 4, "a", current_zones=[]),
            event("update", 0.9, 5, "a"),
            event("end", 0.9, 6, "a", current_zones=["forest"]),
        ]
    )
    assert smoke_of_all(taken) == {51: [0.6, 0.7, 0.8, 0.7, 0.9, 0.9, 0.0], 900: [0.7, 0.8, 0.7, 0]}
    assert not taken.rejects


def smoke_of_all(taken: Taken) -> dict[int, list[float]]:
    numbers = sorted({int(n) for f in taken.frames for n in f.device})
    return {number: told(taken, number) for number in numbers}


def test_a_review_names_its_zones() -> None:
    data = {"detections": [], "objects": ["smoke"], "audio": [], "zones": ["yard"]}
    after = {"id": "r", "camera": "cam-01", "start_time": SECONDS, "end_time": None, "data": data}
    review = city.message("frigate/reviews", {"type": "new", "before": None, "after": after})
    assert smoke_of_all(zoned().take([review])) == {51: [1.0], 901: [1.0]}


def test_what_was_in_a_zone_ends_when_frigate_stops() -> None:
    intake = zoned()
    intake.take([event("new", 0.9, 0, "a", current_zones=["yard"])])
    again = zoned()
    again.load(intake.state())
    assert smoke_of_all(again.take([available("offline", 9)])) == {51: [0.0], 901: [0.0]}


@pytest.mark.parametrize("zones", ["yard", [7], {"yard": 1}])
def test_zones_that_are_no_names_are_refused_before_anything_is_taken(zones: object) -> None:
    taken = zoned().take([event("new", 0.9, 0, "a", current_zones=zones)])
    assert [r.reason for r in taken.rejects] == [Reason.BAD_EVENT]
    assert smoke_of_all(taken) == {}
    assert smoke(city.intake().take([event("new", 0.9, 0, "a", current_zones=zones)])) == [0.9]


def test_nobody_speaks_for_a_zone_but_its_camera() -> None:
    taken = zoned().take([event("new", 0.9, 0, "a", camera="cam-01/yard")])
    assert [r.reason for r in taken.rejects] == [Reason.BAD_EVENT]

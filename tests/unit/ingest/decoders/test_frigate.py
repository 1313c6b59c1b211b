from math import nan

import pytest

from ingest.intake import Taken
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

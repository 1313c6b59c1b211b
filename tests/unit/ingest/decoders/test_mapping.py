"""Mappings in the shapes that the case folders do not have: lists, devices in payloads."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.intake import Intake, Taken
from ingest.registry import Registry
from ingest.route import Router
from ingest.validate import Reason
from kel.model.device import Clock, DeviceState
from kel.model.mapping import JsonMapping, MappedMetric
from kel.model.units import UnitError
from tests.builders import ingest_city as city

LIST = JsonMapping(
    id="list",
    label="Καταγραφικά",
    topic="vendor/+/up",
    device="/dev/id",
    time="/at",
    time_form="iso",
    readings="/readings",
    metrics=(
        MappedMetric("/p", "pressure", unit="kPa"),
        MappedMetric("/n", "noise"),
        MappedMetric("/x", "raw", scale=2, offset=1),
    ),
)
DEVICES = tuple(
    city.device(
        100 + n, f"lg-1{n}", "leak", "list", address=f"L-{n}", shares="mapping:list", **more
    )
    for n, more in enumerate([{}, {}, {"state": DeviceState.RETIRED}, {"clock": Clock.ARRIVAL}])
)
AT = "2026-05-04T21:00:00Z"


def take(body: Any, mapping: JsonMapping = LIST, topic: str = "vendor/gw-1/up") -> Taken:
    registry = Registry(DEVICES, mappings=[mapping])
    return Intake(registry, city.CLASSES).take([city.message(topic, body)])


def rows(taken: Taken) -> list[tuple[int, float]]:
    return [
        (int(d), float(p))
        for frame in taken.frames
        for d, p in zip(frame.device, frame.metrics["pressure"], strict=True)
    ]


def test_a_list_of_readings_with_the_device_and_the_time_in_the_message() -> None:
    body = {"dev": {"id": "L-0"}, "readings": [{"at": AT, "p": 400}, {"p": 500, "x": 3}], "at": AT}
    taken = take(
        {**body, "readings": [{"at": "2026-05-04T20:00:00Z", "p": 400}, {"p": 500, "x": 3}]}
    )
    assert rows(taken) == [(100, 4.0), (100, 5.0)]
    assert [(o.metric, o.value) for o in taken.other] == [("raw", 7.0)]


def test_the_device_in_each_reading() -> None:
    taken = take({"at": AT, "readings": [{"dev": {"id": f"L-{n}"}, "p": 100} for n in (0, 1)]})
    assert rows(taken) == [(100, 1.0), (101, 1.0)]


def test_the_message_itself_is_the_list() -> None:
    taken = take([{"at": AT, "dev": {"id": "L-0"}, "p": 100}], replace(LIST, readings=""))
    assert rows(taken) == [(100, 1.0)]


def test_scale_and_offset_come_before_the_unit() -> None:
    scaled = MappedMetric("/p", "pressure", unit="kPa", scale=2, offset=100)
    body = {"dev": {"id": "L-0"}, "at": AT, "readings": [{"p": 150}]}
    assert rows(take(body, replace(LIST, metrics=(scaled,)))) == [(100, 4.0)]


def test_a_whole_number_names_a_device_too() -> None:
    numbered = city.device(200, "lg-20", "leak", "list", address="4711")
    registry = Registry([numbered], mappings=[LIST])
    body = {"dev": {"id": 4711}, "at": AT, "readings": [{"p": 100}]}
    assert rows(Intake(registry, city.CLASSES).take([city.message("vendor/a/up", body)]))


def test_of_several_devices_those_are_taken_that_may_speak_and_the_message_is_kept_too() -> None:
    readings = [{"dev": {"id": name}, "p": 100} for name in ("L-0", "L-9", "L-2")]
    taken = take({"at": AT, "readings": readings})
    assert rows(taken) == [(100, 1.0)]
    (reject,) = taken.rejects
    assert (reject.reason, reject.source, reject.address) == (Reason.UNKNOWN_DEVICE, "list", "L-9")
    alone = take({"at": AT, "readings": readings[1:]})
    assert not alone.frames
    assert [r.address for r in alone.rejects] == ["L-9"]


def test_every_stranger_of_a_list_is_told() -> None:
    names = ("L-0", "L-9", "L-8", "L-9")
    taken = take({"at": AT, "readings": [{"dev": {"id": name}, "p": 100} for name in names]})
    (reject,) = taken.rejects
    assert reject.strangers == (("list", "L-9"), ("list", "L-8"))
    assert reject.partly
    alone = take(
        {"at": AT, "readings": [{"dev": {"id": n}, "p": 1} for n in ("L-2", "L-9", "L-8")]}
    )
    assert [(r.strangers, r.partly) for r in alone.rejects] == [(reject.strangers, False)]


@pytest.mark.parametrize(
    ("stamps", "order"),
    [
        (["2031-01-01T00:10:00Z", "2031-01-01T00:05:00Z"], [2.0, 1.0]),
        ([20, 10], [2.0, 1.0]),
        ([20, None], [1.0, 2.0]),
        ([20, "2031-01-01T00:05:00Z"], [1.0, 2.0]),
    ],
)
def test_without_a_clock_the_newest_reading_of_a_list_stays_the_newest(
    stamps: list[Any], order: list[float]
) -> None:
    readings = [{"p": 100.0 * n, "at": at} for n, at in enumerate(stamps, 1)]
    taken = take({"dev": {"id": "L-3"}, "readings": readings})
    assert [p for _, p in rows(taken)] == order


def test_a_device_without_a_clock_needs_no_time() -> None:
    taken = take({"readings": [{"dev": {"id": "L-3"}, "p": 100, "at": "tomorrow"}]})
    assert rows(taken) == [(103, 1.0)]
    assert taken.frames[0].time[0] == city.NOW_US + 1_000_000


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"dev": {"id": "L-0"}, "at": AT}, Reason.WRONG_TYPE),
        ({"dev": {"id": "L-0"}, "at": AT, "readings": []}, Reason.EMPTY),
        ({"dev": {"id": "L-0"}, "at": AT, "readings": [7]}, Reason.EMPTY),
        ({"dev": {"id": "L-0"}, "readings": [{"p": 1}]}, Reason.NO_TIME),
        ({"dev": {"id": "L-0"}, "at": 1777928400, "readings": [{"p": 1}]}, Reason.BAD_TIME),
        ({"dev": {"id": True}, "at": AT, "readings": [{"p": 1}]}, Reason.WRONG_TYPE),
        ({"at": AT, "readings": [{"p": 1}]}, Reason.WRONG_TYPE),
        ({"dev": {"id": "L-0"}, "at": AT, "readings": [{"p": "nan"}]}, Reason.NOT_FINITE),
        ({"dev": {"id": "L-0"}, "at": AT, "readings": [{"p": 1}, {"p": 1e9}]}, Reason.OUT_OF_RANGE),
    ],
)
def test_what_cannot_be_read_is_refused_whole(body: Any, reason: Reason) -> None:
    taken = take(body)
    assert [r.reason for r in taken.rejects] == [reason]
    assert not taken.frames


@pytest.mark.parametrize(
    ("form", "stamp"),
    [("unix_ms", 1777928400000), ("unix_s", 1777928400), ("unix_s", 1777928400.0)],
)
def test_times_of_all_forms(form: Any, stamp: Any) -> None:
    taken = take(
        {"dev": {"id": "L-0"}, "at": stamp, "readings": [{"p": 1}]}, replace(LIST, time_form=form)
    )
    assert [int(t) for frame in taken.frames for t in frame.time] == [city.NOW_US]


def test_senders_that_only_payloads_name_share_a_group() -> None:
    router = Router(Registry(DEVICES, mappings=[LIST]))
    groups = {router.group(f"vendor/{name}/up") for name in "abc"}
    assert groups == {device.group for device in DEVICES} == {"mapping:list"}


def test_a_unit_that_cannot_become_the_classes_is_told_at_once() -> None:
    wrong = replace(LIST, metrics=(MappedMetric("/p", "pressure", unit="m³/h"),))
    with pytest.raises(UnitError):
        take({}, wrong)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["dev", "id", "readings", "at", "p", "0"]), inner, max_size=4
        )
    ),
    max_leaves=10,
)


@pytest.mark.parametrize("readings", [None, "", "/readings"])
def test_any_json_never_raises(readings: str | None) -> None:
    mapping = replace(LIST, readings=readings)

    @settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
    @given(json_values)
    def check(body: Any) -> None:
        taken = take(json.loads(json.dumps(body, default=str)), mapping)
        assert all(r.reason != Reason.INTERNAL for r in taken.rejects)
        assert len(taken.rejects) <= 1

    check()

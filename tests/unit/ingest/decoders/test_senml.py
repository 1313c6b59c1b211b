"""SenML beyond its case folders: any pack at all, and RFC 8428's rules of resolution."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.decoders.senml import metric_of
from ingest.intake import Intake, Taken
from ingest.registry import Registry
from ingest.validate import Reason, Refused
from kel.model.device import Clock
from tests.builders import ingest_city as city

TOPIC = "senml/gw-2/meter-7"


def take(pack: Any) -> Taken:
    return city.intake().take([city.message(TOPIC, pack, city.NOW_US)])


def flows(taken: Taken) -> list[tuple[int, float]]:
    """Seconds from NOW, and m³/h."""
    return [
        ((int(t) - city.NOW_US) // 1_000_000, float(v))
        for frame in taken.frames
        for t, v in zip(frame.time, frame.metrics["flow"], strict=True)
    ]


@pytest.mark.parametrize(
    ("pack", "found"),
    [
        ([{"n": "flow", "v": 1}], [(0, 1)]),
        ([{"n": "flow", "v": 1, "t": 0}], [(0, 1)]),
        ([{"n": "flow", "v": 1, "t": -120}], [(-120, 1)]),
        ([{"bt": -100, "n": "flow", "v": 1}, {"n": "flow", "v": 2, "t": 40}],
         [(-100, 1), (-60, 2)]),
        ([{"bt": 1777928340, "n": "flow", "v": 1, "t": 30}], [(-30, 1)]),
        ([{"bv": 20, "n": "flow", "v": 1}, {"n": "flow", "v": 2, "t": 1}], [(0, 21), (1, 22)]),
        ([{"bu": "l/s", "n": "flow", "v": 1}, {"n": "flow", "u": "l/h", "v": 500, "t": 1}],
         [(0, 3.6), (1, 0.5)]),
        ([{"bn": "meter-7/"}, {"n": "flow", "v": 1}], [(0, 1)]),
        ([{"bn": "meter-7/flow", "v": 1}], [(0, 1)]),
        ([{"n": "urn:dev:mac:00:meter-7_flow", "v": 1}], [(0, 1)]),
    ],
)  # fmt: skip
def test_bases_carry_forward(pack: Any, found: list[tuple[int, float]]) -> None:
    taken = take(pack)
    assert not taken.rejects
    assert flows(taken) == [(at, pytest.approx(value)) for at, value in found]


@pytest.mark.parametrize(
    ("pack", "found"),
    [
        ([{"n": "flow", "v": 1, "t": -60}, {"n": "flow", "v": 2}], [(-60_000_000, 1), (0, 2)]),
        ([{"n": "flow", "v": 1, "t": 60}], [(60_000_000, 1)]),
        ([{"bt": 1924992000, "n": "flow", "v": 2, "t": 60}, {"n": "flow", "v": 1}],
         [(0, 1), (1, 2)]),  # of 2031: only their order is believed
    ],
)  # fmt: skip
def test_what_is_counted_from_the_arrival_needs_no_clock(
    pack: Any, found: list[tuple[int, float]]
) -> None:
    devices = [replace(d, clock=Clock.ARRIVAL) if d.id == "zm-03" else d for d in city.DEVICES]
    intake = Intake(Registry(devices), city.CLASSES)
    (frame,) = intake.take([city.message(TOPIC, pack, city.NOW_US)]).frames
    times = [int(t) - city.NOW_US for t in frame.time]
    assert [*zip(times, frame.metrics["flow"].tolist(), strict=True)] == found


OTHERS = [  # device of the topic, whole name
    ("17", "urn:dev:ow:10e2073a0108117:flow"),
    ("17", "dev99.17/flow"),
    ("17", "gw-1/17/flow"),
    ("17", "dev99.17_flow"),
    ("17", "urn:dev:ow:18:flow"),
    ("17", "urn:dev:org:32473-99-17:flow"),
    ("meter-7", "meter-77:flow"),
    ("meter-7", "urn:dev:ow:meter-7x:flow"),
]
OWN = [
    ("17", "flow", "flow"),
    ("17", "flow17", "flow17"),
    ("1", "p1", "p1"),
    ("17", "17/flow", "flow"),
    ("17", "17.17", "17"),
    ("17", "17:flow.17", "flow.17"),
    ("17", "urn:dev:ow:17:flow", "flow"),
    ("17", "urn:dev:org:32473-17:flow", "flow"),
    ("17", "URN:DEV:mac:17_flow", "flow"),
    ("17", "17:", ""),
    ("17", "urn:dev:ow:17", ""),
]


@pytest.mark.parametrize(("device", "whole"), OTHERS)
def test_who_speaks_of_another_device_is_not_heard(device: str, whole: str) -> None:
    with pytest.raises(Refused) as refused:
        metric_of(device, whole)
    assert refused.value.reason is Reason.IDENTITY_MISMATCH


@pytest.mark.parametrize(("device", "whole", "metric"), OWN)
def test_the_devices_own_name_is_taken_off(device: str, whole: str, metric: str) -> None:
    assert metric_of(device, whole) == metric


parts = st.lists(
    st.sampled_from(["17", "1", "7", "a", "urn", "dev", ":", "/", "_", ".", "-", "flow", "URN:"]),
    max_size=8,
).map("".join)


@settings(max_examples=500)
@given(parts, parts)
def test_before_a_device_stands_nothing_or_a_urn(before: str, after: str) -> None:
    whole = f"{before}17{after}"
    try:
        metric = metric_of("17", whole)
    except Refused as why:
        assert why.reason is Reason.IDENTITY_MISMATCH
        return
    if metric == whole:  # no name of a device at all
        assert not set(whole) & set(":/")
    else:
        head = whole[: len(whole) - len(metric)].rstrip(":/_.-").removesuffix("17")
        assert not head or head.lower().startswith("urn:")
        assert head[-1:] in (":", "", "-")


values = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=6)
    | st.sampled_from(["flow", "m3/s", "meter-7:", "bar", "Cel"])
    | st.lists(st.integers(), max_size=2)
)
bases = ["bn", "bt", "bu", "bv", "bs", "bver"]
fields = st.sampled_from([*bases, "n", "u", "v", "vs", "vb", "vd", "s", "t", "ut", "x_"])
packs = st.lists(st.dictionaries(fields, values, max_size=6) | values, max_size=5)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(packs)
def test_any_pack_never_raises(pack: Any) -> None:
    taken = take(json.loads(json.dumps(pack)))
    assert all(r.reason != Reason.INTERNAL for r in taken.rejects)
    assert len(taken.rejects) <= 1


@pytest.mark.parametrize("key", ["bn", "n", "u", "bu"])
def test_a_long_name_is_refused_before_names_are_made_of_it(key: str) -> None:
    pack = [{"n": "flow", "v": 1, key: "x" * 600}, *[{"n": f"a{n}", "v": n} for n in range(100)]]
    (reject,) = take(pack).rejects
    assert reject.reason == Reason.BAD_NAME

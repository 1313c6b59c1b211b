"""TALQ beyond its case folders: who is a stranger in a report, and what its draft is called."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from ingest.intake import Intake, Taken
from ingest.registry import Registry
from ingest.validate import MOST_ROWS
from kel.model.device import Clock
from tests.builders import ingest_city as city

AT = "2026-05-04T21:00:00Z"


def entry(source: str, value: Any = 1, at: Any = AT, name: str = "activePower") -> dict[str, Any]:
    told = {"srcAddress": source, "timestamp": at, "attributeName": name, "attributeValue": value}
    return {"data": told}


def take(entries: Sequence[Any], *more: Any, topic: str = "talq/gw-2/log") -> Taken:
    intake = Intake(city.registry(*more), city.CLASSES)
    return intake.take([city.message(topic, {"entries": entries})])


STRANGE = [entry("L0:lamp"), entry("L0:energyMeter", 2, name="activeEnergy"), entry("L1:lamp")]


def test_every_stranger_of_a_report_is_told_by_its_device() -> None:
    (reject,) = take(STRANGE).rejects
    assert (reject.address, reject.partly) == ("gw-2/L0", False)
    assert reject.strangers == (("talq", "gw-2/L0"), ("talq", "gw-2/L1"))


def test_adopted_as_it_is_called_all_its_functions_are_heard() -> None:
    adopted = city.device(500, "la-05-001", "lamp", "talq", address="gw-2/L0")
    taken = take(STRANGE, adopted)
    assert [f.metrics["power"].tolist() for f in taken.frames] == [[1.0]]
    assert [(o.device, o.metric, o.value) for o in taken.other] == [(500, "energy", 2.0)]
    (reject,) = taken.rejects
    assert (reject.strangers, reject.partly) == ((("talq", "gw-2/L1"),), True)


@pytest.mark.parametrize("first", [True, False])
def test_a_stranger_is_told_before_any_other_reason(first: bool) -> None:
    wrong = entry("lamp-0001", "N/A")
    entries = [wrong, entry("L7"), entry("lamp-0001")]
    (reject,) = take(entries if first else entries[::-1], topic="talq/gw-1/log").rejects
    assert (reject.reason, reject.address) == ("unknown_device", "gw-1/L7")
    assert reject.strangers == (("talq", "gw-1/L7"),)


def test_a_wrong_entry_tells_whose_it_is() -> None:
    entries = [entry("lamp-0001:lampMonitor", "N/A"), entry("lamp-0002")]
    (reject,) = take(entries, topic="talq/gw-1/log").rejects
    assert (reject.device, reject.address) == ("la-03-001", "gw-1/lamp-0001")
    assert (reject.partly, reject.strangers) == (True, ())


def test_too_many_readings_refuse_the_whole_report() -> None:
    stamps = (f"2026-05-04T{n // 3600:02}:{n // 60 % 60:02}:{n % 60:02}Z" for n in range(MOST_ROWS))
    entries = [entry("lamp-0001", at=stamp) for stamp in stamps] + [entry("lamp-0002")]
    small = [{"data": {k: v for k, v in e["data"].items() if k != "cmsRefId"}} for e in entries]
    taken = take(small, topic="talq/gw-1/log")
    assert not taken.frames
    assert [r.reason for r in taken.rejects] in (["too_many"], ["too_large"])


@pytest.mark.parametrize(
    ("stamps", "order"),
    [
        (["2031-01-01T00:10:00Z", "2031-01-01T00:05:00Z", "2031-01-01T00:00:00Z"], [3, 2, 1]),
        (["1970-01-01T00:00:09", "1970-01-01T00:00:07", "1970-01-01T00:00:08"], [2, 3, 1]),
        (["b", "a", "c"], [1, 2, 3]),  # illegible: as they came
    ],
)
def test_without_a_clock_the_newest_stays_the_newest(stamps: list[str], order: list[int]) -> None:
    devices = [replace(d, clock=Clock.ARRIVAL) if d.id == "la-03-001" else d for d in city.DEVICES]
    entries = [entry("lamp-0001", n, at) for n, at in enumerate(stamps, 1)]
    intake = Intake(Registry(devices), city.CLASSES)
    taken = intake.take([city.message("talq/gw-1/log", {"entries": entries})])
    (frame,) = taken.frames
    assert frame.metrics["power"].tolist() == order
    start = city.NOW_US + 1_000_000
    assert frame.time.tolist() == [start, start + 1, start + 2]

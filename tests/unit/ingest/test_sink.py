import pytest

from ingest.sink import Kept, Sink, usable
from ingest.validate import Dropped, Reason, Refused
from tests.builders import ingest_city as city

ZONE = city.BY_NUMBER[21]


def sink() -> Sink:
    fresh = Sink(city.CLASSES)
    fresh.begin(0, city.telemetry({}))
    return fresh


def test_a_row_has_every_metric_of_its_class_and_nan_where_absent() -> None:
    into = sink()
    into.row(ZONE, city.NOW_US, {"pressure": 4})
    table = into.tables["zone"]
    flow, pressure = table.values
    assert flow != flow
    assert pressure == 4.0
    assert (table.device, table.time) == ([21], [city.NOW_US])


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({}, Reason.EMPTY),
        ({"flow": None}, Reason.EMPTY),
        ({"flow": "1"}, Reason.WRONG_TYPE),
        ({"flow": 2000.1}, Reason.OUT_OF_RANGE),
        ({"flow": -500.1}, Reason.OUT_OF_RANGE),
        ({"flow": float("nan")}, Reason.NOT_FINITE),
        ({"flow": 1, "extra": []}, Reason.WRONG_TYPE),
        ({"flow": 1, "": 1}, Reason.BAD_NAME),
        ({"flow": 1, "x" * 129: 1}, Reason.BAD_NAME),
    ],
)
def test_refuses_a_row_with_anything_wrong(values: dict[str, object], reason: Reason) -> None:
    with pytest.raises(Refused) as refused:
        sink().row(ZONE, city.NOW_US, values)
    assert refused.value.reason is reason


def test_the_bounds_of_a_metric_belong_to_it() -> None:
    into = sink()
    into.row(ZONE, city.NOW_US, {"flow": -500, "pressure": 25.0})
    assert into.tables["zone"].values == [-500, 25.0]


def test_numbers_that_nobody_declared_are_kept_and_text_is_counted() -> None:
    into = sink()
    into.row(ZONE, city.NOW_US, {"signal": -71, "open": True, "firmware": "2.4"})
    assert [(o.metric, o.value) for o in into.other.items] == [("signal", -71.0), ("open", 1.0)]
    assert into.dropped.items == [Dropped.TEXT_VALUE]
    assert not into.tables["zone"].time


def test_forgets_only_the_message_in_hand() -> None:
    into = sink()
    into.row(ZONE, city.NOW_US, {"flow": 1, "signal": 1})
    into.begin(1, city.telemetry({}))
    into.row(ZONE, city.NOW_US + 1, {"flow": 2, "signal": 2, "firmware": "x"})
    into.row(ZONE, city.NOW_US + 2, {"flow": 3})
    into.status(ZONE, city.NOW_US, True)
    into.forget()
    assert into.tables["zone"].time == [city.NOW_US]
    assert into.tables["zone"].matrix()[:, 0].tolist() == [1.0]
    assert [o.value for o in into.other.items] == [1.0]
    assert not into.statuses.items
    assert not into.dropped.items


def test_kept_finds_leave_out_refused_messages() -> None:
    kept: Kept[str] = Kept()
    for owner, item in enumerate("abca"):
        kept.add(owner, item)
    assert kept.without({1, 3}) == ("a", "c")
    assert kept.without(set()) == ("a", "b", "c", "a")


@pytest.mark.parametrize(
    ("number", "reason"), [(23, Reason.DRAFT_DEVICE), (24, Reason.RETIRED_DEVICE)]
)
def test_only_adopted_devices_may_speak(number: int, reason: Reason) -> None:
    with pytest.raises(Refused) as refused:
        usable(city.BY_NUMBER[number], "kel", "x")
    assert (refused.value.reason, refused.value.device) == (reason, city.BY_NUMBER[number].id)

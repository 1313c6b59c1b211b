from dataclasses import replace

import pytest

from ingest.sink import MOST_DAYS, Kept, Sink, Unsure, usable
from ingest.table import Block
from ingest.validate import MOST_NAMES, MOST_ROWS, Dropped, Reason, Refused
from kel.model.device import Clock
from kel.model.moment import HOUR_US
from tests.builders import ingest_city as city

ZONE = city.BY_NUMBER[21]
CLOCKLESS = replace(ZONE, clock=Clock.ARRIVAL)
ARRIVAL = city.telemetry({}).arrival


def sink(careful: bool = True) -> Sink:
    fresh = city.sink()
    fresh.begin(0, city.telemetry({}), careful)
    return fresh


def rows(into: Sink) -> Block:
    """The rows of zones, of which none is in doubt."""
    assert not into.judge()
    block = into.tables["zone"].block()
    assert block
    return block


@pytest.mark.parametrize("careful", [True, False])
def test_a_row_has_every_metric_of_its_class_and_nan_where_absent(careful: bool) -> None:
    into = sink(careful)
    into.row(ZONE, city.NOW_US, {"pressure": 4})
    block = rows(into)
    ((flow, pressure),) = block.values.tolist()
    assert flow != flow
    assert pressure == 4.0
    assert (block.device.tolist(), block.time.tolist()) == ([21], [city.NOW_US])
    assert (block.owner.tolist(), block.arrival.tolist()) == ([0], [ARRIVAL])


WRONG: list[tuple[dict[str, object], Reason]] = [
    ({}, Reason.EMPTY),
    ({"flow": None}, Reason.EMPTY),
    ({"flow": "1"}, Reason.WRONG_TYPE),
    ({"flow": [1]}, Reason.WRONG_TYPE),
    ({"flow": 2000.1}, Reason.OUT_OF_RANGE),
    ({"flow": -500.1}, Reason.OUT_OF_RANGE),
    ({"flow": 2**2000}, Reason.OUT_OF_RANGE),
    ({"flow": float("nan")}, Reason.NOT_FINITE),
    ({"flow": float("inf")}, Reason.NOT_FINITE),
    ({"flow": 1, "extra": []}, Reason.WRONG_TYPE),
    ({"flow": 1, "": 1}, Reason.BAD_NAME),
    ({"flow": 1, "x" * 129: 1}, Reason.BAD_NAME),
    ({"flow": 1, "x\0": 1}, Reason.BAD_NAME),
    (dict.fromkeys(map(str, range(MOST_NAMES + 1)), 1), Reason.TOO_MANY),
]


@pytest.mark.parametrize(("values", "reason"), WRONG)
def test_refuses_a_row_with_anything_wrong(values: dict[str, object], reason: Reason) -> None:
    with pytest.raises(Refused) as refused:
        sink().row(ZONE, city.NOW_US, values)
    assert refused.value.reason is reason


@pytest.mark.parametrize(("values", "reason"), WRONG)
def test_in_passing_a_wrong_row_is_refused_or_in_doubt(
    values: dict[str, object], reason: Reason
) -> None:
    into = sink(careful=False)
    into.row(ZONE, city.NOW_US, {"flow": 1})
    into.begin(1, city.telemetry({}), careful=False)
    try:
        into.row(ZONE, city.NOW_US, values)
    except Refused as why:
        assert why.reason is reason
        into.forget()
    else:
        assert into.judge() == {1}
    assert rows(into).owner.tolist() == [0]


def test_a_message_in_doubt_is_forgotten_with_all_that_it_added() -> None:
    into = sink(careful=False)
    into.row(city.BY_NUMBER[31], city.NOW_US, {"noise": 1, "snr": 2, "note": "x"})
    into.status(ZONE, city.NOW_US, True)
    into.row(ZONE, city.NOW_US, {"flow": "none"})
    assert into.judge() == {0}
    assert not any(table.block() for table in into.tables.values())
    assert not into.other.items + into.statuses.items + into.dropped.items


def test_no_more_readings_than_a_message_may_have() -> None:
    into = sink()
    for n in range(MOST_ROWS):
        into.row(ZONE, city.NOW_US + n, {"flow": 1})
    with pytest.raises(Refused) as refused:
        into.row(ZONE, city.NOW_US, {"flow": 1})
    assert refused.value.reason is Reason.TOO_MANY


def test_the_bounds_of_a_metric_belong_to_it() -> None:
    into = sink()
    into.row(ZONE, city.NOW_US, {"flow": -500, "pressure": 25.0})
    assert rows(into).values.tolist() == [[-500, 25.0]]


@pytest.mark.parametrize("careful", [True, False])
def test_numbers_that_nobody_declared_are_kept_and_text_is_counted(careful: bool) -> None:
    into = sink(careful)
    into.row(ZONE, city.NOW_US, {"signal": -71, "open": True, "firmware": "2.4"})
    assert [(o.metric, o.value) for o in into.other.items] == [("signal", -71.0), ("open", 1.0)]
    assert into.dropped.items == [Dropped.TEXT_VALUE]
    assert not into.judge()
    assert into.tables["zone"].block() is None


def test_forgets_only_the_message_in_hand() -> None:
    into = sink()
    into.row(ZONE, city.NOW_US, {"flow": 1, "signal": 1})
    into.begin(1, city.telemetry({}))
    into.row(ZONE, city.NOW_US + 1, {"flow": 2, "signal": 2, "firmware": "x"})
    into.row(ZONE, city.NOW_US + 2, {"flow": 3})
    into.status(ZONE, city.NOW_US, True)
    into.forget()
    block = rows(into)
    assert block.time.tolist() == [city.NOW_US]
    assert block.values[:, 0].tolist() == [1.0]
    assert [o.value for o in into.other.items] == [1.0]
    assert not into.statuses.items
    assert not into.dropped.items


def test_a_device_without_a_clock_has_its_rows_apart_from_the_arrival_on() -> None:
    lasts: dict[int, int] = {}
    for first in (0, 2):
        into = city.sink(lasts)
        into.begin(0, city.telemetry({}))
        into.row(CLOCKLESS, 1, {"flow": 1})
        into.row(CLOCKLESS, 1, {"flow": 2})
        into.status(CLOCKLESS, 1, True)
        assert rows(into).time.tolist() == [ARRIVAL + first, ARRIVAL + first + 1]
        assert into.statuses.items[0].at == ARRIVAL
    later = city.sink(lasts)
    later.begin(0, city.later(city.telemetry({}), 500))
    later.row(CLOCKLESS, 1, {"flow": 1})
    assert rows(later).time.tolist() == [ARRIVAL + 500]


def test_a_clock_of_ours_that_was_set_back_is_followed() -> None:
    into = city.sink({CLOCKLESS.number: ARRIVAL + 10**9})
    into.begin(0, city.telemetry({}))
    into.row(CLOCKLESS, 1, {"flow": 1})
    assert rows(into).time.tolist() == [ARRIVAL]


def test_a_device_without_a_clock_is_never_taken_in_passing() -> None:
    with pytest.raises(Unsure):
        sink(careful=False).row(CLOCKLESS, 1, {"flow": 1})


def test_kept_finds_leave_out_refused_messages_and_keep_the_order_of_messages() -> None:
    kept: Kept[str] = Kept()
    for owner, item in zip((0, 1, 2, 3, 1), "abcad", strict=True):
        kept.add(owner, item)
    assert kept.without({1, 3}) == ("a", "c")
    assert kept.without(set()) == ("a", "b", "d", "c", "a")
    kept.leave_out({0, 2})
    assert kept.without(set()) == ("b", "d", "a")


@pytest.mark.parametrize(
    ("number", "reason"), [(23, Reason.DRAFT_DEVICE), (24, Reason.RETIRED_DEVICE)]
)
def test_only_adopted_devices_may_speak(number: int, reason: Reason) -> None:
    with pytest.raises(Refused) as refused:
        usable(city.BY_NUMBER[number], "kel", "x")
    assert (refused.value.reason, refused.value.device) == (reason, city.BY_NUMBER[number].id)


def test_a_reading_older_than_any_is_kept_is_refused_before_it_claims_a_table_of_its_own() -> None:
    sent, day = city.telemetry({}), 24 * HOUR_US
    sink = city.sink()
    sink.begin(0, sent)
    sink.row(city.BY_NUMBER[21], sent.arrival - MOST_DAYS * day, {"flow": 1.0})
    with pytest.raises(Refused, match="400 days") as refused:
        sink.row(city.BY_NUMBER[21], sent.arrival - MOST_DAYS * day - 1, {"flow": 1.0})
    assert refused.value.reason is Reason.BAD_TIME

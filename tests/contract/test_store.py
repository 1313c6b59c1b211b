"""The store's port for costing: every store of readings must answer alike.

`kel.store.memory` is the twin that the history and unit tests use; the other is the real one.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from kel.costs.entry import make_entry
from kel.costs.lost import billing
from kel.costs.readings import Billed, Readings
from kel.model.cost import CostEntry, CostKind, CostNature
from kel.model.frame import Frame
from kel.model.ids import make_id
from kel.model.incident import Incident, IncidentState
from kel.model.moment import HOUR_US, to_us
from kel.model.reading import Output
from kel.model.situation import Changes
from kel.store.desk import write_changes
from kel.store.load import numbered
from kel.store.memory import MemoryReadings
from kel.store.readings import StoredReadings
from kel.store.stream import StreamStore
from tests.builders import costs_city
from tests.builders.running import example

ATHENS = ZoneInfo("Europe/Athens")
START = datetime(2026, 10, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
NAN = float("nan")
Rows = Iterable[tuple[str, float, float]]  # device, hours since START, flow
Put = Callable[..., Readings]
Book = Callable[..., Readings]


@pytest.fixture
def in_memory() -> Put:
    city = example().city

    def put(*frames: Rows) -> Readings:
        readings = MemoryReadings(city)
        readings.put([frame_of(city, rows) for rows in frames])
        return readings

    return put


@pytest.fixture
def stored(request) -> Put:
    connection = request.getfixturevalue("connection")
    city = numbered(connection, example().city)

    def put(*frames: Rows) -> Readings:
        store = StreamStore(connection, "contract", "k")
        store.progress([0])
        for n, rows in enumerate(frames):
            store.commit([Output(0, n, n + 1, frames=[frame_of(city, rows)])])
        return StoredReadings(connection, city)

    return put


@pytest.fixture
def booked_in_memory() -> Book:
    def book(changes: Changes) -> Readings:
        readings = MemoryReadings(example().city)
        readings.book(changes)
        return readings

    return book


@pytest.fixture
def booked_stored(request) -> Book:
    connection = request.getfixturevalue("connection")

    def book(changes: Changes) -> Readings:
        with connection.transaction(), connection.cursor() as cursor:
            write_changes(cursor, changes)
        return StoredReadings(connection, example().city)

    return book


@pytest.fixture(
    params=["booked_in_memory", pytest.param("booked_stored", marks=pytest.mark.integration)],
)
def book(request) -> Book:
    return request.getfixturevalue(request.param)


@pytest.fixture(
    params=["in_memory", pytest.param("stored", marks=pytest.mark.integration)],
)
def put(request) -> Put:
    return request.getfixturevalue(request.param)


def frame_of(city, rows: Rows) -> Frame:
    rows = list(rows)
    times = np.array([to_us(START) + int(hour * HOUR_US) for _, hour, _ in rows], np.int64)
    numbers = np.array([city.devices[device].number for device, _, _ in rows], np.int32)
    flow = np.array([value for *_, value in rows])
    rest = {"pressure": np.full(len(rows), 5.0), "volume": np.full(len(rows), NAN)}
    return Frame("zone", times, times, numbers, {"flow": flow, **rest})


def flows(readings, device="zm-01", since=0.0, until=24.0):
    times, values = readings.series(device, "flow", START + since * HOUR, START + until * HOUR)
    assert (times.dtype, values.dtype) == (np.int64, np.float64)
    return [((t - to_us(START)) / HOUR_US, v) for t, v in zip(times, values, strict=True)]


def test_nothing_stored_gives_nothing(put):
    readings = put([("zm-02", 1, 1.0)])
    assert flows(readings) == []
    times, values = readings.typical("zm-01", "flow", START, START + HOUR, ATHENS)
    assert (len(times), len(values)) == (0, 0)


def test_a_span_has_its_beginning_and_not_its_end(put):
    readings = put([("zm-01", hour, hour) for hour in range(6)])
    assert flows(readings, since=1, until=4) == [(1, 1), (2, 2), (3, 3)]


def test_one_device_one_metric_in_order_of_time_however_it_came(put):
    readings = put(
        [("zm-02", 9, 90.0), ("zm-01", 3, 3.0), ("zm-02", 10, 91.0), ("zm-01", 4, 4.0)],
        [("zm-01", 8, 8.0), ("zm-02", 1, 9.0)],  # the frame's first and last row are not its span
        [("zm-01", 1, 1.0)],
    )
    assert flows(readings) == [(1, 1), (3, 3), (4, 4), (8, 8)]
    assert flows(readings, since=2, until=9) == [(3, 3), (4, 4), (8, 8)]
    assert flows(readings, since=8, until=9) == [(8, 8)]


def test_what_was_not_reported_is_left_out(put):
    readings = put([("zm-01", 1, NAN), ("zm-01", 2, 0.0), ("zm-01", 3, NAN)])
    assert flows(readings) == [(2, 0.0)]
    assert len(readings.series("zm-01", "volume", START, START + 24 * HOUR)[0]) == 0


def test_delivered_twice_counts_once(put):
    rows = [("zm-01", 1, 1.0), ("zm-01", 2, 2.0)]
    assert flows(put(rows, rows)) == [(1, 1.0), (2, 2.0)]


def test_values_are_kept_to_the_last_bit(put):
    values = [0.1, 5e-324, 1.7976931348623157e308, -0.0]
    found = flows(put([("zm-01", n, value) for n, value in enumerate(values)]))
    assert [str(v) for _, v in found] == [str(v) for v in values]


def test_usual_is_the_median_of_that_hour_of_the_day_in_the_two_weeks_before(put):
    days = [("zm-01", 24 * day + hour, 10 * hour + day % 3) for day in range(20) for hour in (5, 6)]
    readings = put(days)
    since = START + 20 * 24 * HOUR
    times, values = readings.typical("zm-01", "flow", since, since + 24 * HOUR, ATHENS)
    assert [(t - to_us(since)) / HOUR_US for t in times] == [5.5, 6.5]
    assert values.tolist() == [51.0, 61.0]


def test_usual_goes_by_the_clock_on_the_wall_when_summer_time_ends(put):
    """On 25 October 2026 Athens goes back an hour: 05:00 there is 02:00 UTC before, 03:00 after."""
    readings = put([("zm-01", 24 * day + 2, 50.0) for day in range(24)])
    since = datetime(2026, 10, 25, 2, tzinfo=UTC)
    times, values = readings.typical("zm-01", "flow", since, since + 2 * HOUR, ATHENS)
    assert (times - to_us(since)).tolist() == [1.5 * HOUR_US]
    assert values.tolist() == [50.0]


def closed(number: int, begins: float, ends: float) -> Incident:
    return costs_city.incident(
        id=make_id("incident", number),
        number=f"2026-{number:04d}",
        state=IncidentState.CLOSED,
        started_at=START + begins * HOUR,
        closed_at=START + ends * HOUR,
    )


def loss_of(incident: Incident, device: str, **changes) -> CostEntry:
    values = {
        "about": incident.id,
        "at": incident.closed_at,
        "kind": CostKind.WATER,
        "nature": CostNature.MANAGEMENT,
        "name": device,
        "quantity": Decimal(5),
        "unit": "m³",
        "price": Decimal(1),
        "basis": {"device": device, **billing((incident.started_at, incident.closed_at), [])},
    }
    return make_entry(incident, None, **{**values, **changes})


def test_what_is_billed_of_a_device_on_a_span(book):
    one, two, three = closed(1, 0, 4), closed(2, 3, 8), closed(3, 1, 2)
    labour = {"kind": CostKind.LABOUR, "name": "p-01"}
    costs = [loss_of(two, "zm-01"), loss_of(one, "zm-01"), loss_of(three, "zm-02")]
    costs += [loss_of(one, "zm-01", **labour, basis={})]
    readings = book(Changes(incidents={i.id: i for i in (one, two, three)}, costs=costs))

    def billed(since: float, until: float, device: str = "zm-01") -> list[Billed]:
        return list(readings.billed(device, START + since * HOUR, START + until * HOUR))

    first, second = (Billed(i.number, i.started_at, i.closed_at) for i in (one, two))
    assert billed(0, 24) == [first, second]
    assert billed(0, 3) == [first], "a span has not its end"
    assert billed(4, 5) == [second], "nor has what is billed"
    assert billed(8, 9) == []
    assert billed(0, 24, "zm-03") == []


def test_a_correction_bills_nothing_anew(book):
    one = closed(1, 0, 4)
    entry = loss_of(one, "zm-01")
    correction = replace(entry, id=make_id("cost", "correction"), corrects=entry.id)
    readings = book(Changes(incidents={one.id: one}, costs=[entry, correction]))
    assert len(readings.billed("zm-01", START, START + HOUR)) == 1

"""The worker's store on the real database: readings, effects and offset, once and together."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import numpy as np
import psycopg
import pytest

from kel.model.frame import Frame
from kel.model.ids import make_id
from kel.model.moment import MINUTE_US, from_us, to_us
from kel.model.reading import OtherReading, Output, Status
from kel.model.request import Contact, Reject, Request
from kel.store.columns import POSTGRES_EPOCH_US
from kel.store.connect import connect
from kel.store.load import numbered
from kel.store.stream import LostPartitionError, StreamStore
from kel.topics import RAW
from tests.builders import city as builders
from tests.builders.fingerprint import stream_of
from tests.builders.running import OPENED, example

pytestmark = pytest.mark.integration

KAFKA = "cluster-1"
START = to_us(OPENED)
NAN = float("nan")
ZONE = ("flow", "pressure", "volume")


@pytest.fixture
def city(connection):
    return numbered(connection, example().city)


@pytest.fixture
def store(connection, city):
    opened = StreamStore(connection, city.classes, RAW, KAFKA)
    opened.progress(range(3))
    return opened


def zone_frame(city, *rows):
    """Rows of (device, minute, flow, pressure, volume)."""
    numbers = [city.devices[device].number for device, *_ in rows]
    times = np.array([START + minute * MINUTE_US for _, minute, *_ in rows], np.int64)
    values = np.array([values for _, _, *values in rows], np.float64).reshape(len(rows), 3)
    columns = {metric: values[:, i] for i, metric in enumerate(ZONE)}
    return Frame("zone", times, times + 1, np.array(numbers, np.int32), columns)


def output(first, next_, *frames, partition=0, **effects):
    return Output(partition, first, next_, frames=list(frames), **effects)


def stored(connection, table="reading_zone"):
    return connection.execute(
        f"SELECT d.id, r.flow, r.pressure, r.volume FROM {table} r JOIN device d "
        "ON d.number = r.device ORDER BY d.id, r.time"
    ).fetchall()


def reject(n=1, **changes):
    return replace(
        Reject(make_id("reject", n), OPENED, "kel/v1/x", b"\x00\xff", 2, "not_json", "broken"),
        **changes,
    )


def everything(city):
    """One output with an effect of every word."""
    alert = builders.alert(
        builders.small_city(),
        "zm-01",
        "main_burst",
        OPENED,
        severity=city.categories["main_burst"].severity,
    )
    request = Request(make_id("request", 1), OPENED, OPENED, "drosia", "main_burst", "Νερά!")
    return output(
        0,
        1,
        zone_frame(city, ("zm-01", 0, 1.0, 2.0, 3.0)),
        tick=START + MINUTE_US,
        alerts=[alert],
        requests=[request],
        contacts=[Contact(request.id, "Άννα", "210")],
        rejects=[reject()],
        other=[OtherReading(city.devices["zm-01"].number, START, "rssi", -70.0)],
        statuses=[Status("zm-01", START, True)],
        replies=[
            builders.reply(
                type("O", (), {"id": make_id("order", 1), "crew": "water-1"}), "accept", OPENED
            )
        ],
    )


def test_effects_and_offset_go_in_together(connection, store, city):
    store.commit([everything(city)])
    assert stored(connection) == [("zm-01", 1.0, 2.0, 3.0)]
    progress = store.progress([0])[0]
    assert (progress.next, progress.tick) == (1, from_us(START + MINUTE_US))
    counts = connection.execute(
        "SELECT (SELECT count(*) FROM alert), (SELECT count(*) FROM request), "
        "(SELECT count(*) FROM contact), (SELECT count(*) FROM reply), "
        "(SELECT count(*) FROM reject), "
        "(SELECT count(*) FROM reading_other), (SELECT count(*) FROM inbox),"
        "(SELECT online FROM device WHERE id = 'zm-01')"
    ).fetchone()
    assert counts == (1, 1, 1, 1, 1, 1, 3, True)
    assert connection.execute("SELECT payload FROM reject").fetchone() == (b"\x00\xff",)


@pytest.mark.parametrize(
    "spoilt",
    [
        pytest.param(lambda city: output(5, 6, partition=1), id="another partition was moved on"),
        pytest.param(
            lambda city: output(0, 1, partition=1, rejects=[reject(2, topic="\0")]),
            id="an effect that no database takes",
        ),
        pytest.param(
            lambda city: output(
                0, 1, partition=1, contacts=[Contact(make_id("request", 9), "nobody", "")]
            ),
            id="a contact without its request",
        ),
    ],
)
def test_all_or_nothing(connection, store, city, spoilt):
    before = stream_of(connection)
    with pytest.raises((LostPartitionError, psycopg.Error)):
        store.commit([everything(city), spoilt(city)])
    assert stream_of(connection) == before
    assert [p.next for p in store.progress([0, 1]).values()] == [0, 0]


@pytest.mark.parametrize(
    ("tick", "day"), [(None, OPENED), (START + 26 * 60 * MINUTE_US, OPENED + timedelta(days=1))]
)
def test_what_is_left_out_counts_for_the_day_of_the_data(connection, store, tick, day):
    connection.execute("SET timezone = 'UTC'")
    left_out = {"tick": tick, "arrival": START, "dropped": Counter(not_needed=2)}
    store.commit([output(0, 1, **left_out)])
    store.commit([output(1, 2, **left_out)])
    rows = connection.execute("SELECT * FROM dropped").fetchall()
    assert rows == [(day.date(), "not_needed", 4)]


def test_a_second_time_changes_nothing(connection, store, city):
    first = everything(city)
    store.commit([first])
    before = stream_of(connection)
    with pytest.raises(LostPartitionError):
        store.commit([first])
    assert stream_of(connection) == before
    # the same records once more, behind those that are there: as after a bridge was killed
    store.commit([replace(first, first=1, next=2)])
    assert stream_of(connection) == before
    assert store.progress([0])[0].next == 2


def test_a_zombie_and_its_successor_write_once(database, connection, store, city):
    with connect(database) as other:
        successor = StreamStore(other, city.classes, RAW, KAFKA)
        assert successor.progress([0])[0].next == 0
        successor.commit([output(0, 3, zone_frame(city, ("zm-01", 0, 1.0, 1.0, 1.0)))])
        with pytest.raises(LostPartitionError):
            store.commit([output(0, 1, zone_frame(city, ("zm-01", 1, 9.0, 9.0, 9.0)))])
    assert stored(connection) == [("zm-01", 1.0, 1.0, 1.0)]


def test_time_never_goes_back(store):
    store.commit([output(0, 1, tick=START + MINUTE_US)])
    store.commit([output(1, 2, tick=START)])
    store.commit([output(2, 3)])
    assert store.progress([0])[0].tick == from_us(START + MINUTE_US)


def test_partial_rows_join_and_what_is_stored_wins(connection, store, city):
    store.commit([output(0, 1, zone_frame(city, ("zm-01", 0, 1.0, NAN, NAN)))])
    store.commit([output(1, 2, zone_frame(city, ("zm-01", 0, NAN, 2.0, NAN)))])
    store.commit(
        [
            output(
                2,
                3,
                zone_frame(
                    city,
                    ("zm-01", 0, 9.0, NAN, 3.0),
                    ("zm-01", 1, 4.0, NAN, NAN),
                    ("zm-02", 0, 5.0, NAN, NAN),
                ),
            )
        ]
    )
    assert stored(connection) == [
        ("zm-01", 1.0, 2.0, 3.0),
        ("zm-01", 4.0, None, None),
        ("zm-02", 5.0, None, None),
    ]


@pytest.mark.parametrize("known", [False, True], ids=["new", "known"])
def test_parts_of_one_row_in_one_commit_join(connection, store, city, known):
    """Two messages of one moment that came in two records, and are committed at once."""
    if known:
        store.commit([output(0, 1, zone_frame(city, ("zm-01", 0, NAN, NAN, 3.0)))])
    next_ = int(known)
    parts = [("zm-01", 0, 1.0, NAN, NAN), ("zm-01", 0, NAN, 2.0, NAN), ("zm-01", 0, 9.0, NAN, 3.0)]
    store.commit([output(next_, next_ + 1, *(zone_frame(city, part) for part in parts))])
    assert stored(connection) == [("zm-01", 1.0, 2.0, 3.0)]


def test_the_newest_values_of_a_device_are_those_of_its_newest_time(connection, store, city):
    latest = "SELECT metrics FROM device_latest JOIN device ON device = number WHERE id = 'zm-01'"
    store.commit([output(0, 1, zone_frame(city, ("zm-01", 5, 1.0, 2.0, NAN)))])
    store.commit([output(1, 2, zone_frame(city, ("zm-01", 3, 7.0, 7.0, 7.0)))])  # late
    assert connection.execute(latest).fetchone() == ({"flow": 1.0, "pressure": 2.0},)
    store.commit([output(2, 3, zone_frame(city, ("zm-01", 6, 3.0, NAN, NAN)))])
    assert connection.execute(latest).fetchone() == ({"flow": 3.0, "pressure": 2.0},)
    late, part, more = (
        ("zm-01", 1, 8.0, 8.0, 8.0),
        ("zm-01", 7, NAN, NAN, 9.0),
        ("zm-01", 8, 4.0, NAN, NAN),
    )
    store.commit([output(3, 4, *(zone_frame(city, row) for row in (part, more, late)))])
    assert connection.execute(latest).fetchone() == ({"flow": 4.0, "pressure": 2.0, "volume": 9.0},)


EXTREMES = [0.0, -0.0, 5e-324, -5e-324, 1.7976931348623157e308, -1.7976931348623157e308, 0.1, NAN]
TIMES = [0, 1, POSTGRES_EPOCH_US - 1, POSTGRES_EPOCH_US, START, 253_402_300_799_999_999]


def test_copied_values_read_back_to_the_last_bit(connection, store, city):
    rows = [
        (t, v, EXTREMES[(i + j) % 8]) for i, t in enumerate(TIMES) for j, v in enumerate(EXTREMES)
    ]
    numbers = np.arange(1, len(rows) + 1, dtype=np.int32)
    numbers[-1] = 2**31 - 1
    times = np.array([t for t, *_ in rows], np.int64)
    flow, pressure = (np.array([row[i] for row in rows]) for i in (1, 2))
    columns = {"flow": flow, "pressure": pressure, "volume": np.full(len(rows), NAN)}
    store.commit([output(0, 1, Frame("zone", times, times, numbers, columns))])
    with connection.cursor(binary=True) as cursor:
        found = cursor.execute(
            "SELECT (extract(epoch FROM time) * 1000000)::bigint, "
            "(extract(epoch FROM arrival) * 1000000)::bigint, device, flow, pressure, volume "
            "FROM reading_zone ORDER BY device"
        ).fetchall()
    assert [tuple(row[:3]) for row in found] == list(zip(times, times, numbers, strict=True))
    for column, wanted in ((3, flow), (4, pressure)):
        values = np.array([NAN if row[column] is None else row[column] for row in found])
        assert values.tobytes() == wanted.tobytes()
    assert {row[5] for row in found} == {None}


def test_an_alert_once_cleared_stays_so(connection, store, city):
    fired = builders.alert(builders.small_city(), "zm-01", "main_burst", OPENED)
    cleared = builders.cleared(fired, from_us(START + MINUTE_US))
    for n, alert in enumerate((fired, cleared, fired, cleared)):
        store.commit([output(n, n + 1, alerts=[alert])])
    assert connection.execute("SELECT cleared_at FROM alert").fetchall() == [(cleared.cleared_at,)]
    words = connection.execute("SELECT word, at FROM inbox ORDER BY at").fetchall()
    assert words == [("fired", fired.detected_at), ("cleared", cleared.cleared_at)]


def test_a_kafka_that_was_made_anew_is_noticed(connection, store, city):
    store.commit([output(0, 7)])
    with pytest.raises(LookupError, match="made anew"):
        StreamStore(connection, city.classes, RAW, "cluster-2").progress([0])
    # also by a partition that the new one has and the old one never had
    with pytest.raises(LookupError, match="made anew"):
        StreamStore(connection, city.classes, RAW, "cluster-2").progress([11])
    assert store.progress([0])[0].next == 7


def test_a_snapshot_is_never_replaced_by_an_older_one(store):
    assert store.snapshot(0) is None
    for next_, state in ((5, b"new"), (3, b"old"), (5, b"same")):
        store.keep_snapshot(0, next_, state)
    assert store.snapshot(0) == (5, b"same")

"""The worker's store on the real database: readings, effects and offset, once and together."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from random import Random

import numpy as np
import psycopg
import pytest

from ingest.order import Order
from kel.model.frame import Frame
from kel.model.ids import make_id
from kel.model.moment import MINUTE_US, from_us, to_us
from kel.model.reading import Doubted, OtherReading, Output, Rebirth, Status
from kel.model.request import Contact, Reject, Request
from kel.store.columns import POSTGRES_EPOCH_US
from kel.store.connect import connect
from kel.store.desk import DeskStore
from kel.store.latest import Latest
from kel.store.load import numbered
from kel.store.stream import LostPartitionError, Snapshot, StreamStore
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
    opened = StreamStore(connection, RAW, KAFKA)
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
        successor = StreamStore(other, RAW, KAFKA)
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


def doubt(frame, late=False, newest=False):
    return Doubted(frame, np.full(len(frame), late), np.full(len(frame), newest))


def fates(connection):
    """What is told of late rows, and how many had which fate."""
    told = connection.execute(
        "SELECT d.id, extract(epoch FROM l.time)::bigint, l.fate, l.metrics FROM late l "
        "JOIN device d ON d.number = l.device ORDER BY l.time, l.arrival, l.fate"
    ).fetchall()
    counts = dict(connection.execute("SELECT reason, sum(count)::int FROM dropped GROUP BY 1"))
    told = [(d, (t - START // 10**6) // 60, *rest) for d, t, *rest in told]
    return told, counts


FIRST = ("zm-01", 0, 1.0, NAN, NAN)
KNOWN = [("zm-01", 1.0, None, None)]


@pytest.mark.parametrize(
    ("row", "late", "rows", "told", "counts"),
    [
        pytest.param(FIRST, False, KNOWN, [], {"duplicate": 1}, id="delivered twice"),
        pytest.param(FIRST, True, KNOWN, [], {"duplicate": 1}, id="delivered twice and late"),
        pytest.param(
            ("zm-01", 0, NAN, 2.0, NAN), False, [("zm-01", 1.0, 2.0, None)], [], {}, id="a part"
        ),
        pytest.param(
            ("zm-01", 0, 1.0, 2.0, NAN),
            True,
            [("zm-01", 1.0, 2.0, None)],
            [("zm-01", 0, "late", None)],
            {"late": 1},
            id="a part that rules did not see",
        ),
        pytest.param(
            ("zm-01", 0, 9.0, NAN, 3.0),
            False,
            [("zm-01", 1.0, None, 3.0)],
            [("zm-01", 0, "contradiction", {"flow": 9.0, "volume": 3.0})],
            {"contradiction": 1},
            id="another value: the first stays, and what was missing is filled in",
        ),
        pytest.param(
            ("zm-01", -5, 4.0, NAN, NAN),
            True,
            [("zm-01", 4.0, None, None), *KNOWN],
            [("zm-01", -5, "late", None)],
            {"late": 1},
            id="late",
        ),
        pytest.param(
            ("zm-01", -5, 4.0, NAN, NAN),
            False,
            [("zm-01", 4.0, None, None), *KNOWN],
            [],
            {},
            id="earlier, and in time",
        ),
    ],
)
@pytest.mark.parametrize("apart", [True, False], ids=["in two commits", "in one"])
def test_what_becomes_of_a_row_in_doubt(
    connection, store, city, row, late, rows, told, counts, apart
):
    first = zone_frame(city, FIRST)
    doubted = [doubt(zone_frame(city, row), late)]
    if apart:
        store.commit([output(0, 1, first)])
        found = store.commit([output(1, 2, doubted=doubted)])
    else:
        found = store.commit([output(0, 2, first, doubted=doubted)])
    assert stored(connection) == rows
    assert fates(connection) == (told, counts)
    assert found == counts


def test_rows_in_doubt_are_judged_in_the_order_in_which_they_came(connection, store, city):
    """Whoever is first wins, in the store or before it, however many come in one commit."""
    values = [(1.0, NAN), (1.0, 2.0), (3.0, 2.0), (1.0, 4.0), (1.0, 2.0), (NAN, NAN)]
    came = [doubt(zone_frame(city, ("zm-01", 0, f, p, NAN)), late=True) for f, p in values[:5]]
    found = store.commit([output(0, 1, doubted=came)])
    assert stored(connection) == [("zm-01", 1.0, 2.0, None)]
    assert found == {"late": 2, "contradiction": 2, "duplicate": 1}
    assert [t[2] for t in fates(connection)[0]] == ["contradiction", "contradiction", "late"]


def test_a_batch_that_is_stored_already_is_no_news(connection, store, city):
    """Kafka's records once more, of a worker that had lost its place."""
    frame = zone_frame(city, *(("zm-01", m, float(m), NAN, NAN) for m in range(5)))
    store.commit([output(0, 1, frame)])
    more = zone_frame(city, *(("zm-01", m, float(m), NAN, NAN) for m in range(3, 8)))
    assert store.commit([output(1, 2, more)]) == {"duplicate": 2}
    assert [row[1] for row in stored(connection)] == [float(m) for m in range(8)]


def test_random_rows_end_as_one_by_one(connection, store, city):
    """Disorder, repeats and contradictions, cut into records and commits at random."""
    random = Random(5)
    number = city.devices["zm-01"].number
    order = Order(2, [city.devices["zm-01"]])
    wanted, counts = {}, Counter()
    released, waiting, next_, pending = -1, [], 0, []
    for arrival in range(1, 120):
        came = {}
        for _ in range(random.randint(0, 3)):
            minute = max(0, arrival - random.choice([0, 0, 0, 1, 2, 5]))
            came[minute] = [random.choice([1.0, 2.0, NAN]), random.choice([5.0, NAN])]
        rows = [(m, v) for m, v in sorted(came.items()) if v[0] == v[0] or v[1] == v[1]]
        for minute, value in rows:
            late = minute <= released
            before = wanted.setdefault(minute, [NAN, NAN])
            new = [v == v and b != b for v, b in zip(value, before, strict=True)]
            differs = [v == v and b == b and v != b for v, b in zip(value, before, strict=True)]
            if any(differs):
                counts["contradiction"] += 1
            elif not any(new):
                counts["duplicate"] += 1
            elif late:
                counts["late"] += 1
            wanted[minute] = [v if n else b for v, b, n in zip(value, before, new, strict=True)]
            if not late:
                waiting.append((minute, arrival))
        if rows:
            frame = zone_frame(city, *(("zm-01", m, *v, NAN) for m, v in rows))
            frame = replace(
                frame, time=np.array([m for m, _ in rows]), arrival=np.full(len(rows), arrival)
            )
            fresh, doubted = order.put("b", frame)
            pending.append(output(next_, next_ + 1, fresh, doubted=[doubted] if doubted else []))
            next_ += 1
        order.tick("b", arrival)
        due = max((m for m, a in waiting if a <= arrival - 2), default=-1)
        released = max(released, due)
        waiting = [(m, a) for m, a in waiting if m > due]
        if pending and random.random() < 0.3:
            whole = pending[0]
            for more in pending[1:]:
                whole.add(more)
            store.commit([whole])
            pending = []
    for each in pending:
        store.commit([each])
    assert order._heard[0] == max(wanted)
    found = connection.execute(
        "SELECT (extract(epoch FROM time) * 1000000)::int, flow, pressure FROM reading_zone "
        "WHERE device = %s ORDER BY 1",
        [number],
    ).fetchall()
    none = [(m, *(None if v != v else v for v in vs)) for m, vs in sorted(wanted.items())]
    assert found == none
    assert fates(connection)[1] == counts
    assert min(counts.values()) > 5


def test_of_a_number_that_no_class_declares_the_first_stays_and_the_others_are_counted(
    connection, store, city
):
    number = city.devices["zm-01"].number
    readings = [(0, -70.0), (1, -71.0), (1, -71.0), (0, -80.0), (2, -72.0)]
    others = [OtherReading(number, START + at, "rssi", value) for at, value in readings]
    found = store.commit([output(0, 1, tick=START, other=others[:2])])
    assert found == {}
    found = store.commit([output(1, 2, tick=START, other=others[2:])])
    assert found == {"duplicate": 1, "contradiction": 1}
    values = connection.execute("SELECT value FROM reading_other ORDER BY time").fetchall()
    assert values == [(-70.0,), (-71.0,), (-72.0,)]
    assert fates(connection)[1] == found


def newest(connection):
    return connection.execute(
        "SELECT metrics FROM device_latest JOIN device ON device = number WHERE id = 'zm-01'"
    ).fetchone()


def test_the_newest_values_of_a_device_are_those_of_its_newest_time(connection, store, city):
    def commit(frame=None, doubted=()):
        frames = [] if frame is None else [zone_frame(city, frame)]
        n = store.progress([0])[0].next
        store.commit([output(n, n + 1, *frames, doubted=doubted)])
        store.keep_snapshot(0, 0, b"")  # before which they are written
        return newest(connection)[0]

    first = {"flow": 1.0, "pressure": 2.0}
    assert commit(("zm-01", 5, 1.0, 2.0, NAN)) == first
    earlier = doubt(zone_frame(city, ("zm-01", 3, 7.0, 7.0, 7.0)))
    assert commit(doubted=[earlier]) == first
    other_value = doubt(zone_frame(city, ("zm-01", 5, 9.0, NAN, NAN)), newest=True)
    assert commit(doubted=[other_value]) == first
    part = doubt(zone_frame(city, ("zm-01", 5, NAN, NAN, 4.0)), newest=True)
    assert commit(doubted=[part]) == {**first, "volume": 4.0}
    assert commit(("zm-01", 6, 3.0, NAN, NAN)) == {"flow": 3.0, "pressure": 2.0, "volume": 4.0}


def test_the_newest_values_wait_a_little_and_no_snapshot_is_ahead_of_them(connection, city):
    store = StreamStore(connection, RAW, KAFKA, Latest(every_s=3600))
    store.progress([0])
    store.commit([output(0, 1, zone_frame(city, ("zm-01", 0, 1.0, NAN, NAN)))])
    store.commit([output(1, 2, zone_frame(city, ("zm-01", 1, 2.0, NAN, NAN)))])
    assert newest(connection) == ({"flow": 1.0},)
    store.commit([output(2, 3)], [Snapshot(0, 3, b"state")])
    assert newest(connection) == ({"flow": 2.0},)
    assert store.snapshot(0) == (3, b"state")


def test_a_snapshot_goes_in_with_what_it_stands_behind_or_not_at_all(connection, store, city):
    with pytest.raises(LostPartitionError, match="partition 0 no longer stands at 5"):
        store.commit([output(5, 6)], [Snapshot(0, 6, b"state")])
    assert store.snapshot(0) is None


def test_a_class_may_get_a_metric_while_records_wait(connection, store, city):
    whole = zone_frame(city, ("zm-01", 0, 1.0, 2.0, NAN))
    narrow = replace(
        zone_frame(city, ("zm-01", 1, 3.0, NAN, NAN)),
        metrics={"flow": np.array([3.0])},
    )
    store.commit([output(0, 1, whole, narrow)])
    assert stored(connection) == [("zm-01", 1.0, 2.0, None), ("zm-01", 3.0, None, None)]


def test_an_edge_node_that_must_introduce_itself_is_a_message_for_the_desk(connection, store):
    rebirth = Rebirth("dionysos/scada", START, b"\x00\xff")
    for n in range(2):
        store.commit([output(n, n + 1, rebirths=[rebirth])])
    (message,) = DeskStore(connection).unsent()
    assert message.topic == "spBv1.0/dionysos/NCMD/scada"
    assert (message.raw, message.payload) == (b"\x00\xff", {})
    assert (message.made_at, message.expires_at) == (OPENED, OPENED + timedelta(minutes=1))


def test_what_came_last_of_a_device_is_whether_it_is_there(connection, store):
    words = [(2, True), (3, False), (1, True)]
    statuses = [Status("zm-01", START + at, online) for at, online in words]
    store.commit(
        [output(0, 1, statuses=statuses[:1]), output(0, 1, partition=1, statuses=statuses[1:])]
    )
    online = connection.execute("SELECT online FROM device WHERE id = 'zm-01'").fetchone()
    assert online == (False,)


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
        StreamStore(connection, RAW, "cluster-2").progress([0])
    # also by a partition that the new one has and the old one never had
    with pytest.raises(LookupError, match="made anew"):
        StreamStore(connection, RAW, "cluster-2").progress([11])
    assert store.progress([0])[0].next == 7


def test_a_snapshot_is_never_replaced_by_an_older_one(store):
    assert store.snapshot(0) is None
    for next_, state in ((5, b"new"), (3, b"old"), (5, b"same")):
        store.keep_snapshot(0, next_, state)
    assert store.snapshot(0) == (5, b"same")

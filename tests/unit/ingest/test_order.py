"""Rows wait for earlier ones of their device: against a slow reference, and case by case."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest import order as module
from ingest.order import BEHIND, NEVER, Order
from kel.model.frame import Frame

TOLERANCE = 20
DEVICES = [SimpleNamespace(number=n) for n in (3, 7, 8)]
STRANGER = 5


def frame_of(rows, cls="zone"):
    """Rows of (device, time, arrival, value), as the intake leaves them."""
    rows = sorted({(d, t): (d, t, a, v) for d, t, a, v in reversed(rows)}.values())
    device, time, arrival, value = zip(*rows, strict=True) if rows else [()] * 4
    return Frame(
        cls,
        np.array(time, np.int64),
        np.array(arrival, np.int64),
        np.array(device, np.int32),
        {"flow": np.array(value, np.float64), "level": np.full(len(rows), np.nan)},
    )


def told(frames):
    return [
        (d, t, v)
        for f in frames
        for d, t, v in zip(
            f.device.tolist(), f.time.tolist(), f.metrics["flow"].tolist(), strict=True
        )
    ]


class Plain:
    """The same laws, row by row."""

    def __init__(self):
        self.waiting, self.ticks, self.released = [], {}, {}

    def row(self, bridge, device, time, arrival, value):
        if time <= self.released.get(device, NEVER):
            return "late"
        if device != STRANGER:
            self.waiting.append((bridge, device, time, arrival, value))
        return "in time"

    def tick(self, bridge, now):
        self.ticks[bridge] = max(now, self.ticks.get(bridge, NEVER))
        newest = max(self.ticks.values())
        self.ticks = {b: t for b, t in self.ticks.items() if t >= newest - BEHIND}
        until = {}
        for b, device, time, arrival, _ in self.waiting:
            if arrival <= max(self.ticks.get(b, NEVER), newest - BEHIND) - TOLERANCE:
                until[device] = max(time, until.get(device, NEVER))
        out = [w for w in self.waiting if w[2] <= until.get(w[1], NEVER)]
        self.waiting = [w for w in self.waiting if w not in out]
        self.released.update(until)
        first = {}
        for _, device, time, _, value in out:
            first.setdefault((device, time), value)
        return sorted((d, t, v) for (d, t), v in first.items())


BRIDGES = st.sampled_from("ab")
ROW = st.tuples(st.just("row"), BRIDGES, st.sampled_from([3, 7, 8, STRANGER]), st.integers(0, 60))
TICK = st.tuples(st.just("tick"), BRIDGES, st.sampled_from([1, 10, 40, BEHIND]), st.none())


@settings(max_examples=300)
@given(st.lists(st.one_of(ROW, ROW, TICK), max_size=40), st.data())
def test_it_is_as_row_by_row_however_cut_and_restarted(happened, data):
    order, plain, now = Order(TOLERANCE, DEVICES), Plain(), 100
    stored = set()
    gathered = []  # rows of one bridge and arrival that wait to be cut into a record
    wanted = {}

    def put():
        if not gathered:
            return
        bridge = gathered[0][0]
        frame = frame_of([row[1:] for row in gathered])
        fresh, doubted = order.put(bridge, frame)
        assert not stored & {(d, t) for d, t, _ in told([fresh])}
        stored.update((d, t) for d, t, _ in told([frame]))
        late = {(d, t): False for d, t, _ in told([fresh])}
        if doubted is not None:
            pairs = ((d, t) for d, t, _ in told([doubted.frame]))
            late |= dict(zip(pairs, doubted.late.tolist(), strict=True))
        assert late == {k: v == "late" for k, v in wanted.items()}
        gathered.clear()
        wanted.clear()

    for word, bridge, what, time in happened:
        if word == "tick":
            put()
            now += what
            assert told(order.tick(bridge, now)) == plain.tick(bridge, now)
            continue
        if gathered and (gathered[0][0] != bridge or data.draw(st.booleans())):
            put()
            now += data.draw(st.sampled_from([0, 5]))
        if (what, time) in wanted:
            continue  # the intake has merged it
        gathered.append((bridge, what, time, now, float(len(stored))))
        wanted[what, time] = plain.row(bridge, what, time, now, float(len(stored)))
        if data.draw(st.integers(0, 9)) == 0:
            put()
            again = Order(TOLERANCE, DEVICES)
            again.load(order.state(), {"zone": ("flow", "level")})
            order = again
    put()


def put(order, *rows, bridge="a"):
    """Returns the late ones among rows of (time, arrival) of one device."""
    _, doubted = order.put(bridge, frame_of([(3, t, a, float(t)) for t, a in rows]))
    return [] if doubted is None else doubted.frame.time[doubted.late].tolist()


def released(frames):
    return [t for _, t, _ in told(frames)]


def test_disorder_within_the_tolerance_is_put_in_order_and_later_is_late():
    order = Order(TOLERANCE, DEVICES)
    assert put(order, (50, 100)) == []
    assert put(order, (40, 110)) == []
    assert released(order.tick("a", 119)) == []
    assert released(order.tick("a", 120)) == [40, 50]  # 40 with it, though it came later
    assert put(order, (45, 121), (50, 121), (51, 121)) == [45, 50]


def test_without_a_tolerance_rows_wait_for_their_bridges_tick():
    order = Order(0, DEVICES)
    put(order, (50, 100))
    put(order, (40, 100))
    assert released(order.tick("b", 200)) == []
    assert released(order.tick("a", 100)) == [40, 50]


def test_time_waits_for_the_slowest_bridge_until_it_is_left_out():
    order = Order(TOLERANCE, DEVICES)
    assert order.clock is None
    order.tick("a", 1000)
    order.tick("b", 400)
    assert order.clock == 400 - TOLERANCE
    put(order, (1, 500), bridge="b")
    assert released(order.tick("a", 400 + BEHIND)) == []
    assert order.clock == 400 - TOLERANCE
    assert released(order.tick("a", 520 + BEHIND)) == [1]
    assert (order.clock, dict(order.ticks)) == (500 + BEHIND, {"a": 520 + BEHIND})
    order.tick("b", 530 + BEHIND)
    assert order.clock == 500 + BEHIND


def test_a_batch_of_no_bridge_waits_no_longer_than_a_bridge_may_be_behind():
    order = Order(TOLERANCE, DEVICES)
    put(order, (1, 100), bridge="")
    assert released(order.tick("a", 119 + BEHIND)) == []
    assert released(order.tick("a", 120 + BEHIND)) == [1]


def test_no_more_than_so_many_rows_wait(monkeypatch):
    monkeypatch.setattr(module, "MOST", 3)
    order = Order(TOLERANCE, DEVICES)
    put(order, (3, 100), (1, 100))
    put(order, (2, 100))
    assert order.overdue() == []
    put(order, (4, 100))
    assert released(order.overdue()) == [1, 2, 3, 4]
    assert order.overdue() == []
    assert put(order, (4, 100)) == [4]


def test_parts_of_one_moment_are_one_row_and_the_first_value_wins():
    order = Order(TOLERANCE, DEVICES)
    for metric, value in (("flow", 1.0), ("level", 2.0), ("flow", 9.0)):
        frame = frame_of([(3, 50, 100, np.nan)])
        order.put(
            "a",
            Frame(
                "zone",
                frame.time,
                frame.arrival,
                frame.device,
                {**frame.metrics, metric: np.array([value])},
            ),
        )
    (row,) = order.tick("a", 120)
    assert {m: c.tolist() for m, c in row.metrics.items()} == {"flow": [1.0], "level": [2.0]}


@pytest.mark.parametrize(
    ("time", "doubted", "newest"),
    [(51, False, None), (50, True, True), (49, True, False)],
    ids=["later", "of the newest moment", "earlier"],
)
def test_what_may_be_stored_already_is_told(time, doubted, newest):
    order = Order(TOLERANCE, DEVICES)
    put(order, (50, 100))
    fresh, found = order.put("a", frame_of([(3, time, 101, 1.0)]))
    assert (len(fresh), found is not None) == (not doubted, doubted)
    if found is not None:
        assert found.newest.tolist() == [newest]


def test_what_rules_have_seen_has_passed():
    """A history remembers no order: only when each device was last heard."""
    order = Order(TOLERANCE, DEVICES)
    order.passed(np.array([3, 99]), np.array([50, 60]))
    assert put(order, (50, 100), (51, 100)) == [50]


def test_another_partitions_devices_never_wait_and_are_always_in_doubt():
    order = Order(TOLERANCE, DEVICES)
    for _ in range(2):
        fresh, doubted = order.put("a", frame_of([(STRANGER, 50, 100, 1.0)]))
        assert len(fresh) == 0
        assert not doubted.late.any()
    assert order.tick("a", 10**9) == []

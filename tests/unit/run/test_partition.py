"""One partition's line: what a record comes to beside what decoders and rules are tested for."""

from dataclasses import replace
from datetime import timedelta

import orjson
import pytest

from ingest.decoders.sparkplug import rebirth_command
from kel.model.message import Batch, Message
from kel.model.moment import MINUTE_US, SECOND_US, from_us, to_us
from kel.model.reading import Output
from kel.run.partition import Line
from tests.builders.running import OPENED, example

NOW = to_us(OPENED)


def line_of(disorder=timedelta(0)) -> Line:
    files = example()
    city = replace(files.city, disorder=disorder)
    return Line(3, city, files.rulebook, city.devices.values())


@pytest.fixture
def line() -> Line:
    return line_of()


def flow(minute: int, value: float = 20.0, arrival: int = 60) -> Message:
    """A zone meter's reading of that minute."""
    at = (OPENED + timedelta(minutes=minute)).isoformat()
    meter = example().city.devices["zm-01"]
    topic = f"kel/v1/{meter.community}/{meter.id}/telemetry"
    return Message(topic, orjson.dumps({"ts": at, "flow": value}), NOW + arrival * MINUTE_US)


def dark(minute: float, voltage: float) -> Message:
    """A feeder's voltage, which one of the example's rules watches."""
    feeder = next(d for d in example().city.devices.values() if d.cls == "feeder")
    at = to_us(OPENED) + int(minute * MINUTE_US)
    topic = f"kel/v1/{feeder.community}/{feeder.id}/telemetry"
    payload = orjson.dumps({"ts": at // 1000, "voltage": voltage, "power": 1.0})
    return Message(topic, payload, at)


def minutes(output: Output) -> list[int]:
    return [(t - NOW) // MINUTE_US for frame in output.frames for t in frame.time.tolist()]


def doubted(output: Output) -> list[tuple[int, bool]]:
    return [
        ((t - NOW) // MINUTE_US, late)
        for d in output.doubted
        for t, late in zip(d.frame.time.tolist(), d.late.tolist(), strict=True)
    ]


@pytest.mark.parametrize(
    ("second", "minute"),
    [(flow(4), 4), (flow(5, 99.0), 5), (flow(5), 5)],
    ids=["earlier", "another value", "delivered twice"],
)
@pytest.mark.parametrize("ticked", [False, True], ids=["before the tick", "after it"])
def test_what_may_be_stored_already_is_apart_and_late_once_rules_have_passed(
    line: Line, second: Message, minute: int, ticked: bool
) -> None:
    first = line.process(0, Batch((flow(5),), NOW + 60 * MINUTE_US if ticked else None))
    assert (minutes(first), doubted(first)) == ([5], [])
    later = line.process(1, Batch((second, flow(6))))
    assert minutes(later) == [6]
    assert doubted(later) == [(minute, ticked)]
    assert later.rows == 2


def test_the_rules_time_is_the_slowest_bridges_less_the_disorder() -> None:
    line = line_of(timedelta(seconds=2))
    ticks = [("a", 100), ("b", 40), ("a", 101), ("b", 102), ("a", 50)]
    outputs = [
        line.process(n, Batch((), NOW + s * SECOND_US, bridge=b)) for n, (b, s) in enumerate(ticks)
    ]
    told = [((o.tick or 0) - NOW) // SECOND_US for o in outputs]
    assert told == [98, 38, 38, 99, 99]
    assert line.ticks == {"a": NOW + 101 * SECOND_US, "b": NOW + 102 * SECOND_US}


def story(line: Line, cuts: int, restart: bool) -> list[object]:
    """A feeder's line fails and comes back, its readings overtaking each other; the alerts."""
    alerts: list[object] = []
    messages = [dark(m + (m % 3 == 0) * 0.5, 0.0 if 10 <= m < 30 else 230.0) for m in range(60)]
    offset = 0
    for first in range(0, 60, 2):
        pair = messages[first : first + 2][::-1]
        arrival = pair[0].arrival + MINUTE_US
        pair = [m._replace(arrival=arrival) for m in pair]
        records = [Batch(tuple(pair))] if cuts == 1 else [Batch((m,)) for m in pair]
        for batch in [*records, Batch((), arrival)]:
            alerts += line.process(offset, batch).alerts
            offset += 1
            if restart:
                again = line_of()
                again.load(line.state())
                line = again
    return alerts


def test_how_records_are_cut_and_where_a_line_goes_on_changes_no_alert(line: Line) -> None:
    wanted = story(line, 1, restart=False)
    assert wanted
    assert story(line_of(), 2, restart=False) == wanted
    assert story(line_of(), 2, restart=True) == wanted


def test_an_edge_node_is_asked_for_its_birth_once_a_minute(line: Line) -> None:
    pump = next(d for d in example().city.devices.values() if d.source == "sparkplug")
    group, node, device = pump.address.split("/")
    data = Message(f"spBv1.0/{group}/DDATA/{node}/{device}", b"\x18\x05", NOW)  # seq 5, of no birth
    asked = []
    for n, seconds in enumerate((0, 1, 59, 60, 61)):
        batch = Batch((data._replace(arrival=NOW + seconds * SECOND_US),))
        asked.append(line.process(n, batch).rebirths)
        again = line_of()
        again.load(line.state())
        line = again
    assert [len(a) for a in asked] == [1, 0, 0, 1, 0]
    (rebirth,) = asked[0]
    assert (rebirth.node, rebirth.at) == (f"{group}/{node}", NOW)
    assert rebirth.payload == rebirth_command(NOW)


def test_effects_know_when_their_messages_came(line: Line) -> None:
    nothing = line.process(0, Batch())
    assert (nothing.arrival, nothing.last_arrival) == (None, None)
    nothing.add(line.process(1, Batch((flow(1),))))
    nothing.add(line.process(2, Batch((Message("x", b"", NOW + 99 * MINUTE_US),))))
    assert from_us(nothing.arrival or 0) == OPENED + timedelta(hours=1)
    assert from_us(nothing.last_arrival or 0) == OPENED + timedelta(minutes=99)
    assert nothing.messages == 2


@pytest.mark.parametrize("written", [-1, 2**62, 10**18])
def test_a_record_of_no_bridge_becomes_a_reject_whatever_time_kafka_has_of_it(written):
    (reject,) = line_of().refused(7, b"x", written, "no record").rejects
    assert 1970 <= reject.arrival.year <= 9999

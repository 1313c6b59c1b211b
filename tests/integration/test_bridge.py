"""The bridge between real Mosquitto and real Kafka: nothing is lost, whatever ends or hangs."""

import os
import signal
import time
from collections import defaultdict

import orjson
import pytest

from ingest.validate import LARGEST_PAYLOAD
from kel.mqtt import BrokerError
from kel.topics import BRIDGE, CLOCK, TELEMETRY
from tests.builders.running import kill, paused, wait_until
from tests.builders.wire import Wire

pytestmark = pytest.mark.integration

LIVE = {"KEL_CLOCK": "system", "KEL_TICK_S": "0.2"}
COMMUNITY = "drosia"


def telemetry(first, last, devices=5):
    """Numbered messages of some devices in turn, (topic, payload)."""
    return [
        (
            TELEMETRY.format(community=COMMUNITY, device=f"d-{n % devices}"),
            orjson.dumps({"ts": n, "flow": float(n)}),
        )
        for n in range(first, last)
    ]


def arrived(system, messages):
    """Wait until all of these are in Kafka; all that is there."""

    def all_there():
        found = [(m.topic, m.payload) for m in system.messages()]
        return found if set(found) >= set(messages) else None

    return wait_until(all_there, 40, f"{len(messages)} messages in Kafka")


def in_order(found):
    """Whether each device's messages stand in the order in which they were first published."""
    by_topic = defaultdict(list)
    for topic, payload in found:
        if payload not in by_topic[topic]:
            by_topic[topic].append(payload)
    return all(
        [orjson.loads(p)["ts"] for p in payloads] == sorted(orjson.loads(p)["ts"] for p in payloads)
        for payloads in by_topic.values()
    )


def test_what_is_published_is_in_kafka_once_and_in_order(system):
    bridge = system.start_bridge(**LIVE)
    messages = telemetry(0, 3000)
    system.say(COMMUNITY, messages)
    found = arrived(system, messages)
    assert len(found) == len(messages)
    assert in_order(found)
    assert bridge.ended is None


def test_every_partition_hears_the_time_also_in_silence(system):
    system.start_bridge(**LIVE)
    started = time.time_ns() // 1000
    ticks = wait_until(
        lambda: [
            t
            for batches in system.records().values()
            if len(t := [b.tick for b in batches if b.tick is not None]) >= 2
        ],
        what="two ticks everywhere",
    )
    wait_until(lambda: all(len(b) >= 2 for b in system.records().values()))
    assert all(t == sorted(t) and t[-1] >= started - 10_000_000 for t in ticks)


def test_what_kafka_did_not_take_comes_again_after_the_bridge_is_killed(system):
    """PUBACK goes out after Kafka has the batch: while Kafka hangs the broker keeps everything."""
    bridge = system.start_bridge(**LIVE)
    before, during, after = telemetry(0, 500), telemetry(500, 2500), telemetry(2500, 3000)
    system.say(COMMUNITY, before)
    arrived(system, before)
    with paused(system.stack.kafka.child):
        system.say(COMMUNITY, during)
        time.sleep(0.5)
        kill(bridge)
    bridge.start()
    system.say(COMMUNITY, after)
    messages = [*before, *during, *after]
    found = arrived(system, messages)
    assert set(found) == set(messages)
    assert len(found) >= len(messages)
    assert in_order(found)


def test_the_time_goes_on_only_behind_what_the_broker_kept(system):
    """Else devices would be silent whose messages still wait in the broker's queue."""
    bridge = system.start_bridge(**LIVE)
    kill(bridge)
    before = {p: len(batches) for p, batches in system.records().items()}
    kept = telemetry(0, 9000)  # more than may be under way at once
    system.say(COMMUNITY, kept)
    bridge.start()
    arrived(system, kept)

    def ticked():
        since = {p: batches[before[p] :] for p, batches in system.records().items()}
        return since if all(b and b[-1].tick is not None for b in since.values()) else None

    for batches in wait_until(ticked, what="a tick everywhere behind the messages").values():
        first = next(n for n, batch in enumerate(batches) if batch.tick is not None)
        assert not any(batch.messages for batch in batches[first + 1 :])


def test_killed_in_the_middle_of_its_work_it_loses_nothing(system):
    bridge = system.start_bridge(**LIVE)
    messages = telemetry(0, 6000)
    for n in range(0, 6000, 1500):
        system.say(COMMUNITY, messages[n : n + 1500])
        kill(bridge)  # somewhere between receiving, writing and acknowledging
        bridge.start()
    found = arrived(system, messages)
    assert set(found) == set(messages)
    assert in_order(found)


@pytest.mark.parametrize("part", ["kafka", "mosquitto"])
def test_it_outlives_kafka_and_the_broker(system, part):
    bridge = system.start_bridge(**LIVE)
    before, during, after = telemetry(0, 300), telemetry(300, 600), telemetry(600, 900)
    system.say(COMMUNITY, before)
    arrived(system, before)
    stopped = getattr(system.stack, part)
    stopped.child.end()
    if part == "kafka":
        system.say(COMMUNITY, during)
    stopped.child.start()
    stopped.ready()
    if part == "mosquitto":
        system.say(COMMUNITY, during)
    system.say(COMMUNITY, after)
    messages = [*before, *during, *after]
    found = arrived(system, messages)
    assert set(found) == set(messages)
    assert in_order(found)
    assert bridge.ended is None, bridge.tail()


ODD = [
    pytest.param("ucifi/g/empty", b"", id="empty"),
    pytest.param("ucifi/g/binary", bytes(range(256)), id="binary"),
    pytest.param("ucifi/g/utf8", b"\xff\xfe{\xc3(", id="invalid UTF-8"),
    pytest.param("ucifi/g/large", b"x" * LARGEST_PAYLOAD, id="as large as may be"),
    pytest.param("ucifi//", b"{}", id="empty levels"),
    pytest.param("ucifi/ /\u00a0", b"{}", id="spaces"),
    pytest.param("ucifi/φανάρι/🙂", b"{}", id="Greek and beyond"),
    pytest.param('ucifi/"/\\', b"{}", id="quotes"),
    pytest.param("ucifi/%s/{}", b"{}", id="placeholders"),
    pytest.param("ucifi/" + "x/" * 190, b"{}", id="deep"),
    pytest.param("ucifi/" + "ώ" * 32_000, b"{}", id="as long as may be"),
]


def test_odd_messages_pass_as_they_are_and_stop_nothing(system):
    bridge = system.start_bridge(**LIVE)
    odd = [param.values for param in ODD]
    good = telemetry(0, 20)
    with system.link("lights") as lights:
        for message in odd:
            lights.publish([message])
    system.say(COMMUNITY, good)
    found = arrived(system, [*odd, *good])
    assert len(found) == len(odd) + len(good)
    assert bridge.ended is None, bridge.tail()


def test_a_message_that_is_far_too_large_is_cut_and_known_as_too_large(system):
    bridge = system.start_bridge(**LIVE)
    topic = "ucifi/g/huge"
    system.say("lights", [(topic, b"y" * 5_000_000), (topic, b"{}")])
    first, second = wait_until(lambda: len(m := system.messages()) == 2 and m, what="both")
    assert len(first.payload) == LARGEST_PAYLOAD + 1
    assert second.payload == b"{}"
    assert bridge.ended is None


def test_many_long_topics_at_once_fit_into_kafkas_records(system):
    """Topics of 4-byte characters are four times as long as they look."""
    bridge = system.start_bridge(**LIVE, KEL_LINGER_S="1")
    messages = [(f"ucifi/g/{n:04d}/" + "🙂" * 1000, b"") for n in range(1500)]
    with system.link("lights") as lights:
        lights.publish(messages)
    assert len(arrived(system, messages)) == len(messages)
    assert bridge.ended is None, bridge.tail()


@pytest.mark.parametrize("topic", ["ucifi/a\u0001b", "ucifi/\ud800"[:6] + "\uffff"])
def test_a_topic_that_mqtt_forbids_is_the_brokers_to_refuse(system, topic):
    bridge = system.start_bridge(**LIVE)
    with system.link("lights") as lights, pytest.raises(BrokerError):
        lights.publish([(topic, b"{}")], timeout_s=1)
    good = telemetry(0, 5)
    system.say(COMMUNITY, good)
    assert arrived(system, good) == good
    assert bridge.ended is None


def test_a_clock_that_says_nonsense_is_not_heard(system):
    """In a story: also the empty message that takes a retained one away."""
    bridge = system.start_bridge()
    good = telemetry(0, 5)
    system.say(COMMUNITY, good[:2])
    nonsense = [b"", b"{}", b"no clock", b'{"now": "soon", "tick": 1}', b"[1, 2]", b'{"now": 1}']
    with system.link("kel-clock") as clock:
        clock.publish([(CLOCK, said) for said in nonsense])
        system.tell_time(5_000_000, tick=False)
        clock.publish([(CLOCK, said) for said in nonsense])
    system.say(COMMUNITY, good[2:])
    arrived(system, good)
    assert [m.arrival for m in system.messages()] == [5_000_000] * 5
    assert bridge.ended is None, bridge.tail()


def status(link, wanted):
    """Wait until the bridge's retained status is this."""
    told = []

    def said():
        told.extend(m.payload for m in link.receive())
        return told[-1:] == [wanted]

    wait_until(said, 15, wanted.decode())


def test_its_status_tells_whether_it_is_there(system):
    with system.link("kel-clock", (BRIDGE,)) as hears, Wire(system.stack.mosquitto.port) as wire:
        bridge = system.start_bridge(**LIVE, KEL_MQTT_PORT=str(wire.port))
        status(hears, b"online")
        wire.cut()
        status(hears, b"offline")
        status(hears, b"online")  # it comes back by itself, and says so
        kill(bridge)
        status(hears, b"offline")
        bridge.start()
        status(hears, b"online")
        os.kill(bridge.pid, signal.SIGTERM)
        status(hears, b"offline")
        wait_until(lambda: bridge.ended is not None, what="the bridge's end")
    assert bridge.ended == 0


def test_a_broken_connection_loses_nothing(system):
    with Wire(system.stack.mosquitto.port) as wire:
        bridge = system.start_bridge(**LIVE, KEL_MQTT_PORT=str(wire.port))
        messages = telemetry(0, 4000)
        for n in range(0, 4000, 1000):
            system.say(COMMUNITY, messages[n : n + 1000])
            wire.cut()
        found = arrived(system, messages)
    assert set(found) == set(messages)
    assert in_order(found)
    assert bridge.ended is None, bridge.tail()

"""The bridge between real Mosquitto and real Kafka: nothing is lost, whatever ends or hangs."""

import os
import shutil
import signal
import sys
import time
from collections import defaultdict
from pathlib import Path

import orjson
import pytest

from ingest.validate import LARGEST_PAYLOAD
from kel.mqtt import BrokerError, Link, RefusedError
from kel.topics import BROKER, CLOCK, TELEMETRY, partition_of
from tests.builders.running import FOLDER, STATE, kill, paused, wait_until
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
        found = said(system)
        return found if set(found) >= set(messages) else None

    return wait_until(all_there, 90, f"{len(messages)} messages in Kafka")


def said(system):
    """All messages in Kafka that no broker says of itself."""
    return [(m.topic, m.payload) for m in system.messages() if not m.topic.startswith("$SYS/")]


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
    kept = telemetry(0, 9000)
    system.say(COMMUNITY, kept)
    system.start("bridge", **LIVE, KEL_MQTT_IN_FLIGHT="2000")  # less than wait there
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
    (_, first), (_, second) = wait_until(lambda: len(m := said(system)) == 2 and m, what="both")
    assert len(first) == LARGEST_PAYLOAD + 1
    assert second == b"{}"
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
    with system.link("kel-clock", (STATE,)) as hears, Wire(system.stack.mosquitto.port) as wire:
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


# killed, away, flooded


def test_kafka_killed_in_the_midst_of_it_loses_nothing(system):
    bridge = system.start_bridge(**LIVE)
    kafka = system.stack.kafka
    messages = telemetry(0, 20_000)
    for n in range(0, 20_000, 5000):
        system.say(COMMUNITY, messages[n : n + 5000])
        if n == 5000:
            kill(kafka.child)
    kafka.child.start()
    kafka.ready()
    found = arrived(system, messages)
    assert set(found) == set(messages)
    assert in_order(found)
    assert bridge.ended is None, bridge.tail()


def test_a_broker_killed_after_it_has_saved_loses_nothing(system):
    """What it acknowledged and had not saved yet may be gone: operations.md says so."""
    bridge = system.start_bridge(**LIVE)
    mosquitto = system.stack.mosquitto
    messages = telemetry(0, 3000)
    with paused(system.stack.kafka.child):
        system.say(COMMUNITY, messages)
        os.kill(mosquitto.child.pid, signal.SIGUSR1)  # save now
        (saved,) = system.stack.folder.glob("mosquitto/data/*.db")
        since = time.time()
        wait_until(lambda: saved.stat().st_mtime >= since, what="the broker's file")
        kill(mosquitto.child)
        mosquitto.child.start()
        mosquitto.ready()
    found = arrived(system, messages)
    assert set(found) == set(messages)
    assert in_order(found)
    assert bridge.ended is None, bridge.tail()


def memory_mb(child):
    """The most memory that a process has ever had (resident)."""
    (line,) = [
        line
        for line in Path(f"/proc/{child.pid}/status").read_text().splitlines()
        if line.startswith("VmHWM")
    ]
    return int(line.split()[1]) / 1024


FLOODS = {
    "large": [("ucifi/flood/large", b"%04d" % n + bytes(250_000)) for n in range(300)],
    "far too large": [("ucifi/flood/huge", b"%02d" % n + bytes(12_000_000)) for n in range(10)],
    "small": [(f"ucifi/flood/{n % 100}", b"%06d" % n) for n in range(30_000)],
}


# A bridge that the broker expects to hear from three times as often as from others.
KEEPALIVE_S = 5
LISTENED_TO = f"""
from kel.mqtt import link
link.KEEPALIVE_S = {KEEPALIVE_S}
from kel.cli import main
main()
"""


@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS)
def test_a_flood_while_kafka_is_away_takes_no_more_memory_than_may_be(system, flood):
    """The broker keeps it; and the connection holds, although its answers stand behind the flood:
    for longer than the broker waits for a silent client (one and a half times the keepalive, and
    the seconds until it looks)."""
    bridge = system.start_bridge(**LIVE, command=[sys.executable, "-c", LISTENED_TO, "bridge"])
    with system.link("kel-clock", (STATE,)) as hears:
        with paused(system.stack.kafka.child):
            since = time.monotonic()
            for n in range(0, len(flood), 3000):  # paho's own publishing is slow with more
                system.say("lights", flood[n : n + 3000])
            patience = 3 * KEEPALIVE_S if flood is FLOODS["large"] else 3
            wait_until(lambda: time.monotonic() - since > patience, 4 * KEEPALIVE_S, "that time")
        kept = [(topic, payload[: LARGEST_PAYLOAD + 1]) for topic, payload in flood]
        found = arrived(system, kept)
        assert {m.payload for m in hears.receive()} == {b"online"}  # again, but never offline
    assert set(found) == set(kept)
    assert memory_mb(bridge) < 200
    assert bridge.ended is None, bridge.tail()


def test_a_packet_that_is_too_large_for_the_broker_is_told_to_its_sender(system):
    bridge = system.start_bridge(**LIVE)
    with system.link("lights") as lights, pytest.raises(BrokerError):
        lights.publish([("ucifi/g/huge", bytes(17_000_000))], timeout_s=2)
    good = telemetry(0, 5)
    system.say(COMMUNITY, good)
    assert arrived(system, good) == good
    assert bridge.ended is None


# several


def test_bridges_with_filters_of_their_own_share_the_work(system):
    west = system.start_bridge(**LIVE, KEL_BRIDGE="west", KEL_FILTERS="kel/v1/+/+/telemetry")
    east = system.start_bridge(**LIVE, KEL_BRIDGE="east", KEL_FILTERS="ucifi/#,frigate/events")
    measured, lit = telemetry(0, 500), [(f"ucifi/g/{n}", b"%d" % n) for n in range(500)]
    system.say(COMMUNITY, measured)
    system.say("lights", lit)
    found = arrived(system, [*measured, *lit])
    assert sorted(found) == sorted([*measured, *lit])

    def both_tick():
        return all(
            {b.bridge for b in batches if b.tick is not None} == {"west", "east"}
            for batches in system.records().values()
        )

    wait_until(both_tick, what="ticks of both everywhere")
    wrote = {
        (b.bridge, m.topic[:5]) for p in system.records().values() for b in p for m in b.messages
    }
    assert wrote == {("west", "kel/v"), ("east", "ucifi")}
    assert (west.ended, east.ended) == (None, None)


def test_what_cameras_saw_never_reaches_kafka(system):
    """Also where the bridge's session is one of before, which heard all of Frigate."""
    password = system.stack.mosquitto.passwords["kel-bridge"]
    login = {"user": "kel-bridge", "password": password}
    Link(system.settings("kel-bridge"), "kel-bridge", ["frigate/#"], **login).open().close()
    system.start_bridge(**LIVE)
    seen = [("frigate/stats", b"{}"), ("frigate/tracked_object_update", b'{"name": "x"}')]
    told = [("frigate/events", b"{}"), ("frigate/reviews", b"{}"), ("frigate/available", b"online")]
    system.say("frigate", [*seen, *told])
    with pytest.raises(RefusedError):
        system.say("frigate", [("frigate/cam-01/person/snapshot", b"\xff\xd8")])
    assert sorted(arrived(system, told)) == sorted(told)


def test_of_two_bridges_of_one_name_the_first_ends_and_says_why(system):
    first = system.start_bridge(**LIVE)
    second = system.start("bridge", **LIVE)
    wait_until(lambda: first.ended is not None, what="the end of the first")
    assert first.ended == 1
    assert "another client 'kel-bridge' takes over the session" in first.tail()
    messages = telemetry(0, 500)
    system.say(COMMUNITY, messages)
    assert set(arrived(system, messages)) == set(messages)
    assert second.ended is None, second.tail()


def test_what_the_broker_says_of_itself_passes_like_a_message(system):
    system.start_bridge(**LIVE)
    # a Mosquitto that was killed before tells what it has dropped only once it drops again
    missing = set(BROKER) - {"$SYS/broker/publish/messages/dropped"}

    def all_told():
        missing.difference_update({m.topic for m in system.messages()})
        return not missing

    wait_until(all_told, 60, "all of its figures")  # Mosquitto says them every 10 s


def test_a_story_has_no_broker_that_speaks_of_itself(system):
    system.start_bridge()
    system.tell_time(5_000_000, tick=False)
    good = telemetry(0, 5)
    system.say(COMMUNITY, good)
    arrived(system, good)
    assert [m.topic for m in system.messages() if m.topic.startswith("$SYS")] == []


# a city that changes


def test_a_device_that_is_added_goes_to_its_partition_without_a_restart(system, tmp_path):
    city = shutil.copytree(FOLDER, tmp_path / "city")
    bridge = system.start_bridge(**LIVE, KEL_CITY=str(city))
    topic = TELEMETRY.format(community=COMMUNITY, device="zm-99")

    def partition_of_next(n):
        payload = b"%d" % n
        system.say(COMMUNITY, [(topic, payload)])
        arrived(system, [(topic, payload)])
        return next(
            p
            for p, batches in system.records().items()
            if any(m.payload == payload and m.topic == topic for b in batches for m in b.messages)
        )

    unknown, zone = (
        partition_of(group, system.settings().partitions)
        for group in (f"topic:kel/v1/{COMMUNITY}", "zone:z01")
    )
    assert unknown != zone
    assert partition_of_next(0) == unknown
    file = city / "devices/zone.csv"
    row = next(line for line in file.read_text("utf-8").splitlines() if line.startswith("zm-01,"))
    with file.open("a", encoding="utf-8") as rows:
        rows.write("not a row\n")
    wait_until(lambda: "has mistakes and is not taken" in bridge.tail(), what="the mistake")
    assert partition_of_next(1) == unknown  # what ran keeps running
    text = file.read_text("utf-8").replace("not a row\n", row.replace("zm-01", "zm-99") + "\n")
    file.write_text(text, "utf-8")
    wait_until(lambda: "has changed and is taken" in bridge.tail(), what="the new city")
    assert partition_of_next(2) == zone
    assert bridge.ended is None

"""Who may write where: the broker with the project's own ACL, a login a system."""

from collections.abc import Iterator
from contextlib import closing
from threading import Event
from typing import Any

import pytest

from kel.mqtt import Link, RefusedError
from kel.settings import Settings
from kel.stack.folder import make_folder, remove_folder
from kel.stack.mosquitto import Mosquitto
from kel.topics import CALLS
from tests.builders.running import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.processes]

SYSTEMS = ("frigate", "onvif", "zigbee2mqtt", "talq", "fiware", "senml", "hydrolog", "drosia")
ON_CALL = ("duty-day", "engineer")
LOGINS = ("kel-bridge", "kel-desk", *SYSTEMS, "edge-1", "f07", *ON_CALL)
OWN = {
    "frigate": "frigate/reviews",
    "onvif": "onvif/cam-03/onvif-ej/RuleEngine/FireDetector/Fire",
    "zigbee2mqtt": "zigbee2mqtt/plateia/fanari-1/availability",
    "talq": "talq/gw-1/log",
    "fiware": "fiware/lights/urn:ngsi-ld:Streetlight:1",
    "senml": "senml/gw-2/meter-7",
    "hydrolog": "hydrolog/L-4711/data",  # of the city's mappings: named in no line of the ACL
    "drosia": "kel/v1/drosia/fc-27/telemetry",
    "edge-1": "spBv1.0/water/DDATA/edge-1/p-01",  # an edge node and a lighting gateway, each with
    "f07": "ucifi/f07/la-07-001",  # a login of its own
}
NOBODYS = (
    "kel/v1/clock",
    "kel/v1/crews/water-1/orders",
    "spBv1.0/water/NDATA/edge-2",
    "spBv1.0/water/NCMD/edge-1",
    "ucifi/f08/la-08-001",
    "other/x",
)


@pytest.fixture(scope="module")
def broker() -> Iterator[Mosquitto]:
    folder = make_folder()
    try:
        broker = Mosquitto(folder, LOGINS)
        broker.child.start()
        try:
            broker.ready()
            yield broker
        finally:
            broker.child.end()
    finally:
        remove_folder(folder)


def link(broker: Mosquitto, login: str, **more: Any) -> Link:
    settings = Settings(mqtt_host="127.0.0.1", mqtt_port=broker.port)
    password = broker.passwords[login]
    return Link(settings, f"test-{login}", user=login, password=password, **more).open()


@pytest.mark.parametrize("login", OWN)
def test_a_login_writes_its_own_topics_and_nobody_elses(broker: Mosquitto, login: str) -> None:
    others = [topic for name, topic in OWN.items() if name != login]
    with closing(link(broker, login)) as sender:
        sender.publish([(OWN[login], b"x")])
        for topic in (*others, *NOBODYS):
            with pytest.raises(RefusedError):
                sender.publish([(topic, b"x")])


def test_the_bridge_hears_what_the_city_declares(broker: Mosquitto) -> None:
    came = Event()
    with (
        closing(link(broker, "kel-bridge", subscribe=["hydrolog/+/data"], wake=came.set)) as bridge,
        closing(link(broker, "hydrolog")) as sender,
    ):
        sender.publish([(OWN["hydrolog"], b"7")])
        assert came.wait(10)
        heard = [(m.topic, m.payload) for m in bridge.receive()]
        assert heard == [(OWN["hydrolog"], b"7")]


def test_whoever_is_on_call_hears_the_calls_for_it_alone(broker: Mosquitto) -> None:
    """Each listens to everybody's: the last call of all is its own, so none can be on its way."""
    calls = [CALLS.format(who=who) for who in ON_CALL]
    heard: dict[str, list[str]] = {who: [] for who in ON_CALL}
    with (
        closing(link(broker, ON_CALL[0], subscribe=["kel/v1/calls/+"])) as first,
        closing(link(broker, ON_CALL[1], subscribe=["kel/v1/calls/+"])) as second,
        closing(link(broker, "kel-desk")) as desk,
    ):
        desk.publish([(topic, b"x") for topic in (*calls, *calls)])
        for who, one in zip(ON_CALL, (first, second), strict=True):
            wait_until(lambda w=who, o=one: _heard(o, heard[w]) == 2, what=f"calls of {who}")
        with pytest.raises(RefusedError):
            second.publish([(calls[1], b"x")])
    assert heard == {who: [call] * 2 for who, call in zip(ON_CALL, calls, strict=True)}


def _heard(one: Link, topics: list[str]) -> int:
    topics += [m.topic for m in one.receive()]
    return len(topics)


@pytest.mark.parametrize("topic", ["frigate/cam-01/person", "frigate/cam-01/person/snapshot"])
def test_frigates_pictures_do_not_even_reach_the_broker(broker: Mosquitto, topic: str) -> None:
    with closing(link(broker, "frigate")) as sender, pytest.raises(RefusedError):
        sender.publish([(topic, b"\xff\xd8")])

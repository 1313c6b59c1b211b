import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.route import LONGEST, Router
from kel.topics import partition_of
from tests.builders import ingest_city as city


@pytest.mark.parametrize(
    ("topic", "group"),
    [
        ("kel/v1/stamata/zm-01/telemetry", "zone:z01"),
        ("kel/v1/stamata/zm-01/status", "zone:z01"),
        (f"application/leaks/device/{city.DEV_EUI.upper()}/event/up", "zone:z01"),
        ("ucifi/f01/la-01-001", "feeder:f01"),
        ("kel/v1/stamata/ps-10/telemetry", "community:stamata"),
        ("spBv1.0/dionysos/NBIRTH/scada-1", "edge:dionysos/scada-1"),
        ("spBv1.0/dionysos/DDATA/scada-1/ps-01", "edge:dionysos/scada-1"),
        ("spBv1.0/dionysos/DDATA/scada-1/unknown", "edge:dionysos/scada-1"),
        ("spBv1.0/dionysos/NDATA/ps-03", "edge:dionysos/ps-03"),
        ("v3/leaks@dionysos/devices/ls-02/up", "zone:z01"),
        ("v3/leaks@dionysos/devices/ls-02/down/ack", "zone:z01"),
        ("kel/v1/crews/water-1/replies", "crew:water-1"),
        ("kel/v1/stamata/requests", "community:stamata"),
        ("frigate/events", "topic:frigate"),
        ("frigate/cam-01/smoke/snapshot", "topic:frigate"),
        ("kel/v1/stamata/zm-77/telemetry", "topic:kel/v1/stamata"),
        ("v3/app/devices/x/up", "topic:v3/app/devices"),
        ("onvif/cam-03/onvif-ej/RuleEngine/SmokeDetector/Alarm", "community:stamata"),
        ("zigbee2mqtt/plateia/fanari-1/availability", "feeder:f01"),
        ("zigbee2mqtt/bridge/state", "topic:zigbee2mqtt/bridge/state"),
        ("zigbee2mqtt", "topic:zigbee2mqtt"),
        ("talq/gw-7/log", "gateway:gw-7"),
        ("fiware/lights/urn:ngsi-ld:Streetlight:la-04-001", "feeder:f03"),
        ("senml/gw-2/meter-7", "zone:z03"),
        ("acme/drosia/L-4711/data", "zone:z01"),
        ("acme/drosia/L-4712/data", "topic:acme/drosia/L-4712"),
        ("", "topic:"),
    ],
)
def test_the_group_of_a_topic(topic: str, group: str) -> None:
    assert Router(city.registry()).group(topic) == group


@pytest.mark.parametrize("device", city.DEVICES, ids=lambda d: d.id)
def test_a_device_and_its_topics_have_one_group(device: city.Device) -> None:
    group, _, name = device.address.partition("/")
    kind = "DDATA" if "/" in name else "NDATA"
    topics = {
        "kel": f"kel/v1/{device.community}/{device.id}/telemetry",
        "chirpstack": f"application/1/device/{device.address}/event/up",
        "ucifi": f"ucifi/{device.address}",
        "frigate": "frigate/events",
        "things_stack": f"v3/{group}/devices/{name}/up",
        "sparkplug": f"spBv1.0/{group}/{kind}/{name}",
        "onvif": f"onvif/{device.address}/onvif-ej/RuleEngine/FireDetector/Fire",
        "zigbee2mqtt": f"zigbee2mqtt/{device.address}",
        "talq": "talq/gw-1/log",
        "fiware": f"fiware/{device.address}",
        "senml": f"senml/{device.address}",
        "mapping": f"acme/drosia/{device.address}/data",
    }
    assert Router(city.registry()).group(topics[device.source]) == device.group


@given(st.text(st.characters()) | st.text("/#+$\0\ud800ab", max_size=2000))
def test_any_topic_has_a_short_group_with_a_partition(topic: str) -> None:
    group = Router(city.registry()).group(topic)
    assert len(group) <= LONGEST
    assert 0 <= partition_of(group, 12) < 12

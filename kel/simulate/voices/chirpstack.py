"""ChirpStack v4: LoRaWAN uplinks decoded by the network server, and the daily status.

What radio adds (data rate, signal, gateway) is made from the sensor and the moment.
Source: ChirpStack v4 documentation, "Event types"; EU868 channels of the LoRaWAN regional
parameters.
"""

from base64 import b64encode
from collections.abc import Sequence
from struct import pack
from zlib import crc32

import orjson

from kel.model.device import Device
from kel.model.ids import make_id
from kel.model.moment import MINUTE_US, from_us
from kel.simulate.noise import Stream, bits
from kel.simulate.voices import Message, Row

TENANT = str(make_id("tenant", "water"))
APPLICATION = str(make_id("application", "water"))
GATEWAYS = tuple(f"a84041ffff1e{i:04x}" for i in range(1, 6))
CHANNELS = (868_100_000, 868_300_000, 868_500_000, 867_100_000, 867_300_000, 867_500_000)
PERIOD_US = 15 * MINUTE_US
REGION = "eu868"


class ChirpStack:
    """The network server's voice; keeps what is the same in each event of a sensor."""

    def __init__(self, sensors: Sequence[Device]) -> None:
        self._info = {s.number: _info(s) for s in sensors}

    def up(self, sensor: Device, time_us: int, row: Row) -> Message:
        """An uplink with the codec's object."""
        key = crc32(sensor.address.encode())
        radio = int(bits(0, Stream.RADIO, key, time_us)[0])
        slow = key % 4
        body = {
            "deduplicationId": str(make_id("uplink", sensor.address, time_us)),
            "time": _rfc3339(time_us),
            "deviceInfo": self._info[sensor.number],
            "devAddr": f"01{key & 0xFFFFFF:06x}",
            "adr": True,
            "dr": 5 - slow,
            "fCnt": time_us // PERIOD_US % 65_536,
            "fPort": 2,
            "confirmed": False,
            "data": _data(row),
            "object": row,
            "rxInfo": [
                {
                    "gatewayId": GATEWAYS[key % len(GATEWAYS)],
                    "uplinkId": radio & 0xFFFFFFFF,
                    "gwTime": _rfc3339(time_us),
                    "rssi": -78 - 9 * slow - (radio >> 32) % 14,
                    "snr": 9.5 - 3 * slow - (radio >> 40) % 12 / 4,
                    "channel": (radio >> 48) % len(CHANNELS),
                    "location": {},
                    "context": b64encode(pack(">I", radio & 0xFFFFFFFF)).decode(),
                    "metadata": {"region_config_id": REGION, "region_common_name": "EU868"},
                    "crcStatus": "CRC_OK",
                }
            ],
            "txInfo": {
                "frequency": CHANNELS[(radio >> 48) % len(CHANNELS)],
                "modulation": {
                    "lora": {
                        "bandwidth": 125_000,
                        "spreadingFactor": 7 + slow,
                        "codeRate": "CR_4_5",
                    }
                },
            },
            "regionConfigId": REGION,
        }
        return _topic(sensor, "up"), orjson.dumps(body)

    def status(self, sensor: Device, time_us: int, battery: float) -> Message:
        """The daily answer to the network's question for the battery."""
        body = {
            "deduplicationId": str(make_id("status", sensor.address, time_us)),
            "time": _rfc3339(time_us),
            "deviceInfo": self._info[sensor.number],
            "margin": 12 - 3 * (crc32(sensor.address.encode()) % 4),
            "externalPowerSource": False,
            "batteryLevelUnavailable": False,
            "batteryLevel": battery,
        }
        return _topic(sensor, "status"), orjson.dumps(body)


def _topic(sensor: Device, event: str) -> str:
    return f"application/{APPLICATION}/device/{sensor.address}/event/{event}"


def _info(sensor: Device) -> dict[str, object]:
    return {
        "tenantId": TENANT,
        "tenantName": "Water service",
        "applicationId": APPLICATION,
        "applicationName": "leak-sensors",
        "deviceProfileId": str(make_id("profile", "leak")),
        "deviceProfileName": "Leak and pressure sensor",
        "deviceName": sensor.id,
        "devEui": sensor.address,
        "deviceClassEnabled": "CLASS_A",
        "tags": {"zone": sensor.zone or ""},
    }


def _rfc3339(time_us: int) -> str:
    return from_us(time_us).isoformat(timespec="microseconds")


def _data(row: Row) -> str:
    """The frame as the sensor packs it: mbar, tenths of dB and of °C, %."""
    values = (
        round(row["pressure"] * 1000) & 0xFFFF,
        round(row["noise"] * 10) & 0xFFFF,
        round(row["temperature"] * 10),
        round(row["battery"]) & 0xFF,
    )
    return b64encode(pack(">HHhB", *values)).decode()

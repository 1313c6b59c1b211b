"""uCIFI street lights: LwM2M objects 3416 (lamp controller) and 3305 (power) as JSON."""

import orjson

from kel.model.device import Device
from kel.simulate.voices import Message, Row


def report(lamp: Device, time_us: int, row: Row) -> Message:
    """A lamp's report on `ucifi/{gateway}/{lamp}`."""
    body = {
        "ts": time_us // 1000,
        "lamp": lamp.address.rsplit("/", 1)[1],
        "3416": {
            "0": {
                "1": int(row["command"]),
                "3": int(row["dimming"]),
                "5": bool(row["failure"]),
                "7": bool(row["gear_failure"]),
                "10": bool(row["day_burner"]),
                "15": row["hours"],
            }
        },
        "3305": {"0": {"5800": row["power"]}},
    }
    return f"ucifi/{lamp.address}", orjson.dumps(body)

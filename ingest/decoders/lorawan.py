"""What LoRaWAN network servers tell beside a device's own data: how well gateways heard it.

Laws: of all gateways that heard an uplink the one with the highest signal-to-noise ratio counts,
then the strongest; `rssi` (dBm) and `snr` (dB) are kept where the device's class declares them, and
a codec that tells them itself is believed. Servers leave out what is 0: an `snr` that is missing
beside an `rssi` is 0, and an `rssi` of 0 is none.
"""

from collections.abc import Mapping
from typing import Any

from ingest.checks import kind_of, number_of
from ingest.validate import Reason, Refused
from kel.model.device import DeviceClass

FIGURES = ("rssi", "snr")


class Radio:
    """Which classes keep how well their devices are heard."""

    def __init__(self, classes: Mapping[str, DeviceClass]) -> None:
        self._kept = {c.id: tuple(f for f in FIGURES if c.metric(f)) for c in classes.values()}

    def of(self, cls: str, heard: object) -> dict[str, object]:
        """The figures that the class keeps, of a list of gateways' `rssi` and `snr`."""
        kept = self._kept[cls]
        if not kept or not heard:
            return {}
        if type(heard) is not list:
            raise Refused(Reason.WRONG_TYPE, f"gateways: a list is wanted, not {kind_of(heard)}")
        best = max(map(_figures, heard))
        if best[1] == NOT_HEARD:
            return {}
        figures = {"snr": best[0], "rssi": best[1]}
        return {figure: figures[figure] for figure in kept}


NOT_HEARD = float("-inf")


def _figures(gateway: Any) -> tuple[float, float]:
    """snr and rssi of one gateway."""
    if type(gateway) is not dict:
        raise Refused(Reason.WRONG_TYPE, f"a gateway is an object, not {kind_of(gateway)}")
    rssi = gateway.get("rssi")
    if not rssi:
        return NOT_HEARD, NOT_HEARD
    return number_of(gateway.get("snr") or 0, "snr"), number_of(rssi, "rssi")

from datetime import timedelta

import pytest

from ingest.decoders.lorawan import Radio
from ingest.validate import Reason, Refused
from kel.model.device import DeviceClass, Metric


def radio(*kept: str) -> Radio:
    metrics = tuple(Metric(name, "dB", name) for name in ("pressure", *kept))
    return Radio({"leak": DeviceClass("leak", "leak", metrics, timedelta(minutes=15))})


@pytest.mark.parametrize(
    ("heard", "figures"),
    [
        ([{"rssi": -57, "snr": 10.5}], {"rssi": -57.0, "snr": 10.5}),
        # the clearest gateway counts, not the loudest
        ([{"rssi": -50, "snr": 2}, {"rssi": -90, "snr": 9}], {"rssi": -90.0, "snr": 9.0}),
        ([{"rssi": -90, "snr": 9}, {"rssi": -50, "snr": 9}], {"rssi": -50.0, "snr": 9.0}),
        # what is 0 is left out
        ([{"rssi": -57}], {"rssi": -57.0, "snr": 0.0}),
        ([{"rssi": -57}, {"rssi": -60, "snr": -3}], {"rssi": -57.0, "snr": 0.0}),
        # a gateway that does not say how
        ([{"gatewayId": "a"}, {"rssi": -60, "snr": -3}], {"rssi": -60.0, "snr": -3.0}),
        ([{"gatewayId": "a"}], {}),
        ([], {}),
        (None, {}),
    ],
)
def test_the_gateway_that_heard_best_counts(heard: object, figures: dict[str, float]) -> None:
    assert radio("rssi", "snr").of("leak", heard) == figures


@pytest.mark.parametrize("kept", [(), ("rssi",), ("snr",), ("rssi", "snr")])
def test_a_class_keeps_what_it_declares(kept: tuple[str, ...]) -> None:
    assert set(radio(*kept).of("leak", [{"rssi": -57, "snr": 1}])) == set(kept)


@pytest.mark.parametrize("heard", [{"rssi": 1}, "x", 7, [None], [[]], [{"rssi": "x"}]])
def test_what_is_no_list_of_gateways_is_refused(heard: object) -> None:
    with pytest.raises(Refused) as refused:
        radio("rssi").of("leak", heard)
    assert refused.value.reason is Reason.WRONG_TYPE

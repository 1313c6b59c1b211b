from datetime import timedelta

import pytest

from ingest.decoders.ucifi import RESOURCES
from ingest.intake import Intake, Taken
from ingest.registry import Registry
from ingest.validate import Reason
from kel.model.device import DeviceClass, Metric
from tests.builders import ingest_city as city


def taken_as(metrics: dict[str, str], objects: dict[str, object]) -> Taken:
    """What is taken of a report by a device whose class declares these metrics and units."""
    cls = DeviceClass(
        "thing",
        "thing",
        tuple(Metric(name, unit, name) for name, unit in metrics.items()),
        timedelta(hours=1),
    )
    device = city.device(1, "t-1", "thing", "ucifi", address="g/t-1")
    intake = Intake(Registry((device,)), {"thing": cls})
    return intake.take([city.message("ucifi/g/t-1", {"ts": city.NOW_MS} | objects)])


@pytest.mark.parametrize(
    ("resource", "value", "metric", "unit", "kept"),
    [
        ("3305/0/5800", 36.5, "power", "W", 36.5),
        ("3305/0/5800", 1500, "power", "kW", 1.5),
        ("3305/0/5805", 51234, "energy", "kWh", 51.234),
        ("3305/0/5805", 51234, "energy", "Wh", 51234.0),
        ("3424/0/1", 812.5, "volume", "m³", 812.5),
        ("3424/0/8", 0.002, "flow_most", "m³/h", 7.2),
        ("3416/0/3", 80, "dimming", "%", 80.0),
        ("3416/0/15", 12345.5, "hours", "h", 12345.5),
        ("3416/0/5", True, "failure", "0/1", 1.0),
        ("3427/0/1", 412000, "pressure", "bar", 4.12),
        ("3424/0/10", True, "leak_detected", "0/1", 1.0),
    ],
)
def test_a_metric_is_told_in_the_unit_of_its_class(
    resource: str, value: object, metric: str, unit: str, kept: float
) -> None:
    number, instance, item = resource.split("/")
    taken = taken_as({metric: unit}, {number: {instance: {item: value}}})
    assert not taken.rejects
    assert taken.frames[0].metrics[metric].tolist() == pytest.approx([kept])


@pytest.mark.parametrize("resource", RESOURCES)
def test_what_the_class_does_not_declare_keeps_the_name_and_unit_of_its_object(
    resource: str,
) -> None:
    number, instance, item = resource.split("/")
    taken = taken_as({"voltage": "V"}, {number: {instance: {item: 7}}})
    assert [(o.metric, o.value) for o in taken.other] == [(resource, 7.0)]


def test_a_unit_that_cannot_become_the_class_s_is_refused() -> None:
    taken = taken_as({"power": "bar"}, {"3305": {"0": {"5800": 36.5}}})
    assert [r.reason for r in taken.rejects] == [Reason.BAD_UNIT]


def test_a_long_object_is_refused_before_a_key_is_made_of_each_of_its_resources() -> None:
    resources = {str(n): n for n in range(900)}
    (reject,) = taken_as({"power": "W"}, {"x" * 130_000: {"0": resources}}).rejects
    assert reject.reason == Reason.BAD_NAME

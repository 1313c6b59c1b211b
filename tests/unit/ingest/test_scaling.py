import pytest

from ingest.scaling import Scaling
from ingest.validate import Reason, Refused
from tests.builders import ingest_city as city

UNITS = {"power": "W", "energy": "Wh", "noise": "bar", "flow": "l/s"}


def test_a_formats_units_become_those_of_the_class() -> None:
    scaling = Scaling(city.CLASSES, UNITS)
    pump: dict[str, object] = {"power": 5500, "energy": 1000, "flow": 10.0, "valve": 3}
    scaling.apply("pump", pump)
    assert pump == {"power": 5.5, "energy": 1.0, "flow": 36.0, "valve": 3}
    lamp: dict[str, object] = {"power": 48, "energy": 1000}  # W already; energy is not declared
    scaling.apply("lamp", lamp)
    assert lamp == {"power": 48, "energy": 1000}


def test_what_is_not_reported_stays_so() -> None:
    values: dict[str, object] = {"power": None}
    Scaling(city.CLASSES, UNITS).apply("pump", values)
    assert values == {"power": None}


@pytest.mark.parametrize(
    ("cls", "metric", "unit", "value", "reason"),
    [
        ("leak", "noise", "bar", 1.0, Reason.BAD_UNIT),
        ("leak", "noise", "no such unit", 1.0, Reason.BAD_UNIT),
        ("pump", "power", "W", "much", Reason.WRONG_TYPE),
        ("pump", "power", "W", float("inf"), Reason.NOT_FINITE),
    ],
)
def test_what_cannot_be_scaled_is_refused(
    cls: str, metric: str, unit: str, value: object, reason: Reason
) -> None:
    with pytest.raises(Refused) as refused:
        Scaling(city.CLASSES).value(cls, metric, unit, value)
    assert refused.value.reason is reason


def test_units_that_senders_invent_are_not_kept_for_ever() -> None:
    scaling = Scaling(city.CLASSES)
    for i in range(10_000):
        with pytest.raises(Refused):
            scaling.value("pump", "power", f"unit {i}", 1.0)
    assert len(scaling._ways) <= 4096

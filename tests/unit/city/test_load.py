"""The small city as loaded: every file's content arrives where the model says."""

from datetime import time, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kel.city import load_city
from kel.city.check import check
from kel.model.alert import Severity
from kel.model.cost import BudgetLine, CostNature
from kel.model.crew import Rates, Shift, Vehicle
from kel.model.incident import Material
from kel.model.mistake import MistakesError
from kel.model.place import Community, Feeder, Point, Zone
from kel.model.stock import Item, Stock

FILES = (
    "city.toml",
    "classes.toml",
    "communities.toml",
    "zones.geojson",
    "feeders.csv",
    "devices/pump.csv",
    "crews.toml",
    "categories.toml",
    "rates.toml",
    "budget.csv",
)


def test_the_city_and_its_places(small: Path) -> None:
    city = load_city(small)
    assert (city.id, city.name, city.timezone) == ("small", "Μικρή Πόλη", "Europe/Athens")
    assert city.warehouse == Point(38.1, 23.8)
    assert city.communities["north"] == Community("north", "Βορράς", Point(38.15, 23.85), 1200)
    assert city.zones == {
        "z1": Zone("z1", "Ζώνη 1", "north", Point(38.151, 23.851), 400, 1200, 8.5, 300.0, "ps-1")
    }
    assert city.feeders == {"f1": Feeder("f1", "Γραμμή 1", "south", Point(38.05, 23.85))}


def test_classes_and_devices(small: Path) -> None:
    city = load_city(small)
    assert list(city.classes) == ["pump", "zone", "feeder", "lamp"]
    pump = city.classes["pump"]
    assert pump.every == timedelta(minutes=1)
    assert [(m.name, m.unit, m.low, m.high) for m in pump.metrics] == [
        ("head", "m", 0, 200),
        ("running", "0/1", 0, 1),
    ]
    assert [(d.number, d.id, d.address) for d in city.devices.values()] == [
        (1, "ps-1", "small/scada-1/ps-1"),
        (2, "ps-2", "ps-2"),
        (3, "zm-1", "zm-1"),
        (4, "fc-1", "fc-1"),
        (5, "la-1-001", "f1/la-1-001"),
        (6, "la-1-002", "f1/la-1-002"),
        (7, "la-1-003", "f1/la-1-003"),
        (8, "la-1-004", "f1/la-1-004"),
    ]
    assert city.devices["ps-1"].attributes == {"design_head": 60.0}
    assert city.devices["zm-1"].zone == "z1"
    assert city.devices["zm-1"].parent == "ps-1"


def test_people_and_things(small: Path) -> None:
    city = load_city(small)
    crew = city.crews["water"]
    assert crew.skills == {"plumber", "digger"}
    assert [(p.id, p.crew, p.grade) for p in crew.people] == [
        ("p-1", "water", "de"),
        ("p-2", "water", "de"),
    ]
    assert crew.shifts == (
        Shift(frozenset(range(5)), time(7), time(15)),
        Shift(frozenset({5, 6}), time(22), time(6), on_call=True),
    )
    assert city.vehicles["van-1"] == Vehicle(
        "van-1", "Βαν", "van", Decimal("0.34"), Decimal("2.50"), 35.0
    )
    assert city.items["sand"] == Item(
        "sand", "Άμμος", "m³", Decimal("16.50"), Decimal(15), 2, "Οδοποιία", Decimal("60.5")
    )
    assert city.van_stock == (Stock("water", "clamp-63", Decimal(2)),)


def test_work_and_money(small: Path) -> None:
    city = load_city(small)
    burst = city.categories["main_burst"]
    assert burst.severity is Severity.CRITICAL
    assert (burst.skills, burst.vehicles) == ({"plumber", "digger"}, ("van", "digger"))
    assert burst.materials == (Material("clamp-63", Decimal(1)),)
    assert (burst.waiting, burst.radius_m, burst.loss) == (Decimal(60), 300.0, "water")
    assert city.rates == Rates(
        {"de": Decimal("14.6")},
        Decimal("0.15"),
        Decimal("0.25"),
        Decimal("0.0"),
        Decimal("0.62"),
        Decimal("0.19"),
        0.68,
    )
    label = "Συντήρηση δικτύου"
    assert city.budget == (
        BudgetLine(2026, "2420205001", label, "north", Decimal(15000), CostNature.CASH),
        BudgetLine(2026, "2420205001", label, "south", Decimal(9800), CostNature.CASH),
    )


def test_the_switch_makes_the_same_city_larger(small: Path) -> None:
    usual, large = load_city(small), load_city(small, lamps_per_feeder=100)
    fewer = {d.id: d for d in usual.devices.values() if d.cls != "lamp"}
    assert {d.id: d for d in large.devices.values() if d.cls != "lamp"} == fewer
    assert len(large.devices) == len(fewer) + 100
    assert set(usual.devices) < set(large.devices)
    assert sorted(large.by_number) == list(range(1, len(large.devices) + 1))
    assert len(load_city(small, lamps_per_feeder=0).devices) == len(fewer)


def test_the_switch_cannot_be_negative(small: Path) -> None:
    with pytest.raises(ValueError, match="cannot be negative"):
        load_city(small, lamps_per_feeder=-1)


def test_a_new_class_needs_no_code(small: Path) -> None:
    with (small / "classes.toml").open("a") as classes:
        classes.write('[[class]]\nid = "bin"\nlabel = "Κάδος"\nevery = "1h"\n')
        classes.write('attributes = ["litres"]\n')
        classes.write('metrics = [{ name = "full", unit = "%", label = "Πληρότητα" }]\n')
    (small / "devices" / "bin.csv").write_text(
        "id,name,community,lat,lon,source,litres\nbin-1,Κάδος,south,38.05,23.85,kel,1100\n"
    )
    device = load_city(small).devices["bin-1"]
    assert (device.cls, device.attributes) == ("bin", {"litres": 1100.0})


def test_loading_raises_what_check_tells(small: Path) -> None:
    (small / "items.csv").unlink()
    with pytest.raises(MistakesError) as caught:
        load_city(small)
    assert caught.value.mistakes == check(small) != []


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    assert [str(m) for m in check(tmp_path / "none")] == [
        f"{(tmp_path / 'none').as_posix()}:0: folder: there is no such folder"
    ]


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data(), file=st.sampled_from(FILES))
def test_whatever_stands_in_a_file_is_a_mistake_or_a_city(
    small: Path, data: st.DataObject, file: str
) -> None:
    """A cut file, or one with foreign bytes in it, never raises anything else."""
    whole = (small / file).read_bytes()
    at = data.draw(st.integers(0, len(whole)))
    skip = data.draw(st.integers(0, 40))
    (small / file).write_bytes(whole[:at] + data.draw(st.binary(max_size=8)) + whole[at + skip :])
    try:
        check(small)
    finally:
        (small / file).write_bytes(whole)

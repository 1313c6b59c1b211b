"""The example city: it loads, has what it should have, and its figures go together."""

import time
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from kel.city import load_city, read_document
from kel.city.check import check
from kel.model.city import City
from kel.model.cost import CostNature

FOLDER = Path(__file__).parents[3] / "config" / "dionysos"


@pytest.fixture(scope="module")
def city() -> City:
    return load_city(FOLDER)


def test_no_mistake() -> None:
    assert check(FOLDER) == []


def test_counts(city: City) -> None:
    assert Counter(d.cls for d in city.devices.values()) == {
        "pump": 18,
        "zone": 22,
        "leak": 60,
        "feeder": 48,
        "lamp": 2400,
        "camera": 30,
        "fire": 12,
    }
    assert (len(city.communities), len(city.zones), len(city.feeders)) == (7, 22, 48)
    assert len(city.crews) == 6
    assert 115 <= len(city.items) <= 130
    assert {n for n, d in city.by_number.items()} == set(range(1, len(city.devices) + 1))


def test_the_switch_makes_twelve_thousand_lamps_quickly() -> None:
    started = time.process_time()
    large = load_city(FOLDER, lamps_per_feeder=250)
    assert time.process_time() - started < 1.5
    per_feeder = Counter(d.feeder for d in large.devices.values() if d.cls == "lamp")
    assert per_feeder == dict.fromkeys(large.feeders, 250)


def test_addresses_are_as_their_gateways_write_them(city: City) -> None:
    sources = Counter((d.cls, d.source) for d in city.devices.values())
    assert sources["pump", "sparkplug"] == sources["pump", "kel"] == 9
    nodes = Counter(d.group for d in city.devices.values() if d.source == "sparkplug")
    assert nodes == {f"edge:dionysos/scada-{n}": 3 for n in (1, 2, 3)}
    assert sources["leak", "chirpstack"] == 60
    assert sources["camera", "frigate"] == 30
    assert city.devices["la-01-001"].address == "f01/la-01-001"


def test_every_zone_has_one_meter_below_its_station(city: City) -> None:
    meters = {d.zone: d.parent for d in city.devices.values() if d.cls == "zone"}
    assert meters == {z.id: z.station for z in city.zones.values()}
    assert {z.station for z in city.zones.values()} == {f"ps-{n:02d}" for n in range(1, 19)}


def test_every_zone_has_two_or_three_leak_sensors(city: City) -> None:
    per_zone = Counter(d.zone for d in city.devices.values() if d.cls == "leak")
    assert set(per_zone) == set(city.zones)
    assert set(per_zone.values()) == {2, 3}


def test_people_add_up(city: City) -> None:
    for community in city.communities.values():
        zones = [z for z in city.zones.values() if z.community == community.id]
        assert sum(z.people for z in zones) == community.population
    assert 13_000 <= sum(z.connections for z in city.zones.values()) <= 15_000


def test_pumps_are_built_for_their_zones(city: City) -> None:
    """P = 0.002725 H Q / η with η 0.68; peak use = twice the mean of 165 l a head and day; a zone
    gets 3 to 6 bar from a suction of about 1 bar, less 6 m of friction."""
    for pump in (d for d in city.devices.values() if d.cls == "pump"):
        zones = [z for z in city.zones.values() if z.station == pump.id]
        head, flow = pump.attributes["design_head"], pump.attributes["design_flow"]
        assert pump.attributes["rated_power"] == pytest.approx(
            0.002725 * head * flow / 0.68, abs=0.06
        )
        assert flow >= 2 * sum(z.people for z in zones) * 0.165 / 24
        for zone in zones:
            metres = pump.attributes["elevation_m"] + 10.2 + head - 6 - zone.elevation_m
            assert 3 <= metres / 10.2 <= 6, (pump.id, zone.id)


def test_vans_carry_what_the_warehouse_keeps_and_jobs_need(city: City) -> None:
    for category in city.categories.values():
        for material in category.materials:
            assert city.items[material.item].opening >= material.quantity
    assert all(item.opening > item.reorder for item in city.items.values())
    assert {s.place for s in city.van_stock} == set(city.crews)


def test_a_burst_is_named_before_what_follows_from_it(city: City) -> None:
    rank = {id_: c.rank for id_, c in city.categories.items()}
    assert rank["main_burst"] > rank["service_leak"] > rank["low_pressure"]
    assert rank["feeder"] > rank["lamp"]


def test_budget_covers_every_account_and_community(city: City) -> None:
    lines = {(b.account, b.nature, b.community) for b in city.budget}
    for category in city.categories.values():
        for nature in CostNature:
            for community in city.communities:
                assert (category.account, nature, community) in lines
    assert {b.year for b in city.budget} == {2026}
    assert all(b.amount > Decimal(0) for b in city.budget)


def test_rules_know_their_lines() -> None:
    document = read_document(FOLDER / "rules.toml")
    text = (FOLDER / "rules.toml").read_text().splitlines()
    for i, rule in enumerate(document.data["rule"]):
        line = text[document.line(("rule", i, "id")) - 1]
        assert line == f'id = "{rule["id"]}"'


def test_every_assumption_is_marked() -> None:
    assert len(read_document(FOLDER / "city.toml").data["assumptions"]) >= 5
    marked = [*FOLDER.rglob("*.csv"), FOLDER / "zones.geojson", *FOLDER.glob("*.toml")]
    kinds = FOLDER / "story.toml"  # a story is invented as a whole
    assert [f.name for f in marked if f != kinds and "ssumption" not in f.read_text()] == []

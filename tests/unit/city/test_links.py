"""What ties entries together: each mistake is told once, with its file, line and field."""

from collections.abc import Callable
from pathlib import Path

import pytest

# file, what stands there, what is written instead, all that `check` then says (… = and so on)
CASES: list[tuple[str, str, str, list[str]]] = [
    (
        "items.csv",
        "sand,Άμμος",
        "clamp-63,Άμμος",
        ["items.csv:3: id: clamp-63 is already in items.csv:2"],
    ),
    (
        "devices/pump.csv",
        "ps-2,Αντ",
        "ps-1,Αντ",
        ["devices/pump.csv:3: id: ps-1 is already in devices/pump.csv:2"],
    ),
    (
        "devices/zone.csv",
        "zm-1,Μετρ",
        "ps-2,Μετρ",
        [
            "devices/zone.csv:2: address: kel ps-2 is already in devices/pump.csv:3",
            "devices/zone.csv:2: id: ps-2 is already in devices/pump.csv:3",
        ],
    ),
    (
        "devices/pump.csv",
        "kel,,70",
        "sparkplug,small/scada-1/ps-1,70",
        ["devices/pump.csv:3: address: sparkplug small/scada-1/ps-1 is already in devices/…"],
    ),
    (
        "crews.toml",
        'id = "p-2"',
        'id = "p-1"',
        ["crews.toml:16: crew.0.people.1.id: p-1 is already in crews.toml:15"],
    ),
    (
        "classes.toml",
        'name = "running"',
        'name = "head"',
        ["classes.toml:8: class.0.metrics.1.name: head is already in classes.toml:7"],
    ),
    (
        "van_stock.csv",
        "water,clamp-63,2",
        "water,clamp-63,2\nwater,clamp-63,3",
        ["van_stock.csv:3: item: water clamp-63 is already in van_stock.csv:2"],
    ),
    (
        "budget.csv",
        "9800",
        "9800\n2026,2420205001,Ξανά,cash,1,2",
        ["budget.csv:3: account: 2026 2420205001 cash is already in budget.csv:2"],
    ),
    (
        "zones.geojson",
        '"community": "north"',
        '"community": "nort"',
        ["zones.geojson:10: features.0.properties.community: there is no community nort; d…"],
    ),
    (
        "zones.geojson",
        '"station": "ps-1"',
        '"station": "station-one"',
        ["zones.geojson:15: features.0.properties.station: there is no device station-one;…"],
    ),
    (
        "devices/zone.csv",
        "kel,z1,ps-1",
        "kel,z2,ps-9",
        [
            "devices/zone.csv:2: parent: there is no device ps-9; did you mean ps-2?",
            "devices/zone.csv:2: zone: there is no zone z2; known: z1",
        ],
    ),
    (
        "devices/feeder.csv",
        "kel,f1",
        "kel,x",
        [
            "devices/feeder.csv:2: feeder: there is no feeder x; known: f1",
            "feeders.csv:3: cabinet: the cabinet fc-1 is said to stand on feeder x",
        ],
    ),
    (
        "feeders.csv",
        "fc-1",
        "fc-2",
        ["feeders.csv:3: cabinet: there is no device fc-2; did you mean fc-1?"],
    ),
    (
        "feeders.csv",
        ",south,",
        ",souht,",
        ["feeders.csv:3: community: there is no community souht; did you mean south?"],
    ),
    (
        "crews.toml",
        '"digger-1"]',
        '"digger-2"]',
        ["crews.toml:9: crew.0.vehicles.1: there is no vehicle digger-2; did you mean digg…"],
    ),
    (
        "crews.toml",
        'skills = ["plumber"]',
        'skills = ["plumer"]',
        ["crews.toml:15: crew.0.people.0.skills.0: there is no skill plumer; did you mean…"],
    ),
    (
        "crews.toml",
        '"Άννα", grade = "de"',
        '"Άννα", grade = "te"',
        ["crews.toml:15: crew.0.people.0.grade: there is no hourly rate te; known: de"],
    ),
    (
        "crews.toml",
        'id = "water"',
        'id = "warehouse"',
        [
            "crews.toml:6: crew.0.id: warehouse names the warehouse as a place of stock",
            "van_stock.csv:2: crew: there is no crew water; known: warehouse",
        ],
    ),
    (
        "van_stock.csv",
        "water,clamp-63",
        "watr,clamp-36",
        [
            "van_stock.csv:2: crew: there is no crew watr; did you mean water?",
            "van_stock.csv:2: item: there is no item clamp-36; did you mean clamp-63?",
        ],
    ),
    (
        "categories.toml",
        'item = "clamp-63"',
        'item = "bolt"',
        ["categories.toml:11: category.0.materials.0.item: there is no item bolt; known: c…"],
    ),
    (
        "categories.toml",
        'account = "2420205001"',
        'account = "2420205002"',
        ["categories.toml:14: category.0.account: there is no budget account 2420205002; d…"],
    ),
    (
        "categories.toml",
        'vehicles = ["van", "digger"]',
        'vehicles = ["van", "diger"]',
        ["categories.toml:10: category.0.vehicles.1: there is no kind of vehicle diger; di…"],
    ),
    (
        "categories.toml",
        "people = 2",
        "people = 3",
        ["categories.toml:8: category.0.people: no crew with these skills and vehicles has…"],
    ),
    (
        "categories.toml",
        'skills = ["plumber", "digger"]',
        'skills = ["plumber", "diver"]',
        ["categories.toml:7: category.0.skills.1: there is no skill diver; did you mean di…"],
    ),
    (
        "vehicles.csv",
        "digger-1,Εκσκαφέας,digger",
        "digger-1,Εκσκαφέας,crane",
        ["categories.toml:10: category.0.vehicles.1: there is no kind of vehicle digger; k…"],
    ),
    (
        "devices/zone.csv",
        "kel,z1,ps-1",
        "kel,z1,zm-1",
        ["devices/zone.csv:2: parent: runs in a circle: zm-1 → zm-1"],
    ),
    (
        "feeders.csv",
        "38.05,23.85,fc",
        "23.85,38.05,fc",
        [
            "feeders.csv:3: lat: 23.85 lies outside the city's box, 38.0 to 38.2; are latitud…",
            "feeders.csv:3: lon: 38.05 lies outside the city's box, 23.7 to 24.0; are latitud…",
        ],
    ),
    (
        "city.toml",
        "lat = 38.1,",
        "lat = 37.9,",
        ["city.toml:5: warehouse.lat: 37.9 lies outside the city's box, 38.0 to 38.2"],
    ),
    (
        "crews.toml",
        "base = { lat = 38.1",
        "base = { lat = 39.1",
        ["crews.toml:8: crew.0.base.lat: 39.1 lies outside the city's box, 38.0 to 38.2"],
    ),
    (
        "zones.geojson",
        "[23.851, 38.151]",
        "[38.151, 23.851]",
        [
            "zones.geojson:6: features.0.geometry.coordinates.0: 38.151 lies outside the city…",
            "zones.geojson:6: features.0.geometry.coordinates.1: 23.851 lies outside the city…",
        ],
    ),
]


@pytest.mark.parametrize(("file", "old", "new", "expected"), CASES)
def test_a_broken_city_is_told(
    small: Path,
    tells: Callable[[Path, list[str]], None],
    file: str,
    old: str,
    new: str,
    expected: list[str],
) -> None:
    text = (small / file).read_text()
    assert old in text
    (small / file).write_text(text.replace(old, new, 1))
    tells(small, expected)

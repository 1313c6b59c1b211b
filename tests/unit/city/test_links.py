"""References, circles, and jobs that nobody can do: each told once, with file, line and field."""

from collections.abc import Callable

import pytest

# file, what stands there, what is written instead, all that `check` then says (… = and so on)
CASES: list[tuple[str, str, str, list[str]]] = [
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
            "feeders.csv:3: cabinet: the cabinet fc-1 is not listed as one of feeder f1",
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
        ["crews.toml:9: crew.water.vehicles.1: there is no vehicle digger-2; did you mean …"],
    ),
    (
        "crews.toml",
        'skills = ["plumber"]',
        'skills = ["plumer"]',
        ["crews.toml:15: crew.water.people.p-1.skills.0: there is no skill plumer; did yo…"],
    ),
    (
        "crews.toml",
        '"Άννα", grade = "de"',
        '"Άννα", grade = "te"',
        ["crews.toml:15: crew.water.people.p-1.grade: there is no hourly rate te; known: de"],
    ),
    (
        "crews.toml",
        'id = "water"',
        'id = "warehouse"',
        [
            "crews.toml:6: crew.warehouse.id: warehouse names the warehouse as a place of stock",
            "van_stock.csv:2: crew: there is no crew water; known: warehouse",
        ],
    ),
    (
        "devices/pump.csv",
        "sparkplug,small/scada-1/ps-1",
        "frigate,yard/gate",
        ["devices/pump.csv:2: address: yard/gate is a zone of camera yard, which is not listed"],
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
        ["categories.toml:11: category.main_burst.materials.0.item: there is no item bolt;…"],
    ),
    (
        "categories.toml",
        'account = "2420205001"',
        'account = "2420205002"',
        ["categories.toml:14: category.main_burst.account: there is no budget account 2420…"],
    ),
    (
        "categories.toml",
        'vehicles = ["van", "digger"]',
        'vehicles = ["van", "diger"]',
        ["categories.toml:10: category.main_burst.vehicles.1: there is no kind of vehicle …"],
    ),
    (
        "categories.toml",
        "people = 2",
        "people = 3",
        ["categories.toml:8: category.main_burst.people: no crew with these skills and veh…"],
    ),
    (
        "categories.toml",
        'skills = ["plumber", "digger"]',
        'skills = ["plumber", "diver"]',
        ["categories.toml:7: category.main_burst.skills.1: there is no skill diver; did yo…"],
    ),
    (
        "vehicles.csv",
        "digger-1,Εκσκαφέας,digger",
        "digger-1,Εκσκαφέας,crane",
        ["categories.toml:10: category.main_burst.vehicles.1: there is no kind of vehicle …"],
    ),
    (
        "devices/zone.csv",
        "kel,z1,ps-1",
        "kel,z1,zm-1",
        ["devices/zone.csv:2: parent: runs in a circle: zm-1 → zm-1"],
    ),
    (
        "devices/feeder.csv",
        "fc-1,Πίλαρ 1,south,38.05,23.85,kel,f1",
        "fc-1,Πίλαρ 1,south,38.05,23.85,kel,",
        ["feeders.csv:3: cabinet: the cabinet fc-1 is not listed as one of feeder f1"],
    ),
]


@pytest.mark.parametrize("case", CASES)
def test_a_broken_city_is_told(
    breaks: Callable[[str, str, str, list[str]], None], case: tuple[str, str, str, list[str]]
) -> None:
    breaks(*case)

"""Mistakes within one entry: each is told with its file, line and field, in plain words."""

from collections.abc import Callable

import pytest

# file, what stands there, what is written instead, all that `check` then says (… = and so on)
CASES: list[tuple[str, str, str, list[str]]] = [
    (
        "zones.geojson",
        "38.151]",
        "NaN]",
        ["zones.geojson:6: features.0.geometry.coordinates.1: input should be less than or…"],
    ),
    (
        "devices/pump.csv",
        "south,38.05",
        "south,abc",
        ["devices/pump.csv:3: lat: input should be a valid number, unable to parse string…"],
    ),
    (
        "devices/pump.csv",
        "sparkplug,small/scada-1/ps-1",
        "sparkplug,ps-1",
        ["devices/pump.csv:2: address: ps-1 is not an address as sparkplug writes it"],
    ),
    (
        "devices/pump.csv",
        "sparkplug,small",
        "sparkplugg,small",
        ["devices/pump.csv:2: source: there is no format sparkplugg; did you mean sparkplu…"],
    ),
    (
        "items.csv",
        "21.50",
        "-21.50",
        ["items.csv:2: price: input should be greater than or equal to 0, not '-21.50'"],
    ),
    (
        "items.csv",
        "21.50",
        '"21,50"',
        ["items.csv:2: price: input should be a valid decimal, not '21,50'"],
    ),
    (
        "items.csv",
        "clamp-63,Σέλα",
        "Clamp 63,Σέλα",
        [
            "categories.toml:11: category.main_burst.materials.0.item: there is no item clam…",
            "items.csv:2: id: 'Clamp 63' is no id: up to 48 of a-z, 0-9, - and _, as in van-1",
            "van_stock.csv:2: item: there is no item clamp-63; did you mean Clamp 63?",
        ],
    ),
    (
        "items.csv",
        "6,5,Ύδρευση",
        "6,2.5,Ύδρευση",
        ["items.csv:2: lead_days: input should be a valid integer, unable to parse string…"],
    ),
    (
        "rates.toml",
        "de = 14.60",
        "de = -1",
        ["rates.toml:9: hourly.de: input should be greater than or equal to 0, not -1"],
    ),
    (
        "rates.toml",
        "efficiency = 0.68",
        "efficiency = 68",
        ["rates.toml:6: efficiency: input should be less than 1, not 68"],
    ),
    (
        "rates.toml",
        "de = 14.60",
        "",
        ["rates.toml:8: hourly: dictionary should have at least 1 item after validation, not 0"],
    ),
    (
        "city.toml",
        "Europe/Athens",
        "Europe/Atens",
        ["city.toml:3: timezone: Europe/Atens is not a time zone of the IANA list"],
    ),
    (
        "city.toml",
        "south = 38.0",
        "south = 38.5",
        ["city.toml:4: box.north: the box ends at or before its start, 38.5"],
    ),
    (
        "classes.toml",
        'every = "1m"',
        'every = "1 minute"',
        ['classes.toml:4: class.pump.every: a duration is written as "90s", "10m", "2h" or "1d"'],
    ),
    (
        "classes.toml",
        "low = 0, high = 200",
        "low = 5, high = 5",
        ["classes.toml:7: class.pump.metrics.0.high: the range ends at or below its low, 5"],
    ),
    (
        "crews.toml",
        '"mon-fri"',
        '"fri-mon"',
        ["crews.toml:11: crew.water.shifts.0.days: a range of days runs from an earlier to…"],
    ),
    (
        "crews.toml",
        'start = "07:00"',
        'start = "7:00"',
        ['crews.toml:11: crew.water.shifts.0.start: a time of day is written as "07:30"'],
    ),
    (
        "crews.toml",
        'end = "15:00"',
        'end = "07:00"',
        ["crews.toml:11: crew.water.shifts.0.end: a shift that ends when it starts has no length"],
    ),
    (
        "zones.geojson",
        '"mains_km": 8.5',
        '"mains_km": 0',
        ["zones.geojson:13: features.0.properties.mains_km: input should be greater than 0…"],
    ),
    (
        "zones.geojson",
        '"Point"',
        '"Polygon"',
        ["zones.geojson:6: features.0.geometry.type: input should be 'Point', not 'Polygon'"],
    ),
    (
        "budget.csv",
        "cash",
        "money",
        ["budget.csv:2: nature: input should be 'cash' or 'management', not 'money'"],
    ),
    (
        "categories.toml",
        'severity = "critical"',
        'severity = "dire"',
        ["categories.toml:6: category.main_burst.severity: input should be 'info', 'low', …"],
    ),
    (
        "categories.toml",
        "quantity = 1",
        "quantity = 0",
        ["categories.toml:11: category.main_burst.materials.0.quantity: input should be gr…"],
    ),
    (
        "categories.toml",
        'loss = "water"',
        'loss = "gas"',
        ["categories.toml:13: category.main_burst.loss: input should be 'water', 'energy' …"],
    ),
    (
        "categories.toml",
        "waiting = 60",
        'waiting = "sixty"',
        ["categories.toml:12: category.main_burst.waiting: input should be a valid…"],
    ),
    (
        "vehicles.csv",
        "2.50,35",
        "2.50,0",
        ["vehicles.csv:2: speed_kmh: input should be greater than 0, not '0'"],
    ),
    (
        "items.csv",
        "21.50",
        "1e99999999",
        ["items.csv:2: price: input should be less than or equal to 1000000000, not '1e999…"],
    ),
]


@pytest.mark.parametrize("case", CASES)
def test_a_broken_city_is_told(
    breaks: Callable[[str, str, str, list[str]], None], case: tuple[str, str, str, list[str]]
) -> None:
    breaks(*case)

"""Mistakes of files and of what stands in them: told with file, line and field, never raised."""

from collections.abc import Callable

import pytest

# file, what stands there, what is written instead, all that `check` then says (… = and so on)
CASES: list[tuple[str, str, str, list[str]]] = [
    ("devices/pump.csv", "kel,,70", "kel,,", ["devices/pump.csv:3: design_head: is missing"]),
    (
        "devices/pump.csv",
        ",design_head",
        ",desing_head",
        [
            "devices/pump.csv:1: design_head: the column is missing",
            "devices/pump.csv:1: desing_head: there is no such column; did you mean design_head?",
        ],
    ),
    (
        "devices/pump.csv",
        "38.15,23.85,sparkplug,small/scada-1/ps-1,60",
        "38.15,23.85,sparkplug,small/scada-1/ps-1",
        ["devices/pump.csv:2: row: the row has 7 cells, the header 8 columns"],
    ),
    (
        "items.csv",
        "id,name,unit,price",
        "id;name,unit,price",
        [
            "items.csv:1: id: the column is missing",
            "items.csv:1: id;name: there is no such column; did you mean name?",
            "items.csv:1: name: the column is missing",
            "items.csv:2: row: the row has 8 cells, the header 7 columns",
            "items.csv:3: row: the row has 8 cells, the header 7 columns",
        ],
    ),
    (
        "items.csv",
        "id,name,unit,price",
        "id,name,unit,cost",
        [
            "items.csv:1: cost: there is no such column; known: price",
            "items.csv:1: price: the column is missing",
        ],
    ),
    ("items.csv", "clamp-63,Σέλα Φ63", "clamp-63,", ["items.csv:2: name: is missing"]),
    ("items.csv", "clamp-63,Σέλα Φ63", 'clamp-63,"Σέλα Φ63', ["items.csv:2: syntax: not CSV…"]),
    (
        "rates.toml",
        "night = 0.15",
        "nigth = 0.15",
        [
            "rates.toml:0: night: is missing",
            "rates.toml:1: nigth: there is no such field; did you mean night?",
        ],
    ),
    ("rates.toml", "night = 0.15", "night 0.15", ["rates.toml:1: syntax: not TOML…"]),
    ("rates.toml", "de = 14.60", "de = 14.60\nde = 15", ["rates.toml:10: syntax: not TOML…"]),
    ("city.toml", 'name = "Μικρή Πόλη"\n', "", ["city.toml:0: name: is missing"]),
    (
        "classes.toml",
        'name = "head"',
        'name = "time"',
        ["classes.toml:7: class.pump.metrics.0.name: time is a column of KEL's own"],
    ),
    (
        "classes.toml",
        'id = "pump"',
        'id = "pomp"',
        ["devices/pump.csv:0: file: classes.toml has no class pump; did you mean pomp?"],
    ),
    (
        "crews.toml",
        "[[crew]]",
        "[[team]]",
        [
            "crews.toml:0: crew: should be a list of [[crew]] tables",
            "crews.toml:5: team: there is no such table; known: crew, skills",
        ],
    ),
    (
        "crews.toml",
        "on_call",
        "oncall",
        ["crews.toml:12: crew.water.shifts.1.oncall: there is no such field; did you mean on…"],
    ),
    (
        "communities.toml",
        '[[community]]\nid = "north"',
        '[community]\nid = "north"',
        ["communities.toml:8: syntax: not TOML…"],
    ),
    ("zones.geojson", '"people": 1200,', '"people": 1200', ["zones.geojson:13: syntax: not JSON…"]),
    (
        "zones.geojson",
        '"people": 1200,',
        '"people": 1200, "people": 2,',
        ["zones.geojson:12: features.0.properties.people: stands twice in one object"],
    ),
    (
        "zones.geojson",
        "FeatureCollection",
        "Features",
        ["zones.geojson:2: type: should be FeatureCollection"],
    ),
    (
        "budget.csv",
        ",south",
        "",
        [
            "budget.csv:1: south: the column is missing",
            "budget.csv:2: row: the row has 6 cells, the header 5 columns",
        ],
    ),
    (
        "budget.csv",
        "north,south",
        "north,sud",
        [
            "budget.csv:1: south: the column is missing",
            "budget.csv:1: sud: there is no such column; known: south",
        ],
    ),
    (
        "budget.csv",
        "15000",
        "15.000,00",
        ["budget.csv:2: row: the row has 7 cells, the header 6 columns"],
    ),
    (
        "crews.toml",
        "[skills]",
        "[abilities]",
        [
            "crews.toml:0: skills: should be a [skills] table",
            "crews.toml:1: abilities: there is no such table; known: crew, skills",
        ],
    ),
    (
        "zones.geojson",
        '"features"',
        '"feature"',
        ["zones.geojson:1: features: should be a list of features"],
    ),
]


@pytest.mark.parametrize("case", CASES)
def test_a_broken_city_is_told(
    breaks: Callable[[str, str, str, list[str]], None], case: tuple[str, str, str, list[str]]
) -> None:
    breaks(*case)

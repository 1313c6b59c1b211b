"""The city's own formats: as loaded, and every mistake with its file, line and field."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ingest.intake import Intake
from ingest.registry import Registry
from kel.city import load_city
from kel.model.device import Clock
from kel.model.mapping import JsonMapping, MappedMetric
from kel.model.message import Message

FILE = "mappings.toml"
GOOD = """\
[[mapping]]
id = "acme"
label = "Καταγραφικά"
topic = "acme/{device}/data"
time = { at = "/ts", form = "unix_s" }
metrics = [
  { at = "/flow", metric = "flow", unit = "l/s", scale = 0.1 },
]

[[mapping]]
id = "other"
label = "Άλλα"
topic = "other/up"
device = "/id"
readings = ""
metrics = [{ at = "/v", metric = "flow", values = { none = 0, full = 10 } }]
"""
ROWS = """\
id,name,community,lat,lon,source,zone,parent,address,clock
zm-1,Μετρητής 1,north,38.15,23.85,kel,z1,ps-1,,
zm-2,Μετρητής 2,north,38.15,23.85,acme,z1,,L-7,arrival
zm-3,Μετρητής 3,north,38.15,23.85,other,z1,,a/7,own
"""


@pytest.fixture
def mapped(small: Path) -> Path:
    (small / FILE).write_text(GOOD)
    (small / "devices/zone.csv").write_text(ROWS)
    return small


def test_mappings_and_their_devices(mapped: Path) -> None:
    city = load_city(mapped)
    assert city.mappings == {
        "acme": JsonMapping(
            "acme",
            "Καταγραφικά",
            "acme/{device}/data",
            (MappedMetric("/flow", "flow", "l/s", 0.1),),
            time="/ts",
            time_form="unix_s",
        ),
        "other": JsonMapping(
            "other",
            "Άλλα",
            "other/up",
            (MappedMetric("/v", "flow", values={"none": 0, "full": 10}),),
            device="/id",
            readings="",
        ),
    }
    assert [
        (d.source, d.address, d.clock, d.group) for d in city.devices.values() if d.cls == "zone"
    ] == [
        ("kel", "zm-1", Clock.OWN, "zone:z1"),
        ("acme", "L-7", Clock.ARRIVAL, "zone:z1"),
        ("other", "a/7", Clock.OWN, "mapping:other"),
    ]


def test_what_their_devices_send_becomes_readings(mapped: Path) -> None:
    city = load_city(mapped)
    now = 1_777_928_400_000_000
    taken = Intake(Registry.of(city), city.classes).take(
        [
            Message("acme/L-7/data", b'{"flow": 120}', now),
            Message("other/up", b'[{"id": "a/7", "v": "full"}, {"id": "a/8", "v": "none"}]', now),
        ]
    )
    (frame,) = taken.frames
    assert frame.metrics["flow"].tolist() == [pytest.approx(43.2), 10]
    assert [(r.reason, r.source, r.address) for r in taken.rejects] == [
        ("unknown_device", "other", "a/8")
    ]


def test_a_city_needs_no_mappings(small: Path) -> None:
    assert load_city(small).mappings == {}


CASES: list[tuple[str, str, list[str]]] = [
    ('id = "acme"', 'id = "senml"', [
        "devices/zone.csv:3: source: there is no format acme…",
        "mappings.toml:2: mapping.senml.id: senml is a format of KEL's own",
    ]),
    ('id = "other"', 'id = "acme"', [
        "devices/zone.csv:4: source: there is no format other…",
        "mappings.toml:11: mapping.acme.id: acme is already in mappings.toml:2",
    ]),
    ('"acme/{device}/data"', '"#"', [
        "mappings.toml:4: mapping.acme.topic: a topic pattern begins with a name, as in vendor/…",
    ]),
    ('"acme/{device}/data"', '"+/{device}"', [
        "mappings.toml:4: mapping.acme.topic: a topic pattern begins with a name, as in vendor/…",
    ]),
    ('"acme/{device}/data"', '"acme/x{device}"', [
        "mappings.toml:4: mapping.acme.topic: 'x{device}' is neither a name nor +, {device} or #",
    ]),
    ('"acme/{device}/data"', '"acme/#/{device}"', [
        "mappings.toml:4: mapping.acme.topic: # may stand last only, {device} only once",
    ]),
    ('"acme/{device}/data"', '"acme/data"', [
        "mappings.toml:4: mapping.acme.topic: either {device} is a level of the topic, or `devic…",
    ]),
    ('device = "/id"', "", [
        "mappings.toml:13: mapping.other.topic: either {device} is a level of the topic, or `devi…",
    ]),
    ('device = "/id"', 'device = "id"', [
        "mappings.toml:14: mapping.other.device: 'id' is no JSON pointer: it starts with /",
    ]),
    ('"acme/{device}/data"', '"kel/v1/{device}/data"', [
        "mappings.toml:4: mapping.acme.topic: the same topic may match kel/# too, which is…",
    ]),
    ('"acme/{device}/data"', '"ucifi/{device}"', [
        "mappings.toml:4: mapping.acme.topic: the same topic may match ucifi/# too, which is KE…",
    ]),
    ('"other/up"', '"acme/+/#"', [
        "mappings.toml:13: mapping.other.topic: the same topic may match acme/+/data too, whic…",
    ]),
    ('unit = "l/s"', 'unit = "psi"', [
        "mappings.toml:7: mapping.acme.metrics.0.unit: flow is declared in m³/h: 'psi' is of pr…",
    ]),
    ('unit = "l/s"', 'unit = "furlong"', [
        "mappings.toml:7: mapping.acme.metrics.0.unit: flow is declared in m³/h: 'furlong' is n…",
    ]),
    ('metric = "flow", unit', 'metric = "head", unit', [
        "mappings.toml:7: mapping.acme.metrics.0.metric: no class of its devices (zone) has a m…",
    ]),
    ('at = "/flow"', 'at = "/flow~"', [
        "mappings.toml:7: mapping.acme.metrics.0.at: '/flow~' is no JSON pointer: ~ is written …",
    ]),
    ("scale = 0.1", "scale = 0", [
        "mappings.toml:7: mapping.acme.metrics.0.scale: a scale of 0 makes every value the same",
    ]),
    ('form = "unix_s"', 'form = "unix"', [
        "mappings.toml:5: mapping.acme.time.form: input should be 'iso', 'unix_s' or 'unix_ms',…",
    ]),
    ("scale = 0.1 },", 'scale = 0.1 },\n  { at = "/q", metric = "flow" },', [
        "mappings.toml:8: mapping.acme.metrics.1.metric: flow is already in mappings.toml:7",
    ]),
    ("full = 10", 'full = "10 l"', [
        "mappings.toml:16: mapping.other.metrics.0.values.full: input should be a valid number,…",
    ]),
    ("[[mapping]]\nid", "[[maping]]\nid", [
        "devices/zone.csv:3: source: there is no format acme…",
        "mappings.toml:1: maping: there is no such table; did you mean mapping?",
    ]),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "expected"), CASES)
def test_a_broken_mapping_is_told(
    mapped: Path,
    breaks: Callable[[str, str, str, list[str]], None],
    old: str,
    new: str,
    expected: list[str],
) -> None:
    breaks(FILE, old, new, expected)


DEVICES: list[tuple[str, str, list[str]]] = [
    ("acme,z1", "acmee,z1", [
        "devices/zone.csv:3: source: there is no format acmee; did you mean acme?",
    ]),
    ("L-7", "a/7", [
        "devices/zone.csv:3: address: a/7 cannot be one level of the topic acme/{device}/data",
    ]),
    ("arrival", "gps", [
        "devices/zone.csv:3: clock: input should be 'own' or 'arrival', not 'gps'",
    ]),
    (",a/7,", ",,", []),  # its id, which may stand in a payload
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "expected"), DEVICES)
def test_a_broken_device_of_a_mapping_is_told(
    mapped: Path,
    breaks: Callable[[str, str, str, list[str]], None],
    old: str,
    new: str,
    expected: list[str],
) -> None:
    breaks("devices/zone.csv", old, new, expected)


def test_while_no_device_speaks_it_any_class_may_be_meant(
    small: Path, tells: Callable[[Path, list[str]], None]
) -> None:
    (small / FILE).write_text(GOOD.replace('metric = "flow", unit', 'metric = "pressure", unit'))
    tells(
        small, ["mappings.toml:7: mapping.acme.metrics.0.metric: no class of its devices (pump,…"]
    )


@pytest.mark.parametrize("name", ["kel", "zigbee2mqtt", "frigate"])
def test_nobody_is_called_as_a_formats_topics_begin(
    small: Path, tells: Callable[[Path, list[str]], None], name: str
) -> None:
    """Communities and crews log in by their id, and a login may write below its own name."""
    for file, id_ in (("crews.toml", '"water"'), ("van_stock.csv", "water")):
        text = (small / file).read_text()
        (small / file).write_text(text.replace(id_, id_.replace("water", name)))
    tells(small, [f"crews.toml:6: crew.{name}.id: the topics of a format begin with {name}, and…"])

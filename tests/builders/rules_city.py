"""A small city for rules: two pumps, three zone meters, two feeders of four lamps, a stray lamp."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from textwrap import dedent
from tomllib import loads
from typing import Any

import numpy as np

from kel.model.alert import Severity
from kel.model.city import City
from kel.model.crew import Rates
from kel.model.device import Device, DeviceClass, DeviceState, Metric
from kel.model.frame import Frame
from kel.model.incident import Category
from kel.model.mistake import Document
from kel.model.moment import SECOND_US, to_us
from kel.model.place import Community, Feeder, Point, Zone
from rules.book.rulebook import Rulebook, parse_rulebook
from tests.builders.calendars import CALENDARS, FIRE_RISK

HERE = Point(38.13, 23.87)
MINUTE = 60 * SECOND_US
HOUR = 60 * MINUTE

CLASSES = {
    "pump": {"flow": "m³/h", "head": "m", "running": "0/1", "power": "kW"},
    "zone": {"flow": "m³/h", "pressure": "bar"},
    "lamp": {"power": "W", "failure": "0/1"},
    "feeder": {"voltage": "V"},
    "camera": {"smoke": "0-1", "fire": "0-1"},
    "leak": {"noise": "dB"},
    "meter": {"flow": "m³/h", "volume": "m³"},
}
RANGES = {"running": (0.0, 1.0), "failure": (0.0, 1.0), "pressure": (-1.0, 20.0)}
RANGES |= {"smoke": (0.0, 1.0), "fire": (0.0, 1.0)}


def at(text: str) -> int:
    """The moment (µs) of an ISO text, UTC where it does not say."""
    moment = datetime.fromisoformat(text)
    return to_us(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def device(number: int, id_: str, cls: str, **more: Any) -> Device:
    return Device(id_, number, cls, id_, "drosia", HERE, "kel", id_, **more)


DESIGN = {"design_head": 100.0, "design_flow": 40.0, "rated_power": 16.0}
DEVICES = [
    device(1, "ps-01", "pump", attributes=DESIGN),
    device(2, "ps-02", "pump", attributes={"design_head": 50.0}),
    device(3, "ps-03", "pump"),
    device(11, "zm-01", "zone", zone="z01", parent="ps-01", tags=frozenset({"hospital"})),
    device(12, "zm-02", "zone", zone="z02", parent="ps-01", tags=frozenset({"hospital", "high"})),
    device(13, "zm-03", "zone", zone="z03", parent="ps-02"),
    device(14, "zm-99", "zone"),
    *(device(20 + i, f"la-01-{i}", "lamp", feeder="f01", parent="fc-01") for i in range(1, 5)),
    *(device(30 + i, f"la-02-{i}", "lamp", feeder="f02", parent="fc-02") for i in range(1, 5)),
    device(39, "la-00-1", "lamp"),
    device(40, "la-01-old", "lamp", feeder="f01", state=DeviceState.RETIRED),
    device(51, "fc-01", "feeder", feeder="f01"),
    device(52, "fc-02", "feeder", feeder="f02"),
    device(61, "cam-01", "camera"),
    device(62, "cam-02", "camera"),
    device(71, "ln-01", "leak", zone="z01"),
    device(72, "ln-02", "leak", zone="z01"),
    device(73, "ln-03", "leak", zone="z02"),
    device(81, "wm-01", "meter", zone="z01"),
    device(82, "wm-02", "meter", zone="z01"),
    device(83, "wm-03", "meter", zone="z01"),
    device(84, "wm-04", "meter", zone="z02"),
    device(85, "wm-05", "meter"),
]


def city(devices: Iterable[Device] = DEVICES) -> City:
    return City(
        id="test",
        name="Δοκιμή",
        timezone="Europe/Athens",
        classes={
            cls: DeviceClass(
                cls,
                cls,
                tuple(Metric(m, unit, m, *RANGES.get(m, ())) for m, unit in metrics.items()),
                timedelta(minutes=5),
            )
            for cls, metrics in CLASSES.items()
        },
        communities={"drosia": Community("drosia", "Δροσιά", HERE, 7000)},
        zones={
            z: Zone(z, z, "drosia", HERE, 1000 * n, 2500 * n, 10.0 * n, 300.0, "ps-01")
            for n, z in enumerate(("z01", "z02", "z03"), 1)
        },
        feeders={f: Feeder(f, f, "drosia", HERE) for f in ("f01", "f02")},
        devices={d.id: d for d in devices},
        crews={},
        vehicles={},
        items={},
        van_stock=(),
        categories={c: _category(c) for c in ("pump", "main_burst", "lamp", "feeder", "sensor")},
        rates=Rates({}, Decimal(0), Decimal(0), Decimal(0), Decimal("0.6"), Decimal("0.2"), 0.65),
        budget=(),
        warehouse=HERE,
        calendars=CALENDARS,
        fire_risk=FIRE_RISK,
    )


def _category(id_: str) -> Category:
    return Category(id_, id_, id_, 1, Severity.MEDIUM, frozenset(), 2, 1.0, (), (), Decimal(10))


def document(text: str) -> Document:
    """A rulebook's document, with the line of every `[[table]]` and of every key below it."""
    text = dedent(text)
    lines: dict[tuple[str | int, ...], int] = {}
    table: tuple[str | int, ...] = ()
    count: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip().startswith("[["):
            name = line.strip(" []")
            table = (name, count.get(name, 0))
            count[name] = count.get(name, 0) + 1
            lines[table] = number
        elif "=" in line:
            lines[*table, line.split("=")[0].strip()] = number
    return Document("rules.toml", loads(text), lines)


def rule_text(**fields: str) -> str:
    """One `[[rule]]`; values as TOML; fields that every rule has are filled in."""
    common = {
        "id": '"r1"',
        "label": '"Ετικέτα"',
        "category": '"sensor"',
        "severity": '"high"',
        "runbook": '"threshold"',
    }
    body = "\n".join(f"{k.rstrip('_')} = {v}" for k, v in {**common, **fields}.items())
    return f"[[rule]]\n{body}\n"


def rulebook(*rules: Mapping[str, str], of: City | None = None) -> Rulebook:
    return parse_rulebook(document("\n".join(rule_text(**r) for r in rules)), of or city())


def override_text(**fields: str) -> str:
    """One `[[override]]` of the rule r1; values as TOML."""
    body = "\n".join(f"{k.rstrip('_')} = {v}" for k, v in {"rule": '"r1"', **fields}.items())
    return f"[[override]]\n{body}\n"


def overridden(
    rules: Iterable[Mapping[str, str]], *overrides: Mapping[str, str], of: City | None = None
) -> Rulebook:
    """A rulebook with overrides."""
    texts = [*(rule_text(**r) for r in rules), *(override_text(**o) for o in overrides)]
    return parse_rulebook(document("\n".join(texts)), of or city())


def frame(cls: str, rows: Iterable[tuple[int, int, Mapping[str, float]]]) -> Frame:
    """A frame of rows (time µs, device number, values); what a row does not say is NaN."""
    told = list(rows)
    time = np.array([r[0] for r in told], np.int64)
    return Frame(
        cls,
        time,
        time.copy(),
        np.array([r[1] for r in told], np.int32),
        {
            m: np.array([r[2].get(m, np.nan) for r in told], np.float64)
            for m in CLASSES.get(cls, {})
        },
    )

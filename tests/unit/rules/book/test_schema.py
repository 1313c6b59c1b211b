"""The JSON Schema of rules.toml: as committed, and right about what it is a schema of."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from kel.city.schema import calendars_schema
from rules.book.schema import rulebook_schema
from rules.kinds import KINDS
from tests.builders.kinds.registry import CASES
from tests.builders.rules_city import override_text, rule_text

ROOT = Path(__file__).parents[4]
CONFIG = ROOT / "config"
RULES = Draft202012Validator(rulebook_schema())
TIMES = Draft202012Validator(calendars_schema())


@pytest.mark.parametrize(
    ("file", "schema"), [("rules", rulebook_schema()), ("calendars", calendars_schema())]
)
def test_the_committed_schema_is_that_of_the_code(file: str, schema: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(schema)
    committed = json.loads((CONFIG / f"{file}.schema.json").read_text("utf-8"))
    assert committed == schema, f"run `kel rules schema` into config/{file}.schema.json"


@pytest.mark.parametrize("city", sorted(f.parent.name for f in CONFIG.glob("*/rules.toml")))
def test_every_rulebook_of_the_repository_keeps_to_it(city: str) -> None:
    for name, schema in (("rules", RULES), ("calendars", TIMES)):
        file = CONFIG / city / f"{name}.toml"
        if file.exists():
            schema.validate(tomllib.loads(file.read_text("utf-8")))


def test_it_knows_every_kind() -> None:
    ways = RULES.schema["properties"]["rule"]["items"]["oneOf"]
    shapes = [RULES.schema["$defs"][way["$ref"].rsplit("/")[-1]] for way in ways]
    assert {shape["properties"]["kind"]["const"] for shape in shapes} == set(KINDS)
    assert all(shape.get("description") for shape in shapes)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_what_the_tests_of_kinds_write_keeps_to_it(case: Any) -> None:
    RULES.validate(tomllib.loads("\n".join(rule_text(**rule) for rule in case.rules)))


GOOD = {
    "kind": '"threshold"',
    "watch": '{class="zone", metric="pressure", tags="hospital"}',
    "below": "2.0",
    "unit": '"bar"',
}
WRONG = [
    {"kind": '"treshold"'},
    {"belov": "1.0"},
    {"severity": '"urgent"'},
    {"for": '"10 minutes"'},
    {"for": "10"},
    {"clear": '{below="low"}'},
    {"watch": '{clas="zone"}'},
    {"when": "3"},
    {"id": '"Α 1"'},
]


@pytest.mark.parametrize("change", WRONG)
def test_an_editor_sees_what_is_wrong(change: dict[str, str]) -> None:
    assert RULES.is_valid(tomllib.loads(rule_text(**GOOD)))
    assert not RULES.is_valid(tomllib.loads(rule_text(**{**GOOD, **change})))


def test_overrides_are_rules_in_part() -> None:
    text = rule_text(**GOOD)
    assert RULES.is_valid(tomllib.loads(text + override_text(zone='"z01"', below="1.0")))
    assert not RULES.is_valid(tomllib.loads(text + override_text(zone="1", below="1.0")))


@pytest.mark.parametrize(
    ("fields", "valid"),
    [
        ('hours = ["22:00", "06:00"]\ndays = "mon-fri"\nnot = "x"', True),
        ('season = ["05-01", "09-30"]\nholidays = true\nfire_risk = 4', True),
        ('hours = ["22:00"]', False),
        ('hours = ["24:00", "06:00"]', False),
        ("fire_risk = 6", False),
        ('night = "x"', False),
    ],
)
def test_calendars(fields: str, valid: bool) -> None:
    text = f'[[calendar]]\nid = "a"\nlabel = "Α"\n{fields}'
    assert TIMES.is_valid(tomllib.loads(text)) is valid

"""`docs/words.md` against the code: a word stands in both, with the same Greek, or in neither.

Part of `make check`: reads files and types, starts nothing.
"""

import inspect
import pkgutil
import re
import tomllib
from collections.abc import Iterator
from enum import Enum
from importlib import import_module
from pathlib import Path

import pytest

import kel.model
from kel import topics
from kel.model import labels
from kel.model.alert import Severity
from kel.model.cost import CostKind, CostNature
from kel.model.device import Clock, DeviceState
from kel.model.health import Level
from kel.model.incident import IncidentState
from kel.model.order import Action, OrderState
from kel.model.stock import MovementKind

ROOT = Path(__file__).parents[2]
CITY = ROOT / "config/dionysos"
TEXT = (ROOT / "docs/words.md").read_text("utf-8")

Row = dict[str, str]
Words = list[tuple[str, str]]

LABELS = {
    "Severity": [(s.name.lower(), labels.SEVERITY_LABEL[s]) for s in Severity],
    "IncidentState": [(s.value, labels.STATE_LABEL[s]) for s in IncidentState],
    "OrderState": [(s.value, labels.ORDER_LABEL[s]) for s in OrderState],
    "CostKind": [(k.value, labels.KIND_LABEL[k]) for k in CostKind],
    "CostNature": [(n.value, labels.NATURE_LABEL[n]) for n in CostNature],
    "Level": [(v.name.lower(), labels.LEVEL_LABEL[v]) for v in Level],
    "DeviceState": [(s.value, labels.DEVICE_LABEL[s]) for s in DeviceState],
    "IncidentEvent": list(labels.EVENT_LABEL.items()),
    # no screen shows these yet
    "Action": [(a.value, "") for a in Action],
    "Clock": [(c.value, "") for c in Clock],
    "MovementKind": [(k.value, "") for k in MovementKind],
}


def rows(heading: str) -> list[Row]:
    """The rows of the table under a heading, by the names of its columns."""
    section = re.split(r"^## ", TEXT, flags=re.MULTILINE)
    (body,) = [s for s in section if s.startswith(heading + "\n")]
    head, _, *lines = [
        [cell.strip() for cell in line.strip("|\n").split("|")]
        for line in body.splitlines()
        if line.startswith("|")
    ]
    return [dict(zip(head, cells, strict=True)) for cells in lines]


def named(*columns: str) -> list[str]:
    """All that stands in backticks in these columns of the two tables of words."""
    cells = (
        row.get(column, "")
        for heading in ("Things", "How it flows")
        for row in rows(heading)
        for column in columns
    )
    return [word for cell in cells for word in re.findall(r"`([^`]+)`", cell)]


def grouped(heading: str, key: str, word: str) -> dict[str, Words]:
    """(word, Greek) by the first column, which is empty where it is as in the row above."""
    found: dict[str, Words] = {}
    group = ""
    for row in rows(heading):
        group = row[key].strip("`") or group
        found.setdefault(group, []).append((row[word].strip("`"), row["Ελληνικά"]))
    return found


def model_classes() -> Iterator[type]:
    for info in pkgutil.iter_modules(kel.model.__path__, "kel.model."):
        module = import_module(info.name)
        for _, found in inspect.getmembers(module, inspect.isclass):
            if found.__module__ == info.name and not found.__name__.startswith("_"):
                yield found


def test_every_type_of_the_model_is_a_word() -> None:
    types = [c.__name__ for c in model_classes() if not issubclass(c, Enum)]
    assert sorted(named("type")) == sorted(types)


def test_every_table_and_view_is_a_word() -> None:
    sql = [f.read_text("utf-8") for f in (ROOT / "kel/store/migrations").rglob("*.sql")]
    sql.append((ROOT / "kel/store/migrate.py").read_text("utf-8"))
    create = re.compile(r"^CREATE (?:TABLE|VIEW) (?:IF NOT EXISTS )?(\w+)", re.MULTILINE)
    tables = {name for text in sql for name in create.findall(text)}
    assert sorted(named("table")) == sorted(tables)


def test_every_topic_and_every_file_of_a_city_is_a_word() -> None:
    own = {t for t in vars(topics).values() if isinstance(t, str) and t.startswith("kel/v1/")}
    files = {f.name for f in CITY.iterdir() if f.is_file()} | {"devices/*.csv"}
    told = [*named("topic or file"), *named("topic")]
    assert sorted(told) == sorted({*own, topics.RAW, *files})


def test_every_value_has_its_greek() -> None:
    assert {c.__name__ for c in model_classes() if issubclass(c, Enum)} <= set(LABELS)
    assert grouped("Values", "type", "value") == LABELS


@pytest.mark.parametrize(
    ("file", "table"), [("classes.toml", "class"), ("categories.toml", "category")]
)
def test_every_word_of_the_example_city_has_its_greek(file: str, table: str) -> None:
    entries = tomllib.loads((CITY / file).read_text("utf-8"))[table]
    told = grouped("The example city", "file", "id")[file]
    assert told == [(e["id"], e["label"]) for e in entries]


def test_a_word_stands_for_one_thing() -> None:
    words = [
        w for h in ("Things", "How it flows") for row in rows(h) for w in row["word"].split(", ")
    ]
    greek = [row["Ελληνικά"] for row in rows("Things")]
    assert len(set(words)) == len(words)
    assert len(set(greek)) == len(greek)

"""`kel check`: every mistake with file, line and field, and what would be right."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from kel.cli import kel

ROOT = Path(__file__).resolve().parents[3]
FIELD = re.compile(r":\d+: (?:rule|override)\.[\w-]+\.(?:watch\.)?(\w+)", re.MULTILINE)
FORM = re.compile(r"^(?P<file>[^:]+):(?P<line>\d+): (?P<field>[^:]+): (?P<what>.+)$")


@pytest.fixture
def city(tmp_path: Path) -> Path:
    """A copy of the example city, to be broken."""
    return shutil.copytree(ROOT / "config/dionysos", tmp_path / "city")


def check(folder: Path) -> Result:
    return CliRunner().invoke(kel, ["check", str(folder)])


def replace(name: str, old: str, new: str) -> Callable[[Path], int]:
    """Break a file; tells the line in which it happened."""

    def change(city: Path) -> int:
        text = (city / name).read_text("utf-8")
        assert old in text
        (city / name).write_text(text.replace(old, new, 1), "utf-8")
        return text[: text.index(old)].count("\n") + 1

    return change


def test_a_good_folder() -> None:
    done = check(ROOT / "config/dionysos")
    assert (done.exit_code, done.stdout) == (0, f"{ROOT / 'config/dionysos'}: no mistakes\n")


@pytest.mark.parametrize(
    ("name", "old", "new", "field", "hint"),
    [
        ("rules.toml", 'unit = "bar"', 'unit = "l/s"', "unit", "'bar'"),
        ("rules.toml", 'severity = "critical"', 'severity = "hihg"', "severity", "known: info,"),
        ("rules.toml", 'kind = "night_flow"', 'kind = "nightflow"', "kind", "night_flow"),
        ("crews.toml", 'grade = "te"', 'grade = "xx"', "grade", "te"),
        ("devices/zone.csv", "zm-02,", "zm-01,", "id", "zm-01"),
        ("devices/zone.csv", "38.1388", "here", "lat", "here"),
        ("items.csv", "\n", "\n\n\n", "", ""),  # empty lines are none
    ],
)
def test_a_mistake_has_file_line_field_and_hint(
    city: Path, name: str, old: str, new: str, field: str, hint: str
) -> None:
    line = replace(name, old, new)(city)
    done = check(city)
    if not field:
        assert done.exit_code == 0, done.output
        return
    assert done.exit_code == 1
    told = [FORM.match(text) for text in done.stdout.splitlines()]
    assert all(told), done.stdout
    here = [m for m in told if m and m["file"].endswith(name) and int(m["line"]) == line]
    assert [m for m in here if m["field"].split(".")[-1] == field and hint in m["what"]], told


def test_all_mistakes_at_once(city: Path) -> None:
    replace("rules.toml", 'unit = "bar"', 'unit = "l/s"')(city)
    replace("rules.toml", 'severity = "critical"', 'severity = "hihg"')(city)
    done = check(city)
    assert len(done.stdout.splitlines()) == 2
    assert done.stderr.startswith("2 mistakes: ")


OTHERS = sorted(
    file.relative_to(ROOT / "config/dionysos").as_posix()
    for file in (ROOT / "config/dionysos").rglob("*")
    if file.suffix in (".toml", ".csv", ".geojson", ".md")
    and file.parent.name != "tests"
    and file.name not in ("rules.toml", "story.toml")
)


def of_rules(done: Result) -> list[str]:
    return [line for line in done.stdout.splitlines() if "/rules.toml:" in line]


@pytest.mark.parametrize("name", OTHERS)
def test_a_file_that_cannot_be_read_makes_no_mistakes_in_the_rules(city: Path, name: str) -> None:
    """Rules name classes, places, devices, categories, calendars: of none is told what is not sure,
    and what is wrong whatever the file says is told all the same."""
    replace("rules.toml", 'severity = "critical"', 'severity = "hihg"')(city)
    (city / name).write_bytes(b"\xff\xfe\x00")
    done = check(city)
    (line,) = of_rules(done)
    assert "severity: 'hihg' is no severity" in line
    assert done.exit_code == 1 and f"/{name}:" in done.stdout


WRONG = """
[[rule]]
id = "low"
kind = "threshold"
label = "Πίεση"
category = "low_presure"
severity = "hihg"
watch = { class = "zone", metric = "pressure", devices = ["zm-99"] }
below = -200
unit = "kPa"

[[rule]]
id = "silent"
kind = "missing"
label = "Χωρίς σήμα"
category = "sensor"
severity = "low"
watch = { class = "zone" }
after = "900d"
when = "nihgt"

[[rule]]
id = "lamps"
kind = "missing"
label = "Χωρίς σήμα"
category = "lamp"
severity = "low"
watch = { class = "lamp", feeder = "f99" }
after = "1h"

[[override]]
rule = "lamps"
community = "drosai"
after = "2h"
"""
ALL = ["after", "below", "category", "community", "devices", "feeder", "severity", "when"]


@pytest.mark.parametrize(
    ("name", "old", "new", "unsure"),
    [
        ("items.csv", "\n", "\nx\n", ""),  # no rule asks for it
        ("crews.toml", 'grade = "te"', 'grade = "xx"', ""),
        ("classes.toml", 'name = "smoke"', "name = 5", ""),  # of another class
        ("devices/fire.csv", "38.", "here.", ""),
        ("devices/zone.csv", "38.1388", "here", "devices"),
        ("classes.toml", 'name = "volume"', "name = 5", "below devices"),
        ("classes.toml", "[[class]]", "[[class", "below devices"),
        ("categories.toml", "rank = ", "rnk = ", "category"),
        ("calendars.toml", "hours = ", "huors = ", "when"),
        ("city.toml", "timezone = ", "tmezone = ", "after"),
        ("feeders.csv", "38.", "here.", "feeder"),
        ("zones.geojson", '"features"', '"featrues"', ""),  # no rule names a zone here
        ("communities.toml", "population = ", "popluation = ", "community"),
    ],
)
def test_what_is_wrong_in_the_rules_whatever_the_broken_file_says_is_told_beside_it(
    city: Path, name: str, old: str, new: str, unsure: str
) -> None:
    (city / "rules.toml").write_text(WRONG, "utf-8")
    alone = check(city)
    assert sorted(FIELD.findall(alone.stdout)) == ALL
    replace(name, old, new)(city)
    done = check(city)
    told = [line for line in done.stdout.splitlines() if f"/{name}:" in line]
    assert told
    left = sorted(set(ALL) - set(unsure.split()))
    assert sorted(FIELD.findall("\n".join(of_rules(done)))) == left, done.stdout
    assert set(of_rules(done)) <= set(alone.stdout.splitlines())


def test_a_file_in_a_folders_place_is_told_to_be_one() -> None:
    done = check(ROOT / "config/dionysos/rules.toml")
    where = (ROOT / "config/dionysos").as_posix()
    what = f"is a file; give the folder that the city's files are in, here {where}"
    assert (done.exit_code, done.stdout) == (1, f"{where}/rules.toml:0: folder: {what}\n")


def test_no_such_folder(tmp_path: Path) -> None:
    done = check(tmp_path / "none")
    assert (done.exit_code, done.stdout) == (
        1,
        f"{tmp_path / 'none'}:0: folder: there is no such folder\n",
    )

"""`runbook.md` of a city's folder: its headings, and names that lead nowhere."""

import shutil
from pathlib import Path

import pytest

from kel.city.runbook import FILE, read_runbook
from kel.run.cityfiles import load_city_files, mistakes_of
from kel.settings import Settings

CONFIG = Path(__file__).parents[3] / "config"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("# Οδηγός\n\nΓια όποιον γράφει.\n", ":0: file: there must be a ## heading"),
        ("## Φωτιά\n\n1. 199\n", ":1: Φωτιά: a heading is `## id: title`"),
        ("## fire: Φωτιά\n\n## lamp: Φως\n\nΚοίτα.\n", ":1: fire: says nothing"),
        ("## fire\n\n1. 199\n\n## fire\n\n1. 199\n", ":5: fire: stands here twice"),
        (b"## fire\n\xff\n", ":2: encoding: byte 0xff is not UTF-8"),
    ],
)
def test_what_is_wrong_with_the_file(text: str | bytes, told: str, tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(text if isinstance(text, bytes) else text.encode())
    _, (mistake,) = read_runbook(tmp_path)
    assert f"{FILE}{told}" in str(mistake)


def test_a_heading_has_a_title_and_its_text(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("# Οδηγός\n\n## fire: Φωτιά\n\n1. 199\n2. νερό\n\n## lamp\n\nx\n")
    found, mistakes = read_runbook(tmp_path)
    assert not mistakes
    assert [(h.id, h.title, h.text) for h in found.values()] == [
        ("fire", "Φωτιά", "1. 199\n2. νερό"),
        ("lamp", "lamp", "x"),
    ]


@pytest.mark.parametrize("city", ["dionysos", "ltown"])
def test_every_name_of_the_example_cities_leads_somewhere(city: str) -> None:
    files = load_city_files(Settings(city=CONFIG / city))
    named = {rule.runbook for rule in files.rulebook.rules}
    named |= {category.runbook for category in files.city.categories.values()}
    assert named <= set(files.city.runbook)


def test_a_name_without_a_heading_is_refused_at_its_place(tmp_path: Path) -> None:
    folder = tmp_path / "city"
    shutil.copytree(CONFIG / "dionysos", folder)
    text = (folder / FILE).read_text("utf-8")
    (folder / FILE).write_text(text.replace("## fire:", "## fires:"), "utf-8")
    found = list(map(str, mistakes_of(folder)))
    (category,) = (m for m in found if "categories.toml" in m)
    assert "runbook: runbook.md has no heading fire; did you mean fires?" in category
    assert all("runbook" in m for m in found)
    rules = [m for m in found if "rules.toml" in m]
    assert len(rules) == 5
    assert "unknown heading of runbook.md 'fire'; did you mean 'fires'?" in rules[0]


def test_a_city_without_the_file_keeps_its_runbook_elsewhere(tmp_path: Path) -> None:
    folder = tmp_path / "city"
    shutil.copytree(CONFIG / "dionysos", folder)
    (folder / FILE).unlink()
    assert mistakes_of(folder) == []

"""The operators' runbook has a heading for every kind and for every rule of the example city."""

import re
from pathlib import Path

from kel.city import load_city, read_document
from kel.model.health import NAMES
from kel.model.mistake import Document
from rules.book.rulebook import parse_rulebook
from rules.kinds import KINDS

ROOT = Path(__file__).parents[3]


def test_every_kind_and_every_rule_has_its_heading() -> None:
    text = (ROOT / "docs" / "runbook.md").read_text()
    headings = set(re.findall(r"^## (\S+)$", text, re.MULTILINE))
    folder = ROOT / "config" / "dionysos"
    city, found = load_city(folder), read_document(folder / "rules.toml")
    assert isinstance(found, Document)
    named = {rule.runbook for rule in parse_rulebook(found, city).rules}
    named |= {category.runbook for category in city.categories.values()}
    assert set(KINDS) | named <= headings


def test_everything_that_is_judged_of_kel_itself_has_its_heading() -> None:
    text = (ROOT / "docs" / "runbook.md").read_text()
    _, itself = text.split("\n# KEL itself\n")
    assert re.findall(r"^## (\S+)$", itself, re.MULTILINE) == list(NAMES)

"""The runbook has a heading for every kind of rule, and for all that is judged of KEL itself."""

import re
from pathlib import Path

from kel.model.health import NAMES
from rules.kinds import KINDS

TEXT = (Path(__file__).parents[3] / "docs/runbook.md").read_text("utf-8")


def test_every_kind_has_its_heading() -> None:
    kinds, _ = TEXT.split("\n# KEL itself\n")
    assert set(re.findall(r"^## (\S+)$", kinds, re.MULTILINE)) == set(KINDS)


def test_everything_that_is_judged_of_kel_itself_has_its_heading() -> None:
    _, itself = TEXT.split("\n# KEL itself\n")
    assert re.findall(r"^## (\S+)$", itself, re.MULTILINE) == list(NAMES)

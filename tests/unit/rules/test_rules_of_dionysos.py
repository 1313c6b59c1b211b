"""The example city's rules do what its own tests say, and each of them has a test."""

from pathlib import Path

import pytest

from kel.city import read_document
from kel.run.cityfiles import read_folder
from rules.rehearse import failures, untested
from rules.trial import Trial, parse_trials

FOLDER = Path(__file__).parents[3] / "config/dionysos"
FILES = read_folder(FOLDER)
TRIALS = [
    trial
    for file in sorted((FOLDER / "tests").glob("*.toml"))
    for trial in parse_trials(read_document(file), FILES.rulebook, FILES.city)
]


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.case.name)
def test_a_case_comes_out_as_written(trial: Trial) -> None:
    assert failures(trial, FILES.rulebook, FILES.city) == []


def test_every_rule_has_a_case_that_makes_it_fire() -> None:
    assert untested(FILES.rulebook, TRIALS) == []

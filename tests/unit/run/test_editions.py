"""A rulebook that was in use is read once more beside today's city, where they go together."""

import re

import pytest

from kel.model.mistake import MistakesError
from kel.run.editions import read_edition
from kel.store.rulebook import Edition
from tests.builders.running import FOLDER, LAMPS, example

RULES = (FOLDER / "rules.toml").read_text("utf-8")
CALENDARS = (FOLDER / "calendars.toml").read_text("utf-8")


def test_the_same_text_is_the_same_rulebook():
    read = read_edition(FOLDER, Edition("v", RULES, CALENDARS), LAMPS)
    assert read.rulebook.version == example().rulebook.version
    assert read.city.devices.keys() == example().city.devices.keys()


def test_another_limit_is_of_that_time():
    assert RULES.count("below = 0.85") == 1
    old = RULES.replace("below = 0.85", "below = 0.6")
    read = read_edition(FOLDER, Edition("v", old, CALENDARS), LAMPS)
    assert read.rulebook.by_id["pump-head-low"].below == 0.6
    assert read.rulebook.version != example().rulebook.version


def test_calendars_are_of_that_time():
    (rule,) = [t for t in re.split(r"(?m)^(?=\[\[)", RULES) if '"pump-head-low"\nkind' in t]
    read = read_edition(FOLDER, Edition("v", rule), LAMPS)
    assert list(read.rulebook.by_id) == ["pump-head-low"]
    assert read.city.calendars == {}


def test_what_does_not_go_with_the_city_any_more_is_a_mistake():
    gone = RULES.replace('class = "pump"', 'class = "windmill"', 1)
    with pytest.raises(MistakesError, match="windmill"):
        read_edition(FOLDER, Edition("v", gone, CALENDARS), LAMPS)

from pathlib import Path

import pytest

from kel.city import load_city
from kel.model.city import City
from kel.simulate.story import Story, read_story

FOLDER = Path("config/dionysos")


@pytest.fixture(scope="session")
def city() -> City:
    return load_city(FOLDER)


@pytest.fixture(scope="session")
def story(city: City) -> Story:
    return read_story(FOLDER / "story.toml", city)

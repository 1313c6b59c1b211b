"""`kel check`: what is wrong with a city's folder, by the very code that loads it."""

from pathlib import Path

from kel.city.load import load_city
from kel.model.mistake import Mistake, MistakesError


def check(folder: Path) -> list[Mistake]:
    """All mistakes of the folder's files, in order of file and line; none: it would load."""
    try:
        load_city(folder)
    except MistakesError as error:
        return error.mistakes
    return []

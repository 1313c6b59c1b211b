"""A rulebook that was in use, read once more beside the city as it is now."""

from pathlib import Path

from kel.city.files import CALENDARS
from kel.run.cityfiles import RULES, CityFiles, packed, read_contents, read_packed
from kel.store.rulebook import Edition


def read_edition(folder: Path, edition: Edition, lamps_per_feeder: int | None = None) -> CityFiles:
    """The city's folder with that edition's rules and calendars in the place of its own.

    Raises MistakesError where they do not go together any more: a class, a zone or a category that
    the rules name is gone, or this KEL reads rules otherwise.
    """
    texts = {RULES: edition.source, CALENDARS: edition.calendars}
    contents = {name: data for name, data in read_contents(folder).items() if name not in texts}
    contents |= {name: text.encode() for name, text in texts.items() if text}
    return read_packed(packed(contents), lamps_per_feeder)

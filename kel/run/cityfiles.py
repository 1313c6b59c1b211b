"""The city's folder as every process reads it: the city, and the rulebook that belongs to it."""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from kel.city import load_city, read_document
from kel.city.files import CALENDARS
from kel.model.city import City
from kel.model.mistake import Mistake, MistakesError
from kel.settings import Settings
from rules.book.rulebook import Rulebook, parse_rulebook

RULES = "rules.toml"
KINDS = frozenset({".toml", ".csv", ".json", ".geojson"})  # of files that a city is made of


@dataclass(frozen=True, slots=True)
class CityFiles:
    """`source` and `calendars` are the texts of the rulebook, which are kept by its version."""

    city: City
    rulebook: Rulebook
    source: str
    calendars: str = ""


def load_city_files(settings: Settings) -> CityFiles:
    """Load and check the whole folder; raises MistakesError with all that is wrong with it."""
    return read_folder(settings.city, settings.lamps_per_feeder)


def read_folder(folder: Path, lamps_per_feeder: int | None = None) -> CityFiles:
    """Raises MistakesError with all that is wrong with the folder."""
    try:
        return _read(folder, lamps_per_feeder)
    except RecursionError:
        deep = Mistake(folder.as_posix(), 0, "", "tables or rules are nested too deeply")
        raise MistakesError([deep]) from None


def _read(folder: Path, lamps_per_feeder: int | None) -> CityFiles:
    city = load_city(folder, lamps_per_feeder=lamps_per_feeder)
    rulebook = parse_rulebook(read_document(folder / RULES), city)
    calendars = folder / CALENDARS
    return CityFiles(
        city,
        rulebook,
        (folder / RULES).read_text("utf-8-sig"),
        calendars.read_text("utf-8-sig") if calendars.exists() else "",
    )


def mistakes_of(folder: Path) -> list[Mistake]:
    """Everything that is wrong with the folder; empty where it can be used."""
    try:
        read_folder(folder)
    except MistakesError as error:
        return error.mistakes
    return []


def fingerprint(folder: Path) -> str:
    """What tells this state of the folder from any other: SHA-256 of its files' names and bytes.

    Hidden files and those of other kinds are left out: what editors leave, and files half-written,
    are no part of a city. Raises OSError where a file cannot be read.
    """
    whole = sha256()
    for file in sorted(p for p in folder.rglob("*") if p.suffix in KINDS and p.is_file()):
        name = file.relative_to(folder)
        if any(part.startswith(".") for part in name.parts):
            continue
        content = file.read_bytes()
        whole.update(f"{name.as_posix()}\0{len(content)}\0".encode())
        whole.update(content)
    return whole.hexdigest()

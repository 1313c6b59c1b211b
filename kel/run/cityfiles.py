"""The city's folder as every process reads it: the city, and the rulebook that belongs to it."""

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile, ZipInfo

from kel.city import read_city, read_document
from kel.city.files import CALENDARS
from kel.model.city import City
from kel.model.mistake import Mistake, MistakesError
from kel.settings import Settings
from rules.book.rulebook import Rulebook, parse_rulebook, rulebook_mistakes

RULES = "rules.toml"
KINDS = frozenset({".toml", ".csv", ".json", ".geojson", ".md"})  # of files that a city is made of


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
    city, mistakes = read_city(folder, lamps_per_feeder=lamps_per_feeder)
    if mistakes:
        raise MistakesError([*mistakes, *_of_rules(folder, city)])
    rulebook = parse_rulebook(read_document(folder / RULES), city)
    calendars = folder / CALENDARS
    return CityFiles(
        city,
        rulebook,
        (folder / RULES).read_text("utf-8-sig"),
        calendars.read_text("utf-8-sig") if calendars.exists() else "",
    )


def _of_rules(folder: Path, city: City) -> list[Mistake]:
    """What is wrong with the rulebook beside a city that could be read in part."""
    try:
        return rulebook_mistakes(read_document(folder / RULES), city)
    except MistakesError as error:
        return error.mistakes


def mistakes_of(folder: Path) -> list[Mistake]:
    """Everything that is wrong with the folder; empty where it can be used."""
    try:
        read_folder(folder)
    except MistakesError as error:
        return error.mistakes
    return []


# the folder as bytes


def read_contents(folder: Path) -> dict[str, bytes]:
    """The files that make the city, by their names within the folder.

    Hidden files and those of other kinds are left out: what editors leave, and files half-written,
    are no part of a city. Raises OSError where a file cannot be read.
    """
    found = sorted(p for p in folder.rglob("*") if p.suffix in KINDS and p.is_file())
    names = [file.relative_to(folder) for file in found]
    return {
        name.as_posix(): (folder / name).read_bytes()
        for name in names
        if not any(part.startswith(".") for part in name.parts)
    }


def fingerprint(folder: Path) -> str:
    """What tells this state of the folder from any other. Raises OSError as `read_contents`."""
    return fingerprint_of(read_contents(folder))


def fingerprint_of(contents: Mapping[str, bytes]) -> str:
    """SHA-256 of the files' names and bytes."""
    whole = sha256()
    for name, content in contents.items():
        whole.update(f"{name}\0{len(content)}\0".encode())
        whole.update(content)
    return whole.hexdigest()


def packed(contents: Mapping[str, bytes]) -> bytes:
    """The files as one zip, the same ones always as the same bytes."""
    whole = BytesIO()
    with ZipFile(whole, "w", ZIP_DEFLATED) as file:
        for name, content in contents.items():
            file.writestr(ZipInfo(name), content, ZIP_DEFLATED)
    return whole.getvalue()


def read_packed(files: bytes, lamps_per_feeder: int | None = None) -> CityFiles:
    """A folder that was `packed`, read as any other is. Raises MistakesError as `read_folder`, and
    OSError where it is damaged or there is no room to unpack it."""
    with TemporaryDirectory(prefix="kel-city-") as folder:
        _unpack(files, folder)
        return read_folder(Path(folder), lamps_per_feeder)


def _unpack(files: bytes, folder: str) -> None:
    try:
        with ZipFile(BytesIO(files)) as whole:
            whole.extractall(folder)
    except (BadZipFile, EOFError, RuntimeError, struct.error, ValueError, zlib.error) as error:
        raise OSError(f"it is damaged: {error}") from error

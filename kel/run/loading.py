"""The city's folder into the database: its devices, its rulebook, and the folder itself.

Law: the folder first, whole and without a mistake, then the database from it, all or nothing.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from psycopg import Connection

from kel.run.cityfiles import CityFiles, fingerprint_of, load_city_files, packed, read_contents
from kel.run.cityfolder import edition_of
from kel.settings import Settings
from kel.store.kept_city import keep_city
from kel.store.load import load
from kel.store.rulebook import keep


@dataclass(frozen=True, slots=True)
class Loadable:
    """A folder without a mistake: what it says, its fingerprint, and its files as one zip."""

    files: CityFiles
    version: str
    zipped: bytes


def read_loadable(settings: Settings) -> Loadable:
    """The folder as it is now. Raises MistakesError."""
    return loadable(load_city_files(settings), settings.city)


def loadable(files: CityFiles, folder: Path) -> Loadable:
    """What was read of `folder`, with the folder itself."""
    contents = read_contents(folder)
    return Loadable(files, fingerprint_of(contents), packed(contents))


def bring(
    connection: Connection, found: Loadable, who: str, at: datetime | None = None
) -> CityFiles:
    """Bring it into the database; returns it with the device numbers that the database keeps.

    `who` asks for it; `at`: of the opening stock, else now.
    """
    with connection.transaction():
        city = load(connection, found.files.city, at or datetime.now(UTC), found.version)
        keep(connection, edition_of(found.files), found.version, who)
        keep_city(connection, found.version, who, found.zipped)
    return replace(found.files, city=city)


def load_folder(settings: Settings, connection: Connection, who: str) -> CityFiles:
    """The folder as it is now, into the database."""
    return bring(connection, read_loadable(settings), who)

"""The city that a worker runs, and what takes its place.

Laws:
- another folder is taken up once it was loaded (`kel load`), as it was loaded: never half changed;
  one with a mistake never is, and is told once;
- a worker that began with the folder as it was loaded last, since its own had a mistake, takes its
  own up as soon as it is right;
- a rulebook's text is kept in the store before an alert names its version.
"""

import logging
from typing import NamedTuple

from psycopg import Connection

from kel.model.city import City
from kel.model.mistake import MistakesError
from kel.run.cityfiles import CityFiles, fingerprint, load_city_files
from kel.run.cityfolder import CityFolder, edition_of
from kel.settings import Settings
from kel.store.kept_city import who_loaded
from kel.store.load import numbered
from kel.store.registry import city_version
from kel.store.rulebook import Edition, keep, taken
from rules.book.editions import taken_up

log = logging.getLogger("kel.worker")


class Anew(NamedTuple):
    """A folder that is to be taken up; `city` has the device numbers of the database."""

    version: str
    files: CityFiles
    city: City


class CityInUse:
    """`city` is known from the first connection on."""

    def __init__(self, settings: Settings, files: CityFiles, folder: CityFolder | None) -> None:
        """`folder`: where `files` come from, or are used in place of."""
        self.files, self.city = files, files.city
        self.folder = folder or CityFolder(settings)
        self._settings = settings
        self._version: str | None = None  # of the folder
        self._passed_over: str | None = None  # … of another one that has a mistake

    def number(self, connection: Connection) -> None:
        """Learn the device numbers, and which folder the database has."""
        self.city = numbered(connection, self.files.city)
        if self._version is None:
            self._version = city_version(connection)

    def begin(self, connection: Connection) -> None:
        """Keep the rulebook that a worker begins with."""
        last = taken(connection)[-1:]
        before = last[0].edition if last else None
        _keep(connection, self.files, self._version, before)

    def anew(self, connection: Connection) -> Anew | None:
        """The folder, where another one was loaded than the one in use, and it is as it was then;
        its rulebook is kept by now."""
        version = city_version(connection)
        if self.folder.kept and (files := self.folder.changed()):
            return self._righted(connection, files)
        if version is None or version in (self._version, self._passed_over):
            return None
        try:
            if fingerprint(self._settings.city) != version:
                return None  # it was changed since, or is being written: once it is loaded
            files = load_city_files(self._settings)
            city = numbered(connection, files.city)
        except (MistakesError, OSError, LookupError) as error:
            log.error("the city's folder is not taken up: %s", error)
            self._passed_over = version
            return None
        _keep(connection, files, version, edition_of(self.files))
        return Anew(version, files, city)

    def take(self, anew: Anew) -> None:
        """From now on this is the city."""
        self._version, self.files, self.city = anew
        self.folder.taken()

    def _righted(self, connection: Connection, files: CityFiles) -> Anew | None:
        """The folder that had a mistake when this worker began, and has none now."""
        try:
            version = fingerprint(self._settings.city)
            city = numbered(connection, files.city)
        except (OSError, LookupError) as error:  # then it is taken up once it is loaded
            log.error("the city's folder is not taken up: %s", error)
            return None
        _keep(connection, files, version, edition_of(self.files))
        return Anew(version, files, city)


def _keep(
    connection: Connection, files: CityFiles, version: str | None, last: Edition | None
) -> None:
    """Keep the rulebook, which comes into use now after `last`, and say what that changes."""
    who, edition = who_loaded(connection, version), edition_of(files)
    keep(connection, edition, version, who)
    before = (last.version, last.texts) if last else None
    log.info("%s", taken_up(edition.version, edition.texts, before, who))

"""The city's folder for processes: what they begin with, and as it changes on disk meanwhile.

Laws:
- what runs is never replaced by what has a mistake;
- a process whose folder has a mistake begins with the folder as it was loaded last, whole, which
  the database keeps; it says so, and takes its own up as soon as that is right;
- a folder that is not there is no mistake of an editor: nothing begins instead of it.
"""

import logging
import os

from psycopg import Error

from kel.model.mistake import Mistake, MistakesError
from kel.run.cityfiles import CityFiles, load_city_files, read_packed
from kel.settings import Settings
from kel.store.connect import connect
from kel.store.kept_city import KeptCity, kept_city
from kel.store.rulebook import Edition

log = logging.getLogger("kel.city")

LOOK_S = 2.0  # how often a process looks

Mark = frozenset[tuple[str, int, int]]  # of each file: path, size, time of its last change (ns)


class CityFolder:
    """Tells when the folder has changed. Make it before the folder is loaded for the first time.

    A change counts once the folder looks the same twice: files are not read half written. `kept`:
    what runs instead of the folder, from `begin` until its owner says that this is over (`taken`);
    `mistake`: why.
    """

    def __init__(self, settings: Settings) -> None:
        self.kept: KeptCity | None = None
        self.mistake: Mistake | None = None
        self._settings = settings
        self._loaded = self._seen = self._mark()

    def begin(self) -> CityFiles:
        """What to begin with. Raises MistakesError where the folder has mistakes, and nothing that
        was loaded before can be had in its place."""
        try:
            return load_city_files(self._settings)
        except MistakesError as error:
            if not self._settings.city.is_dir():
                raise
            files = self._loaded_last()
            if files is None or self.kept is None:
                raise
            self.mistake = error.mistakes[0]
            log.error("%s", told(self.kept, self.mistake, len(error.mistakes)))
            return files

    def taken(self) -> None:
        """The folder runs, and nothing in its place any more."""
        if self.kept is not None:
            log.warning("the city's folder has no mistake any more, and is taken up")
        self.kept = self.mistake = None

    def changed(self) -> CityFiles | None:
        """What the folder holds now, where that is new and has no mistake; ask every `LOOK_S`.

        Takes as long as loading: not for an event loop's own thread.
        """
        mark = self._mark()
        if mark == self._loaded:
            return None
        if mark != self._seen:
            self._seen = mark
            return None
        self._loaded = mark
        try:
            files = load_city_files(self._settings)
        except MistakesError as error:
            self.mistake = error.mistakes[0]
            log.warning("the city's folder has mistakes and is not taken: %s", error.mistakes[0])
        except OSError as error:
            log.warning("the city's folder cannot be read and is not taken: %s", error)
        else:
            log.info("the city's folder has changed and is taken")
            return files
        return None

    def _loaded_last(self) -> CityFiles | None:
        """The folder as it was loaded last, or None, with the reason in the log."""
        try:
            with connect(self._settings) as connection:
                self.kept = kept_city(connection)
            if self.kept is not None:
                return read_packed(self.kept.files, self._settings.lamps_per_feeder)
            why = "none was ever loaded (`kel load`)"
        except Error as error:
            why = f"the database, which keeps the one that was loaded last, is away: {error}"
        except MistakesError as error:
            why = f"so has the one that was loaded last: {error.mistakes[0]}"
        except OSError as error:
            why = f"the one that was loaded last cannot be unpacked: {error}"
        log.error("the city's folder has mistakes, and %s", why)
        self.kept = None
        return None

    def _mark(self) -> Mark:
        found = set()
        for folder, folders, names in os.walk(self._settings.city):
            folders[:] = [name for name in folders if not name.startswith(".")]
            for name in names:
                if name.startswith("."):  # editors', and what is half written
                    continue
                path = os.path.join(folder, name)  # noqa: PTH118 - a thousand files, every 2 s
                try:
                    file = os.stat(path)  # noqa: PTH116
                except OSError:  # it went away meanwhile: as if it had not been there
                    continue
                found.add((path, file.st_size, file.st_mtime_ns))
        return frozenset(found)


def edition_of(files: CityFiles) -> Edition:
    """The rulebook as it is kept."""
    return Edition(files.rulebook.version, files.source, files.calendars)


def told(kept: KeptCity, mistake: Mistake, count: int) -> str:
    """What the log says of a process that begins with another folder than its own."""
    many = f"{count} mistakes, the first is" if count > 1 else "a mistake:"
    return (
        f"this runs on the city's folder {kept.version[:12]} as {kept.who} loaded it at "
        f"{kept.at:%Y-%m-%d %H:%M} UTC, until its own is right (`kel check`): that has {many} "
        f"{mistake}"
    )

"""The city's folder as it changes on disk, for processes that go on meanwhile.

Law: what runs is never replaced by what has a mistake.
"""

import logging
import os

from kel.model.mistake import MistakesError
from kel.run.cityfiles import CityFiles, load_city_files
from kel.settings import Settings

log = logging.getLogger("kel.city")

LOOK_S = 2.0  # how often a process looks

Mark = frozenset[tuple[str, int, int]]  # of each file: path, size, time of its last change (ns)


class CityFolder:
    """Tells when the folder has changed. Make it before the folder is loaded for the first time.

    A change counts once the folder looks the same twice: files are not read half written.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._loaded = self._seen = self._mark()

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
            log.warning("the city's folder has mistakes and is not taken: %s", error.mistakes[0])
        except OSError as error:
            log.warning("the city's folder cannot be read and is not taken: %s", error)
        else:
            log.info("the city's folder has changed and is taken")
            return files
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

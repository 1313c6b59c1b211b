"""Devices put into the city's folder, from there into the database, and what they said before.

Laws:
- the folder first, whole and without a mistake, then the database from it: never the other way;
- one writer at a time: what was read is what is changed;
- the messages that a stranger sent are given to the stream again once workers know it; until they
  do, it is tried again.
"""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from uuid import UUID

from psycopg import Connection

from ingest.validate import Reason
from kel.city.writing import Sheet, alone, read_sheets, write_sheets
from kel.model.city import City
from kel.run.cityfiles import mistakes_of
from kel.run.retry import Retried, await_outcome, retry
from kel.settings import Settings
from kel.store.registry import forget_adopted
from kel.store.retries import Like, standing

PATIENCE_S = 20.0
PAUSE_S = 0.5

Sender = tuple[str, str]  # source, address
Sheets = Mapping[str, Sheet]


def change(folder: Path, how: Callable[[Sheets], Sheets]) -> list[Path]:
    """Change the folder's device files; returns which. Raises as `write_sheets` does."""
    with alone(folder):
        return write_sheets(folder, how(read_sheets(folder)), mistakes_of)


def hear_again(settings: Settings, connection: Connection, city: City, sender: Sender) -> Retried:
    """Give to the stream what this sender's device said while nobody knew it, again and again until
    the workers do, and nothing of it is left."""
    like = Like(reason=Reason.UNKNOWN_DEVICE, source=sender[0], address=sender[1])
    deadline = time.monotonic() + PATIENCE_S
    told = Retried()
    ids: set[UUID] = set()
    while True:
        time.sleep(PAUSE_S)  # a worker needs a moment to learn of a new device
        found = await_outcome(connection, retry(settings, connection, city, like), PATIENCE_S)
        ids.update(found.ids)
        told.taken += found.taken
        told.waiting, told.left = found.waiting, found.left
        if found.waiting or not found.ids or time.monotonic() > deadline:
            break
    told.ids = list(ids)
    told.refused, told.partly = standing(connection, told.ids)
    forget_adopted(connection)  # a draft that was made while workers learned
    return told

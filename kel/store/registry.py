"""The registry in the database: which folder was loaded, who is heard, who is a stranger.

Laws:
- the city's folder is the truth; the database says which state of it was loaded last, and tells
  those who wait for another one (`CHANNEL`);
- whether a device is there is one view, `device_presence`, for the terminal and for walls; its
  "now" is the time that the stream has come to, not the machine's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg import Connection, Cursor

from kel.store.connect import query

CHANNEL = "kel_city"
SIGNS = ("battery", "rssi", "snr", "margin", "linkquality")  # of battery and radio


@dataclass(frozen=True, slots=True)
class Presence:
    """A device of the city as it is heard. `signs`: battery and radio, where it tells them.

    `presence`: online, offline, silent or unheard; None of a device that is not active.
    """

    id: str
    name: str
    cls: str
    class_label: str
    community: str
    zone: str | None
    feeder: str | None
    state: str
    presence: str | None
    source: str
    address: str
    heard_at: datetime | None
    signs: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Stranger:
    """A draft: a sender that no device of the city is. `kept` of its `count` messages are stored.

    Without source and address it stands for all beyond the limit of drafts.
    """

    source: str
    address: str
    first_at: datetime
    last_at: datetime
    count: int
    kept: int
    topic: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which devices are asked for; None asks for all."""

    state: str | None = None
    presence: str | None = None
    cls: str | None = None
    zone: str | None = None
    search: str | None = None


def put_version(cursor: Cursor, version: str) -> None:
    """The folder's state that is loaded in this transaction."""
    cursor.execute(query("put_city_version"), [version])
    cursor.execute(f"NOTIFY {CHANNEL}")


def city_version(connection: Connection) -> str | None:
    """The fingerprint (`kel.run.cityfiles`) of the folder that was loaded last, where one was."""
    row = connection.execute(query("city_version")).fetchone()
    return row[0] if row else None


def forget_adopted(connection: Connection) -> None:
    """Delete drafts of senders that are devices of the city by now."""
    connection.execute(query("adopt_drafts"))


def stream_now(connection: Connection) -> tuple[datetime, bool]:
    """The time that the stream has come to, and whether that is the real one (no story's)."""
    row = connection.execute(query("stream_now")).fetchone()
    assert row is not None
    return row[0], row[1]


def devices(connection: Connection, wanted: Wanted) -> list[Presence]:
    """The city's devices, by class and id."""
    asked = {
        "state": wanted.state,
        "presence": wanted.presence,
        "cls": wanted.cls,
        "zone": wanted.zone,
        "search": wanted.search,
        "signs": list(SIGNS),
    }
    rows = connection.execute(query("presence"), asked).fetchall()
    return [
        Presence(*(*told, {k: metrics[k] for k in SIGNS if k in metrics}))
        for *told, metrics in rows
    ]


def strangers(connection: Connection, search: str | None = None) -> list[Stranger]:
    """The drafts, those heard last first; the nameless one at the end."""
    rows = connection.execute(query("drafts"), {"search": search}).fetchall()
    return [Stranger(*row) for row in rows]


def samples(connection: Connection, of: Sequence[Stranger]) -> dict[tuple[str, str], list[bytes]]:
    """A few kept payloads of each stranger."""
    found: dict[tuple[str, str], list[bytes]] = {}
    keys = [s.source for s in of], [s.address for s in of]
    for source, address, payload in connection.execute(query("samples"), keys).fetchall():
        found.setdefault((source, address), []).append(bytes(payload))
    return found

"""Stored readings to files: a folder of Parquet that `kel backtest FOLDER` reads back."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from psycopg import Connection

from kel.arrow.months import MonthFile
from kel.backtest.stretch import DAY_US
from kel.model.city import City
from kel.model.device import DeviceClass
from kel.model.frame import Frame
from kel.model.moment import from_us, to_us
from kel.run.backtest import Heard, unheard
from kel.store.connect import named
from kel.store.load import numbered
from kel.store.past_frames import read_frame, stored_metrics, stored_span


def export(
    connection: Connection,
    city: City,
    folder: Path,
    since: datetime | None = None,
    until: datetime | None = None,
    heard: Heard = unheard,
) -> dict[str, int]:
    """Write all classes' readings of [since, until), else all; returns rows by class.

    A month's file is replaced by one of the span alone. Devices that the city no longer has keep
    their readings in the database and are left out here. LookupError where nothing is stored.
    """
    if since and until and since >= until:
        raise ValueError("--from must be before --to")
    city = numbered(connection, city)
    rows: dict[str, int] = {}
    for cls in city.classes.values():
        names = stored_metrics(connection, cls)
        span = stored_span(connection, cls) if names else None
        if span is None:
            continue
        begin = max(since or span[0], span[0])
        end = min(until or span[1] + timedelta(microseconds=1), span[1] + timedelta(microseconds=1))
        for month, first, last in _months(begin, end):
            with MonthFile(folder, cls.id, month, city, names) as file:
                for day in _days(connection, city, cls, names, first, last):
                    file.put(day)
            rows[cls.id] = rows.get(cls.id, 0) + file.rows
            heard(sum(rows.values()), 0, to_us(last))
    if not any(rows.values()):
        raise LookupError(f"no readings are stored for these days in {named(connection)}")
    return rows


def _days(
    connection: Connection,
    city: City,
    cls: DeviceClass,
    names: list[str],
    first: datetime,
    last: datetime,
) -> Iterator[Frame]:
    begin, end = to_us(first), to_us(last)
    for day in range(begin // DAY_US, (end - 1) // DAY_US + 1):
        since, until = max(begin, day * DAY_US), min(end, (day + 1) * DAY_US)
        frame = read_frame(connection, cls, from_us(since), from_us(until), names)
        known = np.isin(frame.device, list(city.by_number))
        yield frame if known.all() else frame.take(known)


def _months(since: datetime, until: datetime) -> Iterator[tuple[str, datetime, datetime]]:
    """The months (UTC) of the span: name, from, to."""
    first = since
    while first < until:
        begin = first.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        following = (begin + timedelta(days=32)).replace(day=1)
        yield f"{first:%Y-%m}", first, min(following, until)
        first = following

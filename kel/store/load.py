"""Loading the city's folder into the tables that screens join to.

Laws:
- loading again changes only what the folder changed; nothing that stock or budgets have become
  is touched;
- a device keeps its number for ever: readings carry it;
- a device that left the folder is retired, never deleted;
- the folder's version is written in the same transaction, and whoever waits for one hears of it.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from psycopg import Connection, Cursor
from psycopg.types.json import Jsonb

from kel.model.city import City
from kel.model.device import Device
from kel.model.ids import make_id
from kel.model.stock import WAREHOUSE, Stock
from kel.store.classes import declare
from kel.store.connect import query
from kel.store.registry import put_version


def load(connection: Connection, city: City, at: datetime, version: str | None = None) -> City:
    """Write the city; returns it with the device numbers that the database keeps.

    `at` is the moment of the opening stock's movements, where stock is opened. `version` is the
    fingerprint of the folder that the city was read from; a city of no folder has none.
    """
    declare(connection, city.classes.values())
    with connection.transaction(), connection.cursor() as cursor:
        _places(cursor, city)
        _names(cursor, city)
        cursor.executemany(query("put_device"), [_device(d) for d in city.devices.values()])
        cursor.execute(query("retire_devices"), [list(city.devices)])
        _open_stock(cursor, city, at)
        cursor.execute(query("adopt_drafts"))
        if version is not None:
            put_version(cursor, version)
    return numbered(connection, city)


def numbered(connection: Connection, city: City) -> City:
    """The city with the device numbers that the database keeps.

    Raises LookupError where the city's folder was changed and not loaded since.
    """
    numbers: Mapping[str, int] = dict(
        connection.execute("SELECT id, number FROM device").fetchall()
    )
    missing = [d for d in city.devices if d not in numbers]
    if missing:
        raise LookupError(
            f"{len(missing)} devices of the city are not in the database yet "
            f"({', '.join(missing[:3])} …): run `kel load`"
        )
    devices = {d.id: replace(d, number=numbers[d.id]) for d in city.devices.values()}
    return replace(city, devices=devices)


def _places(cursor: Cursor, city: City) -> None:
    cursor.executemany(
        query("put_community"),
        [
            (c.id, c.name, c.population, c.centre.lat, c.centre.lon)
            for c in city.communities.values()
        ],
    )
    cursor.executemany(
        query("put_zone"),
        [
            (z.id, z.name, z.community, z.connections, z.people, z.mains_km)
            + (z.centre.lat, z.centre.lon)
            for z in city.zones.values()
        ],
    )
    cursor.executemany(
        query("put_feeder"),
        [(f.id, f.name, f.community, f.centre.lat, f.centre.lon) for f in city.feeders.values()],
    )


def _names(cursor: Cursor, city: City) -> None:
    cursor.executemany(
        query("put_device_class"), [(c.id, c.label, c.every) for c in city.classes.values()]
    )
    cursor.executemany(
        query("put_category"),
        [(c.id, c.label, c.family, c.account, c.waiting) for c in city.categories.values()],
    )
    cursor.executemany(
        query("put_crew"), [(c.id, c.name, c.base.lat, c.base.lon) for c in city.crews.values()]
    )
    cursor.executemany(
        query("put_item"),
        [
            (i.id, i.name, i.unit, i.price, i.reorder, i.lead_days, i.group)
            for i in city.items.values()
        ],
    )
    cursor.executemany(
        query("put_budget_line"),
        [(b.year, b.account, b.label, b.community, b.amount, b.nature) for b in city.budget],
    )


def _device(d: Device) -> tuple[object, ...]:
    return (
        d.id,
        d.cls,
        d.name,
        d.community,
        d.zone,
        d.feeder,
        d.parent,
        d.place.lat,
        d.place.lon,
    ) + (d.source, d.address, d.state, Jsonb(dict(d.attributes)))


def _open_stock(cursor: Cursor, city: City, at: datetime) -> None:
    opening = [Stock(WAREHOUSE, i.id, i.opening) for i in city.items.values()]
    for stock in [*opening, *city.van_stock]:
        cursor.execute(query("open_stock"), [stock.place, stock.item, stock.on_hand])
        if cursor.rowcount and stock.on_hand != Decimal(0):
            movement = make_id("movement", "opening", stock.place, stock.item)
            cursor.execute(
                query("add_movement"),
                [movement, at, stock.place, stock.item, stock.on_hand, "opening", None, ""],
            )

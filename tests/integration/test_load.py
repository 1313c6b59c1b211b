"""The city's folder loaded into the real database, again and again as a city changes."""

from dataclasses import replace
from datetime import UTC, datetime

import psycopg
import pytest
from psycopg import Connection

from kel.model.city import City
from kel.model.device import Device
from kel.store.load import load, numbered
from tests.builders.running import example

pytestmark = pytest.mark.integration

NOW = datetime(2026, 10, 18, 9, tzinfo=UTC)


@pytest.fixture(scope="module")
def city() -> City:
    return example().city


def with_devices(city: City, *changed: Device, without: tuple[str, ...] = ()) -> City:
    devices = {k: d for k, d in city.devices.items() if k not in without}
    return replace(city, devices={**devices, **{d.id: d for d in changed}})


def state_of(connection: Connection, device: str) -> tuple[str, str, int]:
    row = connection.execute(
        "SELECT state, address, number FROM device WHERE id = %s", [device]
    ).fetchone()
    assert row is not None
    return row


def test_loading_again_changes_nothing(connection: Connection, city: City) -> None:
    before = connection.execute("SELECT * FROM device ORDER BY id").fetchall()
    movements = connection.execute("SELECT count(*) FROM movement").fetchone()
    load(connection, city, NOW)
    assert connection.execute("SELECT * FROM device ORDER BY id").fetchall() == before
    assert connection.execute("SELECT count(*) FROM movement").fetchone() == movements


def test_a_device_that_left_is_retired_and_keeps_its_number(
    connection: Connection, city: City
) -> None:
    number = state_of(connection, "cam-01")[2]
    load(connection, with_devices(city, without=("cam-01",)), NOW)
    assert state_of(connection, "cam-01")[::2] == ("retired", number)
    load(connection, city, NOW)
    assert state_of(connection, "cam-01")[::2] == ("active", number)


def test_a_new_device_takes_over_a_retired_ones_address(connection: Connection, city: City) -> None:
    new = replace(city.devices["ls-01"], id="ls-01b", number=0)
    load(connection, with_devices(city, new, without=("ls-01",)), NOW)
    assert state_of(connection, "ls-01b")[:2] == ("active", city.devices["ls-01"].address)
    assert state_of(connection, "ls-01")[0] == "retired"


def test_two_devices_swap_their_addresses(connection: Connection, city: City) -> None:
    one, two = city.devices["ls-01"], city.devices["ls-02"]
    swapped = replace(one, address=two.address), replace(two, address=one.address)
    load(connection, with_devices(city, *swapped), NOW)
    assert state_of(connection, "ls-01")[1] == two.address


def test_one_address_for_two_devices_is_refused(connection: Connection, city: City) -> None:
    thief = replace(city.devices["ls-01"], id="thief", number=0)
    with pytest.raises(psycopg.errors.ExclusionViolation):
        load(connection, with_devices(city, thief), NOW)
    assert not connection.execute("SELECT FROM device WHERE id = 'thief'").fetchall()


def test_a_city_that_was_not_loaded_says_what_to_do(connection: Connection, city: City) -> None:
    new = replace(city.devices["ls-01"], id="ls-99", number=0, address="ffff")
    with pytest.raises(LookupError, match=r"ls-99.*run `kel load`"):
        numbered(connection, with_devices(city, new))


def test_stock_is_opened_once(connection: Connection, city: City) -> None:
    connection.execute("UPDATE stock SET on_hand = 1 WHERE place = 'warehouse' AND item = 'sand'")
    load(connection, city, NOW)
    row = connection.execute(
        "SELECT on_hand FROM stock WHERE place = 'warehouse' AND item = 'sand'"
    ).fetchone()
    assert row == (1,)

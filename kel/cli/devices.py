"""`kel devices list | adopt | retire | reinstate | import | export`: the registry."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

import click

from kel.settings import Settings

if TYPE_CHECKING:
    from psycopg import Connection

    from ingest.guess import Guess
    from kel.city.writing import Sheet
    from kel.model.city import City
    from kel.model.mistake import MistakesError
    from kel.run.retry import Retried
    from kel.store.registry import Stranger

STATES = ("active", "draft", "retired", "online", "offline", "silent", "unheard")
LATER = "kel rejected retry --source {} --address {}"
LATER_ALL = "kel rejected retry --reason unknown_device"
FEW = 3  # strangers that are told one by one


@click.group()
def devices() -> None:
    """The city's devices: who is heard, who is a stranger, who comes and goes."""


@devices.command("list", short_help="the devices, and how they are heard")
@click.option("--drafts", is_flag=True, help="senders that are no device of the city")
@click.option("--state", type=click.Choice(STATES), help="only these")
@click.option("--class", "cls", help="only of this class, by its id")
@click.option("--zone", help="only of this zone, by its id")
@click.option("--search", help="only where id, name or address hold this")
@click.option("--most", default=100, show_default=True, help="how many at the most")
@click.option("--json", "as_json", is_flag=True, help="one JSON list of all, times in UTC")
def list_(
    drafts: bool,
    state: str | None,
    cls: str | None,
    zone: str | None,
    search: str | None,
    most: int,
    as_json: bool,
) -> None:
    """The devices, how and when they were last heard, their battery and radio.

    Times are told from when the stream has come to. A device is silent where nothing came of it for
    three times the pace of its class, offline where its last will or its death said so.
    """
    from kel.cli.database import some_connection
    from kel.cli.device_table import device_table, draft_table
    from kel.cli.listing import as_json as json_of
    from kel.cli.listing import console_of
    from kel.run.cityfiles import load_city_files
    from kel.store import registry

    city = load_city_files(Settings()).city
    for kind, wanted_id, known_ids in (("class", cls, city.classes), ("zone", zone, city.zones)):
        if wanted_id is not None and wanted_id not in known_ids:
            raise LookupError(f"there is no {kind} {wanted_id}; known: {', '.join(known_ids)}")
    with some_connection() as connection:
        now, _ = registry.stream_now(connection)
        strangers = every = registry.strangers(connection, search if drafts else None)
        if drafts and not as_json:
            strangers = [s for s in every if s.source][:most] + [s for s in every if not s.source]
        guesses = _guesses(connection, city, strangers) if drafts else {}
        known = state in ("active", "draft", "retired")
        wanted = registry.Wanted(
            state if known else None, None if known else state, cls, zone, search
        )
        found = [] if drafts else registry.devices(connection, wanted)
    if as_json:
        told = (
            [{**asdict(s), "guess": asdict(guesses[s.source, s.address])} for s in strangers]
            if drafts
            else [asdict(d) for d in found]
        )
        click.echo(json_of(told))
        return
    console = console_of()
    width = console.width
    lines = (
        draft_table(strangers, guesses, now, width, len(every))
        if drafts
        else device_table(
            found, now, city.timezone, width, most, sum(bool(s.source) for s in strangers)
        )
    )
    for line in lines:
        console.print(line)


@devices.command(short_help="make a stranger a device of the city")
@click.argument("source")
@click.argument("address")
@click.option("--id", "id_", help="the device's id in KEL, e.g. fs-14")
@click.option("--class", "cls", help="its class, e.g. fire")
@click.option("--name", help="what people call it")
@click.option("--community", help="the id of its community")
@click.option("--zone", help="the id of its zone")
@click.option("--feeder", help="the id of its feeder")
@click.option("--parent", help="the device whose failure explains its own")
@click.option("--lat", type=float, help="else its zone's, feeder's or parent's place")
@click.option("--lon", type=float)
@click.option("--attribute", "attributes", multiple=True, metavar="NAME=VALUE")
@click.option("--clock", type=click.Choice(["own", "arrival"]), help="whose time it carries")
@click.option("--no-retry", is_flag=True, help="leave what it said so far among the rejects")
def adopt(source: str, address: str, no_retry: bool, **given: Any) -> None:
    """Make a stranger a device of the city: who speaks SOURCE under ADDRESS.

    Writes its row into devices/<class>.csv, loads the folder into the database, and gives what it
    said so far to the stream again. Workers learn of it by themselves.
    """
    from kel.city.writing import FrozenFolderError, put_rows
    from kel.model.mistake import MistakesError
    from kel.run.cityfiles import load_city_files
    from kel.run.registry import change
    from kel.store.registry import strangers

    settings = _running()
    city = load_city_files(settings).city
    with _connected(settings) as connection:
        drafts = [s for s in strangers(connection) if (s.source, s.address) == (source, address)]
        guesses = _guesses(connection, city, drafts)
        row = _row_of(city, source, address, given, guesses.get((source, address)))
        try:
            change(settings.city, lambda sheets: put_rows(sheets, given["cls"], [row]))
        except FrozenFolderError as error:
            later = LATER.format(source, quote(address))
            raise click.ClickException(f"{error}\nand for what it said so far: {later}") from None
        except MistakesError as error:
            lacks = _attributes_missing(error, row, given["cls"])
            if not lacks:
                raise
            raise click.UsageError(
                f"to adopt {source} {address} as a {given['cls']}, say {lacks}"
            ) from None
        click.echo(f"{row['id']}: εντάχθηκε στο {settings.city}/devices/{given['cls']}.csv")
        _load_and_hear(settings, connection, None if no_retry else (source, address), drafts)


@devices.command(short_help="take a device out of service")
@click.argument("id_", metavar="ID")
def retire(id_: str) -> None:
    """Take device ID out of service; its history stays, what it still sends is refused."""
    _set_state(id_, "retired", "αποσύρθηκε")


@devices.command(short_help="take it into service again")
@click.argument("id_", metavar="ID")
def reinstate(id_: str) -> None:
    """Take device ID, retired or not yet adopted, into service (again)."""
    from ingest.cameras import SOURCES as CAMERAS
    from kel.run.cityfiles import load_city_files

    if _set_state(id_, "", "τέθηκε σε λειτουργία"):
        device = load_city_files(Settings()).city.devices[id_]
        if device.source not in CAMERAS:  # of their messages nothing is kept
            click.echo(f"Ό,τι της απορρίφθηκε στο μεταξύ: kel rejected retry --device {id_}")


@devices.command("import", short_help="many devices from CSV or GeoJSON")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--class", "cls", help="the class of rows that name none")
def import_(file: Path, cls: str | None) -> None:
    """Take many devices into the city from FILE (.csv, .geojson), all of them or none.

    Columns are those of devices/<class>.csv, and `class`. A device that is there already gets the
    cells that the file gives.
    """
    from kel.city.exchange import read_devices, told_of
    from kel.city.writing import put_rows
    from kel.cli.asking import user
    from kel.cli.listing import counted
    from kel.model.mistake import MistakesError
    from kel.run.cityfiles import load_city_files
    from kel.run.loading import load_folder
    from kel.run.registry import change
    from kel.store.registry import strangers

    settings = _running()
    city = load_city_files(settings).city
    rows = read_devices(file, cls)
    made: dict[str, Sheet] = {}

    def how(sheets: Mapping[str, "Sheet"]) -> Mapping[str, "Sheet"]:
        made.update(sheets)
        for each in dict.fromkeys(r.cls for r in rows):
            _class_of(city, each)
            made.update(put_rows(made, each, [r.row for r in rows if r.cls == each]))
        return made

    with _connected(settings) as connection:
        try:
            changed = change(settings.city, how)
        except MistakesError as error:
            raise MistakesError(told_of(error.mistakes, settings.city, file, rows, made)) from None
        before = strangers(connection)
        city = load_folder(settings, connection, user()).city
    files = counted(len(changed), "αρχείο άλλαξε", "αρχεία άλλαξαν")
    click.echo(f"{counted(len(rows), 'συσκευή', 'συσκευές')}, {files}")
    known = [city.devices[r.row["id"]] for r in rows]
    for line in _said_before({(d.source, d.address) for d in known}, before):
        click.echo(line)


@devices.command(short_help="all devices as CSV or GeoJSON")
@click.option("--class", "cls", help="only this class")
@click.option("--format", "form", type=click.Choice(["csv", "geojson"]), default="csv")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False))
def export(cls: str | None, form: str, output: Path | None) -> None:
    """Write the city's devices as CSV or GeoJSON (RFC 7946), as `import` reads them."""
    from kel.city.exchange import as_csv, as_geojson, devices_of
    from kel.city.writing import read_sheets
    from kel.cli.listing import counted
    from kel.run.cityfiles import load_city_files

    settings = Settings()
    city = load_city_files(settings).city
    if cls is not None:
        _class_of(city, cls)
    found = devices_of(read_sheets(settings.city), cls)
    text = as_csv(found) if form == "csv" else as_geojson(found)
    if output:
        output.write_text(text, "utf-8", newline="")
    else:
        click.echo(text, nl=False)
    laid_out = sum(cls in (None, d.cls) for d in city.devices.values()) - len(found)
    if laid_out:
        lamps = counted(laid_out, "φωτιστικό", "φωτιστικά")
        click.echo(f"{lamps} του feeders.csv δεν έχουν δική τους γραμμή", err=True)


def _said_before(senders: set[tuple[str, str]], before: list["Stranger"]) -> list[str]:
    """How to hear what these senders said while they were strangers."""
    from ingest.cameras import SOURCES as CAMERAS

    found = [
        (s.source, s.address)
        for s in before
        if (s.source, s.address) in senders and s.source not in CAMERAS
    ]
    commands = [LATER.format(source, quote(address)) for source, address in found]
    if len(found) > FEW:
        commands = [LATER_ALL]
    return [f"Ό,τι έλεγαν ως άγνωστες: {command}" for command in commands]


def _attributes_missing(error: "MistakesError", row: Mapping[str, str], cls: str) -> str:
    """The options to give, where all that is wrong is that the class wants more of the row."""
    from kel.city.writing import TEXT, file_of

    options = []
    for mistake in error.mistakes:
        told = mistake.what.removeprefix("the column ") == "is missing"
        if not told or not mistake.file.endswith(file_of(cls)) or mistake.field in {*row, *TEXT}:
            return ""
        options.append(f"--attribute {mistake.field}=…")
    return " ".join(dict.fromkeys(options))


def _set_state(id_: str, state: str, told: str) -> bool:
    from kel.city.writing import put_rows
    from kel.run.cityfiles import load_city_files
    from kel.run.registry import change

    settings = _running()
    city = load_city_files(settings).city
    with _connected(settings) as connection:

        def how(sheets: Mapping[str, "Sheet"]) -> Mapping[str, "Sheet"]:
            for cls, sheet in sheets.items():
                if sheet.find(id_) is not None:
                    return put_rows(sheets, cls, [{"id": id_, "state": state}])
            raise LookupError(_no_row(city, id_))

        changed = change(settings.city, how)
        if not changed:
            click.echo(f"{id_}: τίποτε να αλλάξει")
            return False
        click.echo(f"{id_}: {told} ({changed[0]})")
        _load_and_hear(settings, connection, None, [])
        return True


def _no_row(city: "City", id_: str) -> str:
    device = city.devices.get(id_)
    if device:
        return (
            f"{id_} is laid out by feeder {device.feeder} in feeders.csv and has no row of its "
            "own: list the feeder's lamps in devices/lamp.csv and write 0 in its `lamps` first"
        )
    from kel.city.records import suggest

    return f"there is no device {id_}{suggest(id_, frozenset(city.devices))}"


def _row_of(
    city: "City", source: str, address: str, given: dict[str, Any], guess: "Guess | None"
) -> dict[str, str]:
    """The row to write. Raises where something is missing, with what it probably is."""
    _fill_place(city, given)
    missing = {
        "--class": (given["cls"], guess and guess.cls),
        "--id": (given["id_"], None),
        "--name": (given["name"], None),
        "--community": (given["community"], guess and guess.community),
        "--lat": (given["lat"], None),
        "--lon": (given["lon"], None),
    }
    lacks = [f"{o} (probably {g})" if g else o for o, (v, g) in missing.items() if v is None]
    if lacks:
        raise click.UsageError(f"to adopt {source} {address}, say {', '.join(lacks)}")
    _class_of(city, given["cls"])
    if given["id_"] in city.devices:
        raise click.UsageError(f"there is a device {given['id_']} already; choose another --id")
    row = {
        "id": given["id_"],
        "name": given["name"],
        "community": given["community"],
        "lat": f"{given['lat']:.10g}",
        "lon": f"{given['lon']:.10g}",
        "source": source,
        "address": "" if source == "kel" and address == given["id_"] else address,
        **{c: given[c] or "" for c in ("zone", "feeder", "parent", "clock")},
    }
    for attribute in given["attributes"]:
        name, equals, value = attribute.partition("=")
        if not equals or not name or name in row:
            raise click.UsageError(f"--attribute is written NAME=VALUE, not {attribute!r}")
        row[name] = value
    return row


def _fill_place(city: "City", given: dict[str, Any]) -> None:
    """Where no place is given: that of its zone, feeder or parent, to be corrected later."""
    near: Any = (
        city.devices.get(given["parent"] or "")
        or city.feeders.get(given["feeder"] or "")
        or city.zones.get(given["zone"] or "")
    )
    if near is None or given["lat"] is not None or given["lon"] is not None:
        return
    place = near.place if hasattr(near, "place") else near.centre
    given["lat"], given["lon"] = place.lat, place.lon


def _class_of(city: "City", cls: str) -> None:
    from kel.city.records import suggest

    if cls not in city.classes:
        raise LookupError(f"there is no class {cls}{suggest(cls, frozenset(city.classes))}")


def _load_and_hear(
    settings: Settings,
    connection: "Connection",
    sender: tuple[str, str] | None,
    drafts: list["Stranger"],
) -> None:
    from kel.cli.asking import user
    from kel.run.loading import load_folder
    from kel.run.registry import hear_again

    city = load_folder(settings, connection, user()).city
    if sender is None:
        return
    try:
        told = hear_again(settings, connection, city, sender)
    except ConnectionError as error:
        raise click.ClickException(
            f"adopted; what it said so far waits among the rejects ({error}): later, "
            + LATER.format(sender[0], quote(sender[1]))
        ) from None
    _tell(told, drafts, sender)


def _tell(told: "Retried", drafts: list["Stranger"], sender: tuple[str, str]) -> None:
    from kel.cli.listing import number
    from kel.cli.reject_table import left_alone
    from kel.cli.rejected import outcome

    for line in outcome(told):
        click.echo(line)
    for why, count in told.left.most_common():
        click.echo(left_alone(why, count))
    lost = sum(d.count - d.kept for d in drafts)
    if lost:
        click.echo(f"Παλαιότερα που είχαν μόνο μετρηθεί και δεν υπάρχουν πια: {number(lost)}")
    if told.waiting or told.refused:
        click.echo(f"Ξανά αργότερα: {LATER.format(sender[0], quote(sender[1]))}")


def _guesses(
    connection: "Connection", city: "City", strangers: list["Stranger"]
) -> "dict[tuple[str, str], Guess]":
    from ingest.guess import guess
    from kel.store.registry import samples

    sent = samples(connection, strangers)
    return {
        (s.source, s.address): guess(city, s.source, s.topic, sent.get((s.source, s.address), []))
        for s in strangers
    }


def _running() -> Settings:
    from kel.stack.kept import running_database

    settings = running_database(Settings())
    if settings is None:
        raise click.ClickException(
            "nothing runs here: set KEL_DATABASE, or start `kel up`; without a database, edit the "
            "city's devices/<class>.csv and `kel load` later"
        )
    return settings


def _connected(settings: Settings) -> AbstractContextManager["Connection"]:
    from kel.store.connect import connect

    return connect(settings)

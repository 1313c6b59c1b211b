"""All that an operator is told of one incident, gathered from the database and the city's folder.

Law: it is told also while the folder has mistakes, and says so: where only the rulebook has some,
without the rules' headings; else also without what comes next, and with the metrics' ids.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import Connection

from dispatch.relief import ends_by
from kel.city import load_city
from kel.city.runbook import read_runbook
from kel.cli.incident_sight import Newest, Sight
from kel.model.alert import Alert
from kel.model.city import City
from kel.model.incident import Incident, IncidentState
from kel.model.mistake import MistakesError
from kel.model.order import OPEN_ORDER
from kel.model.runbook import Heading
from kel.model.situation import Situation
from kel.reports.trace_words import Words
from kel.run.cityfiles import load_city_files
from kel.settings import Settings
from kel.store.connect import query
from kel.store.desk import DeskStore
from kel.store.rows import alert_of, request_of
from kel.store.rulebook import labels
from rules.book.rulebook import Rulebook
from rules.incidents.ahead import Next, ahead
from rules.incidents.topology import ancestors, explains

PLURAL = {
    "zone": "zones",
    "feeder": "feeders",
    "community": "communities",
    "category": "categories",
}


def sight_of(connection: Connection, incident: Incident, zone: tzinfo) -> Sight:
    """The incident as it stands now."""
    city, rulebook, mistake = _folder()

    def rows(name: str, asked: object) -> list[Any]:
        return connection.execute(query(name), [asked]).fetchall()

    members = map(alert_of, rows("alerts", list(incident.alerts)))
    alerts = sorted(members, key=lambda a: (a.detected_at, a.id))
    asked = map(request_of, rows("requests", list(incident.requests)))
    devices = sorted({a.device for a in alerts} | {incident.cause or ""})
    near = {"zone": incident.zone, "feeder": incident.feeder, "devices": devices}
    runbook, _ = read_runbook(Settings().city)
    return Sight(
        incident=incident,
        zone=zone,
        words=Words(city or _stored(connection, zone)),
        alerts=alerts,
        requests=sorted(asked, key=lambda r: (r.arrival, r.id)),
        orders=rows("incident_orders", incident.id),
        crews=dict(connection.execute("SELECT id, name FROM crew").fetchall()),
        devices={d: Newest(*known) for d, *known in rows("incident_devices", devices)},
        rules=labels(connection, {a.rulebook for a in alerts}),
        causes=_causes(city, alerts) if city else {},
        dismissed=frozenset(alert for (alert,) in rows("incident_dismissed", incident.id)),
        last={what: tuple(told) for what, *told in rows("incident_last_words", incident.id)},
        beside=connection.execute(query("hidden_beside"), near).fetchall(),
        ahead=_ahead(connection, city, incident) if city else (),
        runbook=_headings(runbook, city, rulebook, incident, alerts),
        mistake=mistake,
    )


def _folder() -> tuple[City | None, Rulebook | None, str]:
    """The city and its rulebook as far as the folder can be read, and the first mistake in it."""
    try:
        files = load_city_files(Settings())
    except MistakesError as error:
        mistake = str(error.mistakes[0])
    else:
        return files.city, files.rulebook, ""
    try:
        return load_city(Settings().city), None, mistake
    except MistakesError:
        return None, None, mistake


def _causes(city: City, alerts: Sequence[Alert]) -> dict[UUID, str]:
    """Of each alert that others of the incident explain the device that came first."""
    at: dict[str, list[Alert]] = {}
    for alert in alerts:
        at.setdefault(alert.device, []).append(alert)
    found: dict[UUID, str] = {}
    for alert in alerts:
        above = (a for device in ancestors(city, alert.device) for a in at.get(device, ()))
        causes = sorted((a.detected_at, a.device) for a in above if explains(city, a, alert))
        if causes:
            found[alert.id] = causes[0][1]
    return found


def _ahead(connection: Connection, city: City, incident: Incident) -> list[Next]:
    if incident.state is IncidentState.CLOSED:
        return []
    desk = DeskStore(connection)
    situation = desk.situation()
    found = ahead(city, situation, incident, desk.clock() or datetime.now(UTC))
    return sorted([*found, *parts_ahead(city, situation, incident)], key=lambda n: n.at)


def parts_ahead(city: City, situation: Situation, incident: Incident) -> Iterator[Next]:
    """Its open parts, which end by themselves."""
    for order in situation.orders_of(incident.id):
        if order.remaining and order.state in OPEN_ORDER:
            by, crew = ends_by(situation, order), city.crews.get(order.crew)
            if by is not None:
                yield Next(by, "part_done", (crew.name if crew else order.crew,))


def _headings(
    runbook: Mapping[str, Heading],
    city: City | None,
    rulebook: Rulebook | None,
    incident: Incident,
    alerts: Sequence[Alert],
) -> list[Heading]:
    """The category's heading, then those of the rules that fired; each once."""
    category = city.categories.get(incident.category) if city else None
    names = [category.runbook if category else incident.category]
    rules = rulebook.by_id if rulebook else {}
    names += [rules[a.rule].runbook or "" for a in alerts if a.rule in rules]
    return [runbook[name] for name in dict.fromkeys(names) if name in runbook]


class _Called(NamedTuple):
    """Of a thing of the city no more than what it is called."""

    name: str
    label: str


def _stored(connection: Connection, zone: tzinfo) -> City:
    """A city of names alone, as the database has them; ids stand for what it does not know."""
    tables = ("classes", "devices", "crews", "vehicles", "items")
    parts: dict[str, Any] = {name: {} for name in (*tables, *PLURAL.values())}
    for pick, known, name in connection.execute(query("names")):
        if pick in PLURAL:
            parts[PLURAL[pick]][known] = _Called(name, name)
    parts |= {"rates": None, "warehouse": None, "van_stock": (), "budget": ()}
    return City(id="", name="", timezone=str(zone), **parts)

"""An order as an MQTT message to a crew's phone: one small JSON object. Pure.

`title` and `text` are Greek and short enough for a phone's notification; the rest is for the
crew's app. Times are ISO 8601 UTC in the fields, the city's clock in the text.
"""

from datetime import UTC, datetime
from decimal import Decimal

from dispatch.reasons import moment_label, quantity_label
from kel.model.city import City
from kel.model.incident import Incident
from kel.model.order import OPEN_ORDER, OrderItem, OrderState, WorkOrder
from kel.model.stock import WAREHOUSE

TOPIC = "kel/v1/crews/{crew}/orders"
TITLE_LENGTH = 60
TEXT_LENGTH = 240


def topic(order: WorkOrder) -> str:
    return TOPIC.format(crew=order.crew)


def render(city: City, order: WorkOrder, incident: Incident | None) -> dict[str, object]:
    """The message of an order that was sent, or that is taken back (`state` withdrawn)."""
    title = incident.title if incident else _category(city, order)
    return {
        "order": str(order.id),
        "number": order.number,
        "crew": order.crew,
        "category": order.category,
        "title": shorten(title, TITLE_LENGTH),
        "text": shorten(_text(city, order), TEXT_LENGTH),
        "place": {
            "lat": order.place.lat,
            "lon": order.place.lon,
            "text": _place(city, incident),
        },
        "incident": incident.number if incident else "",
        "made_at": _iso(order.made_at),
        "expires_at": _iso(order.expires_at),
        "depart_at": _iso(order.depart_at),
        "arrive_at": _iso(order.arrive_at),
        "finish_at": _iso(order.finish_at),
        "items": [_item(city, item) for item in order.items],
        "people": [_person(city, order, person) for person in order.people],
        "vehicles": [_vehicle(city, vehicle) for vehicle in order.vehicles],
        "state": "sent" if order.state in OPEN_ORDER else "withdrawn",
        "attempt": order.attempt,
    }


def shorten(text: str, length: int) -> str:
    """The text, or its beginning up to a whole word with an ellipsis; at most `length` long."""
    if len(text) <= length:
        return text
    return text[: length - 1].rsplit(" ", 1)[0].rstrip(" ,·—") + "…"


def _text(city: City, order: WorkOrder) -> str:
    if order.state is OrderState.EXPIRED:
        return f"{order.number}: έληξε χωρίς απάντηση. Μην πάτε."
    if order.state not in OPEN_ORDER:
        return f"{order.number}: ανακλήθηκε. Μην πάτε."
    depart, arrive = (
        moment_label(city, m, order.made_at) for m in (order.depart_at, order.arrive_at)
    )
    text = f"Αναχώρηση {depart}, άφιξη {arrive}."
    if any(i.place == WAREHOUSE for i in order.items):
        text += " Πρώτα από την αποθήκη."
    quantities: dict[str, Decimal] = {}
    for line in order.items:
        quantities[line.item] = quantities.get(line.item, Decimal(0)) + line.planned
    items = ", ".join(_spoken(city, item, quantity) for item, quantity in quantities.items())
    return f"{text} Υλικά: {items}." if items else text


def _spoken(city: City, known: str, quantity: Decimal) -> str:
    item = city.items.get(known)
    name, unit = (item.name, item.unit) if item else (known, "")
    return f"{name} {quantity_label(quantity)} {unit}".rstrip()


def _item(city: City, line: OrderItem) -> dict[str, object]:
    item = city.items.get(line.item)
    return {
        "item": line.item,
        "name": item.name if item else line.item,
        "quantity": _number(line.planned),
        "unit": item.unit if item else "",
        "from": line.place,
    }


def _person(city: City, order: WorkOrder, person: str) -> str:
    crew = city.crews.get(order.crew)
    people = crew.people if crew else ()
    return next((p.name for p in people if p.id == person), person)


def _vehicle(city: City, vehicle: str) -> str:
    known = city.vehicles.get(vehicle)
    return known.name if known else vehicle


def _category(city: City, order: WorkOrder) -> str:
    category = city.categories.get(order.category)
    return category.label if category else order.category


def _place(city: City, incident: Incident | None) -> str:
    """In words: the zone, feeder or device, then the community."""
    if incident is None:
        return ""
    zone, feeder = city.zones.get(incident.zone or ""), city.feeders.get(incident.feeder or "")
    device = city.devices.get(incident.cause or "")
    near = zone or feeder or device
    community = city.communities.get(incident.community)
    names = [near.name if near else "", community.name if community else incident.community]
    return ", ".join(dict.fromkeys(n for n in names if n))


def _number(quantity: Decimal) -> int | float:
    return int(quantity) if quantity == quantity.to_integral_value() else float(quantity)


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")

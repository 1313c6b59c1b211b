"""An order as an MQTT message to a crew's phone: one small JSON object. Pure.

`title` and `text` are Greek and short enough for a phone's notification; the rest is for the
crew's app. Times are ISO 8601 UTC in the fields, the city's clock in the text. Of an order with
`remaining_min` above 0 the crew hands the rest over at `finish_at` and answers `leave` («Φεύγω» of
its app); its message comes again when the crew that it is `relieved_by` is known, or no longer is.
One that `continues` another order takes its place over.
"""

from datetime import UTC, datetime
from decimal import Decimal

from dispatch.reasons import moment_label, quantity_label
from kel.model.city import City
from kel.model.incident import Incident
from kel.model.labels import hours
from kel.model.order import OPEN_ORDER, OrderItem, OrderState, WorkOrder
from kel.model.stock import WAREHOUSE

TOPIC = "kel/v1/crews/{crew}/orders"
TITLE_LENGTH = 60
TEXT_LENGTH = 240


def topic(order: WorkOrder) -> str:
    return TOPIC.format(crew=order.crew)


def render(
    city: City,
    order: WorkOrder,
    incident: Incident | None,
    why: str = "",
    beside: WorkOrder | None = None,
) -> dict[str, object]:
    """The message of an order that was sent, or that is taken back (`state` withdrawn) and why.

    `beside`: of a part the order that takes it over, of a relief the part that it continues.
    """
    title = incident.title if incident else _category(city, order)
    return {
        "order": str(order.id),
        "number": order.number,
        "crew": order.crew,
        "category": order.category,
        "title": shorten(title, TITLE_LENGTH),
        "text": shorten(_text(city, order, why, beside), TEXT_LENGTH),
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
        "remaining_min": round(order.remaining.total_seconds() / 60),
        "relieved_by": _relief(order, beside),
        "continues": order.continues,
    }


def shorten(text: str, length: int) -> str:
    """The text, or its beginning up to a whole word with an ellipsis; at most `length` long."""
    if len(text) <= length:
        return text
    return text[: length - 1].rsplit(" ", 1)[0].rstrip(" ,·—") + "…"


def _text(city: City, order: WorkOrder, why: str, beside: WorkOrder | None) -> str:
    if order.state is OrderState.EXPIRED:
        return f"Μην πάτε. Η {order.number} έληξε χωρίς απάντηση."
    if order.state not in OPEN_ORDER:
        told = f"Μην πάτε. Η {order.number} αποσύρθηκε"
        return f"{told}: {why}." if why else f"{told}."
    depart, arrive = (
        moment_label(city, m, order.made_at) for m in (order.depart_at, order.arrive_at)
    )
    text = f"Αναχώρηση {depart}, άφιξη {arrive}."
    if order.continues:
        text += _taking_over(city, order, beside)
    if order.remaining:
        text += _handing_over(city, order, beside)
    if any(i.place == WAREHOUSE for i in order.items):
        text += " Πρώτα από την αποθήκη."
    quantities: dict[str, Decimal] = {}
    for line in order.items:
        quantities[line.item] = quantities.get(line.item, Decimal(0)) + line.planned
    items = ", ".join(_spoken(city, item, quantity) for item, quantity in quantities.items())
    return f"{text} Υλικά: {items}." if items else text


def _taking_over(city: City, order: WorkOrder, beside: WorkOrder | None) -> str:
    if beside is None or not _continues(order, beside):
        return f" Συνεχίζετε την {order.continues}."
    waits = ", σας περιμένει στο σημείο" if beside.state in OPEN_ORDER else ""
    crew = _crew(city, beside)
    return f" Συνεχίζετε την εργασία του συνεργείου {crew} ({beside.number}){waits}."


def _handing_over(city: City, order: WorkOrder, beside: WorkOrder | None) -> str:
    text = f" Παράδοση βάρδιας {moment_label(city, order.finish_at, order.made_at)}: "
    if beside is not None and not _continues(order, beside):
        text += f"συνεχίζει το συνεργείο {_crew(city, beside)}"
    else:
        text += "δεν έχει βρεθεί ακόμη ποιος συνεχίζει"
    return f"{text}, μένουν {hours(order.remaining)}. Τότε απαντήστε «Φεύγω»."


def _relief(order: WorkOrder, beside: WorkOrder | None) -> str:
    return beside.crew if beside is not None and not _continues(order, beside) else ""


def _continues(order: WorkOrder, part: WorkOrder) -> bool:
    return order.continues == part.number


def _crew(city: City, order: WorkOrder) -> str:
    crew = city.crews.get(order.crew)
    return crew.name if crew else order.crew


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

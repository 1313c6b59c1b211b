"""Citizens' requests, as KEL's own JSON.

`kel/v1/{community}/requests`: `{"id"?: text, "ts"?: …, "category": text, "text"?: text, "lat"?,
"lon"?: degrees WGS 84, "name"?: text, "phone"?: text}`; the arrival stands in for `ts`.

Laws: who asks (name, phone) goes into a `Contact` of its own, never into the request; the id
is made of the community and the payload's id, or of the content where it has none, so that the
same request sent twice is one; a citizen's clock more than a day behind the arrival is not
believed, the arrival stands in for it.
"""

from typing import Any

from ingest.checks import load_object, number_of, shown, text_of, time_or_arrival
from ingest.registry import Registry
from ingest.sink import Sink
from ingest.validate import Reason, Refused
from kel.model.ids import make_id
from kel.model.message import Message
from kel.model.moment import HOUR_US, from_us
from kel.model.place import Point
from kel.model.request import Contact, Request

BAD = Reason.BAD_REQUEST
BELIEVED_US = 24 * HOUR_US  # how far behind its arrival a request's time may lie


class Requests:
    name = "requests"

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def matches(self, topic: str) -> bool:
        match topic.split("/"):
            case ["kel", "v1", _, "requests"]:
                return True
        return False

    def decode(self, message: Message, sink: Sink) -> None:
        community = message.topic.split("/")[2]
        if community not in self._registry.communities:
            raise Refused(Reason.UNKNOWN_COMMUNITY, f"no community {shown(community)}")
        body = load_object(message.payload)
        request = _request(body, community, message.arrival)
        name = text_of(body.get("name"), "name", 200, BAD)
        phone = text_of(body.get("phone"), "phone", 50, BAD)
        contact = Contact(request.id, name, phone) if name or phone else None
        sink.request(request, contact)


def _request(body: dict[str, Any], community: str, arrival: int) -> Request:
    said = time_or_arrival(body.get("ts"), arrival)
    at = said if arrival - said <= BELIEVED_US else arrival
    category = text_of(body.get("category"), "category", 64, BAD)
    text = text_of(body.get("text"), "text", 4000, BAD)
    if not category:
        raise Refused(BAD, "category is missing")
    place = _place(body.get("lat"), body.get("lon"))
    given = text_of(body.get("id"), "id", 200, BAD)
    about = (given,) if given else (said, category, text, place)
    return Request(
        id=make_id("request", community, *about),
        at=from_us(at),
        arrival=from_us(arrival),
        community=community,
        category=category,
        text=text,
        place=place,
    )


def _place(lat: object, lon: object) -> Point | None:
    if lat is None and lon is None:
        return None
    if lat is None or lon is None:
        raise Refused(BAD, "lat and lon belong together")
    point = Point(number_of(lat, "lat"), number_of(lon, "lon"))
    if not (-90 <= point.lat <= 90 and -180 <= point.lon <= 180):
        raise Refused(BAD, f"{point.lat}, {point.lon} is no place on the ground")
    return point
